--- One success of several is enough, or three of five.
--
-- $ orun examples/08-race_and_quorum.lua
--
-- The losers are stopped: the tortoise would sleep for an hour, but the script
-- ends at once.

local orun = require "orun"

local winner = orun.race{
  {description = "tortoise", run = function() orun.sleep("1h") return "slow" end},
  {description = "broken", run = function() error("lost the way", 0) end},
  {description = "hare", run = function() return "fast" end},
}
print(("%s won: %s"):format(winner.description, winner.output))

local function juror(verdict)
  return function() return verdict end
end
local function absent()
  orun.sleep("1h")
end
local votes = orun.quorum({juror "yes", absent, juror "yes", juror "yes", absent}, 3)
print(("%d votes, enough: %s"):format(#votes, votes.ok))

-- Where too many fail, a quorum gives up as soon as it cannot be reached.
local function sick()
  error("not at home", 0)
end
local none = orun.quorum({sick, absent, sick}, 2)
print(("enough: %s, %d failed (%s)"):format(none.ok, #none.failed, none.failed[1].error_kind))

--> hare won: fast
--> 3 votes, enough: true
--> enough: false, 2 failed (lua)
