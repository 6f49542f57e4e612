--- Wrong: a task for each quick operation, which takes no longer than starting it.
--
-- $ orun -q --strict examples/anti_patterns/too_small_wrong.lua

local handles, sum = {}, 0
for i = 1, 5000 do
  handles[i] = Task{run = function(n) return n * n end, input = i, run_in_background = true}
end
for _, handle in ipairs(handles) do sum = sum + TaskOutput(handle).output end
print(sum)

--> 41679167500
--> orun: ...:7: 5000 tasks took ... each: starting them took as long
-->     orun.map{items = items, run = f}   -- makes chunks of a useful size
-->     for _, item in ipairs(items) do results[#results + 1] = f(item) end   -- or no tasks at all
