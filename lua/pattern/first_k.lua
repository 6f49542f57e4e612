--- orun.pattern.first_k: runs tasks until enough of them have succeeded.
--
-- Not for scripts: orun.race and orun.quorum are. It holds what they share.

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local orun = require "orun"

--- Starts all, waits for `k` successes, stops the rest.
-- @param specs  array of what launch.spec takes
-- @param k      how many successes are enough
-- @param opts   {timeout, defaults}, checked
-- @return array of at most k completed results in the order they ended, with
--   `failed`, `ok` and `timed_out`; or nil and a message when Task refused a
--   spec, after stopping what had been started
local function first_k(specs, k, opts)
  local ready, why = launch.specs("specs", specs, opts.defaults)
  if not ready then return nil, why end
  local handles, place = {}, {}
  local _ <close> = launch.guard(handles)
  why = launch.start_all("specs", ready, handles)
  if why then
    launch.stop(handles)
    return nil, why
  end
  for i, handle in ipairs(handles) do place[handle.id] = i end

  local good, failed = {}, {}
  local deadline = opts.timeout and orun.now() + check.seconds(opts.timeout)
  local collector = orun.collector(handles)
  while #good < k and #handles - #failed >= k do
    local result, late = collector:next(deadline and math.max(0, deadline - orun.now()))
    if not result then
      good.timed_out = late ~= nil
      break
    end
    result.index = place[result.task_id]
    local list = orun.peek(result, "status") == "completed" and good or failed
    list[#list + 1] = result
  end
  launch.stop(handles)
  good.ok, good.failed = #good == k, failed
  for _, handle in ipairs(good.ok and handles or {}) do orun.dismiss(handle) end
  for _, result in ipairs(good.ok and failed or {}) do assert(result.status) end
  return good
end

return first_k
