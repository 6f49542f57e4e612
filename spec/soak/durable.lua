--- durable: a run that is killed at random moments, with or without the power being cut, and
--- gone on with until it ends: no outcome that was shown is lost, or worked for again.

local durable = require "spec.support.durable"

-- The losses of a measure, and the first of them.
local function told(wrong, kills)
  for i = 1, math.min(#wrong, 8) do io.stderr:write(wrong[i], "\n") end
  return #wrong, wrong[1] or ("%d kills"):format(kills)
end

return {
  {
    name = "kills", promise = "kill -9: nothing shown is lost or done again",
    rounds = 500, short = 100,
    run = function(rounds) return told(durable.lives(rounds, {})) end,
  },
  {
    name = "cuts", promise = "power cuts: nothing shown is lost or done again",
    rounds = 500, short = 50,
    run = function(rounds) return told(durable.lives(rounds, {cut = true})) end,
  },
}
