--- Right: each task starts when what it needs itself is done.
--
-- $ orun -q --strict examples/anti_patterns/barrier_right.lua

local orun = require "orun"
local function step(name, seconds)
  return {name = name, run = orun.sleep, input = seconds}
end

local results = orun.batches({
  {tasks = {step("schema", 0.01), step("logo", 0.8)}, blockedBy = {}},
  {tasks = {step("server", 0.7)}, blockedBy = {"schema"}},
}, {progress = false})
for _, result in ipairs(results) do print(result.description, result.status) end

--> schema	completed
--> logo	completed
--> server	completed
