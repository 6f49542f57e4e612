--- Wrong: nobody keeps the id, so nobody can ask for the result.
--
-- $ orun -q --strict examples/anti_patterns/lost_id_wrong.lua
--
-- The task runs to its end all the same, and if it failed that would be reported.

Task{description = "Important work", run = function() return 42 end, run_in_background = true}

--> orun: ...:7: the result of t1 (Important work) was never collected
-->     local handle = Task{..., run_in_background = true}
-->     ...
-->     local result = TaskOutput(handle)
