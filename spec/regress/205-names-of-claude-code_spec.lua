-- TaskCreate{subject = ...} and TaskUpdate{taskId = ...}, which Claude Code's own tools take, were
-- unknown fields.

local h = require "spec.support.helper"
local orun = require "orun"
local error_of = require "spec.support.tasks".error_of

describe("the names of Claude Code's task tools", function()
  it("make an item", function()
    local item = TaskCreate{subject = "Run tests", description = "all of them",
                            activeForm = "Running tests", metadata = {n = 1}}
    local entry = TaskGet{taskId = item.id}
    assert.equal("Run tests", entry.description)
    assert.equal("all of them", entry.prompt)
    assert.same({n = 1, activeForm = "Running tests"}, entry.metadata)
    assert.is_nil(TaskGet(TaskCreate{subject = "only"}).prompt)
    assert.equal("ours", TaskGet(TaskCreate{description = "ours", prompt = "p"}).description)
  end)

  it("change, read and stop tasks", function()
    local item = TaskCreate{subject = "x"}
    local given = {taskId = item.id, subject = "y", activeForm = "doing", metadata = {k = 2}}
    assert.is_true(TaskUpdate(given))
    assert.equal("y", given.subject)
    assert.same({subject = "y", activeForm = "doing", k = 2}, TaskGet(item).metadata)
    assert.is_true(TaskUpdate{taskId = item, status = "completed", output = 7})
    assert.equal(7, TaskOutput{taskId = item.id, block = false}.output)
    local task = Task{run = function() orun.sleep("1h") end, run_in_background = true}
    assert.is_true(TaskStop{taskId = task.id})
    assert.equal("cancelled", TaskOutput{taskId = task}.status)
  end)

  it("work in isolated tasks", function()
    local r = Task{isolation = "process", run = function()
      local item = TaskCreate{subject = "inner", description = "do"}
      TaskUpdate{taskId = item.id, status = "completed", output = "done"}
      return TaskOutput{taskId = item.id}.output
    end}
    assert.equal("done", r.output, r.error)
  end)

  it("are refused beside ours, and where they mean nothing", function()
    assert.matches("both task_id and taskId",
      error_of(TaskUpdate, {task_id = "t1", taskId = "t1"}))
    assert.matches("both prompt and description",
      error_of(TaskCreate, {subject = "x", description = "y", prompt = "z"}))
    assert.matches("TaskCreate: activeForm = 7", error_of(TaskCreate, {subject = "x",
      activeForm = 7}), 1, true)
    assert.matches("unknown field", error_of(Task, {run = print, taskId = "t1"}))
  end)

  it("are those of the tools for programs, and of the command", function()
    local tools = require "orun.control.task_tools"
    local made = tools.TaskCreate.run{subject = "a", description = "d", activeForm = "doing a"}
    tools.TaskUpdate.run{taskId = made.task.id, subject = "b", activeForm = "doing b"}
    local entry = tools.TaskGet.run{taskId = made.task.id}.task
    assert.same({"b", "doing b", "d"}, {entry.subject, entry.metadata.activeForm,
      entry.description})
    tools.TaskUpdate.run{taskId = made.task.id, status = "completed", output = "o"}
    assert.equal("o", tools.TaskOutput.run{taskId = made.task.id}.output)
    for _, name in ipairs{"TaskOutput", "TaskStop", "TaskGet", "TaskUpdate", "TaskClaim"} do
      assert.is_truthy(tools[name].schema.properties.taskId, name)
    end
    local r = h.script([[
      local r = Task{command = {"sh", "-c",
        '"$0" task create --subject s --active-form doing && "$0" task list --json', ...}}
      print(r.output, r.error)]], {h.bin})
    assert.matches('"activeForm":"doing"', r.out, 1, true)
  end)
end)
