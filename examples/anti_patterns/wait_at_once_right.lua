--- Right: all tasks are started, then all are waited for.
--
-- $ orun -q --strict examples/anti_patterns/wait_at_once_right.lua

local orun = require "orun"
orun.agent{name = "Explore", command = {"sh", "-c", "sleep 0.2; cat"}}

local ids = {}
for i, part in ipairs{"routes", "models", "views"} do
  ids[i] = Task{subagent_type = "Explore", prompt = part, run_in_background = true}.id
end
for _, id in ipairs(ids) do
  print(TaskOutput{task_id = id, block = true}.output)
end

--> routes
--> models
--> views
