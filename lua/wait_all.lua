--- orun.wait_all: the results of several tasks, when all have ended.
--
--     local orun = require "orun"
--     local a = orun.start{run = function() return 20 end}
--     local b = orun.start{run = function() return 22 end}
--     local results = orun.wait_all{a, b}
--     print(results[1].output + results[2].output, results.ok)  --> 42	true

local orun = require "orun"
local check = require "orun.util.check"
local summary = require "orun.pattern.summary"

--- Waits until all of the tasks have ended.
-- @param handles  array of handles or ids
-- @param timeout  how long to wait at most: seconds or "30s"; nil: for ever
-- @return array of results in the order of the handles, each with `index`, its place;
--         `.failed` is the array of those not completed, `.ok` is true when there are none;
--         nil and "timeout" when the time ran out (nothing is stopped)
-- Raises for an id that names no task.
local function wait_all(handles, timeout)
  local longest = check.wait("orun.wait_all", handles, timeout)
  local deadline = longest and orun.ticks() + longest
  local results = {}
  for i, handle in ipairs(handles) do
    local left = deadline and math.max(0, deadline - orun.ticks())
    local result, why = orun.TaskOutput{task_id = handle, timeout = left}
    if not result then return nil, why end
    if orun.peek(result, "timed_out") then return nil, "timeout" end
    result.index = i
    results[i] = result
  end
  return summary(results)
end

return wait_all
