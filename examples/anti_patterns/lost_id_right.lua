--- Right: the handle is kept, and asked for its result later.
--
-- $ orun -q --strict examples/anti_patterns/lost_id_right.lua

local task = Task{description = "Important work", run = function() return 42 end,
                  run_in_background = true}
print("something else meanwhile")
print(TaskOutput{task_id = task.id, block = true}.output)

--> something else meanwhile
--> 42
