--- isolation="worktree": a task in a git worktree of its own, on a branch of its own.

local h = require "spec.support.helper"
local repo = require "spec.support.repo"

orun.agent{name = "tree-sh", command = {"sh"}}

-- A shell script as a task in a worktree of the repository.
local function sh(dir, lines, fields)
  fields = fields or {}
  fields.subagent_type, fields.prompt, fields.isolation = "tree-sh", lines, "worktree"
  fields.cwd = fields.cwd or dir
  return Task(fields)
end

-- A Lua function as one.
local function lua(dir, run, fields)
  fields = fields or {}
  fields.run, fields.cwd, fields.isolation = run, dir, fields.isolation or "worktree"
  return Task(fields)
end

-- The environment of a `git` that does these shell lines when its words are like the pattern
-- of the shell's; $git is the real one.
local function odd_git(pattern, lines)
  local bin = h.tmpdir()
  local real = "env PATH=" .. h.quote(os.getenv "PATH") .. " git"
  h.write(bin .. "/git", ([[#!/bin/sh
    git="%s"
    case "$*" in
      %s) %s ;;
      *) exec $git "$@" ;;
    esac
  ]]):format(real, pattern, lines))
  h.sh("chmod +x " .. bin .. "/git")
  return {PATH = bin .. ":" .. os.getenv "PATH"}
end

local ADDING <const> = [[*"worktree add"*]]

-- Run a script that has the agent type and the repository's path, as an orun of its own.
local function script(dir, text, o)
  o = o or {}
  o[1] = dir
  return h.script([[
    local dir = ...
    orun.agent{name = "sh", command = {"sh"}, isolation = "worktree", cwd = dir}
    local function sh(lines, fields)
      fields = fields or {}
      fields.subagent_type, fields.prompt = "sh", lines
      return Task(fields)
    end
  ]] .. text, o)
end

local function at(dir, what) return repo.sh(dir, "git rev-parse " .. what) end

describe("A task in a worktree", function()
  it("changes nothing but its own branch, and tells what it did", function()
    local dir = repo.new()
    local r = sh(dir, "pwd; echo more >> one; echo new > four; rm two",
      {description = "Do: A & b!"})
    assert.equal("completed", r.status)
    local w = r.worktree
    assert.equal(w.path .. "\n", r.output)
    assert.matches("^" .. dir:gsub("%p", "%%%0") .. "/%.orun/worktrees/[%d-]+%x+%-" .. r.task_id
      .. "$", w.path)
    assert.matches("^orun/[%d-]+%x+/" .. r.task_id .. "%-do%-a%-b$", w.branch)
    assert.same({"four", "one", "two"}, w.files)
    assert.same({files = 3, insertions = 2, deletions = 1}, w.stat)
    assert.matches("3 files changed", w.text)
    assert.equal(at(dir, "main"), w.base)
    assert.equal(at(dir, w.branch), w.commit)
    assert.equal(w.base, at(dir, w.branch .. "^"))
    assert.equal(dir, w.repository)
    assert.is_nil(w.unchanged or w.dirty or w.overlaps or w.uncommitted or w.earlier)
    assert.is_true(repo.is_clean(dir))
    assert.is_true(repo.is_clean(w.path))
    assert.equal("one\n", h.read(dir .. "/one"))
  end)

  it("leaves no worktree when it changed nothing", function()
    local dir = repo.new()
    for _, lines in ipairs{"true", "exit 3", "git switch -q -c mine", "echo x > x; rm x"} do
      local r = sh(dir, lines)
      assert.is_true(r.worktree.unchanged)
      assert.equal(at(dir, "main"), r.worktree.base)
      assert.is_nil(r.worktree.path or r.worktree.branch)
      assert.same({0, 0}, {repo.left(dir)})
    end
  end)

  it("that is a Lua function starts its programs there", function()
    local dir = repo.new()
    local r = lua(dir .. "/sub", function(_, task)
      os.execute("echo 1 > executed")
      local pipe <close> = io.popen("pwd")
      orun.exec{command = {"sh", "-c", "echo 2 > above"}, cwd = ".."}
      return {task = task, exec = orun.exec("pwd").output, popen = pipe:read("l")}
    end)
    local w = r.worktree
    assert.equal(w.path .. "/sub", r.output.task.cwd)
    assert.same({path = w.path, branch = w.branch}, r.output.task.worktree)
    assert.equal(w.path .. "/sub\n", r.output.exec)
    assert.equal(w.path .. "/sub", r.output.popen)
    assert.same({"above", "sub/executed"}, w.files)
  end)

  it("in a process of its own has it for working folder", function()
    local dir = repo.new()
    local r = lua(dir, function(_, task)
      local file = assert(io.open("four", "w"))
      file:write("x")
      file:close()
      return {task.cwd, io.popen("pwd"):read("l"), orun.exec("pwd").output}
    end, {isolation = {"process", "worktree"}})
    local w = r.worktree
    assert.same({w.path, w.path, w.path .. "\n"}, r.output)
    assert.same({"four"}, w.files)
  end)

  it("hands the folder on to the tasks it starts", function()
    local dir = repo.new()
    local r = lua(dir, function()
      orun.agent{name = "tree-inner", command = {"sh"}}
      local apart = Task{subagent_type = "tree-inner", prompt = "echo y > apart; pwd",
                         isolation = "worktree"}
      local merged = orun.merge{apart}
      local inner = Task{subagent_type = "tree-inner", prompt = "echo x > inner; pwd"}
      return {inner.output, apart.worktree, merged}
    end)
    local w, inner, apart = r.worktree, table.unpack(r.output)
    assert.equal(w.path .. "\n", inner)
    assert.equal(w.path, apart.repository)
    assert.matches(dir .. "/.orun/worktrees/", apart.path, 1, true)
    assert.same({"apart", "inner"}, w.files)
    assert.same({1, 2}, {repo.left(dir)})
  end)

  it("may begin at any commit", function()
    local dir = repo.new()
    repo.sh(dir, "git tag old; echo x > one; git commit -qam second; git branch other old")
    for _, base in ipairs{"old", "other", "HEAD~1", at(dir, "old")} do
      local r = sh(dir, "cat one; echo x > $ORUN_TASK_ID", {base = base})
      assert.same({"one\n", at(dir, "old")}, {r.output, r.worktree.base})
    end
    orun.agent{name = "tree-old", command = {"cat", "one"}, cwd = dir, isolation = "worktree",
               base = "old"}
    assert.equal("one\n", Task{subagent_type = "tree-old", prompt = "x"}.output)
    repo.sh(dir, "git checkout -q --detach old")
    assert.equal("one\n", sh(dir, "cat one").output)
  end)

  it("shows what its program prints while it does", function()
    local dir = repo.new()
    local task = sh(dir, "echo begun; until [ -e go ]; do sleep 0.02; done; echo done",
      {run_in_background = true})
    local log = orun.output(task)
    assert.equal("begun\n", log:read())
    local path = repo.sh(dir, "git worktree list --porcelain"):match("worktree (%S+%-t%d+)")
    h.write(path .. "/go", "")
    assert.equal("done\n", log:read())
    assert.is_nil(log:read())
    assert.equal("begun\ndone\n", TaskOutput(task).output)
    assert.equal("begun\ndone\n", orun.output(task):read())
  end)

  it("is what an agent with a preset gets, too", function()
    local dir = repo.new()
    orun.agent{name = "tree-preset", cwd = dir, isolation = "worktree", preset = {
      program = "sh", argv = function() return {"sh"} end,
      line = function(s, line) s.text = line end,
    }}
    local r = Task{subagent_type = "tree-preset", prompt = "echo x > four; pwd"}
    assert.equal(r.worktree.path, r.output)
    assert.same({"four"}, r.worktree.files)
  end)
end)

describe("A worktree that cannot be made", function()
  local function refused(r, text)
    assert.same({"failed", "spawn"}, {r.status, r.error_kind})
    assert.matches("^no worktree: ", r.error)
    assert.matches(text, r.error, 1, true)
    assert.is_nil(r.worktree)
    assert.is_nil(r.output)
  end

  it("fails its task, which runs nowhere else", function()
    local dir = repo.new()
    local ran = h.tmpdir() .. "/ran"
    local lines = "echo x > " .. ran
    refused(sh(h.tmpdir(), lines), "is not in a git repository")
    refused(sh(dir, lines, {base = "nowhere"}), 'base = "nowhere": there is no such commit')
    refused(sh(dir, lines, {base = "main:one"}), "no such commit")
    refused(sh(dir, lines, {cwd = dir .. "/absent"}), "absent is not there")
    refused(sh(dir, lines, {cwd = dir .. "/.git"}), "is not in a working tree")
    refused(lua(dir, function() orun.exec("touch", "here") end, {base = "nowhere"}), "no such")
    local fresh = h.tmpdir()
    repo.sh(fresh, "git init -q")
    refused(sh(fresh, lines), "has no commit yet")
    h.write(dir .. "/.orun", "a file is in the way")
    refused(sh(dir, lines), ".orun")
    assert.is_false(h.exists(ran))
    assert.same({0, 0}, {repo.left(dir)})
  end)

  it("leaves nothing half made", function()
    local dir = repo.new()
    repo.sh(dir, "rm .git/objects/$(git rev-parse HEAD:one | sed 's,..,&/,')")
    local r = sh(dir, "true")
    refused(r, "git worktree")
    assert.same({0, 0}, {repo.left(dir)})
    assert.equal("", repo.sh(dir, "ls .orun/worktrees"))
  end)

  it("says so when there is no git", function()
    local dir, bin = repo.new(), h.tmpdir()
    repo.sh(bin, "for p in sh mkdir rm; do ln -s $(command -v $p) $p; done")
    local text = [[
      orun.agent{name = "sh", command = {"sh"}}
      local r = Task{subagent_type = "sh", prompt = "true", isolation = "worktree"}
      print(r.status, r.error_kind, r.error)
    ]]
    local r = h.sh(("cd %s && PATH=%s %s -e %s"):format(dir, bin, h.quote(h.bin), h.quote(text)))
    assert.matches("failed\tspawn\tno worktree: cannot start 'git': No such file", r.out, 1, true)
  end)

  it("leaves nothing of what git has half made, nor its locks", function()
    local dir = repo.new()
    local r = script(dir, [[
      local r = sh("true")
      print(r.status, r.error_kind, r.error)
    ]], {env = odd_git(ADDING, [[
      $git "$@"
      for branch in .git/refs/heads/orun/*/t*; do : >$branch.lock; done
      rm .orun/worktrees/*/.git
      exit 1]])})
    assert.matches("failed\tspawn\tno worktree: git worktree: exit", r.out, 1, true)
    assert.same({0, 0}, {repo.left(dir)})
    assert.equal("", repo.sh(dir, "find .git -name '*.lock'; ls .orun/worktrees; "
      .. "ls .git/worktrees 2>/dev/null || true"))
  end)

  it("is tried again when another git was just making one", function()
    local dir = repo.new()
    local r = script(dir, [[print(sh("echo x > four").worktree.files[1])]], {
      env = odd_git(ADDING, [[
        $git "$@"
        [ -e $0.was ] && exit
        : >$0.was
        echo "fatal: failed to read .git/worktrees/other/commondir: Success" >&2
        exit 128]])})
    assert.same({"four\n", ""}, {r.out, r.err})
    assert.same({1, 2}, {repo.left(dir)})
  end)

  it("is refused at once when the call makes no sense", function()
    local function message(fields)
      fields.subagent_type, fields.prompt = "tree-sh", "x"
      return select(2, pcall(Task, fields))
    end
    assert.matches("none is asked for", message{base = "main"})
    assert.matches("a commit, branch or tag", message{base = "-x", isolation = "worktree"})
    assert.matches("a commit, branch or tag", message{base = "", isolation = "worktree"})
    assert.matches('isolation = "wortree"', message{isolation = "wortree"})
    assert.matches("it is for Lua functions", message{isolation = {"worktree", "process"}})
    assert.matches("none is asked for", select(2, pcall(orun.agent, {name = "x", command = {"sh"},
      base = "main"})))
  end)
end)

describe("What a task leaves in its worktree", function()
  it("is committed however the task ends", function()
    local dir = repo.new()
    local r = sh(dir, "echo x > f1; exit 3")
    assert.same({"failed", "exit", {"f1"}}, {r.status, r.error_kind, r.worktree.files})
    r = sh(dir, "echo x > f2; kill -KILL $$")
    assert.same({"failed", "signal", {"f2"}}, {r.status, r.error_kind, r.worktree.files})
    r = h.in_time(function(timeout)
      local late = sh(dir, "echo x > f3; exec sleep 100", {timeout = timeout})
      return #late.worktree.files > 0 and late
    end)
    assert.same({"failed", "timeout", {"f3"}}, {r.status, r.error_kind, r.worktree.files})
    r = lua(dir, function() orun.exec("touch", "f4") error("no", 0) end)
    assert.same({"failed", "no", {"f4"}}, {r.status, r.error, r.worktree.files})
    r = h.in_time(function(timeout)
      local late = lua(dir, function()
        orun.exec("touch", "f5")
        while true do pcall(function() while true do end end) end
      end, {timeout = timeout})
      return #late.worktree.files > 0 and late
    end)
    assert.same({"failed", "timeout", {"f5"}}, {r.status, r.error_kind, r.worktree.files})
    assert.matches("timeout", repo.sh(dir, "git log -1 --format=%s " .. r.worktree.branch))
    r = lua(dir, function() orun.exec("touch", "f6") return io.stdout end)
    assert.same({"failed", {"f6"}}, {r.status, r.worktree.files})
    assert.is_true(repo.is_clean(dir))
  end)

  it("is committed when the task is stopped", function()
    local dir = repo.new()
    local one = sh(dir, "echo x > five; echo go; exec sleep 100", {run_in_background = true})
    local two = lua(dir, function() orun.exec("touch", "four") orun.sleep("1h") end,
      {run_in_background = true})
    assert.equal("go\n", orun.output(one):read())
    h.wait_for(function()
      return h.sh("ls " .. dir .. "/.orun/worktrees/*-" .. two.id .. "/four").code == 0
    end)
    TaskStop(one)
    TaskStop(two)
    for task, name in pairs{[one] = "five", [two] = "four"} do
      local r = TaskOutput(task)
      assert.same({"cancelled", {name}}, {r.status, r.worktree.files})
    end
  end)

  it("leaves nothing locked, whenever it is stopped", function()
    local dir = repo.new()
    for i = 1, 8 do
      local task = sh(dir, "true", {run_in_background = true})
      orun.sleep(0.02 * i)
      TaskStop(task)
      TaskOutput(task)
    end
    assert.equal("", repo.sh(dir, "git worktree list --porcelain | grep ^locked || true"))
    assert.same({0, 0}, {repo.left(dir)})
  end)

  it("is committed when the run is interrupted", function()
    local dir = repo.new()
    local p = h.start{"-e", [[
      orun.agent{name = "sh", command = {"sh"}}
      Task{subagent_type = "sh", prompt = "echo x > four; echo go >&2; exec sleep 100",
           isolation = "worktree"}
    ]], cwd = dir}
    h.wait_for(function() return h.sh("ls " .. dir .. "/.orun/worktrees/*/four").code == 0 end)
    p:kill("TERM")
    p:wait()
    assert.equal("four\none\nsub\ntwo", repo.sh(dir,
      "git ls-tree --name-only $(git for-each-ref --format='%(refname)' refs/heads/orun)"))
    assert.equal("", repo.sh(dir, "git worktree list --porcelain | grep ^locked || true"))
  end)

  it("keeps commits of its own, wherever its HEAD is", function()
    local dir = repo.new()
    local id = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a "
      .. "GIT_COMMITTER_EMAIL=a; "
    local function tree(lines)
      dir = repo.new()
      return sh(dir, id .. lines).worktree
    end
    local w = tree "echo x > four; git add four; git commit -qm own; echo y > five"
    assert.same({"five", "four"}, w.files)
    assert.equal("own", repo.sh(dir, "git log -1 --format=%s " .. w.branch .. "^"))
    assert.same({"five", "four"}, tree(
      "git switch -qc mine; echo x > four; git add .; git commit -qm own; echo y > five").files)
    assert.same({"four"}, tree(
      "git switch -q --detach; echo x > four; git add .; git commit -qm own").files)
    w = tree "echo x > four; git add .; git commit -qm own; git switch -q --detach HEAD^"
    assert.same({"four"}, w.files)
    w = tree "git checkout -q --orphan alone; git rm -rqf .; echo x > four"
    assert.same({"four", "one", "sub/three", "two"}, w.files)
    w = tree [[echo x > four; git add .; git commit -qm own
               git switch -q --detach HEAD^; echo y > five]]
    assert.same({"four"}, w.files)
    assert.equal(w.branch .. "-head", w.other_branch)
    assert.equal("five\none\nsub\ntwo", repo.sh(dir, "git ls-tree --name-only " .. w.other_branch))
    w = tree("echo x > four; git add .; : > $(git rev-parse --git-dir)/index.lock; "
      .. ": > $(git rev-parse --git-path $(git symbolic-ref HEAD)).lock")
    assert.same({"four"}, w.files)
    assert.is_true(repo.is_clean(dir))
  end)

  it("may have any name", function()
    local dir = repo.new()
    local odd = {"a\nb", " lead", "-rf", '"quoted"', "tab\there", "\xff\xfe", "ü", "$(id)", "a'b",
                 ":(top)x", "*"}
    local r = lua(dir, function(names)
      for _, name in ipairs(names) do orun.exec("touch", "--", name) end
    end, {input = odd})
    table.sort(odd)
    table.sort(r.worktree.files)
    assert.same(odd, r.worktree.files)
    local strange = h.tmpdir() .. "/a b\n'c' $(id)"
    repo.sh(".", "cp -r " .. h.quote(dir) .. " " .. h.quote(strange))
    repo.sh(strange, "rm -rf .orun; git worktree prune")
    r = sh(strange .. "/sub", "echo x > four; pwd")
    assert.equal(strange, r.worktree.repository)
    assert.same({"sub/four"}, r.worktree.files)
    assert.is_true(orun.merge{r}.ok)
    assert.equal("x\n", h.read(strange .. "/sub/four"))
  end)

  it("does not run the user's hooks, nor ask anybody", function()
    local dir = repo.new()
    local ran = h.tmpdir() .. "/ran"
    for _, hook in ipairs{"pre-commit", "post-commit", "commit-msg", "post-checkout", "post-merge",
                          "reference-transaction", "post-index-change", "prepare-commit-msg"} do
      h.write(dir .. "/.git/hooks/" .. hook, "#!/bin/sh\necho " .. hook .. " >> " .. ran
        .. "\nexit 1\n")
    end
    repo.sh(dir, [[chmod +x .git/hooks/*; git config commit.gpgSign true
      git config gpg.program false; git config core.editor 'false'; git config commit.template /none
      git config core.safecrlf true; git config core.autocrlf input
      git config diff.external false; git config core.fsmonitor false]])
    local r = sh(dir, "printf 'a\\r\\nb\\n' > four")
    assert.equal("completed", r.status, r.error)
    assert.same({"four"}, r.worktree.files)
    assert.is_true(orun.merge{r}.ok)
    assert.is_false(h.exists(ran))
  end)

  it("is committed by orun where nobody is known", function()
    local dir = repo.new()
    repo.sh(dir, "git config user.useConfigOnly true")
    local r = script(dir, [[print(sh("echo x > four").worktree.branch)]], {env = {
      HOME = h.tmpdir(), GIT_CONFIG_NOSYSTEM = "1", GIT_CONFIG_GLOBAL = "/dev/null", EMAIL = "",
      GIT_AUTHOR_NAME = "", GIT_AUTHOR_EMAIL = "", GIT_COMMITTER_NAME = "",
      GIT_COMMITTER_EMAIL = ""}})
    assert.equal("orun orun@localhost", repo.sh(dir, "git log -1 --format='%an %ae' " .. r.out))
  end)

  it("goes nowhere else when the environment names another repository", function()
    local dir, other = repo.new(), repo.new()
    local r = script(dir, [[
      local r = sh("echo x > four; git add four; git rev-parse --show-toplevel; "
        .. "env | grep -E '^GIT_(DIR|WORK|INDEX|PREFIX)'; true")
      print(r.output, r.worktree.path, table.concat(r.worktree.files, " "), orun.merge{r}.ok)
    ]], {env = {GIT_DIR = other .. "/.git", GIT_WORK_TREE = other,
                GIT_INDEX_FILE = other .. "/.git/index", GIT_PREFIX = "sub/"}})
    local path = r.out:match("^(%S+)\n") or r.err
    assert.equal(path .. "\n\t" .. path .. "\tfour\ttrue\n", r.out, r.err)
    assert.is_true(repo.is_clean(other))
    assert.is_true(h.exists(dir .. "/four"))
  end)

  it("stays when there is a repository inside", function()
    local dir = repo.new()
    local r = sh(dir, [[mkdir in; cd in; git init -q; echo x > x; git add x
      git -c user.name=a -c user.email=a commit -qm x; echo y > y]])
    assert.same({"in"}, r.worktree.files)
    assert.same({"in"}, r.worktree.uncommitted)
    assert.is_false(pcall(assert, orun.merge{r}))
    repo.sh(r.worktree.path .. "/in", "rm y")
    assert.matches("a link without its content: in", select(2, orun.merge{r}), 1, true)
    assert.is_true(h.exists(r.worktree.path .. "/in/x"))
  end)

  it("is not committed by a git that was killed, whose lock keeps nobody waiting", function()
    local dir = repo.new()
    local r = script(dir, [[
      local r = sh("echo four > four")
      print(r.status, r.error_kind, r.error)
    ]], {env = odd_git([[*"add -A"*]], [[
      for word; do
        case $word in --git-dir=*) : >"${word#*=}/index.lock" ;; esac
      done
      kill -KILL $$]])})
    assert.matches("^failed\tlost\twhat the task did could not be committed: git add: killed by "
      .. "signal 9 ", r.out, 1, r.err)
    assert.equal("", repo.sh(dir, "find .git -name '*.lock'"))
  end)

  it("that cannot be committed fails its task, and stays", function()
    local dir = repo.new()
    local r = script(dir, [[
      local r = sh("echo four > four; echo out")
      print(r.status, r.error_kind, r.output:match("[^\n]*"))
      print(r.error)
      print(r.worktree.path)
    ]], {env = odd_git([[*"add -A"*]], [[$git "$@"; echo "error: bad day" >&2; exit 1]])})
    local path = r.out:match("([^\n]*)\n$")
    assert.equal(("failed\tlost\tout\nwhat the task did could not be committed: git add: bad day; "
      .. "it is in %s\n%s\n"):format(path, path), r.out)
    assert.equal("four\n", h.read(path .. "/four"))
  end)

  it("is on the branch when the folder was removed", function()
    local dir = repo.new()
    local r = sh(dir, [[echo x > four; git add .
      git -c user.name=a -c user.email=a commit -qm x; rm -rf "$ORUN_WORKTREE"]])
    assert.same({"four"}, r.worktree.files)
    assert.is_nil(r.worktree.path)
    assert.is_true(assert(orun.merge{r}).ok)
    assert.same({0, 0}, {repo.left(dir)})
  end)
end)

describe("Worktrees of other repositories:", function()
  it("a bare one has them inside itself", function()
    local dir, bare = repo.new(), h.tmpdir() .. "/bare.git"
    repo.sh(dir, "git clone -q --bare . " .. bare)
    local r = sh(bare, "echo x > four")
    assert.matches(bare .. "/orun-worktrees/", r.worktree.path, 1, true)
    local report = orun.merge{r}
    assert.is_true(report.ok)
    assert.equal(report.commit, at(bare, "main"))
  end)

  it("a shallow clone, a submodule, a linked worktree, one with its folder elsewhere", function()
    local dir, place = repo.new(), h.tmpdir()
    repo.sh(dir, "echo x > one; git commit -qam second")
    repo.sh(place, ([[
      git clone -q --depth 1 file://%s shallow
      git init -q super; cd super
      git -c protocol.file.allow=always submodule add -q %s inside; git commit -qm super; cd ..
      git -C %s worktree add -q -b linked %s/linked
      git clone -q --separate-git-dir=%s/elsewhere %s apart]]):format(dir, dir, dir, place, place,
      dir))
    for _, name in ipairs{"shallow", "super/inside", "linked", "apart"} do
      local r = sh(place .. "/" .. name, "echo x > four")
      assert.same({"completed", {"four"}}, {r.status, r.worktree and r.worktree.files},
        name .. ": " .. tostring(r.error))
      assert.is_true(repo.is_clean(place .. "/" .. name))
      assert.is_true(assert(orun.merge{r}).ok)
      assert.is_true(h.exists(place .. "/" .. name .. "/four"))
    end
    assert.is_true(repo.is_clean(dir))
    assert.is_false(h.exists(dir .. "/four"))
  end)

  it("ten at once do not get in each other's way", function()
    local dir, tasks = repo.new(), {}
    for i = 1, 10 do
      tasks[i] = sh(dir, ("echo %d > file%d; pwd"):format(i, i), {run_in_background = true})
    end
    local paths = {}
    for i, task in ipairs(tasks) do
      local r = TaskOutput(task)
      assert.same({"completed", {"file" .. i}}, {r.status, r.worktree and r.worktree.files},
        r.error)
      assert.is_nil(paths[r.output])
      paths[r.output] = true
    end
    local report = assert(orun.merge(tasks))
    assert.is_true(report.ok)
    assert.equal("10", repo.sh(dir, "ls | grep -c file"))
    assert.same({0, 0}, {repo.left(dir)})
  end)
end)

describe("Another attempt of a task", function()
  local lines = [[echo x > "seen-$(basename "$(pwd)")"
    case "$ORUN_BRANCH" in */t*.2-*) ;; *) exit 1;; esac]]

  it("begins afresh; the branch of the one before is kept", function()
    local dir = repo.new()
    local r = sh(dir, lines, {retry = {max = 1, backoff = 0.01}})
    local w = r.worktree
    assert.same({"completed", 2}, {r.status, r.attempts})
    assert.matches("-" .. r.task_id .. ".2", w.path, 1, true)
    assert.equal(1, #w.files)
    assert.equal(1, #w.earlier)
    assert.equal(at(dir, w.earlier[1].branch), w.earlier[1].commit)
    assert.same({1, 3}, {repo.left(dir)})
  end)

  it("goes on in the same one with retry.resume", function()
    local dir = repo.new()
    local r = lua(dir, function(_, task)
      orun.report{session_id = "s"}
      orun.exec("touch", "attempt" .. task.attempt)
      if task.attempt == 1 then error("again", 0) end
      return task.resume.session_id .. orun.exec("ls").output
    end, {retry = {max = 1, backoff = 0.01, resume = true}})
    assert.matches("^sattempt1\nattempt2\n", r.output)
    assert.same({"attempt1", "attempt2"}, r.worktree.files)
    assert.is_nil(r.worktree.earlier)
    assert.same({1, 2}, {repo.left(dir)})
  end)
end)

describe("What is said of worktrees:", function()
  it("uncommitted changes are not in them, once for each folder", function()
    local dir = repo.new()
    repo.sh(dir, "echo dirty >> one; echo x > four")
    local r = script(dir, [[
      for _ = 1, 2 do
        local w = sh("cat one").worktree
        print(table.concat(w.dirty, " "))
      end
      print(sh("true", {base = "main"}).worktree.dirty)
    ]])
    assert.equal("one four\none four\nnil\n", r.out)
    assert.equal(("orun: uncommitted changes in %s are not in the worktrees of tasks, which begin "
      .. "at %s: one, four\n"):format(dir, at(dir, "HEAD"):sub(1, 12)), r.err)
  end)

  it("two that changed the same file are in conflict, before anybody merges", function()
    local dir = repo.new()
    local r = script(dir, [[
      local a, b, c = sh("echo a > one; echo a > two"), sh("echo b > four"), sh("echo c > one")
      print(a.worktree.overlaps, b.worktree.overlaps)
      for _, o in ipairs(c.worktree.overlaps) do print(o.task, o.branch, table.unpack(o.files)) end
      for _, o in ipairs(orun.overlaps{a, b, c.task_id}) do
        print(o.tasks[1], o.tasks[2], table.unpack(o.files))
      end
      print(#orun.overlaps{a, b})
    ]])
    assert.matches("^nil\tnil\n"
      .. "t1\torun/%S+/t1%-echo%-a%-one%-echo%-a%-two\tone\nt1\tt3\tone\n0\n$", r.out)
    assert.equal("orun: conflict: t3 has changed what others have changed, too: one (and t1)\n",
      r.err)
  end)

  it("whether there is a conflict cannot be told: the work is done all the same", function()
    local dir = repo.new()
    local r = script(dir, [[
      local r = sh("echo a > one")
      print(r.status, r.worktree.files[1], r.worktree.overlaps)
    ]], {env = odd_git("*for-each-ref*refs/orun/*", [[echo "fatal: bad day" >&2; exit 128]])})
    assert.equal("completed\tone\tnil\n", r.out)
    assert.equal("orun: whether others have changed what t1 has changed is unknown: git "
      .. "for-each-ref: bad day\n", r.err)
  end)

  it("what git had half made for a run that was killed goes without a word", function()
    local dir = repo.new()
    local p = h.start{"-e", [[Task{run = print, isolation = "worktree"}]], cwd = dir,
      env = odd_git(ADDING, [[$git "$@"; rm .orun/worktrees/*/.git; exec sleep 100]])}
    h.wait_for(function()
      return h.sh("ls " .. dir .. "/.orun/worktrees/*/one").code == 0
        and h.sh("ls " .. dir .. "/.orun/worktrees/*/.git").code ~= 0
    end)
    p:kill("KILL")
    p:wait()
    assert.same({1, 1}, {repo.left(dir)})
    local r = script(dir, [[print(sh("true").worktree.unchanged)]])
    assert.same({"true\n", ""}, {r.out, r.err})
    assert.same({0, 0}, {repo.left(dir)})
  end)

  it("what a run that was killed has left is found, committed and named", function()
    local dir = repo.new()
    local p = h.start{"-e", [[
      orun.agent{name = "sh", command = {"sh"}, isolation = "worktree"}
      Task{subagent_type = "sh", prompt = "exec sleep 100", run_in_background = true}
      Task{subagent_type = "sh", prompt = "echo x > four; exec sleep 100"}
    ]], cwd = dir}
    h.wait_for(function() -- a worktree's folder is there before its refs are
      return h.sh("ls " .. dir .. "/.orun/worktrees/*-t2/four").code == 0
        and select(2, repo.left(dir)) == 4
    end)
    local during = script(dir, [[print(sh("true").worktree.unchanged)]])
    assert.same({"true\n", ""}, {during.out, during.err})
    assert.same({2, 4}, {repo.left(dir)})
    p:kill("KILL")
    p:wait()
    repo.sh(dir, "for b in .git/refs/heads/orun/*/t* .git/refs/orun/*/t*; do : >$b.lock; done")
    local first = script(dir, [[sh("true")]])
    assert.matches("^orun: a run that was killed has left work of its task t2: four is on branch "
      .. "orun/%S+/t2%-echo%-x%-four%-exec%-sleep%-%d+, in %S+%-t2\n$", first.err)
    assert.same({1, 2}, {repo.left(dir)})
    assert.equal("", script(dir, [[sh("true")]]).err)
    local branch = repo.sh(dir, "git for-each-ref --format='%(refname)' refs/heads/orun")
    assert.equal("x", repo.sh(dir, "git show " .. branch .. ":four"))
    assert.matches("its run was killed", repo.sh(dir, "git log -1 --format=%s " .. branch))
  end)
end)

describe("orun.exec", function()
  it("starts a program without a variable: env = {NAME = false}", function()
    local line = "echo \"[${HOME-none}] [${PATH+some}] [$A]\""
    local r = orun.exec{command = {"/bin/sh", "-c", line}, env = {HOME = false, A = "b"}}
    assert.equal("[none] [some] [b]\n", r.output)
    assert.matches("or false for none", select(2, pcall(orun.exec, {command = {"sh"},
      env = {A = true}})))
  end)
end)
