--- orun.control.host: a task of the program that embeds orun (runtime/embed/orun_task.c).
--
-- Runs in a state of its own, on a thread of that program. What the struct and its JSON say
-- becomes one table, and Task checks it as it does any.

local json = require "orun.json"

-- The object in a JSON text.
local function object(text, name)
  local value, why = json.decode(text)
  if value == nil then error(("orun_start: %s: %s"):format(name, why), 0) end
  if type(value) ~= "table" or json.is_array(value) and next(value) ~= nil then
    error(("orun_start: %s is not a JSON object: %s"):format(name, text:sub(1, 60)), 0)
  end
  for key, each in pairs(value) do
    if each == json.null then value[key] = nil end -- "not given"
  end
  return value
end

--- Start it.
-- @param fields   of Task, as the struct has them
-- @param options  JSON of an object with others, or nil
-- @param input    JSON of the task's input, or nil
-- @return its handle; or nil and "shutting down"
return function(fields, options, input)
  if input then
    local value, why = json.decode(input)
    if value == nil then error("orun_start: input: " .. why, 0) end
    fields.input = value
  end
  for key, value in pairs(options and object(options, "options") or {}) do
    if fields[key] ~= nil then
      error(("orun_start: %s is given twice, in options and beside them"):format(key), 0)
    end
    fields[key] = value
  end
  if fields.run_in_background ~= nil then
    error("orun_start: run_in_background is not for options: it never waits", 0)
  end
  fields.run_in_background = true
  local ok, task, why = pcall(Task, fields)
  if not ok then error((tostring(task):gsub("^%[orun%][^:]*:%d+: ", "")), 0) end
  return task, why
end
