--- orun.pattern.first_k: runs tasks until enough of them have succeeded.
--
-- Not for scripts: orun.race and orun.quorum are. It holds what they share.

local launch = require "orun.pattern.launch"
local orun = require "orun"
local pattern = require "orun.pattern.run"

local M = {OPTIONS = pattern.options{accept = "function"}}

--- Starts tasks, waits for `k` successes, stops the rest.
-- @param specs  array of what launch.spec takes
-- @param k      how many successes are enough
-- @param opts   options, checked
-- @return array of at most k accepted results in the order they ended, with
--   `failed`, `ok` and `timed_out`; or nil and a message when Task refused a
--   spec, after stopping what had been started
function M.run(specs, k, opts)
  local ready, why = launch.specs("specs", specs, opts.defaults)
  if not ready then return nil, why end
  local good, left = pattern.run{name = "specs", n = #ready, opts = opts, enough = k,
    spec = function(i) return ready[i] end}
  if not good then return nil, left end
  if good.ok then -- what failed, or was stopped, does not matter
    for _, handle in next, left do orun.dismiss(handle) end
    for _, result in ipairs(good.failed) do assert(result.status) end
  end
  return good
end

return M
