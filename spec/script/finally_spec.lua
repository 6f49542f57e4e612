--- finally: what runs once a task has ended, however it did.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local gate, held, background = shared.gate, shared.held, shared.background
local error_of = shared.error_of

--- The entry of the task that is the `finally` of the task with this description.
local function finally_of(name)
  for _, entry in ipairs(TaskList{kind = "task"}) do
    if entry.description == "finally of " .. name then return entry end
  end
end

--- What the `finally` of the task with this description returned.
local function seen_by(name)
  return TaskOutput(finally_of(name).id).output
end

local function see(result, task) return {result = result, id = task.id} end

describe("finally", function()
  it("gets the result of a task, however that ended", function()
    Task{description = "fine", run = function() return {1, "x"} end, finally = see}
    local fine = seen_by "fine"
    assert.same({"completed", true, {1, "x"}}, {fine.result.status, fine.result.ok,
      fine.result.output})
    assert.equal(finally_of("fine").id, fine.id)
    assert.equal("x", Task{description = "bad", run = function() error("x", 0) end,
      finally = see}.error)
    local bad = seen_by("bad").result
    assert.same({"failed", "lua", "x"}, {bad.status, bad.error_kind, bad.error})
    assert.equal("timeout", Task{description = "slow", timeout = 0.01, finally = see,
      run = function() orun.sleep(1000) end}.error_kind)
    assert.equal("timeout", seen_by("slow").result.error_kind)
    local stopped = held(gate(), {description = "stopped", finally = see})
    TaskStop(stopped)
    assert.equal("cancelled", seen_by("stopped").result.status)
    local program = Task{description = "program", command = {"sh", "-c", "exit 3"}, finally = see}
    assert.equal(3, program.exit_code)
    assert.equal(3, seen_by("program").result.exit_code)
  end)

  it("runs once, after the last attempt, with what its function captures", function()
    local word = "captured"
    Task{description = "again", retry = {max = 2, backoff = 0},
      run = function(_, task) if task.attempt < 3 then error "no" end end,
      finally = function(result) return {result.attempts, word} end}
    assert.same({3, "captured"}, seen_by "again")
  end)

  it("runs for a task that never began", function()
    local broken = background{run = function() error("x", 0) end}
    Task{description = "blocked", run = function() end, blockedBy = {broken}, finally = see}
    TaskOutput(broken)
    assert.equal("blocked", seen_by("blocked").result.error_kind)
  end)

  it("runs though the task above it has ended, with programs and tasks", function()
    local above = Task{run = function()
      local nested = Task{description = "nested", run_in_background = true,
        run = function() orun.sleep(1000) end,
        finally = function(result)
          local program = orun.exec("echo", result.status)
          return {program.output, Task{run = function() return "task" end}.output}
        end}
      return nested.id
    end}
    assert.equal("cancelled", TaskOutput(above.output).status)
    assert.same({"cancelled\n", "task"}, seen_by "nested")
  end)

  it("leaves the result as it is when it fails, which is reported", function()
    local r = h.script[[
      local r = Task{description = "t", run = function() return 1 end,
        finally = function() error("unclean", 0) end}
      print(r.status, r.output)]]
    assert.equal("completed\t1\n", r.out)
    assert.equal(1, r.code)
    assert.matches("finally of t%) failed and its result was never read: unclean", r.err)
  end)

  it("has ended when a call that waits for the task returns", function()
    local r = h.script[[
      local function say() orun.sleep(0.01) print "clean" io.stdout:flush() end
      local function nested()
        return Task{run = function() return 4 end, finally = say}.output
      end
      orun.agent{name = "echo", run = function(_, task) return task.prompt end}
      print(Task{run = function() return 1 end, finally = say}.output)
      print(Task{run = function() error "x" end, finally = say}.status)
      print(Task{run = function() return 3 end, keep = false, finally = say}.output)
      print(Task{run = nested}.output)
      print(Task{run = nested, isolation = "process"}.output)
      print(orun.ask("6", {subagent_type = "echo", finally = say}))]]
    assert.equal("clean\n1\nclean\nfailed\nclean\n3\nclean\n4\nclean\n4\nclean\n6\n", r.out)
    assert.equal("", r.err)
  end)

  it("is not waited for by TaskOutput", function()
    local hold = gate()
    local task = background{description = "early", run = function() return 1 end,
      finally = function() return TaskOutput(hold.id).output end}
    assert.equal(1, TaskOutput(task).output)
    assert.not_equal("completed", finally_of("early").status)
    shared.open(hold, "late")
    assert.equal("late", seen_by "early")
  end)

  it("that waits for the task whose call waits for it does no harm to that", function()
    local above = Task{run = function(_, task)
      return Task{description = "ring", run = function() return 1 end,
        finally = function() return TaskOutput(task.id) end}.output
    end}
    assert.equal(1, above.output)
    local ring = TaskOutput(finally_of("ring").id)
    if ring.ok then -- it waited before the call did
      assert.equal(1, ring.output.output)
    else
      assert.matches("TaskOutput: deadlock", ring.error, 1, true)
    end
  end)

  it("does not count as having seen the failure", function()
    local r = h.script[[Task{run = error, description = "t", finally = function() end}]]
    assert.equal(1, r.code)
    assert.matches("%(t%) failed and its result was never read", r.err)
  end)

  it("is a function", function()
    assert.matches("finally = \"x\": expected a function(result, task)",
      error_of(Task, {run = function() end, finally = "x"}), 1, true)
  end)

  local interrupted <const> = [[
    Task{description = "main",
      run = function() print "begun" io.stdout:flush() orun.sleep(1000) end,
      finally = function(result)
        print(result.status, orun.exec("echo", "clean").output)
        io.stdout:flush()
        if ... == "forever" then orun.sleep(1000) end
      end}]]

  it("runs after the first Ctrl-C", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", interrupted:gsub("%.%.%.", "nil"))
    local p = h.start{"s.lua", cwd = dir}
    assert(h.wait_for(function() return p:printed():find("begun", 1, true) end))
    p:kill "INT"
    local r = p:wait()
    assert.equal("begun\ncancelled\tclean\n\n", r.out)
    assert.equal(130, r.code)
  end)

  it("is ended by the second", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", interrupted:gsub("%.%.%.", '"forever"'))
    local p = h.start{"s.lua", cwd = dir}
    assert(h.wait_for(function() return p:printed():find("begun", 1, true) end))
    p:kill "INT"
    assert(h.wait_for(function() return p:printed():find("clean", 1, true) end))
    p:kill "INT"
    assert.equal(130, p:wait().code)
  end)
end)
