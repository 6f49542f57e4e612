--- What orun remembers of a run for the next: how long tasks took.

local h = require "spec.support.helper"
local json = require "cjson"

-- A folder for state; the lines of its history but the first, without when.
local function state()
  local dir = h.tmpdir() .. "/state"
  return dir, function()
    local text = h.read(dir .. "/orun/history")
    if not text then return nil end
    local lines = h.lines(text)
    table.remove(lines, 1)
    table.sort(lines)
    for i, line in ipairs(lines) do lines[i] = line:gsub(" %d+$", "") end
    return lines
  end
end

-- Runs five tasks of different keys by one slot; each prints its own.
local ORDER <const> = [[
orun.limit("one", 1)
local wait = TaskCreate{description = "gate"}
local tasks = {}
for i, key in ipairs{"first", "short", "long", "longer", "mid"} do
  tasks[i] = Task{key = key, pool = "one", run_in_background = true, blockedBy = {wait},
                  input = key, run = function(name) io.write(name, " ") io.stdout:flush() end}
end
TaskUpdate{task_id = wait, status = "in_progress"}
TaskUpdate{task_id = wait, status = "completed"}
for _, t in ipairs(tasks) do TaskOutput(t) end
]]

local function teach(dir, seconds)
  local lines = {"orun history 1"}
  for key, s in pairs(seconds) do
    lines[#lines + 1] = ("k%s 3 %d000000 0 0 - 1"):format(key, s)
  end
  h.sh("mkdir -p " .. h.quote(dir .. "/orun"))
  h.write(dir .. "/orun/history", table.concat(lines, "\n") .. "\n")
end

describe("the history of runs", function()
  it("has what each key, agent type and line took, and what it gave", function()
    local dir, lines = state()
    local r = h.script([[
      orun.agent{name = "cat", command = {"cat"}}
      orun.agent{name = "paid", run = function() orun.report{cost = 0.25} return {1} end}
      Task{subagent_type = "cat", prompt = "x", key = "review a.c", description = "look"}
      Task{subagent_type = "paid", input = 1}
      Task{run = function() return 7 end}
      assert(Task{run = function() error("not this one") end}.error)
      Task{run = function() return true end, key = "k"}]], {env = {XDG_STATE_HOME = dir}})
    assert.equal("", r.err)
    local seen = {}
    for _, line in ipairs(lines()) do
      local name, n, us, paid, usd, gave =
        line:match("^(%S+) (%d+) (%d+) %d+ %d+ (%d+) (%d+) (.)$")
      assert.is_true(tonumber(us) < 60e6)
      seen[#seen + 1] = ("%s %s %s %s %s"):format(name:gsub("^(%l)/.*/", "%1"), n, paid, usd, gave)
    end
    table.sort(seen)
    assert.same({"acat 1 0 0 s", "apaid 1 1 250000 t", "dscript.lua%0Acat%0Alook 1 0 0 s",
                 "kscript.lua%0Ak 1 0 0 b", "kscript.lua%0Areview%20a.c 1 0 0 s",
                 "lscript.lua:3 1 0 0 s", "lscript.lua:4 1 1 250000 t", "lscript.lua:5 1 0 0 n",
                 "lscript.lua:7 1 0 0 b"}, seen)
    local modes = h.sh(("cd %s && stat -c %%a . history"):format(h.quote(dir .. "/orun"))).out
    assert.same({"700", "600"}, h.lines(modes))
  end)

  it("has tasks with the longest work begin first", function()
    local dir = state()
    teach(dir, {first = 1, short = 1, long = 7, longer = 9, mid = 3})
    local env = {XDG_STATE_HOME = dir}
    assert.equal("longer long mid first short ", h.script(ORDER, {env = env}).out)
    env.ORUN_HISTORY = "0"
    assert.equal("first short long longer mid ", h.script(ORDER, {env = env}).out)
  end)

  it("has tasks with the longest work begin first in a run that is kept, too", function()
    local dir = state()
    teach(dir, {first = 1, short = 1, long = 7, longer = 9, mid = 3})
    local path = h.write(h.tmpdir() .. "/s.lua", ORDER)
    local r = h.orun{"-q", "--store", dir .. "/run.db", path, env = {XDG_STATE_HOME = dir}}
    assert.equal("longer long mid first short ", r.out, r.err)
  end)

  it("is neither read nor written with --no-history", function()
    local dir, lines = state()
    local path = h.write(h.tmpdir() .. "/s.lua", ORDER)
    local env = {XDG_STATE_HOME = dir}
    assert.equal("first short long longer mid ", h.orun{"--no-history", path, env = env}.out)
    assert.is_nil(lines())
    h.orun{path, env = {XDG_STATE_HOME = dir, ORUN_HISTORY = "0"}}
    assert.is_nil(lines())
    h.orun{path, env = env}
    assert.equal(5, #lines() - 1)
  end)

  it("is in the home folder, or nowhere when there is none", function()
    local home = h.tmpdir()
    local code = {"-e", "Task{run = function() end, key = 'k'}"}
    code.env = {XDG_STATE_HOME = false, HOME = home}
    assert.equal("", h.orun(code).err)
    assert.truthy(h.read(home .. "/.local/state/orun/history"))
    for _, env in ipairs{{XDG_STATE_HOME = false, HOME = false},
                         {XDG_STATE_HOME = "relative", HOME = "too"},
                         {XDG_STATE_HOME = "/proc/nowhere"}} do
      code.env = env
      local r = h.orun(code)
      assert.equal("", r.err)
      assert.equal(0, r.code)
    end
  end)

  it("says that it was damaged, and changes no exit code by that", function()
    local dir, lines = state()
    h.sh("mkdir -p " .. h.quote(dir .. "/orun"))
    h.write(dir .. "/orun/history", "damaged")
    local r = h.orun{"-e", "Task{run = function() end, key = 'k'}", env = {XDG_STATE_HOME = dir}}
    assert.equal("orun: the history of earlier runs was damaged and begins anew: " .. dir
      .. "/orun/history\n", r.err)
    assert.equal(0, r.code)
    assert.same({"k%0Ak 1"}, {(lines()[1]:match("^[^ ]+ %d+"))})
  end)

  it("is told with each task that is added, to what shows the run", function()
    local dir = state()
    teach(dir, {first = 1, short = 1, long = 7, longer = 9, mid = 3})
    local file = h.tmpdir() .. "/events"
    local r = h.orun{"--events", file, "-e", [[
      Task{run = function() end, key = "long", priority = 3} Task{run = function() end}]],
      env = {XDG_STATE_HOME = dir}}
    assert.equal(0, r.code, r.err)
    local added = {}
    for line in io.lines(file) do
      local e = json.decode(line)
      if e.event == "added" then added[#added + 1] = e end
    end
    assert.equal(7, added[1].expected)
    assert.equal("key", added[1].expected_of)
    assert.equal(3, added[1].priority)
    assert.is_nil(added[2].expected)
  end)

  it("does without a secret that is part of a key", function()
    local dir, lines = state()
    h.orun{"-e", "Task{run = function() end, key = 'with sk-0123456789abcdef'}",
           env = {XDG_STATE_HOME = dir, MY_API_KEY = "sk-0123456789abcdef"}}
    assert.truthy(lines()[1]:find("k%0Awith%20[MY_API_KEY]", 1, true))
  end)
end)

describe("Task{key=}", function()
  it("is a text, and not an empty or very long one", function()
    for _, bad in ipairs{"7", "true", "{}", "''", "('x'):rep(513)"} do
      local r = h.orun{"-e", ("Task{run = function() end, key = %s}"):format(bad)}
      assert.equal(1, r.code)
      assert.truthy(r.err:find("Task: key", 1, true), r.err)
    end
  end)
end)
