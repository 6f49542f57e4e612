--- A task stuck in a C function was reported on time, but its worker, coming
--- back after the end of the run, found the run's memory freed.

local h = require "spec.support.helper"

describe("a task stuck in a C function", function()
  it("is reported, another worker goes on, and the end is orderly", function()
    local r
    h.in_time(function(seconds) -- for the task to get into the function before its time is up
      r = h.script(([[
        local stuck = Task{
          run = function() return (("a"):rep(40)):find(("a*"):rep(12) .. "c") end,
          timeout = %s,
        }
        print(stuck.status, stuck.error_kind)
        print(Task{run = function() return "still works" end}.output)]]):format(seconds),
        {limit = 120})
      return r.err:find("stuck", 1, true)
    end)
    assert.equal("failed\ttimeout\nstill works\n", r.out)
    assert.matches("^orun: still stuck in C functions, and given up: script.lua:1: t1\n", r.err)
    assert.equal(0, r.code)
  end)
end)
