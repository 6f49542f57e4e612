--- orun.flow.steps: the steps of a workflow, done by agents or by functions.
--
--     local steps = require("orun.flow.steps").new("orun ideate", args)
--     local task = steps:start{title = "research", run = search, input = words,
--       prompt = "Research ...", schema = RESEARCH}
--     local found = steps:output(task)
--
-- Agents do what has a prompt if --backend, or ORUN_BACKEND, says which; functions and programs
-- do it if not.

local options = require "orun.command.options"
local orun = require "orun"

local M = {}

local FAILED <const> = 1

local Steps = {__name = "orun.flow.steps"}
Steps.__index = Steps

--- @param name  of the workflow, for messages; it ends where the backend asked for is not there
-- @param args  as of options.arguments
-- @return steps; `agents`: whether agents work; `fail`: method(text, ...), as options.failing has
--         it, which ends the workflow
function M.new(name, args)
  local backend = orun.config().backend or os.getenv "ORUN_BACKEND"
  local fail = options.failing(name, args, FAILED)
  local steps = setmetatable({fail = function(_, ...) return fail(...) end}, Steps)
  steps.agents = backend ~= nil and backend ~= ""
  if steps.agents then steps:must(require("orun.agents.backend").choose()) end
  return steps
end

--- The value; the workflow ends where it is nil or false.
function Steps:must(value, why)
  if not value then self:fail("%s", tostring(why)) end
  return value
end

--- Starts one step.
-- @param step  {title =, run = function(input), input =, prompt =, schema =, agent = the agent
--              type ("general-purpose")}
-- @return a handle
function Steps:start(step)
  if not self.agents then
    return orun.start{description = step.title, run = step.run, input = step.input}
  end
  local ok, task = pcall(orun.start, {description = step.title, prompt = step.prompt,
    subagent_type = step.agent or "general-purpose", schema = step.schema, permissions = "read"})
  if not ok and orun.stopping() then error(task, 0) end
  if not ok then self:fail("%s", (tostring(task):gsub("^.-: ", "", 1))) end
  return task
end

--- What a step gave; the workflow ends where it gave nothing.
function Steps:output(task)
  local result = orun.TaskOutput(task)
  if result.status == "completed" then return result.output end
  return self:fail("%s %s: %s", result.description, result.status, result.error or "?")
end

return M
