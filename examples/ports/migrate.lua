-- migrate.lua — every file is changed in a worktree of its own and tested there; what passed
-- is merged.
--
--     $ orun examples/ports/migrate.lua
--
-- `sed` stands for the agent that changes the file, `grep` for the tests.

local orun = require "orun"
local repo, _ <close> = require "scratch" [[
  git init -q -b main && git config user.name me && git config user.email me@example.org
  for f in a b c; do echo "old $f" > $f; done; echo "old and gone" > d
  git add -A && git commit -q -m first]]

local good = orun.list(orun.map({"a", "b", "c", "d"}, function(file)
  local edit = Task{command = {"sed", "-i", "s/old/new/", file}, cwd = repo,
    isolation = "worktree", detach = true}
  return Task{command = {"grep", "-v", "gone", file}, cwd = edit.worktree.path}.ok and edit.task_id
end)):filter(function(edit) return edit end)
print(#good, orun.merge(good).ok)

--> 3	true
