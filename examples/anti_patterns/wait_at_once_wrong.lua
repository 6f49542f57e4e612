--- Wrong: each task is waited for right after it was started, so one runs at a time.
--
-- $ orun -q --strict examples/anti_patterns/wait_at_once_wrong.lua
--
-- wait_at_once_right.lua starts all, then waits for all.

local orun = require "orun"
orun.agent{name = "Explore", command = {"sh", "-c", "sleep 0.2; cat"}}

for _, part in ipairs{"routes", "models", "views"} do
  local task = Task{subagent_type = "Explore", prompt = part, run_in_background = true}
  print(TaskOutput{task_id = task.id, block = true}.output) -- waits at once
end

--> routes
--> models
--> views
--> orun: ...:11: 3 tasks were each waited for right after starting: one ran at a time
-->     local handles = {}
-->     for i, item in ipairs(items) do          -- start all
-->       handles[i] = Task{..., run_in_background = true}
-->     end
-->     for i, handle in ipairs(handles) do      -- then wait for all
-->       results[i] = TaskOutput(handle)
-->     end
