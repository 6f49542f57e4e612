--- Wrong: a batch waits for all of the one before, not only for what it needs.
--
-- $ orun -q --strict examples/anti_patterns/barrier_wrong.lua
--
-- "server" needs "schema" alone, and could have begun while "logo" was drawn.

local orun = require "orun"
local function start(name, seconds)
  return Task{description = name, run = orun.sleep, input = seconds, run_in_background = true}
end

for _, batch in ipairs{{{"schema", 0.01}, {"logo", 0.8}}, {{"server", 0.7}}} do
  local handles = {}
  for i, step in ipairs(batch) do handles[i] = start(step[1], step[2]) end
  for _, handle in ipairs(handles) do print(handle.description, TaskOutput(handle).status) end
end

--> schema	completed
--> logo	completed
--> server	completed
--> orun: ...:15: 2 tasks were waited for, t2 (logo) the longest; t3 (server) could have begun ...
-->     Task{..., blockedBy = {what_it_needs}, run_in_background = true}   -- starts when it can
-->     orun.batches / orun.pipeline say the same of many
