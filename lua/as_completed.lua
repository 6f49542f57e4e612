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

local STARTED <const> = {refused = "the tasks have been started; say it where they are"}
local OWN <const> = {limit = STARTED, defaults = STARTED, on_failure = {"go_on", "stop"},
  order = {refused = "the first to end comes first; orun.wait_all keeps the order"}}

-- What counts the ends; the options, checked. A loop without options needs none of that.
local function read(opts, n)
  if opts == nil then return function() end, {} end
  local pattern = require "orun.pattern.run"
  opts = check.options("orun.as_completed", opts, pattern.options(OWN), 4)
  return pattern.counter(opts.each, opts.progress, n), opts
end

--- Iterates over the tasks' results, the first to end first.
-- @param handles  array of handles or ids of started tasks
-- @param opts     table or nil: those options of all patterns (see the README) that make sense
--                 for tasks that have been started
--   timeout     the longest time for all of it; when it runs out the loop ends, and nothing is
--               stopped
--   each        function(result, index), called before the loop gets the result
--   on_failure  "stop": after a failure the others are stopped; their results come, too
--   progress    as in the patterns
-- @return an iterator: result, place in `handles`, which the result has as `index`, too;
--         nil at the end, and "timeout" when the time ran out
-- Raises for an id that names no task. Leaving the loop early stops nothing.
local function as_completed(handles, opts)
  local n, index = check.array("orun.as_completed", "handles", handles), {}
  local counted, known = read(opts, n)
  for i, handle in ipairs(handles) do
    local id = type(handle) == "table" and (handle.id or handle.task_id) or handle
    index[id] = index[id] or i
  end
  local deadline = known.timeout and orun.ticks() + check.seconds(known.timeout)
  local collector = orun.collector(handles)
  return function()
    local result, why = collector:next(deadline and math.max(0, deadline - orun.ticks()))
    if not result then return nil, why end
    local i, status = index[result.task_id], orun.peek(result, "status")
    result.index = i
    counted(status == "completed" and "done" or status, result, i)
    if status ~= "completed" and known.on_failure == "stop" then
      require("orun.pattern.launch").stop(handles)
    end
    return result, i
  end
end

return as_completed
