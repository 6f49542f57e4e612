--- Right: each result's status is looked at; then one retries, skips or stops.
--
-- $ orun -q --strict examples/anti_patterns/ignored_failure_right.lua

local function check(part)
  assert(part ~= "models", "no such table: users")
  return part .. " are fine"
end

local ids, results = {}, {}
for i, part in ipairs{"routes", "models", "views"} do
  ids[i] = Task{description = part, run = check, input = part, run_in_background = true}.id
end
for _, id in ipairs(ids) do
  local result = TaskOutput{task_id = id, block = true}
  if result.status == "failed" then
    print(("Task %s failed: %s"):format(id, result.error:match("[^\n]+")))
  else
    table.insert(results, result)
  end
end
print(#results .. " results")

--> Task t2 failed: ...: no such table: users
--> 2 results
