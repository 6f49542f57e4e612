--- Repositories inside a worktree: their content was neither on the branch nor told of, and
--- one without a commit failed the whole task.

local repo = require "spec.support.repo"
local h = require "spec.support.helper"

orun.agent{name = "nested-sh", command = {"sh"}}

local AS <const> = "git() { command git -c user.name=n -c user.email=e@e "
  .. "-c protocol.file.allow=always \"$@\"; }\n"

local function sh(dir, lines)
  return Task{subagent_type = "nested-sh", prompt = AS .. lines, isolation = "worktree",
              cwd = dir}
end

-- A repository with the submodule `lib`, and the folder that one is cloned from.
local function with_submodule()
  local dir, lib = repo.new(), repo.new()
  repo.sh(dir, ("git -c protocol.file.allow=always submodule --quiet add %s lib\n"
    .. "git commit -qm lib"):format(h.quote(lib)))
  return dir, lib
end

describe("A repository that a task makes in its worktree", function()
  it("is not merged as a link without content", function()
    local dir = repo.new()
    local r = sh(dir, "echo 1 > one; mkdir sub/x; cd sub/x; git init -q .; echo a > a; "
      .. "git add -A; git commit -qm a")
    local w = r.worktree
    assert.equal("completed", r.status)
    assert.same({{path = "sub/x", where = w.path .. "/sub/x",
                  commit = repo.sh(w.path .. "/sub/x", "git rev-parse HEAD")}}, w.nested)
    local report, why = orun.merge{r}
    assert.is_nil(report)
    assert.matches("a link without its content: sub/x (in " .. w.path .. "/sub/x)", why, 1, true)
    assert.equal("one\n", h.read(dir .. "/one"))
    assert.equal("a\n", h.read(w.path .. "/sub/x/a"))
    repo.sh(w.path, "rm -rf sub/x/.git; git rm -q --cached sub/x; git add -A; git commit -qm files")
    assert.is_true(orun.merge{r}.ok)
    assert.equal("a\n", h.read(dir .. "/sub/x/a"))
  end)

  it("without a commit: the rest is committed, and it is named", function()
    local dir = repo.new()
    local r = sh(dir, "echo 1 > one; git init -q inner; echo x > inner/x; git init -q sub/b")
    local w = r.worktree
    assert.same({"completed"}, {r.status, r.error})
    assert.same({"one"}, w.files)
    assert.same({"inner", "sub/b"}, {w.nested[1].path, w.nested[2].path})
    assert.equal(w.path .. "/inner", w.nested[1].where)
    assert.matches("inner/", select(2, orun.merge{r}), 1, true)
    assert.equal("x\n", h.read(w.path .. "/inner/x"))
  end)

  it("is told of on stderr", function()
    local r = h.script([[
      orun.agent{name = "sh", command = {"sh"}, isolation = "worktree", cwd = (...)}
      Task{subagent_type = "sh", prompt = "git init -q inner"}
    ]], {repo.new()})
    assert.matches("^orun: t1 left a repository of its own inside its worktree; its content is not "
      .. "on branch orun/%S+/t1%-git%-init%-q%-inner: inner %(in %S+/inner%)\n$", r.err)
  end)
end)

describe("A submodule in a worktree", function()
  it("with a commit that is nowhere else is not merged", function()
    local dir = with_submodule()
    local r = sh(dir, "git submodule --quiet update --init; cd lib; echo more >> one; "
      .. "git commit -qam more")
    local w = r.worktree
    assert.equal("lib", w.nested[1].path)
    local report, why = orun.merge{r}
    assert.is_nil(report)
    assert.matches("lib (in " .. w.path .. "/lib)", why, 1, true)
    repo.sh(dir, ("git -c protocol.file.allow=always -C lib fetch -q %s"):format(
      h.quote(w.path .. "/lib")))
    assert.is_true(orun.merge{r}.ok)
  end)

  it("at a commit that its remote has is merged", function()
    local dir, lib = with_submodule()
    repo.sh(lib, "echo more >> one; git commit -qam more")
    local r = sh(dir, "git submodule --quiet update --init --remote lib")
    assert.is_nil(r.worktree.nested)
    assert.is_true(orun.merge{r}.ok)
    assert.equal(repo.sh(lib, "git rev-parse HEAD"), repo.sh(dir, "git rev-parse HEAD:lib"))
  end)
end)
