-- 28-accept.lua — votes, and the best of several: a result counts when it is accepted.
--
--     $ orun examples/28-accept.lua

local orun = require "orun"

orun.agent{name = "judge", run = function(mood) return {real = mood ~= "stern"} end}

-- Two of three say that it is real; the third is not waited for.
local function is_real(result) return result.output.real end
local moods = orun.list{"mild", "stern", "mild"}
local votes = orun.quorum(moods:map(function(mood)
  return {subagent_type = "judge", input = mood}
end), 2, {accept = is_real})
print(votes.ok, #votes)

-- The first draft that is short enough.
local winner = orun.race({
  function() return "a long, long title" end,
  function() return "a title" end,
}, {accept = function(result) return #result.output < 10 end})
print(winner.index, winner.output)

-- Without one that is accepted it has failed.
local nobody = orun.race({function() return 1 end}, {accept = function() return false end})
print(nobody.ok)

--> true	2
--> 2	a title
--> false
