-- review.lua — a review by dimensions; a finding stays that two of three do not refute.
--
--     $ orun examples/ports/review.lua
--
-- Every level is its own map: no finding waits for those of another dimension.

local orun = require "model"

local FINDINGS <const> = {type = "object", required = {"findings"}}
local VERDICT <const> = {type = "object", required = {"real"}}

local function is_real(result) return result.output.real end

local reviewed = orun.map({"bugs", "security", "speed"}, function(dimension)
  local review = orun.ask("Review the " .. dimension, {schema = FINDINGS})
  return orun.map(review and review.findings or {}, function(finding)
    local vote = {prompt = "Refute: " .. finding, schema = VERDICT}
    return orun.quorum({vote, vote, vote}, 2, {accept = is_real}).ok and finding
  end)
end)
for _, findings in ipairs(reviewed) do
  for _, finding in ipairs(findings) do print(finding or "(refuted)") end
end

--> bugs: too long
--> (refuted)
--> security: too long
--> (refuted)
--> speed: too long
--> (refuted)
