--- orun.quorum: go on as soon as k of n tasks have succeeded.
--
-- For answers one wants from several sides without waiting for the slowest: ask
-- five reviewers, go on with the first three. The rest is stopped.
--
--     local orun = require "orun"
--     local votes = orun.quorum({
--       function() return "yes" end,
--       function() error("not at home", 0) end,
--       function() return "yes" end,
--       function() orun.sleep(60) return "no" end,
--     }, 2)
--     print(#votes .. " say " .. votes[1].output)  --> 2 say yes

local check = require "orun.util.check"
local first_k = require "orun.pattern.first_k"

local orun = require "orun"

-- Reading one of these, or the number of votes, counts as having seen the failures.
local FIELDS <const> = {"failed", "ok"}

--- Runs tasks until `k` have completed, then stops the rest.
-- @param specs  array of Task specs; a bare function is short for {run = function}
-- @param k      how many successes are needed, 1 to #specs
-- @param opts   table or nil: the options of all patterns (see the README), and
--   accept  function(result) -> boolean: one that has completed, and is not accepted,
--           counts as failed: `accept = function(r) return r.output.real end` counts votes
-- @return array of up to k completed results in the order they ended, each with
--   `index`, its place in specs; `.ok`: there are k; `.failed`: those that failed
--   meanwhile; `.timed_out`: true when the time ran out. It returns as soon as k
--   successes are in or can no longer be reached.
-- Raises for a spec that Task refuses; what had been started is stopped.
local function quorum(specs, k, opts)
  opts = check.options("orun.quorum", opts, first_k.OPTIONS)
  local n = check.array("orun.quorum", "specs", specs)
  check.argument("orun.quorum", "k", k, "count")
  if k > n then
    error(("orun.quorum: k is %d, but there are only %d specs"):format(k, n), 2)
  end
  local votes, why = first_k.run(specs, k, opts)
  if not votes then error("orun.quorum: " .. why, 2) end
  return votes.ok and votes or orun.unread(votes, FIELDS, true)
end

return quorum
