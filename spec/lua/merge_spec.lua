--- orun.merge and orun.overlaps: what tasks did in worktrees comes together.

local h = require "spec.support.helper"
local repo = require "spec.support.repo"

orun.agent{name = "merge-sh", command = {"sh"}}

local function start(dir, lines, fields)
  fields = fields or {}
  fields.subagent_type, fields.prompt, fields.isolation = "merge-sh", lines, "worktree"
  fields.cwd, fields.run_in_background = dir, true
  return Task(fields)
end

local function ids(list)
  local all = {}
  for i, item in ipairs(list) do all[i] = item.task end
  return all
end

local function refused(text, t)
  local report, why = orun.merge(t)
  assert.is_nil(report)
  assert.matches(text, why, 1, true)
end

-- A repository, and two tasks that changed the files of their names there.
local function two_done()
  local dir = repo.new()
  local one = start(dir, "echo 1 > one")
  TaskOutput(one)
  local two = start(dir, "echo 2 > two")
  TaskOutput(two)
  return dir, one, two
end

describe("orun.merge", function()
  it("merges in the order given, each with a commit, and tidies up", function()
    local dir = repo.new()
    local one = start(dir, "echo 1 >> one", {description = "first thing"})
    local two = start(dir, "echo 2 >> two")
    local none = start(dir, "true")
    local report = orun.merge{two, one, none}
    assert.is_true(report.ok)
    assert.same({two.id, one.id}, ids(report.merged))
    assert.same({none.id}, report.unchanged)
    assert.same({}, report.left)
    assert.is_nil(report.conflict or report.error)
    assert.equal("main", report.into)
    assert.equal(repo.sh(dir, "git rev-parse main"), report.commit)
    assert.equal(("Merge %s (first thing)\nMerge %s (echo 2 >> two)\nfirst"):format(one.id, two.id),
      repo.sh(dir, "git log --first-parent --format=%s"))
    assert.equal("one\n1\n", h.read(dir .. "/one"))
    assert.equal("two\n2\n", h.read(dir .. "/two"))
    assert.is_true(repo.is_clean(dir))
    assert.same({0, 0}, {repo.left(dir)})
  end)

  it("merges what a pattern has given", function()
    local dir = repo.new()
    local results = orun.fan_out{
      {command = {"sh", "-c", "echo 1 >> one"}, isolation = "worktree", cwd = dir},
      {command = {"sh", "-c", "echo 2 >> two"}, isolation = "worktree", cwd = dir},
    }
    assert.is_true(results.ok)
    local report = assert(orun.merge(results))
    assert.same({true, 2}, {report.ok, #report.merged})
  end)

  it("stops at the first conflict, with everything as it was", function()
    local dir, one, two = two_done()
    repo.sh(dir, "echo main > two; git commit -qam main")
    local three = start(dir, "echo 3 > three")
    local report = orun.merge{one, two, three}
    assert.is_false(report.ok)
    assert.same({one.id}, ids(report.merged))
    assert.same({two.id, three.id}, ids(report.left))
    local w = TaskOutput(two).worktree
    assert.same({task = two.id, branch = w.branch, path = w.path, files = {"two"}, with = {}},
      report.conflict)
    assert.equal("1\n", h.read(dir .. "/one"))
    assert.equal("main\n", h.read(dir .. "/two"))
    assert.equal("2\n", h.read(w.path .. "/two"))
    assert.is_true(repo.is_clean(dir))
    assert.same({2, 4}, {repo.left(dir)})
    -- Somebody settles it on the branch, and goes on.
    repo.sh(w.path, "git merge -q -X ours -m settled main")
    -- The first is merged, and its branch gone: that it is merged again changes nothing.
    for _ = 1, 2 do
      report = assert(orun.merge{one, two, three, into = "main"})
      assert.is_true(report.ok)
      assert.same({one.id, two.id, three.id}, ids(report.merged))
    end
    assert.equal("2\n", h.read(dir .. "/two"))
    assert.same({0, 0}, {repo.left(dir)})
  end)

  it("says with whom the conflict is", function()
    local r = h.script([[
      local dir = ...
      orun.agent{name = "sh", command = {"sh"}, cwd = dir, isolation = "worktree"}
      local function sh(lines) return Task{subagent_type = "sh", prompt = lines} end
      local a, b, c = sh("echo 1 > one"), sh("echo 2 > two"), sh("echo 3 > one")
      local report = orun.merge{a, b, c}
      print(#report.merged, report.conflict.task, table.unpack(report.conflict.with))
    ]], {repo.new()})
    assert.equal("2\tt3\tt1\n", r.out, r.err)
  end)

  it("tells what would happen: dry_run", function()
    local dir, one, two = two_done()
    repo.sh(dir, "echo main > two; git commit -qam main; echo dirty >> one")
    local before = repo.sh(dir, "git for-each-ref; git status --porcelain")
    local report = orun.merge{one, two, dry_run = true}
    assert.same({false, true}, {report.ok, report.dry_run})
    assert.same({"two"}, report.conflict.files)
    assert.same({one.id}, ids(report.merged))
    assert.equal(before, repo.sh(dir, "git for-each-ref; git status --porcelain"))
  end)

  it("squashes, takes a message, and keeps what it is told to", function()
    local dir, one, two = two_done()
    local report = orun.merge{one, two, strategy = "squash", message = "All of it", keep = true}
    assert.is_true(report.ok)
    assert.equal("All of it\nAll of it\nfirst", repo.sh(dir, "git log --format=%s"))
    assert.same({2, 4}, {repo.left(dir)})
  end)

  it("goes into any branch, checked out or not", function()
    local dir, one, two = two_done()
    local other = h.tmpdir() .. "/other"
    repo.sh(dir, "git branch aside; git worktree add -q -b other " .. other)
    local report = orun.merge{one, into = "aside", keep = true}
    assert.same({true, "aside"}, {report.ok, report.into})
    assert.equal("1", repo.sh(dir, "git show aside:one"))
    assert.equal("one\n", h.read(dir .. "/one"))
    report = orun.merge{two, into = "other"}
    assert.is_true(report.ok)
    assert.equal("2\n", h.read(other .. "/two"))
    assert.is_true(repo.is_clean(other))
    assert.equal("two\n", h.read(dir .. "/two"))
    refused("there is no branch nowhere", {one, into = "nowhere"})
    repo.sh(dir, "git switch -q --detach")
    refused("no branch is checked out", {one})
  end)

  it("does nothing where it could do harm", function()
    local dir, one, two = two_done()
    local before = repo.sh(dir, "git for-each-ref")
    repo.sh(dir, "echo dirty >> sub/three")
    refused("has uncommitted changes (sub/three)", {one})
    repo.sh(dir, "git checkout -q sub/three; touch .git/MERGE_HEAD")
    refused("an unfinished merge in " .. dir, {one})
    repo.sh(dir, "rm .git/MERGE_HEAD")
    h.write(TaskOutput(two).worktree.path .. "/later", "x")
    refused("has uncommitted changes (later)", {one, two})
    assert.equal(before, repo.sh(dir, "git for-each-ref"))
  end)

  it("does not overwrite files that git does not know", function()
    local dir = repo.new()
    local one, two = start(dir, "echo 1 >> one"), start(dir, "echo theirs > four")
    TaskOutput(two)
    h.write(dir .. "/four", "mine")
    local report = orun.merge{one, two}
    assert.same({one.id}, ids(report.merged))
    assert.same({two.id}, ids(report.left))
    assert.matches("would be overwritten by merge: four", report.error, 1, true)
    assert.equal("mine", h.read(dir .. "/four"))
    assert.same({1, 2}, {repo.left(dir)})
  end)

  it("takes what failed tasks left only when told to", function()
    local dir = repo.new()
    local one, two = start(dir, "echo 1 >> one"), start(dir, "echo 2 >> two; exit 3")
    refused("failed: exit code 3", {one, two})
    assert.equal("one\n", h.read(dir .. "/one"))
    local report = orun.merge{one, two, failed = true}
    assert.is_true(report.ok)
    assert.equal("two\n2\n", h.read(dir .. "/two"))
  end)

  it("merges of one repository at a time, and what is there", function()
    local dir, one = two_done()
    local other = start(repo.new(), "echo x > four")
    refused("of different repositories", {one, other})
    repo.sh(dir, "git worktree remove --force " .. TaskOutput(one).worktree.path
      .. "; git branch -qD " .. TaskOutput(one).worktree.branch)
    refused("no longer exists", {one})
  end)

  it("raises for what makes no sense", function()
    local plain = Task{run = function() end, run_in_background = true}
    local function message(t)
      return select(2, pcall(function() orun.merge(t) end))
    end
    assert.matches("merge_spec.lua:%d+: orun.merge: tasks%[1%] = t%d+: it had no worktree",
      message{plain})
    assert.matches("orun.merge: unknown option \"form\"", message{form = 1}, 1, true)
    assert.matches("orun.merge: strategy = \"rebase\"", message{strategy = "rebase"}, 1, true)
    assert.matches("orun.merge: tasks has holes", message{[2] = plain}, 1, true)
    assert.matches("no such task", message{"t99999999"})
    assert.matches("expected a table", message(plain.id))
    assert.same({ok = true, merged = {}, left = {}, unchanged = {}}, orun.merge{})
  end)
end)
