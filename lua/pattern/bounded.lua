--- orun.pattern.bounded: n tasks, at most so many at once, results as they end.
--
-- Not for scripts: orun.fan_out is. The next task is started when one has ended
-- and its result is asked for.

local orun = require "orun"

--- Iterates over the results of tasks that are started as room appears.
-- @param n      how many tasks
-- @param limit  how many at once
-- @param start  function(i) -> handle, or nil when the i-th cannot be started:
--               then the iterator ends at once
-- @return an iterator: result, i
local function bounded(n, limit, start)
  local collector, place, started, flying = orun.collector{}, {}, 0, 0
  return function()
    while started < n and flying < limit do
      started, flying = started + 1, flying + 1
      local handle = start(started)
      if not handle then return nil end
      place[handle.id] = place[handle.id] or started
      collector:add(handle)
    end
    if flying == 0 then return nil end
    local result = collector:next()
    flying = flying - 1
    return result, place[result.task_id]
  end
end

return bounded
