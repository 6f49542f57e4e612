--- orun.ask: a question to an agent, and its answer.
--
--     local orun = require "orun"
--     orun.agent{name = "echo", run = function(_, task) return task.prompt:upper() end}
--     print(orun.ask("hello", {subagent_type = "echo"}))  --> HELLO

local orun = require "orun"
local check = require "orun.util.check"

--- Runs a prompt as a task and waits for it.
-- @param prompt  string
-- @param fields  table of Task's other fields, or nil: subagent_type (default: the agent
--                type "general-purpose"), schema, description, ...
-- @return the output; or nil and the result of the task, which has failed
-- Raises what Task raises.
local function ask(prompt, fields)
  check.argument("orun.ask", "prompt", prompt, "text")
  if fields ~= nil then check.argument("orun.ask", "fields", fields, "table") end
  local spec = {}
  for field, v in next, fields or {} do spec[field] = v end
  for _, field in ipairs{"run", "command", "run_in_background"} do
    if spec[field] ~= nil then
      error(("orun.ask: %s has no place here: it asks an agent, and waits"):format(field), 2)
    end
  end
  spec.prompt = prompt
  local ok, result, why = pcall(orun.Task, spec)
  if not ok then error(result, orun.stopping() and 0 or 2) end
  if not result then return nil, why end
  if orun.peek(result, "status") == "completed" then return result.output end
  return nil, result
end

return ask
