--- Wrong: twenty agents are started at once, where three may run.
--
-- $ orun -q -j 3 --strict examples/anti_patterns/too_many_wrong.lua
--
-- None fails and the machine is not overwhelmed: they queue. But each holds its input, and
-- what a later one should learn from an earlier one is too late.

local orun = require "orun"
orun.agent{name = "worker", command = {"sh", "-c", "sleep 0.1; cat"}}

local ids = {}
for i = 1, 20 do
  ids[i] = Task{subagent_type = "worker", prompt = "page " .. i, run_in_background = true}.id
end
local length = 0
for _, id in ipairs(ids) do length = length + #TaskOutput(id).output end
print(length)

--> 131
--> orun: ...:13: ... agents were queued at once for 3 slots of process: they hold memory and wait
-->     orun.fan_out(items, to_spec, {limit = 5})     -- or orun.chunks, orun.map: so many at once
