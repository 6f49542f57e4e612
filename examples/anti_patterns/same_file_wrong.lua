--- Wrong: two agents that change the same file are started at once.
--
-- $ orun -q --strict examples/anti_patterns/same_file_wrong.lua
--
-- Because both say what they write, no change is lost: orun has the second wait. That wait is
-- the finding. Of tasks that do not say it, orun cannot know it; give those isolation =
-- "worktree", as worktrees_wrong.lua does.

local orun = require "orun"
local config = os.tmpname()
orun.agent{name = "editor", command = {"sh", "-c", 'sleep 0.4; cat >>"$0"', config}}

local a = Task{subagent_type = "editor", prompt = "feature A\n", description = "Add feature A",
               writes = {config}, run_in_background = true}
local b = Task{subagent_type = "editor", prompt = "feature B\n", description = "Add feature B",
               writes = {config}, run_in_background = true}
print(TaskOutput(a).status, TaskOutput(b).status)
os.remove(config)

--> completed	completed
--> orun: ...:15: t2 (editor: Add feature B) waited for another that declares the same writes
-->     local first = Task{..., writes = {"config.ts"}}            -- one after another,
-->     local second = Task{..., writes = {"config.ts"}}
-->     Task{..., isolation = "worktree"}                          -- or each in its own worktree
