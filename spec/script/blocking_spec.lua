--- Tasks that wait for tasks: blockedBy, handles inside an input, and waits that
--- could never end.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local gate, open, background = shared.gate, shared.open, shared.background
local held, output_of, status_of = shared.held, shared.output_of, shared.status_of

orun.agent{name = "p-cat", command = {"cat"}}

describe("blockedBy", function()
  it("keeps a task pending until its blockers have completed", function()
    local wait = gate()
    local first = held(wait)
    local second = background{
      run = function(id) return TaskOutput{task_id = id, block = false}.status end,
      input = first.id,
      blockedBy = {first},
    }
    assert.equal("pending", status_of(second))
    assert.same({first.id}, TaskGet(second).blockedBy)
    open(wait)
    assert.equal("completed", TaskOutput(second).output)
    assert.same({}, TaskGet(second).blockedBy)
  end)

  it("waits for all of them", function()
    local one, two = gate(), gate()
    local task = background{run = function() return "ran" end, blockedBy = {one, two}}
    open(one)
    assert.equal("pending", status_of(task))
    assert.same({two.id}, TaskGet(task).blockedBy)
    open(two)
    assert.equal("ran", TaskOutput(task).output)
  end)

  it("takes blockers that have completed already", function()
    local done = background{run = function() end}
    TaskOutput(done)
    assert.equal(1, output_of{run = function() return 1 end, blockedBy = {done}})
  end)

  it("cancels what waits for a failure, with its cause, all the way down", function()
    local broken = background{description = "Parse", run = function() error("bad comma", 0) end}
    local second = background{description = "Compile", run = function() end, blockedBy = {broken}}
    local third = background{run = function() end, blockedBy = {second}}
    local result = TaskOutput(second)
    assert.equal("cancelled", result.status)
    assert.equal("blocked", result.error_kind)
    assert.matches("Parse.* failed: bad comma", result.error)
    assert.equal(0, result.attempts)
    result = TaskOutput(third)
    assert.equal("blocked", result.error_kind)
    assert.matches("Parse.* failed: bad comma", result.error)
    assert.equal("failed", TaskOutput(broken).status)
  end)

  it("cancels at the first failure, though other blockers are not done", function()
    local wait = gate()
    local slow = held(wait)
    local broken = background{run = function() error("x", 0) end}
    local task = background{run = function() end, blockedBy = {slow, broken}}
    assert.equal("blocked", TaskOutput(task).error_kind)
    assert.not_equal("completed", status_of(slow))
    TaskOutput(broken)
    open(wait)
    TaskOutput(slow)
  end)

  it("runs despite failures when on_blocker_failure is run", function()
    local broken = background{run = function() error("x", 0) end}
    local stopped = held(gate())
    TaskStop(stopped)
    assert.equal("swept", output_of{
      run = function() return "swept" end,
      blockedBy = {broken, stopped},
      on_blocker_failure = "run",
    })
    TaskOutput(broken)
  end)
end)

describe("a handle inside input", function()
  it("becomes the output of its task, wherever it stands", function()
    local wait = gate()
    local words = held(wait)
    local count = background{
      run = function(input) return {#input.a[1].text, input.a[2], input.b == input.a[1].text} end,
      input = {a = {{text = words}, "plain"}, b = words},
    }
    assert.equal("pending", status_of(count))
    open(wait, "hello")
    assert.same({5, "plain", true}, TaskOutput(count).output)
  end)

  it("may be the input", function()
    local source = background{run = function() return {deep = {1, 2}} end}
    assert.equal(2, output_of{run = function(input) return #input.deep end, input = source})
  end)

  it("may be an item of the list", function()
    local item = gate()
    local task = background{run = function(input) return input end, input = item}
    open(item, "by hand")
    assert.equal("by hand", TaskOutput(task).output)
  end)

  it("blocks as blockedBy does, when its task fails", function()
    local broken = background{run = function() error("x", 0) end}
    assert.equal("blocked", Task{run = function() end, input = {broken}}.error_kind)
    TaskOutput(broken)
  end)

  it("becomes the result of a task that failed, with on_blocker_failure = run", function()
    local broken = background{description = "b", run = function() error("x", 0) end}
    local stopped = held(gate())
    TaskStop(stopped)
    local fine = background{run = function() return {status = "mine"} end}
    local got = output_of{
      run = function(input) return input end,
      input = {broken, stopped, fine},
      on_blocker_failure = "run",
    }
    assert.same({"failed", false, "x", "lua", "b", broken.id, 1}, {got[1].status, got[1].ok,
      got[1].error, got[1].error_kind, got[1].description, got[1].task_id, got[1].attempts})
    assert.same({"cancelled", "cancelled"}, {got[2].status, got[2].error_kind})
    assert.same({status = "mine"}, got[3])
    local isolated = output_of{isolation = "process", input = broken, on_blocker_failure = "run",
      run = function(input) return input.error end}
    assert.equal("x", isolated)
    local json = output_of{command = {"cat"}, input = broken, on_blocker_failure = "run"}
    assert.equal("x", orun.json.decode(json).error)
    local item = TaskCreate{description = "i", input = broken, blockedBy = {broken},
      on_blocker_failure = "run"}
    assert.equal("failed", TaskGet(item).input.status)
    TaskUpdate{task_id = item, status = "completed"}
  end)

  it("has its failure seen by the task that gets its result", function()
    local script = [[
      local broken = Task{run = error, run_in_background = true}
      Task{run = function() end, input = broken, on_blocker_failure = "run"}]]
    assert.equal(0, h.script(script).code)
  end)

  it("is nil when the task gave nothing", function()
    local nothing = background{run = function() end}
    assert.same({type = "nil", last = 2}, output_of{
      run = function(input) return {type = type(input.from), last = input[2]} end,
      input = {nothing, 2, from = nothing},
    })
  end)

  it("reaches programs as text", function()
    local source = background{run = function() return "from Lua" end}
    assert.equal("from Lua", output_of{subagent_type = "p-cat", input = source})
    assert.equal('say this\n\n{"from":"from Lua"}', output_of{
      subagent_type = "p-cat", prompt = "say this", input = {from = source}})
  end)

  it("stays a handle in what a function captures", function()
    local source = background{run = function() return 5 end}
    assert.equal(5, output_of{run = function() return TaskOutput(source).output end})
  end)
end)

describe("waits that could never end", function()
  it("are refused: a task for what it blocks", function()
    local result = Task{run = function(_, task)
      local after = Task{run = function() end, blockedBy = {task.id}, run_in_background = true,
                         description = "after"}
      TaskOutput(after)
    end}
    assert.matches("deadlock: .*after", result.error)
  end)

  it("raise in the script when nothing is left that could end them", function()
    local r = h.script[[
      local item = TaskCreate{description = "nobody's"}
      print(pcall(TaskOutput, item))
      local stuck = Task{run = print, blockedBy = {item}, run_in_background = true}
      print(pcall(TaskOutput, stuck))
      TaskStop(item)]]
    assert.matches("^false\tTaskOutput: t1 can never end", r.out)
    assert.matches("\nfalse\tTaskOutput: t2 can never end", r.out)
  end)
end)
