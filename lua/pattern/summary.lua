--- orun.pattern.summary: what failed in an array of results, and whether all is well.
--
-- Not for scripts: every pattern that returns several results ends with it, so
-- `results.ok` and `results.failed` mean the same everywhere.

local orun = require "orun"

-- Reading one of these counts as having seen the failures.
local FIELDS <const> = {"failed", "ok"}

--- Adds `failed` and `ok` to an array of results.
-- @param results  array of result tables
-- @param failed   array of those that failed; default: those whose status is not
--                 "completed", in the same order
-- @return results; `ok` is true when none failed
local function summary(results, failed)
  if not failed then
    failed = {}
    for _, result in ipairs(results) do
      if orun.peek(result, "status") ~= "completed" then failed[#failed + 1] = result end
    end
  end
  results.failed = failed
  results.ok = #failed == 0
  return results.ok and results or orun.unread(results, FIELDS)
end

return summary
