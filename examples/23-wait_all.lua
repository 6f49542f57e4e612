-- 23-wait_all.lua — waiting for the first, for each, for all, or not for so long.
--
--     $ orun examples/23-wait_all.lua

local orun = require "orun"

local gate = TaskCreate{description = "a key"}
local late = orun.start{run = function(id) return TaskOutput(id).output end, input = gate.id}
local early = orun.start(function() return "at once" end)

-- The first, and its place.
local first, place = orun.wait_any{late, early}
print(place, first.output)

-- All, or nil: nothing is lost, so ask again.
print(orun.wait_all({early, late}, "10ms"))
TaskUpdate{task_id = gate, status = "completed", output = "with the key"}
local results = orun.wait_all{early, late}
print(results.ok, #results.failed, results[2].output)

-- Each, in a loop.
for result, i in orun.as_completed{early, late} do print(i, result.ok) end

--> 2	at once
--> nil	timeout
--> true	0	with the key
--> 1	true
--> 2	true
