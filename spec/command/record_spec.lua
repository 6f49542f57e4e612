--- Runs that are kept, shown at their end, and looked at afterwards: --record, --report, and
--- orun report.

local h = require "spec.support.helper"
local json = require "cjson"

local TWO <const> = [[
for i = 1, 2 do Task{description = "part " .. i, run = function() return "done" end} end
print "end"]]

-- A folder with a script, and what the runs in it are called with.
local function place(script)
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", script or TWO)
  return dir, {XDG_STATE_HOME = dir .. "/state", ORUN_RECORD = false}
end

local function records(dir)
  return h.lines(h.sh(("cd %s/state/orun/runs 2>/dev/null && LC_ALL=C ls"):format(dir)).out)
end

-- Run on a terminal; what it shows.
local function on_terminal(dir, env, words)
  local command = ("%s %s %s"):format(os.getenv("ORUN_WRAP") or "", h.quote(h.bin), words)
  env.SHELL = "/bin/sh"
  local r = h.sh(("script -qec %s /dev/null"):format(h.quote(command)), {cwd = dir, env = env})
  return (r.out:gsub("\r\n", "\n")), r.code
end

describe("the report at the end", function()
  it("is shown on a terminal when two tasks ran, and nowhere else", function()
    local dir, env = place()
    local out, code = on_terminal(dir, env, "s.lua")
    assert.matches("^end\n%-%- 2 tasks in [^\n]+: 2 completed\n", out)
    assert.equal(0, code)
    assert.equal("", h.orun{"s.lua", cwd = dir, env = env}.err)
    local one = place("Task{run = print, input = 'one'}")
    assert.equal("one\n", (on_terminal(one, env, "s.lua"):gsub("one\t[^\n]*", "one")))
  end)

  it("is what is asked for", function()
    local dir, env = place()
    assert.equal("end\n", (on_terminal(dir, env, "--report none s.lua")))
    local short = h.orun{"--report", "short", "s.lua", cwd = dir, env = env}
    assert.matches("^%-%- 2 tasks in", short.err)
    assert.equal("end\n", short.out)
    local full = h.orun{"--report=full", "s.lua", cwd = dir, env = env}
    assert.matches("^s.lua: 2 tasks in", full.err)
    assert.matches("\nby agent type\n", full.err, 1, true)
    assert.equal(0, full.code)
  end)

  it("is refused, before the script, when it is unknown", function()
    local r = h.orun{"--report", "long", "-e", "print('ran')"}
    assert.same({1, "", 'orun: --report = "long": expected full, short or none\n'},
      {r.code, r.out, r.err})
    r = h.orun{"--report"}
    assert.matches("option '--report' needs a value", r.err, 1, true)
  end)

  it("is of the first 20000 tasks, when there are more", function()
    local r = h.orun{"--report", "short", "-e", [[
      for _ = 1, 60 do
        local all = {}
        for i = 1, 1000 do all[i] = Task{run = function() end, run_in_background = true} end
        for i = 1, 1000 do TaskOutput(all[i]) end
      end]]}
    assert.equal(0, r.code)
    assert.matches("of the first [^\n]+ only: %d+ tasks are as many as are looked at", r.err)
  end)
end)

describe("the record of a run", function()
  it("is kept on a terminal, for the user alone", function()
    local dir, env = place()
    on_terminal(dir, env, "s.lua")
    local names = records(dir)
    assert.equal(1, #names)
    assert.matches("^%d+%-%d+%-%d+%.jsonl$", names[1])
    assert.equal("700 600\n", h.sh(
      "stat -c %a state/orun/runs state/orun/runs/* | paste -sd' '", {cwd = dir}).out)
    local lines = h.lines(h.read(dir .. "/state/orun/runs/" .. names[1]))
    assert.equal("run", json.decode(lines[1]).event)
    assert.same({"script", "s.lua"}, {json.decode(lines[2]).event, json.decode(lines[2]).name})
    assert.equal("run_ended", json.decode(lines[#lines]).event)
  end)

  it("is kept elsewhere when asked for", function()
    local dir, env = place()
    h.orun{"s.lua", cwd = dir, env = env}
    assert.equal(0, #records(dir))
    h.orun{"--record", "s.lua", cwd = dir, env = env}
    h.orun{"--record", "-e", "Task{run = function() end}", cwd = dir, env = env}
    assert.equal(2, #records(dir))
  end)

  it("is not kept of runs without tasks, of -e, or when ORUN_RECORD is 0", function()
    local dir, env = place()
    on_terminal(dir, env, "-e 'Task{run = print}'")
    h.orun{"--record", "-e", "print(1)", cwd = dir, env = env}
    env.ORUN_RECORD = "0"
    on_terminal(dir, env, "s.lua")
    assert.equal(0, #records(dir))
    h.orun{"--record", "s.lua", cwd = dir, env = env}
    assert.equal(1, #records(dir))
  end)

  it("is one of the newest 20", function()
    local dir, env = place()
    h.sh("mkdir -p state/orun/runs && cd state/orun/runs && for i in $(seq 10 35); do "
      .. "echo old >20200101-0000$i-1.jsonl; done; echo mine >notes.txt", {cwd = dir})
    h.orun{"--record", "s.lua", cwd = dir, env = env}
    local names = records(dir)
    assert.equal(21, #names)
    assert.equal("20200101-000017-1.jsonl", names[1])
    assert.equal("notes.txt", names[21])
  end)

  it("is not there when it cannot be; who asked for it is told", function()
    local dir, env = place()
    h.write(dir .. "/state", "no folder")
    local r = h.orun{"--record", "s.lua", cwd = dir, env = env}
    assert.same({1, "end\n"}, {r.code, r.out})
    assert.matches("^orun: the run is not recorded: [^\n]+\n$", r.err)
    assert.same({"end\n", 0}, {on_terminal(dir, env, "--report none s.lua")})
  end)

  it("stops after 20000 tasks, and says so", function()
    local dir, env = place([[
      for _ = 1, 3 do
        local all = {}
        for i = 1, 7000 do all[i] = Task{run = function() end, run_in_background = true} end
        for i = 1, 7000 do TaskOutput(all[i]) end
      end]])
    assert.equal(0, h.orun{"--record", "s.lua", cwd = dir, env = env}.code)
    local r = h.orun{"report", cwd = dir, env = env}
    assert.matches("of the first [^\n]+ only: a record has no more than 20000 tasks", r.out)
    assert.matches("^s.lua: 20000 tasks", r.out)
  end)

  it("stops after 64 MB, and says so", function()
    local function none() end
    local v = setmetatable({}, {__index = function() return none end})
    local record = require "orun.view.record"("megabytes", v)
    record.event{event = "added", at = 0, task = "t1", kind = "lua"}
    for i = 1, 100 do
      if not record.done then
        record.event{event = "reported", at = i, task = "t1", activity = ("x"):rep(1 << 20)}
      end
    end
    assert.is_true(record.done)
    local runs = require "orun.record.store"
    local path
    for _, name in ipairs(runs.names()) do
      if name:find("megabytes", 1, true) then path = runs.path(name) end
    end
    local model = require("orun.record.file").read(path)
    os.remove(path)
    assert.same({at = 64, why = "a record has no more than 64 MiB"}, model.cut)
  end)
end)

describe("orun report", function()
  local dir, env = place()
  setup(function() h.orun{"--record", "--events", "e.jsonl", "s.lua", cwd = dir, env = env} end)

  local function run(...)
    return h.orun{"report", cwd = dir, env = env, ...}
  end

  it("shows the last recorded run", function()
    local r = run()
    assert.same({0, ""}, {r.code, r.err})
    assert.matches("^s.lua: 2 tasks in [^\n]+: 2 completed\n  began %d+%-%d+%-%d+T", r.out)
    for _, heading in ipairs{"wall time", "critical path", "slots", "by agent type", "slowest"} do
      assert.matches(heading, r.out, 1, true)
    end
  end)

  it("shows a run by its name, or the file of its events", function()
    local name = records(dir)[1]:match("^(.*)%.jsonl$")
    assert.equal(name .. "  s.lua\n", run("--list").out)
    local all = run().out
    assert.equal(all, run(name).out)
    assert.matches("^s.lua: 2 tasks", run("e.jsonl").out)
    assert.matches("^s.lua: 2 tasks", run("./e.jsonl").out)
  end)

  it("gives the figures as JSON", function()
    local figures = json.decode(run("--json").out)
    assert.same({2, "s.lua", true}, {figures.tasks, figures.name, figures.over})
    assert.same({}, figures.findings)
    assert.equal(2, figures.by_status.completed)
  end)

  it("writes one page that needs nothing else", function()
    local r = run("--html", "page.html")
    assert.same({0, "", ""}, {r.code, r.out, r.err})
    local page = h.read(dir .. "/page.html")
    assert.is_nil(page:find("https?://"))
    assert.matches('"d":"part 2"', page, 1, true)
    assert.matches('"tasks":2', run("--html=again.html", "--json").out, 1, true)
    assert.equal(page, h.read(dir .. "/again.html"))
  end)

  it("says what is wrong with what it is given", function()
    h.write(dir .. "/text", "this is no record\n")
    h.write(dir .. "/empty", "")
    h.write(dir .. "/later", '{"event":"run","version":9}\n')
    local rows = {
      {1, "no file and no recorded run 'nowhere'", "nowhere"},
      {1, "./nowhere: No such file or directory", "./nowhere"},
      {1, "text:1: not an event file of orun: it has no event", "text"},
      {1, "empty:1: not an event file of orun: it is empty", "empty"},
      {1, "later:1: not an event file of orun: "
        .. "its version is 9; this orun reads version 1", "later"},
      {1, "cannot write the page: /no/where: No such file", "--html", "/no/where"},
      {1, "cannot write the page: /dev/full: No space left", "--html", "/dev/full"},
      {2, "--html needs the name of a file", "--html"},
      {2, "unknown argument '--text'", "--text"},
      {2, "unknown argument 'b'", "e.jsonl", "b"},
    }
    for _, row in ipairs(rows) do
      local r = run(table.unpack(row, 3))
      assert.equal(row[1], r.code, row[2])
      assert.matches("^orun report: .*" .. row[2]:gsub("%p", "%%%0"), r.err)
    end
    local r = h.orun{"report", cwd = dir, env = {XDG_STATE_HOME = dir .. "/none"}}
    assert.equal(1, r.code)
    assert.matches("^orun report: no run is recorded;", r.err)
    assert.matches("^usage: orun report", run("--help").out)
  end)

  it("shows what there is of a run that was killed", function()
    local lines = h.lines(h.read(dir .. "/e.jsonl"))
    h.write(dir .. "/killed", table.concat(lines, "\n", 1, #lines - 2) .. '\n{"event":"rea')
    local r = run("killed")
    assert.equal(0, r.code)
    assert.matches("its record has no end: it goes on, or it was killed", r.out, 1, true)
  end)

  it("does nothing to the terminal, whatever is in a file", function()
    h.write(dir .. "/hostile", '{"event":"run","version":1,"begun":"\\u001b[2J"}\n'
      .. '{"event":"script","name":"\\u001b]0;x\\u0007","at":0}\n'
      .. '{"event":"added","at":0,"task":"t1","kind":"lua","description":"\\u001b[2J"}\n')
    for _, how in ipairs{{"hostile"}, {"hostile", "--json"}} do
      local r = run(table.unpack(how))
      assert.is_nil(r.out:find("[\27\7]"))
      assert.equal(0, r.code)
    end
  end)
end)
