--- Pattern 4 with workers that are programs of their own: here, shells.
--
-- $ orun examples/17-shell_workers.lua
--
-- `orun task` finds the run in the environment of a task's program. A worker claims
-- an item, works on it and ends it, until none is left (exit code 3). One that dies
-- gives back what it had: the first does here, and another does that item.

local orun = require "orun"

orun.agent{name = "shell-worker", command = {"sh", "-c", [[
  read name
  task() { "$ORUN_PROGRAM" task "$@"; }        # where orun is in PATH: orun task
  while item=$(task claim --next --wait --owner "$name"); do
    id=$(echo "$item" | cut -f1) title=$(echo "$item" | cut -f2)
    if [ "$name" = unlucky ]; then kill -9 $$; fi
    if [ "$title" = "page 3" ]; then task create --subject appendix >/dev/null; fi
    task update "$id" --status completed --output "$title has ${#title} letters" || exit
  done
]]}}

for i = 1, 6 do TaskCreate{description = "page " .. i} end

local unlucky = Task{subagent_type = "shell-worker", prompt = "unlucky\n"}
print(unlucky.status, unlucky.error_kind, #TaskList{status = "pending"})

local workers = {}
for i = 1, 3 do
  workers[i] = {subagent_type = "shell-worker", prompt = ("shell-%d\n"):format(i)}
end
local results = orun.fan_out(workers)

local items = TaskList{status = "completed"}
print(("%d workers, %d failed; %d items done"):format(#results, #results.failed, #items))
print(TaskOutput(items[1]).output)
print(TaskOutput(items[#items]).output)

--> failed	signal	6
--> 3 workers, 0 failed; 7 items done
--> page 1 has 6 letters
--> appendix has 8 letters
