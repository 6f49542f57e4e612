--- orun.pipeline: every item through every stage, with no barrier between.
--
-- Each item moves on as soon as its own stage is done: item 1 may be in stage 3
-- while item 2 is still in stage 1. A stage is a task of its own, so it has its
-- own limits, timeout and retry; values go from task to task without passing
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
--          type; or a table of Task fields with `run`, `command` or `subagent_type`, of
--          which prompt, cwd, description and command may be functions of
--          (value, item, index), called in the caller
--   value  what the stage before returned; for the first stage, the item

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local orun = require "orun"
local pattern = require "orun.pattern.run"

local OPTIONS <const> = pattern.options()

--- Task fields that the pipeline sets itself.
local OWN <const> = {"input", "blockedBy"}

--- Turns what the caller gave as a stage into Task fields.
-- @return the fields; or nil and what is wrong
local function read_stage(given, defaults)
  if type(given) == "string" then given = {subagent_type = given} end
  if type(given) ~= "table" and type(given) ~= "function" then
    return nil, (" = %s: expected a function, an agent's name or a table of Task fields")
      :format(check.show(given))
  end
  local stage = launch.spec(given, defaults)
  for _, field in ipairs(OWN) do
    if stage[field] ~= nil then
      return nil, (" cannot have %s: the pipeline sets it"):format(field)
    end
  end
  if not launch.doer(stage) then return nil, " needs run, command or subagent_type" end
  return stage
end

--- The stages and the options among the arguments after the items.
local function read(...)
  local given, opts = table.pack(...), nil
  local last = given[given.n]
  if given.n > 1 and type(last) == "table" and not launch.doer(last) then
    opts, given.n = last, given.n - 1
  end
  return given, opts
end

--- A task's function that calls a stage's.
local function caller(run)
  return function(input, task) return run(input.value, input.item, input.index, task) end
end

--- The spec of the task that takes one item through a stage.
-- @param value  the item, or the handle of the stage before
local function spec_of(stage, s, value, item, index)
  local spec = launch.filled(stage, function()
    return s == 1 and value or orun.TaskOutput{task_id = value}.output
  end, item, index)
  spec.description = spec.description
    or ("%s, stage %d"):format(launch.title(item) or ("item %d"):format(index), s)
  if stage.run then
    spec.run, spec.input = caller(stage.run), {value = value, item = item, index = index}
  else
    spec.input = value
  end
  return spec
end

--- Runs items through stages.
-- @param items  array of values; they are copied to every stage
-- @param ...    stages, one or more. An agent's input is the value: a program reads
--               it from its standard input, after the stage's `prompt` if it has
--               one; a string as it is, anything else as JSON. After them, or not: a table
--               with the options of all patterns (see the README); `limit` is how many
--               items at once.
-- @return array of results in the items' order, each with `index`, and `stage`, the
--   number of the stage it comes from; `.failed` and `.ok`. When a stage fails, that is
--   the item's result, and its later stages are never started.
-- Raises for a stage that is none; what had been started is stopped.
local function pipeline(items, ...)
  local n = check.array("orun.pipeline", "items", items)
  local given, opts = read(...)
  opts = check.options("orun.pipeline", opts, OPTIONS)
  local stages = {}
  for s = 1, given.n do
    local stage, why = read_stage(given[s], opts.defaults)
    if not stage then error(("orun.pipeline: stage %d%s"):format(s, why), 2) end
    stages[s] = stage
  end
  if #stages == 0 then error("orun.pipeline: at least one stage is needed", 2) end

  local results, why = pattern.run{name = "items", n = n, opts = opts,
    named = function() return "stage 1" end,
    spec = function(i) return items[i] ~= nil and spec_of(stages[1], 1, items[i], items[i], i) end,
    after = function(i, s, handle)
      return stages[s + 1] and spec_of(stages[s + 1], s + 1, handle, items[i], i)
    end}
  if not results then error("orun.pipeline: " .. why, 2) end
  return results
end

return pipeline
