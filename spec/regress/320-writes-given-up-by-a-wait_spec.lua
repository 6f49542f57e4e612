-- A task that waited for another gave up what it had declared to write: of 20 that read a number,
-- waited and wrote one more, 19 were lost. Writes are held from start to end; those below a task
-- write under its hold; and a ring of waits that writes close is an error, not a hang.

local h = require "spec.support.helper"

describe("writes of a task that waits", function()
  local path

  before_each(function() path = h.tmpdir() .. "/number" end)

  local function counted(wait)
    h.write(path, "0")
    local r = h.script([[
      orun.agent{name = "one", run = function() return 1 end}
      local t = {}
      for i = 1, 20 do
        t[i] = Task{writes = {arg[1]}, input = arg[1], run_in_background = true,
                    run = function(path)
          local n = tonumber(io.open(path):read("a"))
          ]] .. wait .. [[
          io.open(path, "w"):write(n + 1):close()
        end}
      end
      for i = 1, 20 do assert(TaskOutput(t[i]).status == "completed", TaskOutput(t[i]).error) end
      io.write(io.open(arg[1]):read("a"))]], {path, limit = 60})
    assert.equal("20", r.out, r.err)
  end

  it("are held while it waits for a task", function()
    counted[[Task{run = function() return 1 end}]]
  end)

  it("are held while it waits for whichever of several ends", function()
    counted[[
      local function both()
        return {Task{run = function() end, run_in_background = true},
                Task{run = function() end, run_in_background = true}}
      end
      for result in orun.as_completed(both()) do assert(result.status == "completed") end]]
  end)

  it("are held where its thread waits", function()
    counted[[table.sort({1, 2}, function(a, b)
      Task{run = function() return 1 end}
      return a < b
    end)]]
  end)

  it("are held while its program waits", function()
    h.write(path, "0")
    local r = h.script([[
      orun.agent{name = "one", run = function() return 1 end}
      local t = {}
      for i = 1, 5 do
        t[i] = Task{writes = {arg[1]}, run_in_background = true, command = {"sh", "-c",
          'n=$(cat "$0"); "$ORUN_PROGRAM" task run --agent one --prompt x >/dev/null;'
          .. ' echo $((n + 1)) >"$0"', arg[1]}}
      end
      for i = 1, 5 do assert(TaskOutput(t[i]).status == "completed", TaskOutput(t[i]).error) end
      io.write(io.open(arg[1]):read("a"))]], {path, limit = 60})
    assert.equal("5\n", r.out, r.err)
  end)

  it("are held while an isolated task waits", function()
    h.write(path, "0")
    local r = h.script([[
      local t = {}
      for i = 1, 3 do
        t[i] = Task{writes = {arg[1]}, input = arg[1], run_in_background = true,
                    isolation = "process", run = function(path)
          local n = tonumber(io.open(path):read("a"))
          Task{run = function() return 1 end}
          io.open(path, "w"):write(n + 1):close()
        end}
      end
      for i = 1, 3 do assert(TaskOutput(t[i]).status == "completed", TaskOutput(t[i]).error) end
      io.write(io.open(arg[1]):read("a"))]], {path, limit = 60})
    assert.equal("3", r.out, r.err)
  end)

  it("are shared with those below it, whatever path of it they name", function()
    local r = h.script([[
      local function below(writes)
        return Task{writes = writes, run = function()
          return Task{writes = {"d/e/f"}, run = function() return "deep" end}.output
        end}.output
      end
      local lead = Task{writes = {"d/e"}, run_in_background = true, input = below,
                        run = function(below)
        return below{"d/e"} .. " " .. below{"d/e/f/g"} .. " " .. below{"d"}
      end}
      local other = Task{writes = {"d/e/f"}, run = function() return "other" end,
                         run_in_background = true}
      print(TaskOutput(lead).output or TaskOutput(lead).error, TaskOutput(other).output)]],
      {limit = 60})
    assert.equal("deep deep deep\tother\n", r.out, r.err)
  end)

  it("let pass what it waits for, where another queues for both", function()
    local r = h.script([[
      local gate = TaskCreate{description = "gate"}
      local needed = Task{writes = {"b"}, blockedBy = {gate}, run_in_background = true,
                          run = function() return "needed" end}
      local holder = Task{writes = {"a"}, input = {gate.id, needed.id}, run_in_background = true,
                          run = function(ids)
        TaskUpdate{task_id = ids[1], status = "completed"}
        return TaskOutput(ids[2]).output
      end}
      local both = Task{writes = {"a", "b"}, priority = 5, run_in_background = true,
                        run = function() return "both" end}
      for _, t in ipairs{holder, both} do
        print(TaskOutput(t).output or TaskOutput(t).error)
      end]], {limit = 60})
    assert.equal("needed\nboth\n", r.out, r.err)
  end)
end)

describe("a ring of waits that writes close", function()
  -- Two tasks that have "a" and "b", and then each want the other's; `want` is how.
  local function crossed(want)
    return h.script([[
      orun.agent{name = "of_a", run = function() return "wrote" end}
      local meet = {TaskCreate{description = "one has it"}, TaskCreate{description = "two has it"}}
      local function cross(input)
        local mine, other, path, meet = input[1], input[2], input[3], input[4]
        TaskUpdate{task_id = mine, status = "completed"}
        TaskOutput(other)
        local ok, why = pcall(function() ]] .. want .. [[ end)
        return tostring(why)
      end
      local one = Task{description = "one", writes = {"a"}, run_in_background = true, run = cross,
                       input = {meet[1].id, meet[2].id, "b"}}
      local two = Task{description = "two", writes = {"b"}, run_in_background = true, run = cross,
                       input = {meet[2].id, meet[1].id, "a"}}
      print(TaskOutput(one).output or TaskOutput(one).error)
      print(TaskOutput(two).output or TaskOutput(two).error)]], {limit = 60})
  end

  local function told(r)
    local lines = h.lines(r.out)
    table.sort(lines, function(a, b) return #a < #b end)
    assert.equal("wrote", lines[1], r.out .. r.err)
    assert.matches("deadlock: t%d.* %-> %(writes%) t%d %(%a+%) %-> t%d.* %-> %(writes%) t%d "
      .. "%(%a+%).* would wait for each other for ever", lines[2])
  end

  it("is an error of the last that waits, which names the ring", function()
    told(crossed[[
      local r = Task{writes = {path}, run = function() return "wrote" end}
      return r.output or r.error]])
  end)

  it("is found where a wait has a time-out", function()
    told(crossed[[
      local t = Task{writes = {path}, run_in_background = true,
                     run = function() return "wrote" end}
      local r = TaskOutput{task_id = t, timeout = "1h"}
      return r.output or r.error]])
  end)

  it("is found where one waits below a task that has the writes", function()
    told(crossed[[
      local r = Task{run = function(path)
        local r = Task{writes = {path}, run = function() return "wrote" end}
        return r.output or error(r.error, 0)
      end, input = path}
      return r.output or error(r.error, 0)]])
  end)

  it("is found where one waits for whichever of several ends, and none can", function()
    told(crossed[[
      local c = orun.collector{
        Task{writes = {path}, run_in_background = true, run = function() return "wrote" end},
        Task{writes = {path}, run_in_background = true, run = function() return "wrote" end}}
      c:next()
      return c:next().output]])
  end)

  it("is none where one of several can end", function()
    local r = h.script([[
      local begun, gate = TaskCreate{description = "two has b"}, TaskCreate{description = "gate"}
      local ids = {begun = begun.id, gate = gate.id}
      local one = Task{writes = {"a"}, run_in_background = true, input = ids,
                       run = function(ids)
        TaskOutput(ids.begun)
        local wants = Task{writes = {"b"}, run_in_background = true, run = function() end}
        local free = Task{run = function(gate) TaskOutput(gate) return "free" end, input = ids.gate,
                          run_in_background = true}
        return orun.collector{wants, free}:next().output
      end}
      local two = Task{writes = {"b"}, run_in_background = true, input = ids,
                       run = function(ids)
        TaskUpdate{task_id = ids.begun, status = "completed"}
        TaskUpdate{task_id = ids.gate, status = "completed"}
        return Task{writes = {"a"}, run = function() return "wrote" end}.output
      end}
      print(TaskOutput(one).output or TaskOutput(one).error)
      print(TaskOutput(two).output or TaskOutput(two).error)]], {limit = 60})
    assert.equal("free\nwrote\n", r.out, r.err)
  end)

  it("is found where a program waits", function()
    local r = h.script([[
      local queued = TaskCreate{description = "id"}
      orun.agent{name = "reader", run = function(_, task)
        local ok, why = pcall(TaskOutput, task.prompt:match("%S+"))
        return ok and "waited" or tostring(why)
      end}
      local lead = Task{run_in_background = true, writes = {"a"}, command = {"sh", "-c",
        'while [ ! -s "$0" ]; do sleep 0.01; done; '
        .. '"$ORUN_PROGRAM" task run --agent reader --prompt "$(cat "$0")"', arg[1]}}
      local behind = Task{writes = {"a"}, run = function() return "behind" end,
                          run_in_background = true}
      local f = io.open(arg[1] .. ".new", "w")
      f:write(behind.id):close()
      os.rename(arg[1] .. ".new", arg[1])
      local r = TaskOutput(lead)
      print(r.output, r.error)
      print(TaskOutput(behind).output)]], {h.tmpdir() .. "/id", limit = 60})
    assert.matches("deadlock: .*t3 %-> %(writes%) t2.* would wait for each other", r.out)
    assert.matches("behind\n$", r.out, r.err)
  end)
end)
