-- 27-on_failure.lua — what a failure means for the others: go on, drain, or stop.
--
--     $ orun examples/27-on_failure.lua
--
-- The array is whole in any case: what was not started is a result that is cancelled.

local orun = require "orun"

local function outcomes(on_failure)
  local results = orun.fan_out({"good", "bad", "good", "good"}, function(kind)
    return {run = function(word) return word == "good" or error("bad", 0) end, input = kind}
  end, {limit = 1, on_failure = on_failure})
  local words = orun.list(results):map(function(result) return result.status end)
  return table.concat(words, " ")
end

print(outcomes "go_on")
print(outcomes "drain")

-- "stop" does not wait for what runs.
local results = orun.fan_out({
  function() orun.sleep "1h" end,
  function() error("no way", 0) end,
}, {on_failure = "stop"})
print(results[1].status, results[2].status, results.failed[1].index)

--> completed failed completed completed
--> completed failed cancelled cancelled
--> cancelled	failed	1
