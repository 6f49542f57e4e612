--- Asking for the output of a program that is granted but not started yet
--- crashed: there was no output to hold.

local h = require "spec.support.helper"

describe("TaskOutput{block=false}", function()
  it("gives no output, and no crash, while a program is being started", function()
    local r = h.script([[
      local orun = require "orun"
      orun.agent{name = "cat", command = {"cat"}}
      for _ = 1, 20 do
        local handle = Task{subagent_type = "cat", prompt = "x", run_in_background = true}
        repeat
          local now = TaskOutput{task_id = handle.id, block = false}
          assert(now.output == nil or now.output == "" or now.output == "x", now.output)
        until now.status == "completed"
      end
      print("ok")]])
    assert.equal("", r.err)
    assert.equal("ok\n", r.out)
  end)
end)
