-- 30-pools.lua — pools of slots, rates, and what a run has spent.
--
--     $ orun examples/30-pools.lua

local orun = require "orun"

-- Two at once of all that share "database", whoever starts them.
orun.limit("database", 2)
local results = orun.fan_out({1, 2, 3, 4}, function(n)
  return {run = function(x) return orun.limit("database").used <= 2 and x end, input = n,
          pool = "database"}
end)
print(results.ok, results[4].output)

-- Twenty milliseconds between two starts; a thousand tokens a minute would be "1000 tokens/min".
orun.limit("service", {rate = "1/20ms"})
local spec = {command = function(x) return {"echo", "-n", x} end, pool = "service"}
print(table.concat(orun.map({"a", "b", "c"}, spec)))

-- A budget, and what is left of it.
orun.agent{name = "worker", budget = {usd = 1}, run = function() orun.report{cost = 0.25} end}
Task{subagent_type = "worker", input = 1}
local state = orun.limit "worker"
print(state.budget.usd - state.spent.usd)
print(orun.limit().spent.tasks, orun.limit "nothing")

--> true	4
--> abc
--> 0.75
--> 1	nil
