-- 32-forget.lua — a run of weeks keeps no result that nobody needs any more.
--
--     $ orun examples/32-forget.lua

local orun = require "orun"

-- Its result goes once it has been read.
local once = orun.start{run = function() return "read me" end, keep = false}
print(TaskOutput(once).output, pcall(TaskOutput, once))

-- One, or an array, when there is no more use for them.
local handles = {}
for i = 1, 3 do handles[i] = orun.start{run = math.sqrt, input = i * i} end
print(orun.wait_all(handles)[3].output, orun.forget(handles))

-- The list's way.
local task = orun.start(function() return 1 end)
TaskOutput(task)
print(TaskUpdate{task_id = task, status = "deleted"}, (TaskGet(task)))

-- Or by itself: the newest hundred that have ended are kept.
print(orun.config{keep = 100}.keep)

--> ~ read me	false	TaskOutput: .*
--> 3.0	3
--> true	nil
--> 100
