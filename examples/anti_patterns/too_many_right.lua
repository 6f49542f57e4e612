--- Right: so many at once, and the next one starts when one has ended.
--
-- $ orun -q --strict examples/anti_patterns/too_many_right.lua
--
-- The guide's chunks of five (for _, chunk in ipairs(orun.chunks(tasks, 5)): start all of it, wait
-- for all of it) hold no more at once, either. But each waits for its slowest: where that costs
-- much, it is the finding of barrier_wrong.lua.

local orun = require "orun"
orun.agent{name = "worker", command = {"cat"}}

local tasks = {}
for i = 1, 20 do tasks[i] = {subagent_type = "worker", prompt = "page " .. i} end

local length = 0
for _, result in ipairs(orun.fan_out(tasks, {limit = 5})) do length = length + #result.output end
print(length)

--> 131
