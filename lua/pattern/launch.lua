--- orun.pattern.launch: how the patterns start tasks, and stop them when they fail.
--
-- Not for scripts: fan_out, batches and the others are built on it.
-- A pattern first turns every spec the caller gave into a table of its own, so
-- that a mistake in the last one is found before the first one has started;
-- then it starts them, under a guard that stops what is running when an error
-- leaves the pattern.
--
-- Glossary
--   spec      the table one would pass to Task; a bare function is short for
--             `{run = function}`
--   defaults  fields for every spec that does not set them itself

local orun = require "orun"
local check = require "orun.util.check"

local M = {}

-- Bytes of a description made of an item, and of its line that are looked at, at most.
local TITLE <const>, LINE <const> = 60, 4096

-- The fields of a spec that say what does its task; it has one of them.
local DOERS <const> = {"run", "command", "subagent_type"}

--- What does the task of a spec: "run", "command" or "subagent_type"; nil when the spec does not
--- say, so that it is an agent.
function M.doer(spec)
  for _, field in ipairs(DOERS) do
    if rawget(spec, field) ~= nil then return field end
  end
end

--- A spec as a new table that runs in the background.
-- @param value     what the caller gave: a table of Task fields, or a function
-- @param defaults  table of Task fields, or nil
-- @return the table; or nil and what is wrong, to follow the argument's name at once
function M.spec(value, defaults)
  if type(value) == "function" then value = {run = value} end
  if type(value) ~= "table" then
    return nil, (" = %s: expected a table of Task fields or a function")
      :format(check.show(value))
  end
  local spec = {}
  for field, v in next, defaults or {} do spec[field] = v end
  if M.doer(value) then
    for _, field in ipairs(DOERS) do spec[field] = nil end
  end
  for field, v in next, value do spec[field] = v end
  spec.run_in_background = true
  return spec
end

-- The fields that may be functions of what a task is to work on.
local BY_ITEM <const> = {"prompt", "cwd", "description", "command"}

--- A copy of Task fields, with what those that are functions return.
-- @param spec  the table
-- @param value  function() -> their first argument, called only when one is a function
-- @param ...   their other arguments
-- @return a new table
function M.filled(spec, value, ...)
  local copy = {}
  for field, v in next, spec do copy[field] = v end
  for _, field in ipairs(BY_ITEM) do
    if type(spec[field]) == "function" then copy[field] = spec[field](value(), ...) end
  end
  return copy
end

--- What an item is called in a description: a number, or the first line of a string, cut and
--- without secrets; nil for another value.
function M.title(item)
  if math.type(item) then return tostring(item) end
  local text = type(item) == "string" and item:match("[^%s%c][^\r\n]*")
  if not text then return nil end
  text = orun.clean(text:sub(1, LINE)):gsub("%c", " ")
  return #text <= TITLE and text or text:sub(1, utf8.offset(text, 0, TITLE - 2) - 1) .. "..."
end

--- Gives a spec without a description one: the item's title, or, when neither its command nor
--- its prompt gives it one, `otherwise`.
-- @return the spec
function M.described(spec, item, otherwise)
  if spec.description == nil and not spec.command then
    spec.description = M.title(item) or not spec.prompt and otherwise or nil
  end
  return spec
end

--- The spec of the i-th value of the array `name`, as `M.spec` makes it, with a description.
-- @param item  what the value was made of, if it was
-- @return the table; or nil and a message that names the element
function M.numbered(name, i, value, defaults, item)
  local spec, why = M.spec(value, defaults)
  if not spec then return nil, ("%s[%d]%s"):format(name, i, why) end
  return M.described(spec, item, ("task %d"):format(i))
end

--- Specs for a whole array, each as `M.numbered` makes it.
-- @param to_spec  function(value, i) -> what the caller gives for a value; nil: the value
-- @return array of tables; or nil and a message that names the element
function M.specs(name, values, defaults, to_spec)
  local specs = {}
  for i, value in ipairs(values) do
    local given, item = value, nil
    if to_spec then given, item = to_spec(value, i), value end
    local why
    specs[i], why = M.numbered(name, i, given, defaults, item)
    if why then return nil, why end
  end
  return specs
end

--- Starts one task.
-- @param how  function that makes it of the spec; default: Task
-- @return its handle; or nil and Task's message when Task refuses the spec, or starts nothing
--         because the run ends
function M.start(spec, how)
  local ok, handle, why = pcall(how or orun.Task, spec)
  if ok then return handle, why end
  if orun.stopping() then error(handle, 0) end
  return nil, tostring(handle)
end

--- Stops those of the tasks that have not ended.
function M.stop(handles)
  for _, handle in next, handles do orun.TaskStop{task_id = handle} end
end

local Guard = {__name = "orun.guard"}

function Guard:__close(err)
  if err ~= nil then M.stop(self.handles) end
end

--- A value for `<close>`: stops the tasks when an error leaves the block.
-- @param handles  table of handles; may be filled later
function M.guard(handles)
  return setmetatable({handles = handles}, Guard)
end

return M
