--- orun.wait_any: the first of several tasks to end.
--
--     local orun = require "orun"
--     local slow = orun.Task{run = function() orun.sleep(60) end, run_in_background = true}
--     local fast = orun.Task{run = function() return "hare" end, run_in_background = true}
--     local result, index = orun.wait_any{slow, fast}
--     print(index .. ": " .. result.output)  --> 2: hare
--     orun.TaskStop(slow)

local as_completed = require "orun.as_completed"
local check = require "orun.util.check"

--- Waits until one of the tasks has ended.
-- @param handles  array of handles or ids; more than one may have ended already,
--                 then it is the one that ended first
-- @param timeout  how long to wait at most: seconds or "30s"; nil: for ever
-- @return its result and its place in `handles`; nil when `handles` is empty;
--         nil and "timeout" when the time ran out (nothing is stopped)
-- Raises for an id that names no task.
local function wait_any(handles, timeout)
  check.wait("orun.wait_any", handles, timeout)
  return as_completed(handles, timeout and {timeout = timeout})()
end

return wait_any
