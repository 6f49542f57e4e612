--- Right: each agent, in a worktree of its own, has a file of its own.
--
-- $ orun -q --strict examples/anti_patterns/worktrees_right.lua

local orun = require "orun"
local repo <const> = os.tmpname()
orun.exec{check = true, command = {"sh", "-c", [[
  rm "$0" && git init -q "$0" && cd "$0" && echo base >config.ts && git add . &&
  git -c user.name=example -c user.email=example@example.invalid commit -q -m base]], repo}}
orun.agent{name = "editor", isolation = "worktree", cwd = repo,
           command = {"sh", "-c", "read -r name; echo new >$name.ts; echo done"}}

local a = orun.start{subagent_type = "editor", prompt = "a\n", description = "Feature A"}
local b = orun.start{subagent_type = "editor", prompt = "b\n", description = "Feature B"}
local merged = orun.merge({a, b})
print(merged.ok, #merged.merged)
orun.exec("rm", "-rf", repo)

--> true	2
