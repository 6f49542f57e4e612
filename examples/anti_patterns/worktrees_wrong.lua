--- Wrong: two agents change the same file, each in a worktree of its own.
--
-- $ orun -q --strict examples/anti_patterns/worktrees_wrong.lua
--
-- They do not disturb each other, and nothing is lost; but merging both will need a hand.

local orun = require "orun"
local repo <const> = os.tmpname()
orun.exec{check = true, command = {"sh", "-c", [[
  rm "$0" && git init -q "$0" && cd "$0" && echo base >config.ts && git add . &&
  git -c user.name=example -c user.email=example@example.invalid commit -q -m base]], repo}}
orun.agent{name = "editor", isolation = "worktree", cwd = repo,
           command = {"sh", "-c", "cat >config.ts; echo done"}}

local a = orun.start{subagent_type = "editor", prompt = "feature A\n", description = "Feature A"}
local b = orun.start{subagent_type = "editor", prompt = "feature B\n", description = "Feature B"}
print(TaskOutput(a).status, TaskOutput(b).status)
orun.exec("rm", "-rf", repo)

--> completed	completed
--> orun: conflict: ... has changed what others have changed, too: config.ts (and ...)
--> orun: ...: t... (editor: Feature ...) and ... changed the same files: config.ts
-->     local first = Task{..., writes = {"config.ts"}}            -- one after another,
-->     local second = Task{..., writes = {"config.ts"}}
-->     Task{..., isolation = "worktree"}                          -- or each in its own worktree
--> ...
