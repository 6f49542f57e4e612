--- `--events -` made a file called "-", and what was asked for and could not be done was told of
--- records only.

local h = require "spec.support.helper"
local json = require "cjson"

local TASK <const> = "print(Task{run = function() return 1 end, description = 'one'}.output)"

local function events_in(text)
  local words = {}
  for line in text:gmatch("[^\n]+") do
    local ok, e = pcall(json.decode, line)
    words[#words + 1] = ok and type(e) == "table" and e.event or line
  end
  return words
end

local function listed(dir)
  return h.sh("ls -A", {cwd = dir}).out
end

describe("a dash is standard output", function()
  it("for --events, together with what the script prints", function()
    local dir = h.tmpdir()
    local r = h.orun{"-q", "--events", "-", "-e", TASK, cwd = dir}
    assert.same({0, "", ""}, {r.code, r.err, listed(dir)})
    local words = events_in(r.out)
    assert.same({"run", "run_ended"}, {words[1] ~= "1" and words[1] or words[2], words[#words]})
    assert.matches("\n1\n", "\n" .. r.out, 1, true)
  end)

  it("for --trace, for a plan's graph and for the page of a report", function()
    local dir = h.tmpdir()
    local r = h.orun{"-q", "--trace=-", "-e", "Task{run = os.time}", cwd = dir}
    assert.same({0, ""}, {r.code, r.err})
    assert.is_table(json.decode(r.out).traceEvents)
    h.write(dir .. "/s.lua", TASK)
    r = h.orun{"plan", "--dot=-", "s.lua", cwd = dir}
    assert.matches("^digraph", r.out)
    h.orun{"-q", "--events", "e", "s.lua", cwd = dir}
    r = h.orun{"report", "e", "--html", "-", cwd = dir}
    assert.same({0, ""}, {r.code, r.err})
    assert.matches("^<!DOCTYPE html>", r.out)
    assert.equal("e\ns.lua\n", listed(dir))
  end)

  it("and standard input for orun report", function()
    local dir = h.tmpdir()
    h.orun{"-q", "--events", "e", "-e", TASK, cwd = dir}
    local r = h.sh(h.quote(h.bin) .. " report - <e", {cwd = dir})
    assert.same({0, ""}, {r.code, r.err})
    assert.equal(h.orun{"report", "e", cwd = dir}.out, r.out)
    r = h.sh("echo x | " .. h.quote(h.bin) .. " report -", {cwd = dir})
    assert.equal(1, r.code)
    assert.matches("standard input:1: not an event file of orun", r.err, 1, true)
  end)
end)

describe("what cannot be written is told once", function()
  it("where two options would write into each other's file", function()
    local dir = h.tmpdir()
    for _, path in ipairs{"x", "-"} do
      local r = h.orun{"-q", "--events", path, "--trace", path, "-e", TASK, cwd = dir}
      assert.same({1, "orun: --events and --trace both write to " .. path .. "\n"}, {r.code, r.err})
    end
    h.orun{"-q", "--events", "e", "-e", TASK, cwd = dir}
    local r = h.orun{"report", "e", "--json", "--html", "-", cwd = dir}
    assert.same({2, ""}, {r.code, r.out})
  end)

  it("where an option names nothing", function()
    for _, name in ipairs{"--events", "--trace", "--output", "--report", "--progress"} do
      for _, words in ipairs{{name, ""}, {name .. "="}} do
        local r = h.orun{words[1], words[2] or "-q", "-e", TASK}
        assert.equal(2, r.code)
        assert.matches(("option '%s' needs a value"):format(name), r.err, 1, true)
      end
    end
  end)

  it("on a disk that is full", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", TASK)
    h.orun{"-q", "--events", "e", "s.lua", cwd = dir}
    local full = h.sh(h.quote(h.bin) .. " -q --events - -e 'Task{run = os.time}' >/dev/full")
    assert.equal(1, full.code)
    assert.equal(1, h.sh(h.quote(h.bin) .. " report e --html - >/dev/full", {cwd = dir}).code)
    assert.matches("cannot write events to standard output: No space left on device", full.err, 1,
      true)
    for _, words in ipairs{"-q s.lua", "plan s.lua",
                           "report e", "agents", "tasks --help",
                           "task --help", "trust --help"} do
      local r = h.sh(h.quote(h.bin) .. " " .. words .. " >/dev/full", {cwd = dir})
      local _, lines = r.err:gsub("standard output", "")
      assert.same({1, 1}, {r.code, lines}, words .. ": " .. r.err)
      assert.is_nil(r.err:find("[orun]", 1, true), r.err)
    end
  end)
end)

describe("what cannot be read is told", function()
  it("of what is trusted, which is not forgotten then", function()
    local home, dir = h.tmpdir(), h.tmpdir()
    local env = {XDG_STATE_HOME = home}
    assert.equal(0, h.orun{"trust", "--list", env = env}.code)
    os.execute(("mkdir -p %s %s"):format(h.quote(home .. "/orun/trust"),
      h.quote(dir .. "/.orun/agents")))
    h.write(dir .. "/.orun/agents/a.lua", "return {}")
    for _, words in ipairs{{"trust", "--list"}, {"trust", dir}, {"trust", "--remove", dir}} do
      words.env = env
      local r = h.orun(words)
      assert.equal(1, r.code)
      assert.matches("orun trust: what is trusted cannot be read: [^\n]*Is a directory", r.err)
    end
  end)

  it("of an area that ORUN_LOG does not have", function()
    local r = h.orun{"-q", "-e", TASK, env = {ORUN_LOG = "pol,sched"}}
    assert.equal(0, r.code)
    assert.matches("^orun: ORUN_LOG: 'pol' is not an area; the areas are sched, pool,", r.err)
    r = h.orun{"-q", "-e", TASK, env = {ORUN_LOG = "keeper, vm,all"}}
    assert.is_nil(r.err:find("ORUN_LOG", 1, true))
  end)
end)
