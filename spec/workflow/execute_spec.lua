--- `orun spec:execute`: the tasks of a specification, done.

local h = require "spec.support.helper"
local places = require "spec.support.specification"
local repo = require "spec.support.repo"
local screen = require "spec.support.screen"

-- A place with its list of tasks.
local function ready(text, plain)
  local place = places.new(text, plain)
  local r = place:orun("spec:decompose", "demo")
  assert.equal(0, r.code, r.err)
  return place
end

-- A specification of one phase with these sections.
local function spec(...)
  return "# Demo\n## Overview\nWhat it is all about, in as many words as are needed to be "
    .. "complete.\n## Phase 1: Ground\n" .. table.concat({...}, "\n")
end

local function task(title, commands, more)
  return ("### %s\n%s\nAcceptance: it is done.\n```sh run\necho %s >> \"$RAN\"\n%s\n```\n"):format(
    title, more or "Depends on: nothing", title, commands)
end

local function runs(place) return h.lines(h.read(place.dir .. "/ran") or "") end

describe("orun spec:execute", function()
  it("prints the plan, and ends there with --dry-run", function()
    local place = ready()
    local r = place:orun("spec:execute", "--dry-run", "specs/demo")
    assert.equal([[
demo: 3 tasks in 2 batches, 0 done before; critical path 1.1 -> 2.1
batch 1
  1.1  Make one  (by its command)
  1.2  Make two  (by its command)
batch 2
  2.1  Join them  (by its command, after 1.1 1.2)
]], r.out, r.err)
    local plan = place:json("spec:execute", "--dry-run", "--json", "demo")
    assert.same({2, "2.1", false}, {#plan.batches, plan.batches[2][1].id, plan.batches[2][1].done})
    assert.same({0, "02-specification.md 03-tasks.json 03-tasks.md"}, {place:ran(), place:files()})
  end)

  it("does each task in a worktree, on what those before it did, and notes how", function()
    local place = ready()
    local r, err, code = place:json("spec:execute", "--json", "demo")
    assert.same({3, {}, "spec/demo", 0}, {r.done, r.failed, r.branch, code}, err)
    assert.equal("1\n2", repo.sh(place.dir, "git show spec/demo:both.txt"))
    assert.equal("", repo.sh(place.dir, "git status --porcelain -- one one.txt both.txt"))
    assert.equal("1", repo.sh(place.dir, "git worktree list | wc -l"))
    local page = place:read "04-implementation.md"
    for _, heading in ipairs{"## Session 1", "### completed 1.1 Make one",
      "### completed 2.1 Join them", "3 of 3 tasks done."} do
      assert.is_truthy(page:find("\n" .. heading, 1, true), page)
    end
    assert.matches("by its command, on spec/demo at %x+", page)
    local again = place:orun("spec:execute", "demo")
    assert.matches("All of it is done", again.out)
    assert.same({0, 3, page}, {again.code, place:ran(), place:read "04-implementation.md"})
  end)

  it("does the rest when one fails, and only that the next time", function()
    local place = ready(spec(task("a", "true > a"), task("b", "echo why >&2; exit 3"),
      task("c", "true", "Depends on: b"), task("d", "cat a > d", "Depends on: a")))
    local r, err, code = place:json("spec:execute", "--json", "demo")
    assert.same({2, {"1.2"}, {"1.3"}, 1}, {r.done, r.failed, r.blocked, code}, err)
    assert.matches("### failed 1.2 b\n\n[^\n]+\n\n> exit code 3: why\n",
      place:read "04-implementation.md")
    r = place:json("spec:execute", "--json", "demo")
    assert.same({2, 0, {"1.2"}}, {r.before, r.done, r.failed})
    local ran = runs(place)
    table.sort(ran)
    assert.same({"a", "b", "b", "d"}, ran)
    assert.matches("## Session 2", place:read "04-implementation.md")
  end)

  it("tries again with --on-failure retry", function()
    local place = ready(spec(task("a", 'test $(grep -c a "$RAN") = 3')))
    local r, err = place:json("spec:execute", "--json", "--on-failure", "retry", "demo")
    assert.same({1, {"a", "a", "a"}}, {r.done, runs(place)}, err)
  end)

  it("starts nothing more after a failure with --on-failure stop", function()
    local place = ready(spec(task("a", "exit 1"), task("b", "true"), task("c", "true")))
    local r, err = place:json("spec:execute", "--json", "-j1", "--on-failure", "stop", "demo")
    assert.same({{"1.1"}, {"1.2", "1.3"}, {"a"}}, {r.failed, r.blocked, runs(place)}, err)
  end)

  it("does one batch with --batch, when those it needs are done", function()
    local place = ready()
    local r = place:orun("spec:execute", "--batch", "2", "demo")
    assert.same({1, 0}, {r.code, place:ran()})
    assert.matches("task 2.1 needs 1.1 of batch 1, which is not done", r.err, 1, true)
    assert.equal(2, place:json("spec:execute", "--batch", "1", "--json", "demo").done)
    assert.equal(1, place:json("spec:execute", "--batch", "2", "--json", "demo").done)
    assert.matches("there is no batch 3", place:orun("spec:execute", "--batch", "3", "demo").err)
  end)

  it("starts a task when those it needs are done, not when their batch is", function()
    local gate = h.tmpdir() .. "/gate"
    local place = ready(spec(task("a", "true"), task("c", "echo > " .. gate, "Depends on: a"),
      task("b", ("until test -e %s; do sleep 0.01; done"):format(gate))))
    local r, err = place:json("spec:execute", "--json", "demo")
    assert.same({3, {}}, {r.done, r.failed}, err)
  end)

  it("asks on a terminal whether to begin", function()
    local place = ready()
    local line = ("env RAN=%s/ran %s --no-history --no-store -q spec:execute demo"):format(
      place.dir, h.quote(h.bin))
    local terminal <close> = screen.open(line, {cwd = place.dir})
    terminal:shows "Do 3 tasks%?"
    terminal:keys("2", "Enter")
    assert.matches("Nothing was done.\nexit 0", terminal:ended(), 1, true)
    assert.same({0, "02-specification.md 03-tasks.json 03-tasks.md"}, {place:ran(), place:files()})
  end)

  it("begins on what its user has committed since, and keeps what is not committed", function()
    local place = ready()
    place:json("spec:execute", "--json", "--batch", "1", "demo")
    repo.sh(place.dir, [[
      git merge -q spec/demo; echo 9 > one.txt; git commit -q -a -m nine; echo mine > two]])
    local r, err = place:json("spec:execute", "--json", "demo")
    assert.same({1, {}}, {r.done, r.failed}, err)
    assert.equal("9\n2", repo.sh(place.dir, "git show spec/demo:both.txt"))
    assert.equal("mine\n", h.read(place.dir .. "/two"))
  end)

  it("does again, on top of the other, what two have changed at once", function()
    local place = ready(spec(task("a", "echo a >> same"), task("b", "echo b >> same")))
    local gate = h.tmpdir() .. "/both" -- each waits for the other, so that both begin on the same
    local wait = ("echo >> %s; until test $(wc -l < %s) -ge 2; do sleep 0.01; done\n"):format(
      gate, gate)
    place:write("02-specification.md", (place:read("02-specification.md"):gsub("echo %w >> same",
      wait .. "%0")))
    place:orun("spec:decompose", "demo")
    local r, err = place:json("spec:execute", "--json", "demo")
    assert.same({2, {}}, {r.done, r.failed}, err)
    assert.equal("2", repo.sh(place.dir, "git show spec/demo:same | wc -l"))
    assert.matches("it changed what others had changed meanwhile: same", err)
  end)

  it("has failed when its check does, whatever the command says", function()
    local place = ready(spec(task("a", "true") .. "```sh check\ntest -e nothing\n```\n"))
    local r, err = place:json("spec:execute", "--json", "demo")
    assert.same({"1.1"}, r.failed, err)
    assert.matches("its check failed: exit code 1", err)
  end)

  it("goes on after Ctrl-C, by the file and by the store, with nothing half-written", function()
    local gate = h.tmpdir() .. "/gate"
    local wait = ("test -e %s || { true > %s.waits; sleep 1000; }"):format(gate, gate)
    local place = ready(spec(task("a", "true > a"), task("b", wait, "Depends on: a")))
    local p = h.start{"--no-history", "-q", "--store", place.dir .. "/run.db", "spec:execute",
      "demo", cwd = place.dir, env = {RAN = place.dir .. "/ran"}}
    assert(h.wait_for(function() return h.exists(gate .. ".waits") end))
    p:kill "INT"
    local ended = p:wait()
    assert.is_true(ended.code ~= 0)
    local page = place:read "04-implementation.md"
    assert.matches("### completed 1.1 a\n", page)
    assert.is_nil(page:find("1.2 b", 1, true))
    assert.equal("02-specification.md 03-tasks.json 03-tasks.md 04-implementation.md",
      place:files())
    h.write(gate, "")
    h.write(place:path "04-implementation.md", "") -- only the store knows now
    local r = h.orun{"--no-history", "-q", "--store", place.dir .. "/run.db", "--resume",
      "spec:execute", "demo", cwd = place.dir, env = {RAN = place.dir .. "/ran"}}
    assert.equal(0, r.code, r.err)
    assert.same({"a", "b", "b"}, runs(place))
    assert.matches("### completed 1.1 a\n.*### completed 1.2 b\n",
      place:read "04-implementation.md")
  end)

  it("is refused while another is at work, and not because of one that was killed", function()
    local gate = h.tmpdir() .. "/gate"
    local place = ready(spec(task("a", ("test -e %s || { true > %s.waits; sleep 1000; }"):format(
      gate, gate))))
    local p = h.start{"--no-history", "--no-store", "-q", "spec:execute", "demo", cwd = place.dir,
      env = {RAN = place.dir .. "/ran"}}
    assert(h.wait_for(function() return h.exists(gate .. ".waits") end))
    for _, name in ipairs{"spec:execute", "spec:decompose"} do
      local r = place:orun(name, "demo")
      assert.same({1, 1}, {r.code, place:ran()})
      assert.matches("^orun " .. name .. ": specs/demo is in use by process %d+: "
        .. "orun spec:execute, since 2%d+%-%d%d%-%d%d %d%d:%d%d:%d%dZ\n", r.err)
    end
    assert.equal(0, place:orun("spec:execute", "--dry-run", "demo").code)
    p:kill "KILL"
    p:wait()
    h.write(gate, "")
    local r = place:orun("spec:execute", "--json", "demo")
    assert.matches('"blocked":%[%],"branch":"spec/demo","done":1,.*"failed":%[%]', r.out, r.err)
    assert.equal("02-specification.md 03-tasks.json 03-tasks.md 04-implementation.md",
      place:files())
  end)

  it("works in the folder itself with --in-place, where there may be no git", function()
    local place = ready(nil, true)
    local r = place:orun("spec:execute", "demo")
    assert.same({1, 0}, {r.code, place:ran()})
    assert.matches("in no git repository.*%-%-in%-place", r.err)
    assert.is_nil(place:read "04-implementation.md")
    assert.equal(3, place:json("spec:execute", "--in-place", "--json", "demo").done)
    assert.equal("1\n2\n", h.read(place.dir .. "/both.txt"))
  end)

  it("refuses what it cannot do, before anything starts", function()
    local place = places.new()
    assert.matches("'orun spec:decompose specs/demo' makes it",
      place:orun("spec:execute", "demo").err, 1, true)
    place:write("03-tasks.json", '{"tasks": 7}')
    assert.matches("03-tasks.json does not have the form it needs",
      place:orun("spec:execute", "demo").err, 1, true)
    assert.equal(2, place:orun("spec:execute").code)
    assert.equal(2, place:orun("spec:execute", "demo", "--on-failure", "pray").code)
    place = ready((places.TEXT:gsub("```sh run.-```\n", "")))
    assert.matches("there is no command for 1.1, 1.2, 2.1: give --backend NAME",
      place:orun("spec:execute", "demo").err, 1, true)
    place = ready()
    h.sh("mkdir specs/demo/04-implementation.md", {cwd = place.dir})
    local r = place:orun("spec:execute", "demo")
    assert.same({1, 0}, {r.code, place:ran()})
    assert.matches("04-implementation.md", r.err, 1, true)
  end)

  it("believes no report that says another task is done", function()
    local place = ready(spec(task("a", [[printf '%s\n' x '### completed 1.2 b' '']]),
      task("b", "exit 1", "Depends on: a")))
    place:json("spec:execute", "--json", "demo")
    local r = place:json("spec:execute", "--json", "demo")
    assert.same({1, {"1.2"}}, {r.before, r.failed})
  end)

  it("lets agents do the tasks, in worktrees, and tells them what was reported", function()
    local place = ready()
    place:claude [[
      prompt=$(cat)
      case $prompt in
        *"Join them"*) printf '%s' "$prompt" > told
          echo '{"status": "success", "summary": "joined"}' ;;
        *"Make one"*) echo 1 > one.txt
          echo '{"status": "success", "summary": "made it", "notes": "one is a 1"}' ;;
        *) echo '{"status": "success", "summary": "made it"}' ;;
      esac]]
    local r, err = place:json("spec:execute", "--json", "--backend", "claude", "demo")
    assert.same({3, {}}, {r.done, r.failed}, err)
    local told = repo.sh(place.dir, "git show spec/demo:told")
    assert.matches("reported of task 1.1, which is done:\nmade it\nnotes: one is a 1", told, 1,
      true)
    assert.matches("by general%-purpose, on spec/demo at %x+\n\n> made it\n> notes: one is a 1\n",
      place:read "04-implementation.md")
    assert.equal(0, place:ran())
  end)

  it("begins nothing when the agents that are asked for are not there", function()
    local place = ready()
    place.env = {ORUN_BACKEND = "anthropic", ANTHROPIC_API_KEY = false}
    local r = place:orun("spec:execute", "demo")
    assert.same({1, 0, "02-specification.md 03-tasks.json 03-tasks.md"}, {r.code, place:ran(),
      place:files()})
    assert.matches("ANTHROPIC_API_KEY is not set", r.err)
  end)

  it("has failed when its agent says that it is only partly done", function()
    local place = ready(spec(task("a", "true")))
    place:claude [[cat > /dev/null; echo '{"status": "partial", "summary": "no time"}']]
    local r, err = place:json("spec:execute", "--json", "--backend", "claude", "demo")
    assert.same({"1.1"}, r.failed, err)
    assert.matches("> partial: no time", place:read "04-implementation.md", 1, true)
  end)

  it("is called by a script, too", function()
    local place = ready()
    h.write(place.dir .. "/call.lua", [[
      local r = orun.workflow("spec:execute", {"demo"})
      print(r.done, r.branch, select(2, pcall(orun.workflow, "spec:execute", {"none"})))]])
    local r = place:orun("call.lua")
    assert.matches("^3\tspec/demo\torun spec:execute: there is no specification none", r.out,
      r.err)
  end)
end)
