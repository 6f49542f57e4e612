--- orun.start: a Task in the background.
--
--     local orun = require "orun"
--     local handle = orun.start{run = function() return 42 end}
--     print(orun.TaskOutput(handle).output)  --> 42

local orun = require "orun"
local launch = require "orun.pattern.launch"

--- Starts a task and returns at once.
-- @param spec  table of Task's fields, without run_in_background; or a function, for
--              {run = function}
-- @return its handle; or nil and "shutting down" when the run ends
-- Raises what Task raises.
local function start(spec)
  local fields, why = launch.spec(spec)
  if not fields then error("orun.start: spec" .. why, 2) end
  local ok, handle, reason = pcall(orun.Task, fields)
  if not ok then error(handle, orun.stopping() and 0 or 2) end
  if not handle then return nil, reason end
  return handle
end

return start
