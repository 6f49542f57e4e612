--- Wrong: results are collected, and nobody looks at how the tasks ended.
--
-- $ orun -q --strict examples/anti_patterns/ignored_failure_wrong.lua

local function check(part)
  assert(part ~= "models", "no such table: users")
  return part .. " are fine"
end

local ids, results = {}, {}
for i, part in ipairs{"routes", "models", "views"} do
  ids[i] = Task{description = part, run = check, input = part, run_in_background = true}.id
end
for i, id in ipairs(ids) do results[i] = TaskOutput{task_id = id, block = true} end
print(#results .. " results")

--> 3 results
--> orun: ...:12: t2 (models) failed and its result was never read: ...: no such table: users
--> orun: ...:12: failed, and the script never looks at status or error: t2 (models): ...
-->     local result = TaskOutput(handle)
-->     if result.status ~= "completed" then
-->       print(handle.id .. " failed: " .. result.error)   -- and retry, skip or stop
-->     end
