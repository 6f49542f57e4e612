--- Worktrees of a run that is gone on with: work that an interruption has left is gone on with.

local h = require "spec.support.helper"
local repo = require "spec.support.repo"

-- An agent that notes where it works and what is there, adds a line to `work`, and does what
-- the file `do` beside the store says of its first attempt.
local SCRIPT <const> = [[
  local orun = require "orun"
  local place, resume = ...
  local function read(name)
    local f <close> = io.open(place .. "/" .. name)
    return f and f:read "a" or ""
  end
  orun.agent{name = "writer", isolation = "worktree", retry = {max = 2, resume = resume == "yes"},
    run = function(input, task)
      local f <close> = assert(io.open(place .. "/ran", "a"))
      local work = io.open(task.cwd .. "/work")
      f:write(("%s %s %s\n"):format(task.cwd:match "[^/]+$", work and #work:read "a" or "new",
        task.resume and task.resume.session_id))
      f:flush()
      orun.report{session_id = "session"}
      orun.exec("sh", "-c", "echo >> work")
      Task{run = function() return 1 end} -- and what was told is kept
      if read "do" == "fail" and task.attempt == 1 then error("no", 0) end
      if read "do" == "kill" then os.execute("kill -9 " .. io.open "/proc/self/stat":read "n") end
      return "done"
    end}
  local r = Task{subagent_type = "writer", prompt = "go", description = "write"}
  local w = r.worktree or {}
  print(r.output, w.branch and w.branch:match "[^/]+$", table.concat(w.files or {}, ","),
    w.stat and w.stat.insertions, #(w.earlier or {}))
]]

local Place = {}
Place.__index = Place

local function place(resume)
  local p = setmetatable({dir = h.tmpdir(), repo = repo.new(), resume = resume or "no"}, Place)
  h.write(p.dir .. "/work.lua", SCRIPT)
  return p
end

--- Run it; the agent does `what`. The result, with the lines of its attempts in `ran`.
function Place:run(what, options)
  os.remove(self.dir .. "/ran")
  h.write(self.dir .. "/do", what)
  local r = h.sh(("%s --no-history -q --store %s %s %s/work.lua %s %s"):format(h.quote(h.bin),
    h.quote(self.dir .. "/run.db"), options or "", h.quote(self.dir), h.quote(self.dir),
    self.resume), {cwd = self.repo})
  r.ran = h.lines(h.read(self.dir .. "/ran") or "")
  for i, line in ipairs(r.ran) do r.ran[i] = line:gsub("^%S+%-(t%S+)", "%1") end
  return r
end

function Place:folders()
  return h.lines(h.sh("ls -d " .. h.quote(self.repo) .. "/.orun/worktrees/*/").out)
end

describe("a worktree of a run that was killed", function()
  it("is gone on with, by as many tries as it takes, in one folder and on one branch", function()
    local p = place "yes"
    assert.same({"t1 new nil"}, p:run("kill").ran)
    local folders = p:folders()
    local second = p:run("kill", "--resume")
    assert.same({"t1 1 session"}, second.ran, second.err)
    assert.matches("goes on with what is on branch orun/%S+/t1%-write\n", second.err)
    local third = p:run("", "--resume")
    assert.same({"t1 2 session"}, third.ran, third.err)
    assert.equal("done\tt1-write\twork\t3\t0\n", third.out, third.err)
    assert.same(folders, p:folders())
    assert.same({1, 2}, {repo.left(p.repo)})
    assert.equal("done\tt1-write\twork\t3\t0\n", p:run("", "--resume").out)
  end)

  it("is gone on with by a second attempt, too, where the agent's session is", function()
    local p = place "yes"
    p:run "kill"
    local r = p:run("fail", "--resume")
    assert.same({"t1 1 session", "t1 2 session"}, r.ran, r.err)
    assert.equal("done\tt1-write\twork\t3\t0\n", r.out, r.err)
  end)

  it("is left behind by a second attempt that begins afresh", function()
    local p = place()
    p:run "kill"
    local r = p:run("fail", "--resume")
    assert.same({"t1 1 nil", "t1.2 new nil"}, r.ran, r.err)
    assert.equal("done\tt1.2-write\twork\t1\t1\n", r.out, r.err)
    assert.equal(1, #p:folders())
  end)

  it("is made again of its branch when the folder is gone", function()
    local p = place()
    p:run "kill"
    repo.sh(p.repo, [[
      cd .orun/worktrees/*-t1; git add -A; git commit -qm work; cd - >/dev/null
      git worktree remove -f -f .orun/worktrees/*-t1]])
    local r = p:run("", "--resume")
    assert.same({"t1 1 nil"}, r.ran, r.err)
    assert.equal("done\tt1-write\twork\t2\t1\n", r.out, r.err)
  end)

  it("is begun anew, in the same folder, when the branch is gone; that is told", function()
    local p = place()
    p:run "kill"
    local folders = p:folders()
    repo.sh(p.repo, [[
      git worktree remove -f -f .orun/worktrees/*-t1
      git branch -D $(git for-each-ref --format='%(refname:short)' refs/heads/orun)]])
    local r = p:run("", "--resume")
    assert.same({"t1 new nil"}, r.ran, r.err)
    assert.matches("orun: t1 begins anew: the branch orun/%S+/t1%-write, on which it was at work,"
      .. " is not there any longer", r.err)
    assert.equal("done\tt1-write\twork\t1\t0\n", r.out, r.err)
    assert.same(folders, p:folders())
  end)

  it("is gone on with when a merge is under way there", function()
    local p = place()
    p:run "kill"
    repo.sh(p.repo, [[
      echo other > one; git add -A; git commit -qm other
      cd .orun/worktrees/*-t1; echo mine > one; git add -A; git commit -qm mine
      git merge main >/dev/null || true]])
    local r = p:run("", "--resume")
    assert.same({"t1 1 nil"}, r.ran, r.err)
    assert.matches("an unfinished merge", r.err, 1, true)
    assert.equal(1, #p:folders())
  end)

  it("is not that of a task which had ended and runs again", function()
    local p = place()
    p:run ""
    local r = h.sh(("%s retry t1 --store %s"):format(h.quote(h.bin), h.quote(p.dir .. "/run.db")),
      {cwd = p.repo})
    assert.matches("done\tt1-write\twork\t1\t0\n", r.out, 1, true)
  end)
end)

describe("a result with a worktree", function()
  local MERGE <const> = [[
    local orun = require "orun"
    local how = ...
    local function task(name)
      return Task{description = name, isolation = "worktree", input = name, run = function(n, task)
        orun.exec("sh", "-c", "echo " .. n .. " > " .. n)
        return n
      end}
    end
    local a, b = task "a", task "b"
    local report, why = orun.merge{a, b, strategy = how}
    print(a.cached, b.cached, report and report.ok, report and #report.merged, why)
  ]]
  local function run(dir, options, how, text)
    local script = dir .. "/../merge.lua"
    h.write(script, text or MERGE)
    return h.sh(("%s --no-history -q --store %s %s %s %s"):format(h.quote(h.bin),
      h.quote(dir .. "/../run.db"), options, script, how), {cwd = dir})
  end

  it("is taken over when orun.merge has merged its branch, which went then", function()
    for _, how in ipairs{"merge", "squash"} do
      local dir = repo.new()
      repo.sh(dir, "git config user.name me; git config user.email me@here")
      assert.equal("nil\tnil\ttrue\t2\tnil\n", run(dir, "", how).out)
      assert.same({0, 0}, {repo.left(dir)})
      local tip = repo.sh(dir, "git rev-parse HEAD")
      local r = run(dir, "--resume", how)
      assert.equal("true\ttrue\ttrue\t2\tnil\n", r.out, r.err)
      assert.equal(tip, repo.sh(dir, "git rev-parse HEAD"))
    end
  end)

  it("is not when somebody has removed its branch; that is told, and the task runs", function()
    local dir = repo.new()
    local first = run(dir, "", "merge", MERGE:gsub("orun.merge(%b{})", "nil, %1"))
    assert.matches("^nil\tnil\t", first.out, first.err)
    repo.sh(dir, [[
      git pack-refs --all
      git worktree remove -f -f .orun/worktrees/*-t1
      git branch -q -D $(git for-each-ref --format='%(refname:short)' 'refs/heads/orun/*/t1-*')]])
    local r = run(dir, "--resume", "merge")
    assert.equal("nil\ttrue\ttrue\t2\tnil\n", r.out, r.err)
    assert.matches("^orun: a runs again: what it did was on branch orun/%S+/t1%-a, which somebody "
      .. "has removed\n", r.err)
  end)
end)
