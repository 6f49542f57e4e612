-- One TaskUpdate gave a task a blocker, and made it block the one behind it in
-- the queue for the same file. That one was granted on the way, though it was
-- blocked by then, and neither ever ran.

local h = require "spec.support.helper"

describe("tasks that are blocked together while they queue to write", function()
  it("run one after the other", function()
    local r = h.script([[
      local gate = TaskCreate{description = "gate"}
      local function write(files, name)
        return Task{writes = files, run_in_background = true, input = name,
                    run = function(text) return text end}
      end
      local function poll(id) -- a wait would give back what it writes; a sleep does not
        while TaskGet(id).status == "pending" do orun.sleep(0.01) end
        return "busy"
      end
      local busy = Task{writes = {"/nowhere/d"}, run_in_background = true, run = poll,
                        input = gate.id}
      local first = write({"/nowhere/d/f", "/nowhere/f"}, "first")
      local second = write({"/nowhere/f"}, "second")
      assert(TaskUpdate{task_id = first, addBlockedBy = {busy}, addBlocks = {second}})
      assert(TaskUpdate{task_id = gate, status = "completed"})
      for _, handle in ipairs{busy, first, second} do
        print(TaskOutput{task_id = handle, timeout = 100}.output)
      end]], { limit = 60 })
    assert.equal("busy\nfirst\nsecond\n", r.out, r.err)
  end)
end)
