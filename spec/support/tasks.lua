--- What specs of the primitives share. They run in the script that busted is.
---
--- An item of the list serves as a gate: tasks wait for it, and the test opens
--- it by completing it, so nothing depends on time.

local h = require "spec.support.helper"

local M = {}

--- An item that tasks can wait for.
function M.gate() return TaskCreate{description = "gate"} end

--- Complete an item, with this output.
function M.open(item, output)
  assert(TaskUpdate{task_id = item, status = "completed", output = output} == true)
end

--- A task in the background.
function M.background(fields)
  fields.run_in_background = true
  return Task(fields)
end

--- A background task that waits for the item and gives its output.
function M.held(item, fields)
  fields = fields or {}
  fields.run = function(id) return TaskOutput(id).output end
  fields.input = item.id
  return M.background(fields)
end

--- The output of a task that must complete.
function M.output_of(fields)
  local result = Task(fields)
  assert(result.status == "completed", result.error)
  return result.output
end

--- The result of a task that must fail with this `error_kind`.
function M.failure_of(kind, fields)
  local result = Task(fields)
  assert(result.status == "failed", "the task is " .. result.status)
  assert(result.error_kind == kind, tostring(result.error_kind) .. ": " .. result.error)
  return result
end

--- The message of a call that must raise.
function M.error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert(not ok, "it was accepted")
  return message
end

function M.status_of(task)
  return TaskOutput{task_id = task, block = false}.status
end

--- Wait until a task has begun.
function M.begun(task)
  assert(h.wait_for(function() return TaskGet(task).status == "in_progress" end))
end

--- Lines that a task or a program adds to a file, one after the other: the
--- file's path, and what reads them.
function M.journal()
  local path = h.tmpdir() .. "/journal"
  h.write(path, "")
  return path, function() return h.lines(h.read(path)) end
end

--- Two commands. Each writes to its own named pipe and then reads the other's,
--- so it can only end when the other runs at the same time.
function M.rendezvous()
  local dir = h.tmpdir()
  assert(orun.exec("mkfifo", dir .. "/a", dir .. "/b").exit_code == 0)
  local line = "echo > %s/%s & read -r _ < %s/%s; wait"
  return {"sh", "-c", line:format(dir, "a", dir, "b")},
    {"sh", "-c", line:format(dir, "b", dir, "a")}
end

return M
