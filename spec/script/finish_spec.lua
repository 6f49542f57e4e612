--- orun.finish: at the end of a script, or in its middle.

local h = require "spec.support.helper"

describe("orun.finish", function()
  it("waits for all tasks, in the middle of a script, too", function()
    assert.equal("completed\tcompleted\tcompleted\n", (h.printed[[
      local t = Task{run_in_background = true, run = function()
        orun.sleep("20ms")
        Task{run = function() orun.sleep("20ms") end}
      end}
      orun.finish()
      print(TaskGet(t).status, TaskGet("t2").status,
            Task{run = function() end}.status)]]))
  end)

  it("raises what failed and was never read, once", function()
    local out, err = h.printed[[
      Task{run_in_background = true, run = function() error("lost", 0) end}
      local seen = Task{run = function() error("seen", 0) end}
      assert(seen.status == "failed")
      print(pcall(orun.finish))
      print(pcall(orun.finish))]]
    assert.equal("false\tscript.lua:1: t1 failed and its result was never read: lost\ntrue\n", out)
    assert.equal("", err)
  end)

  it("says so when a task can never end", function()
    local r = h.script[[
      local item = TaskCreate{subject = "never done"}
      Task{run_in_background = true, blockedBy = {item}, run = function() end}
      orun.finish()]]
    assert.equal(1, r.code)
    assert.matches("finish: the tasks left can never end", r.err, 1, true)
  end)

  it("is not for tasks", function()
    assert.equal("nil\n", (h.printed[[print(Task{run = function()
      return tostring(orun.finish)
    end}.output)]]))
  end)
end)
