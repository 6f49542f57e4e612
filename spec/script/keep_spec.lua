--- keep = false, and deleting tasks: results that are released.

local shared = require "spec.support.tasks"

local background, error_of = shared.background, shared.error_of

local function listed(id)
  for _, entry in ipairs(TaskList{kind = "task"}) do
    if entry.id == id then return true end
  end
  return false
end

describe("keep = false", function()
  it("releases the result once it has been read", function()
    local task = background{run = function() return 7 end, keep = false}
    assert.equal(7, TaskOutput(task).output)
    assert.is_false(listed(task.id))
    assert.matches(task.id .. " was forgotten (keep = false: its result was read before), and",
      error_of(TaskOutput, task), 1, true)
    local _, why = TaskGet(task)
    assert.equal(task.id .. " was forgotten (keep = false: its result was read before)", why)
    local now = Task{run = function() return 8 end, keep = false}
    assert.equal(8, now.output)
    assert.matches("was forgotten", error_of(TaskOutput, now.task_id), 1, true)
  end)

  it("hands the output to what is blocked by the task first", function()
    local source = background{run = function() return 1 end, keep = false}
    local sum = background{run = function(x) return x + 1 end, input = source}
    assert.equal(2, TaskOutput(sum).output)
    assert.equal(1, TaskOutput(source).output)
  end)

  it("keeps a failure until somebody has looked at it", function()
    local task = background{run = function() error("x", 0) end, keep = false}
    assert.is_table(TaskOutput(task))
    assert.equal("x", TaskOutput(task).error)
    TaskOutput(task)
    assert.matches("was forgotten", error_of(TaskOutput, task), 1, true)
  end)

  it("releases failures that somebody has looked at, while others are read", function()
    local seen = {}
    for i = 1, 40 do
      local task = background{run = function() error("x", 0) end, keep = false}
      seen[i] = task.id
      assert.equal("failed", TaskOutput(task).status)
    end
    local left = 0
    for _, id in ipairs(seen) do left = left + (listed(id) and 1 or 0) end
    assert.is_true(left <= 2, left .. " are kept")
  end)

  it("keeps failures that nobody has looked at, however many are read", function()
    local task = background{run = function() error("x", 0) end, keep = false}
    local result = TaskOutput(task)
    for _ = 1, 10 do
      assert.is_nil(Task{run = function() error("y", 0) end, keep = false}.output)
    end
    assert.is_true(listed(task.id))
    assert.equal("x", result.error)
    assert.equal(8, Task{run = function() return 8 end, keep = false}.output)
  end)

  it("is what patterns may set for all", function()
    local results = orun.fan_out({function() return 1 end, function() return 2 end},
      {defaults = {keep = false}})
    assert.equal(2, results[2].output)
    assert.matches("was forgotten", error_of(TaskOutput, results[1].task_id), 1, true)
  end)

  it("is true or false", function()
    assert.matches("keep", error_of(Task, {run = function() end, keep = "no"}), 1, true)
  end)
end)

describe("TaskUpdate{status = deleted}", function()
  it("releases a task that has ended", function()
    local task = Task{run = function() return 7 end}
    assert.is_true(TaskUpdate{task_id = task.task_id, status = "deleted"})
    assert.is_false(listed(task.task_id))
    assert.matches("was forgotten (orun.forget)", error_of(TaskOutput, task.task_id), 1, true)
  end)
end)
