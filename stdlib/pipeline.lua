--- orun.pipeline: every item through every stage, with no barrier between.
--
-- Each item moves on as soon as its own stage is done: item 1 may be in stage 3
-- while item 2 is still in stage 1. A stage is a task of its own, so it has its
-- own limit, timeout and retry; values go from task to task without passing
-- through the caller.
--
--     local orun = require "orun"
--     local results = orun.pipeline({"3", "x", "5"},
--       function(text) return tonumber(text) or error("no number: " .. text, 0) end,
--       function(number) return number * number end,
--       {run = function(square, item) return item .. "^2=" .. square end, timeout = "5s"})
--     print(results[1].output)  --> 3^2=9
--     print(results[2].status)  --> failed
--     print(results[2].stage)   --> 1
--     print(results[3].output)  --> 5^2=25
--
-- Glossary
--   stage  function(value, item, index, task) -> value; or the name of an agent
--          type; or a table of Task fields with `run` or `subagent_type`
--   value  what the stage before returned; for the first stage, the item

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local orun = require "orun"
local summary = require "orun.pattern.summary"

--- Task fields that the pipeline sets itself.
local OWN <const> = {"input", "blockedBy"}

--- Turns what the caller gave as a stage into Task fields.
-- @return the fields; or nil and what is wrong
local function read_stage(given)
  if type(given) == "string" then given = {subagent_type = given} end
  if type(given) ~= "table" and type(given) ~= "function" then
    return nil, (" = %s: expected a function, an agent's name or a table of Task fields")
      :format(check.show(given))
  end
  local stage = launch.spec(given)
  for _, field in ipairs(OWN) do
    if stage[field] ~= nil then
      return nil, (" cannot have %s: the pipeline sets it"):format(field)
    end
  end
  if not launch.doer(stage) then return nil, " needs run, command or subagent_type" end
  return stage
end

--- A task's function that calls a stage's.
local function caller(run)
  return function(input, task) return run(input.value, input.item, input.index, task) end
end

--- The spec of the task that takes one item through a stage.
local function spec_of(stage, s, value, item, index)
  local spec = {}
  for field, v in next, stage do spec[field] = v end
  spec.description = stage.description or ("stage %d, item %d"):format(s, index)
  if stage.run then
    spec.run, spec.input = caller(stage.run), {value = value, item = item, index = index}
  else
    spec.input = value
  end
  return spec
end

--- An item's result: its last stage's, or that of the stage that did not complete.
local function result_of(chain)
  local result = orun.TaskOutput{task_id = chain[#chain]}
  result.stage = #chain
  if orun.peek(result, "status") == "completed" then return result end
  for s, handle in ipairs(chain) do
    local earlier = orun.TaskOutput{task_id = handle}
    earlier.stage = s
    if orun.peek(earlier, "status") ~= "completed" then return earlier end
  end
end

--- Runs items through stages.
-- @param items  array of values; they are copied to every stage
-- @param ...    stages, one or more. An agent's input is the value: a program reads
--               it from its standard input, after the stage's `prompt` if it has
--               one; a string as it is, anything else as JSON.
-- @return array of results in the items' order, each with `stage`, the number of
--   the stage it comes from; `.failed` and `.ok`. When a stage fails, that is the
--   item's result, and its later stages are cancelled.
-- Raises for a stage that is none; what had been started is stopped.
local function pipeline(items, ...)
  local n = check.array("orun.pipeline", "items", items)
  local stages = {}
  for s = 1, select("#", ...) do
    local stage, why = read_stage((select(s, ...)))
    if not stage then error(("orun.pipeline: stage %d%s"):format(s, why), 2) end
    stages[s] = stage
  end
  if #stages == 0 then error("orun.pipeline: at least one stage is needed", 2) end

  local chains, all = {}, {}
  local _ <close> = launch.guard(all)
  for i = 1, n do
    local chain, value = {}, items[i]
    for s, stage in ipairs(stages) do
      local handle, why = launch.start(spec_of(stage, s, value, items[i], i))
      if not handle then error(("orun.pipeline: stage %d: %s"):format(s, why), 2) end
      chain[s], all[#all + 1], value = handle, handle, handle
    end
    chains[i] = chain
  end
  local results = {}
  for i, chain in ipairs(chains) do results[i] = result_of(chain) end
  return summary(results)
end

return pipeline
