--- orun.race: the first success wins, the rest is stopped.
--
-- Several ways to the same end, of which one is enough: mirrors, models,
-- strategies. A failure does not end the race; only a success does, or the
-- failure of all.
--
--     local orun = require "orun"
--     local winner = orun.race{
--       function() orun.sleep(60) return "tortoise" end,
--       function() error("fell asleep", 0) end,
--       function() return "hare" end,
--     }
--     print(winner.output)  --> hare
--     print(winner.index)   --> 3

local check = require "orun.util.check"
local first_k = require "orun.pattern.first_k"

local orun = require "orun"

--- The result of a race without a winner.
local function lost(votes, n)
  local last = votes.failed[#votes.failed]
  local why = votes.timed_out and "no success in time"
    or ("all %d failed, the last with: %s"):format(n,
      (orun.peek(last, "error") or "accept refused it"):match("[^\n]*"))
  return orun.unread({
    status = "failed",
    ok = false,
    error = why,
    error_kind = votes.timed_out and "timeout" or orun.peek(last, "error_kind") or "schema",
    failed = votes.failed,
  }, {"status", "ok", "error", "error_kind", "failed"})
end

--- Runs tasks until one has completed, then stops the rest.
-- @param specs  array of Task specs, at least one; a bare function is short for
--               {run = function}
-- @param opts   table or nil: the options of all patterns (see the README), and
--   accept  function(result) -> boolean: one that has completed, and is not accepted,
--           counts as failed
-- @return the winner's result, with `index`, its place in specs, and `failed`,
--   the results of those that failed before. Without a winner a result with
--   status "failed", error, error_kind (of the last; "schema": accept refused it) and failed.
-- Raises for a spec that Task refuses; what had been started is stopped.
local function race(specs, opts)
  opts = check.options("orun.race", opts, first_k.OPTIONS)
  local n = check.array("orun.race", "specs", specs)
  if n == 0 then error("orun.race: specs is empty; a race needs one at least", 2) end
  local votes, why = first_k.run(specs, 1, opts)
  if not votes then error("orun.race: " .. why, 2) end
  if not votes.ok then return lost(votes, n) end
  votes[1].failed = votes.failed
  return votes[1]
end

return race
