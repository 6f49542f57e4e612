-- 32-forget.lua — three ways to release results, so that a run of weeks does not grow.
--
--     $ orun examples/32-forget.lua

local orun = require "orun"

-- keep = false: the result is released once it has been read.
local once = orun.start{run = function() return "read me" end, keep = false}
print(TaskOutput(once).output, pcall(TaskOutput, once))

-- orun.forget releases the results of one task or of an array of tasks.
local handles = {}
for i = 1, 3 do handles[i] = orun.start{run = math.sqrt, input = i * i} end
print(orun.wait_all(handles)[3].output, orun.forget(handles))

-- TaskUpdate with the status "deleted" does the same for one task.
local task = orun.start(function() return 1 end)
TaskOutput(task)
print(TaskUpdate{task_id = task, status = "deleted"}, (TaskGet(task)))

-- Or by itself: the newest hundred that have ended are kept.
print(orun.config{keep = 100}.keep)

--> ~ read me	false	TaskOutput: .*
--> 3.0	3
--> true	nil
--> 100
