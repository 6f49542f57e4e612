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

local OPTIONS <const> = {timeout = "duration"}

--- Iterates over the tasks' results, the first to end first.
-- @param handles  array of handles or ids of started tasks
-- @param opts     table or nil: `timeout`, the longest time for all of it: seconds or
--                 "30s"; when it runs out the loop ends, and nothing is stopped
-- @return an iterator: result, place in `handles`, which the result has as `index`, too;
--         nil at the end, and "timeout" when the time ran out
-- Raises for an id that names no task. Leaving the loop early stops nothing.
local function as_completed(handles, opts)
  check.array("orun.as_completed", "handles", handles)
  opts = check.options("orun.as_completed", opts, OPTIONS)
  local index = {}
  for i, handle in ipairs(handles) do
    local id = type(handle) == "table" and handle.id or handle
    index[id] = index[id] or i
  end
  local deadline = opts.timeout and orun.ticks() + check.seconds(opts.timeout)
  local collector = orun.collector(handles)
  return function()
    local result, why = collector:next(deadline and math.max(0, deadline - orun.ticks()))
    if not result then return nil, why end
    result.index = index[result.task_id]
    return result, result.index
  end
end

return as_completed
