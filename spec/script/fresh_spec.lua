--- reads beside writes: a task whose files are new already need not run; what one that failed
--- has begun to write is named.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local error_of = shared.error_of

--- A folder with these files, each a second newer than the one before.
local function folder(...)
  local dir = h.tmpdir()
  for i, name in ipairs{...} do
    h.write(dir .. "/" .. name, name)
    h.sh(("touch -d '2020-01-01 00:00:%02d' %s/%s"):format(i, dir, name))
  end
  return dir
end

--- A task that writes b of a.
local function copy(dir, more)
  local fields = {cwd = dir, reads = {"a"}, writes = {"b"}, command = {"cp", "a", "b"}}
  for k, v in pairs(more or {}) do fields[k] = v end
  return fields
end

describe("reads", function()
  it("lets a task run when a write is missing or older, and not again", function()
    local dir = folder "a"
    local first = Task(copy(dir))
    assert.is_nil(first.fresh)
    assert.equal(1, first.attempts)
    assert.equal("a", h.read(dir .. "/b"))
    local again = Task(copy(dir))
    assert.same({true, "completed", true, 0}, {again.fresh, again.status, again.ok, again.attempts})
    assert.is_nil(again.output)
    assert.is_true(TaskGet(again.task_id).fresh)
    assert.is_nil(Task(copy(folder("b", "a"))).fresh)
    assert.is_true(Task(copy(folder("a", "b"))).fresh)
  end)

  it("compares all of them", function()
    local function run(dir, reads, writes)
      return Task{cwd = dir, reads = reads, writes = writes, run = function() end}.fresh or false
    end
    local dir = folder("a", "b", "c", "d")
    assert.is_true(run(dir, {"a", "b"}, {"c", "d"}))
    assert.is_false(run(dir, {"a", "d"}, {"c"}))
    assert.is_false(run(dir, {"a", "c"}, {"b", "d"}))
    assert.is_false(run(dir, {"a"}, {"b", "none"}))
    assert.is_true(run(dir, {"a"}, {"a"}))
    assert.is_true(run(dir, {}, {"a"}))
    assert.is_false(run(dir, {}, {"none"}))
  end)

  it("takes a folder to be as new as the newest below it, its writes aside", function()
    local dir = h.tmpdir()
    h.sh(("cd %s && mkdir -p src/deep && touch -d 2020-01-01 src/deep/x out src/made &&"
      .. " touch -d 2020-01-01 src/deep src"):format(dir))
    local function fresh(writes)
      return Task{cwd = dir, reads = {"src"}, writes = writes, run = function() end}.fresh or false
    end
    assert.is_true(fresh{"out"})
    assert.is_true(fresh{"src/made"})
    h.sh(("touch -d 2021-01-01 %s/src/made"):format(dir))
    assert.is_true(fresh{"src/made"})
    assert.is_false(fresh{"out"})
    h.sh(("touch -d 2022-01-01 %s/src/deep/x"):format(dir))
    assert.is_false(fresh{"src/made"})
    assert.is_true(fresh{"src"})
  end)

  it("fails before an attempt when one is missing, and says which", function()
    local dir = folder "b"
    local r = Task(copy(dir, {retry = 3}))
    assert.same({"failed", "spawn", 0}, {r.status, r.error_kind, r.attempts})
    assert.matches("it reads '.*/a': No such file", r.error)
  end)

  it("is for functions, commands and agents, and for worktrees", function()
    local dir = folder("a", "b")
    orun.agent{name = "fresh-program", command = {"cp", "a", "b"}}
    orun.agent{name = "fresh-function", run = function() end}
    for _, more in ipairs{{subagent_type = "fresh-program", prompt = ""},
        {subagent_type = "fresh-function", prompt = "x"}, {run = function() end},
        {run = function() end, isolation = "process"},
        {command = {"false"}, isolation = "worktree"},
        {command = {"false"}, schema = {type = "object"}}} do
      more.cwd, more.reads, more.writes = dir, {"a"}, {"b"}
      assert.is_true(Task(more).fresh)
    end
    h.sh(("touch %s/a"):format(dir))
    assert.equal("completed", Task{subagent_type = "fresh-program", prompt = "", cwd = dir,
      reads = {"a"}, writes = {"b"}}.status)
    assert.equal("a", h.read(dir .. "/b"))
  end)

  it("looks when what the task waits for has ended", function()
    local dir = folder("a", "b", "c")
    local made = orun.start(copy(dir, {command = {"touch", "b"}, reads = {"c"}}))
    local last = Task{cwd = dir, reads = {"b"}, writes = {"c"}, run = function() end,
      blockedBy = {made}}
    assert.is_nil(last.fresh)
    local many = {}
    for i = 1, 50 do many[i] = copy(dir, {reads = {}, writes = {"c"}, command = {"false"}}) end
    for _, r in ipairs(orun.fan_out(many)) do assert.is_true(r.fresh) end
  end)

  it("names what an attempt that failed has changed", function()
    local dir = folder("b", "c", "a")
    local r = Task{cwd = dir, reads = {"a"}, writes = {"b", "c", "d"},
      command = {"sh", "-c", "echo half > b; exit 1"}}
    assert.equal("failed", r.status)
    assert.equal(1, #r.half_written)
    assert.matches("/b$", r.half_written[1])
    local mended = Task{cwd = dir, reads = {"a"}, writes = {"d"}, retry = {max = 1, backoff = 0},
      command = {"sh", "-c", "test -e d || { touch d; exit 1; }"}}
    assert.equal("completed", mended.status)
    assert.equal(2, mended.attempts)
    assert.is_nil(mended.half_written)
    local script = h.script([[Task{reads = {}, writes = {"out"},
      command = {"sh", "-c", "echo x > out; exit 1"}}]], {cwd = h.tmpdir()})
    assert.equal(1, script.code)
    assert.matches("\n  half%-written: [^\n]*/out\n", script.err)
  end)

  it("comes with writes, and has paths", function()
    local function refused(t, words)
      t.run = function() end
      assert.matches(words, error_of(Task, t), 1, true)
    end
    refused({reads = {"a"}}, "it comes with writes")
    refused({reads = {""}, writes = {"b"}}, "expected paths of files or folders")
    refused({reads = "a", writes = {"b"}}, "reads")
  end)

  it("is shown: by --progress, by the report, and by a plan", function()
    local dir = folder("a", "b")
    h.write(dir .. "/s.lua", [[
      local b = Task{description = "copy", command = {"cp", "a", "b"}, reads = {"a"},
        writes = {"b"}, run_in_background = true}
      Task{description = "next", command = {"touch", "c"}, reads = {"b"}, writes = {"c"},
        blockedBy = {b}}]])
    local plan = h.orun{"plan", "s.lua", cwd = dir}
    assert.matches("is fresh +copy", plan.out)
    assert.not_matches("is fresh +next", plan.out)
    local r = h.orun{"--progress", "plain", "--report", "full", "s.lua", cwd = dir}
    assert.matches("t1 fresh: copy", r.err)
    assert.matches("1 completed, 1 fresh", r.err .. r.out)
  end)
end)

describe("writes of a task that failed", function()
  local function names(result)
    local out = {}
    for i, path in ipairs(result.half_written or {}) do out[i] = path:match("[^/]*$") end
    return table.concat(out, " ")
  end

  -- Files and folders that are older than a tick of the clock of files.
  local function before()
    local dir = h.tmpdir()
    h.sh(("cd %s && mkdir -p kept/below out/below && "
      .. "echo x | tee kept/below/x out/below/x file same"):format(dir))
    h.wait_for(function()
      h.write(dir .. "/probe", "x")
      return orun.files("probe", dir)[1].mtime - orun.files("same", dir)[1].mtime > 0.02
    end)
    return dir
  end

  local WRITES <const> = {"file", "same", "new", "kept", "out", "none"}
  local WORK <const> = "echo half > new; echo y > file; echo y > out/below/y; "

  orun.agent{name = "half-program", command = {"sh"}}
  orun.agent{name = "half-function", run = function(_, task)
    orun.exec{command = {"sh", "-c", task.prompt}}
    error("no", 0)
  end}

  it("are named whatever did its work", function()
    local function fails(line)
      orun.exec{command = {"sh", "-c", line}}
      error("no", 0)
    end
    for kind, fields in pairs{
      command = {command = {"sh", "-c", WORK .. "exit 1"}},
      program = {subagent_type = "half-program", prompt = WORK .. "exit 1"},
      ["function"] = {run = fails, input = WORK},
      agent = {subagent_type = "half-function", prompt = WORK},
      process = {run = fails, input = WORK, isolation = "process"},
      schema = {command = {"sh", "-c", WORK .. "echo x"}, schema = {type = "number"}},
      reads = {command = {"sh", "-c", WORK .. "exit 1"}, reads = {"probe"}},
    } do
      fields.cwd, fields.writes = before(), WRITES
      local r = Task(fields)
      assert.same({kind, "failed", "file new out"}, {kind, r.status, names(r)})
    end
  end)

  it("are named when it was stopped, and after all its attempts", function()
    local dir = before()
    local r = Task{cwd = dir, writes = WRITES, timeout = "1s",
      command = {"sh", "-c", WORK .. "exec sleep 1h"}}
    assert.same({"timeout", "file new out"}, {r.error_kind, names(r)})
    r = Task{cwd = before(), writes = {"new", "same"}, retry = {max = 1, backoff = 0},
      command = {"sh", "-c", "test -e new || echo half > new; exit 1"}}
    assert.same({2, "new"}, {r.attempts, names(r)})
  end)

  it("are not named when they are gone or unchanged, nor of one that completed", function()
    local r = Task{cwd = before(), writes = {"file", "same", "kept", "none"},
      command = {"sh", "-c", "rm file; exit 1"}}
    assert.same({"failed"}, {r.status, r.half_written})
    r = Task{cwd = before(), writes = WRITES, command = {"sh", "-c", WORK}}
    assert.same({"completed"}, {r.status, r.half_written})
  end)

  it("are told of at the end of the run, and in its record and report", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[
      Task{writes = {"out", "b"}, command = {"sh", "-c", "echo x > out; exit 1"}}]])
    local r = h.orun{"-q", "--events", "events", "s.lua", cwd = dir}
    assert.equal(1, r.code)
    assert.matches("\n  half%-written: [^\n]*/out\n", r.err)
    assert.matches('"half_written":%["[^"]*/out"%]', h.read(dir .. "/events"))
    r = h.orun{"report", "events", cwd = dir}
    assert.matches("\nhalf%-written by tasks that failed\n  t1  [^\n]*/out\n", r.out)
    r = h.orun{"report", "--html", "-", "events", cwd = dir}
    assert.matches('"hw":"[^"]*/out"', r.out)
  end)
end)
