--- orun.as_completed: results in the order in which tasks end.
--
--     local orun = require "orun"
--     local handles = {}
--     for i, word in ipairs{"a", "bb", "ccc"} do
--       handles[i] = orun.Task{
--         run = function(text) return #text end, input = word, run_in_background = true,
--       }
--     end
--     local sum = 0
--     for result, index in orun.as_completed(handles) do
--       assert(result.output == index)
--       sum = sum + result.output
--     end
--     print(sum)  --> 6

local orun = require "orun"
local check = require "orun.util.check"

--- Iterates over the tasks' results, the first to end first.
-- @param handles  array of handles or ids of started tasks
-- @param timeout  the longest wait for the next one: seconds or "30s"; when it
--                 runs out the loop ends; nil: for ever
-- @return an iterator: result, place in `handles`
-- Raises for an id that names no task. Leaving the loop early stops nothing.
local function as_completed(handles, timeout)
  check.array("orun.as_completed", "handles", handles)
  if timeout ~= nil then
    check.argument("orun.as_completed", "timeout", timeout, "duration")
  end
  local index = {}
  for i, handle in ipairs(handles) do
    local id = type(handle) == "table" and handle.id or handle
    index[id] = index[id] or i
  end
  local collector = orun.collector(handles)
  return function()
    local result = collector:next(timeout)
    if result then return result, index[result.task_id] end
  end
end

return as_completed
