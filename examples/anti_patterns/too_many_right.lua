--- Right: so many at once, in chunks; or better, with a limit.
--
-- $ orun -q --strict examples/anti_patterns/too_many_right.lua

local orun = require "orun"
orun.agent{name = "worker", command = {"cat"}}

local tasks = {}
for i = 1, 20 do tasks[i] = {subagent_type = "worker", prompt = "page " .. i} end

-- The guide's way. Each chunk waits for its slowest task.
local length = 0
for _, chunk in ipairs(orun.chunks(tasks, 5)) do
  local handles = {}
  for i, task in ipairs(chunk) do handles[i] = orun.start(task) end
  for _, handle in ipairs(handles) do length = length + #TaskOutput(handle).output end
end
print(length)

-- The same in one call, in which the next one starts as soon as one has ended.
length = 0
for _, result in ipairs(orun.fan_out(tasks, {limit = 5})) do length = length + #result.output end
print(length)

--> 131
--> 131
