-- Programs that waited for tasks they had started (orun task run, orun task output --wait, MCP)
-- kept their slots: with as many of them as there are slots all of them waited for ever. And two
-- that waited for each other were not told.

local h = require "spec.support.helper"

describe("programs that wait for tasks", function()
  it("give their slots to those", function()
    local r = h.script([[
      orun.agent{name = "helper", command = {"sh"}, limit = 1}
      orun.limit("leads", 1)
      local t = {}
      for i = 1, 4 do
        t[i] = Task{command = {"sh", "-c",
          '"$ORUN_PROGRAM" task run --agent helper --prompt "echo helped"'},
          pool = i % 2 == 0 and "leads" or nil, run_in_background = true}
      end
      for i = 1, 4 do
        local r = TaskOutput{task_id = t[i], timeout = 60}
        io.write(r.status, " ", tostring(r.output or r.error))
      end]], {limit = 90})
    assert.equal(("completed helped\n"):rep(4), r.out, r.err)
  end)

  it("give the limit they share with those, and have theirs again", function()
    local r = h.script([[
      orun.limit("one", 1)
      orun.agent{name = "maker", run = function()
        return Task{command = {"echo", "helped"}, pool = "one"}.output
      end}
      local lead = Task{command = {"sh", "-c",
        '"$ORUN_PROGRAM" task run --agent maker --prompt x'}, pool = "one",
        run_in_background = true}
      local r = TaskOutput{task_id = lead, timeout = 60}
      io.write(r.output or r.error or "nothing\n")
      print(orun.limit("one").used)]], {limit = 90})
    assert.equal("helped\n0\n", r.out, r.err)
  end)

  it("are in the ring of tasks that would wait for each other", function()
    local r = h.script([[
      orun.agent{name = "reader", run = function(_, task)
        local ok, why = pcall(TaskOutput, task.prompt:match("%S+"))
        return ok and "waited" or tostring(why)
      end}
      local lead = Task{run_in_background = true, command = {"sh", "-c",
        '"$ORUN_PROGRAM" task run --agent reader --prompt "$ORUN_TASK_ID"'}}
      local r = TaskOutput{task_id = lead, timeout = 60}
      print(r.output, r.error)]], {limit = 90})
    -- Told to the one of the two whose wait comes second.
    assert.matches("deadlock: t%d .* would wait for each other", r.out)
  end)

  it("leave no slot taken when they are stopped, time out or try again", function()
    local r = h.script([[
      orun.limit("few", 2)
      orun.agent{name = "sleeper", run = function() orun.sleep("1h") end}
      local function wait(more)
        local t = {command = {"sh", "-c", '"$ORUN_PROGRAM" task run --agent sleeper --prompt x'},
                   pool = "few", run_in_background = true}
        for k, v in pairs(more) do t[k] = v end
        return Task(t)
      end
      local all = {wait{timeout = 0.3}, wait{timeout = 0.2, retry = {max = 1, backoff = 0}}, wait{}}
      while orun.limit("few").used > 0 or TaskGet(all[3].id).status ~= "in_progress" do
        orun.sleep(0.01)
      end
      TaskStop(all[3])
      for i = 1, 3 do io.write(TaskOutput(all[i]).status, " ") end
      local r = Task{command = {"echo", "on"}, pool = "few"}
      io.write(orun.limit("few").used, " ", r.output)]], {limit = 90})
    assert.equal("failed failed cancelled 0 on\n", r.out, r.err)
  end)
end)
