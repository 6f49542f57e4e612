--- The end of a run flushed every open file, and waited for ever for the one that
--- a task, stuck in reading it, had locked.

local h = require "spec.support.helper"

describe("a task stuck in reading a file", function()
  it("does not keep the run from ending", function()
    local r = h.script([[
      local orun = require "orun"
      assert(orun.exec("mkfifo", "pipe").exit_code == 0)
      io.open("pipe", "r+"):setvbuf("no")
      local r = Task{run = function() return io.open("pipe", "r+"):read() end, timeout = 0.5}
      print(r.status, r.error_kind)]])
    assert.equal("failed\ttimeout\n", r.out, r.err)
    assert.equal(0, r.code)
  end)
end)
