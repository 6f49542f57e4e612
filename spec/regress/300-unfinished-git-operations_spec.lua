--- A task in a worktree that ends in the middle of a merge, a rebase, a cherry-pick: its conflict
--- markers were committed and merged.

local repo = require "spec.support.repo"
local h = require "spec.support.helper"

orun.agent{name = "unfinished-sh", command = {"sh"}}

local function sh(dir, lines)
  return Task{subagent_type = "unfinished-sh", prompt = "git() { command git -c user.name=n "
    .. "-c user.email=e@e \"$@\"; }\n" .. lines .. "\ntrue", isolation = "worktree", cwd = dir}
end

-- A repository in which the branch `o` changes `one` otherwise than the tasks do.
local function torn()
  local dir = repo.new()
  repo.sh(dir, [[git switch -q -c o; echo o > one; git commit -qam o; git switch -q main]])
  return dir
end

local CASES <const> = {
  {"merge", "echo 1 > one; git commit -qam one; git merge -q o"},
  {"cherry-pick", "echo 1 > one; git commit -qam one; git cherry-pick o"},
  {"revert", "echo 1 > one; git commit -qam a; echo 2 > one; git commit -qam b; git revert HEAD~1"},
  {"rebase", "echo 1 > one; git commit -qam one; git rebase -q o"},
  {"am", "echo 1 > one; git commit -qam one; git format-patch -1 --stdout o | git am -q -3"},
  {"conflict", "echo 1 > one; git stash -q; git merge -q o; git stash pop"},
  {"conflict", "echo 1 > one; git commit -qam one; git merge -q --squash o"},
}

describe("A worktree in which git is in the middle of something", function()
  for i, case in ipairs(CASES) do
    it(("is left as it is, and not merged: %s %d"):format(case[1], i), function()
      local dir = torn()
      local r = sh(dir, case[2])
      local w = r.worktree
      assert.equal(case[1], w.unfinished.operation)
      assert.same({"one"}, w.unfinished.conflicts)
      assert.matches("<<<<<<<", h.read(w.path .. "/one"))
      assert.not_matches("<<<<<<<", repo.sh(dir, "git show " .. w.branch .. ":one"))
      local report, why = orun.merge{r}
      assert.is_nil(report)
      assert.matches(r.task_id, why, 1, true)
      assert.matches(w.path, why, 1, true)
      assert.equal("one\n", h.read(dir .. "/one"))
    end)
  end

  it("is merged once the merge was finished there", function()
    local dir = torn()
    local r = sh(dir, CASES[1][2])
    repo.sh(r.worktree.path, "echo both > one; git commit -qam both")
    assert.is_true(orun.merge{r}.ok)
    assert.equal("both\n", h.read(dir .. "/one"))
    assert.same({0, 0}, {repo.left(dir)})
  end)

  it("a bisect without changes is told, too", function()
    local r = sh(repo.new(), "git bisect start")
    assert.equal("bisect", r.worktree.unfinished.operation)
    assert.matches("an unfinished bisect", select(2, orun.merge{r}))
  end)

  it("is told of on stderr", function()
    local r = h.script([[
      orun.agent{name = "sh", command = {"sh"}, isolation = "worktree", cwd = (...)}
      print(Task{subagent_type = "sh", prompt = "echo 1 > one; git commit -qam one; "
        .. "git merge -q o; true"}.status)
    ]], {torn(), env = {GIT_AUTHOR_NAME = "n", GIT_AUTHOR_EMAIL = "e@e", GIT_COMMITTER_NAME = "n",
                        GIT_COMMITTER_EMAIL = "e@e"}})
    assert.equal("completed\n", r.out)
    assert.matches("^orun: t1 left an unfinished merge %(in conflict: one%) in its worktree; what "
      .. "belongs to it is not committed, it is in %S+\n$", r.err)
  end)
end)
