--- A task in a worktree of a sparse repository that writes outside of what is checked out:
--- its work could not be committed, and git's advice was given as the reason.

local repo = require "spec.support.repo"
local h = require "spec.support.helper"

orun.agent{name = "sparse-sh", command = {"sh"}}

describe("A worktree of a sparse repository", function()
  for _, mode in ipairs{"--cone sub", "--no-cone /sub/", "--cone --sparse-index sub"} do
    it("commits what was written outside of it: " .. mode, function()
      local dir = repo.new()
      repo.sh(dir, "mkdir out; echo a > out/a; echo b > out/b; git add -A; git commit -qm out; "
        .. "git sparse-checkout set " .. mode)
      local r = Task{subagent_type = "sparse-sh", cwd = dir, isolation = "worktree",
        prompt = "mkdir -p out; echo new > out/new; echo A > out/a; echo 3 > sub/three"}
      assert.same({"completed"}, {r.status, r.error})
      assert.same({"out/a", "out/new", "sub/three"}, r.worktree.files)
      local report = orun.merge{r}
      assert.same({true}, {report.ok, report.error})
      assert.equal("new", repo.sh(dir, "git show HEAD:out/new"))
      assert.equal("b", repo.sh(dir, "git show HEAD:out/b"))
      assert.equal("3\n", h.read(dir .. "/sub/three"))
      assert.is_true(repo.is_clean(dir))
    end)
  end

  it("that does not work: the reason is git's, without its advice", function()
    local git = require "orun.worktree.git"
    local dir = repo.new()
    repo.sh(dir, "git sparse-checkout set --cone sub; mkdir -p out; echo x > out/x")
    local _, why = git.call(dir, {"add", "out/x"})
    assert.matches("will not be updated in the index: out/x$", why)
    assert.not_matches("hint", why)
  end)
end)
