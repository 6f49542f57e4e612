--- A byte that is not UTF-8 in an error ended the files of events and of the trace in the middle,
--- and the record without a word. What terminals are spared was missing from JSON.

local h = require "spec.support.helper"
local json = require "cjson"

local SCRIPT <const> = [[
  orun.agent{name = "c", command = {"sh"}}
  orun.phase("\xFFphase")
  TaskCreate{description = "item \xE9"}
  local r = Task{subagent_type = "c", description = "joined \u{200D}\u{202E}\u{85} d\xE9ux",
    key = "k\xFF", prompt = "printf 'caf\\351 \\033[2J\\n' >&2; printf 'o\\351'; exit 1",
    retry = {max = 1, backoff = 0.001}}
  for i = 1, 3 do Task{run = function() return {odd = "\xE9\u{202E}", n = i} end} end
  print(r.status)]]

local REPAIRED <const> = "joined \u{200D}\u{202E}\u{85} d\u{FFFD}ux"

local function decoded(path)
  local events = {}
  for line in io.lines(path) do events[#events + 1] = json.decode(line) end
  return events
end

local function find(events, want)
  for _, e in ipairs(events) do
    local same = true
    for k, v in pairs(want) do same = same and e[k] == v end
    if same then return e end
  end
end

-- All that these events have to tell.
local function check_events(events)
  assert.equal("run_ended", events[#events].event)
  assert.equal(REPAIRED, find(events, {event = "added", task = "t2"}).description)
  assert.equal("item \u{FFFD}", find(events, {event = "added", task = "t1"}).description)
  assert.matches("caf\u{FFFD} \27[2J", find(events, {event = "retry"}).error, 1, true)
  assert.matches("caf\u{FFFD} \27[2J", find(events, {event = "ended", task = "t2"}).error, 1, true)
  assert.equal("completed", find(events, {event = "ended", task = "t5"}).status)
  assert.equal('{"n":3,"odd":"\u{FFFD}\u{202E}"}',
    find(events, {event = "ended", task = "t5"}).output)
  assert.equal("\u{FFFD}phase", find(events, {event = "phase"}).name)
end

local function run(options, env)
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", SCRIPT)
  local args = {env = {XDG_STATE_HOME = dir .. "/state"}, cwd = dir}
  for name, value in pairs(env or {}) do args.env[name] = value end
  for _, word in ipairs(options) do args[#args + 1] = word end
  args[#args + 1] = "s.lua"
  return h.orun(args), dir
end

describe("text that is not UTF-8, or drives terminals,", function()
  it("is whole but for those bytes in events, records and traces", function()
    local r, dir = run{"--events", "e", "--trace", "t", "--record", "-q"}
    assert.same({"failed\n", 0, ""}, {r.out, r.code, r.err})
    check_events(decoded(dir .. "/e"))
    check_events(decoded(h.find(dir .. "/state/orun/runs", "-name '*.jsonl'")[1]))
    local trace = json.decode(h.read(dir .. "/t")).traceEvents
    local bar = find(trace, {ph = "X", name = REPAIRED})
    assert.matches("caf\u{FFFD}", bar.args.error, 1, true)
    assert.is_table(find(trace, {ph = "i", name = "\u{FFFD}phase"}))
    local report = h.orun{"report", "e", "--json", cwd = dir}
    assert.equal(0, report.code)
    assert.equal(5, json.decode(report.out).tasks + json.decode(report.out).items)
  end)

  it("is whole as JSON on standard error, where nothing of it drives a terminal", function()
    local r = run({"--progress", "json"}, {ORUN_PROGRESS = false})
    local events = {}
    for _, line in ipairs(h.lines(r.err)) do events[#events + 1] = json.decode(line) end
    check_events(events)
    assert.is_nil(r.err:find("\u{202E}", 1, true))
    assert.matches("\\u202e", r.err, 1, true)
    assert.matches("\\u0085", r.err, 1, true)
  end)

  it("is exact in the plan and in lists of agents", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", SCRIPT)
    local plan = h.orun{"plan", "--json", "s.lua", cwd = dir}
    assert.equal(REPAIRED, find(json.decode(plan.out).tasks, {kind = "program"}).description)
    os.execute("mkdir -p " .. h.quote(dir .. "/.claude/agents"))
    h.write(dir .. "/.claude/agents/x.md", "---\nname: x\ndescription: a\u{200D}b\n---\nhello\n")
    local agents = h.orun{"agents", "--json", cwd = dir, env = {HOME = dir}}
    assert.equal("a\u{200D}b", find(json.decode(agents.out).agents, {name = "x"}).description)
  end)

  it("reaches programs as JSON, in input and in answers of the socket", function()
    local r = h.script([[
      orun.agent{name = "echo", command = {"cat"}}
      orun.agent{name = "sh", command = {"sh"}}
      print(Task{subagent_type = "echo", input = {name = "caf\xE9"}}.output)
      TaskCreate{description = "it\xE9m \u{202E}"}
      print(Task{subagent_type = "sh", prompt = "orun task list --json"}.output)]],
      {env = {PATH = h.bin:match("^(.*)/") .. ":" .. os.getenv("PATH")}})
    local lines = h.lines(r.out)
    assert.equal("caf\u{FFFD}", json.decode(lines[1]).name)
    assert.equal("it\u{FFFD}m \u{202E}", find(json.decode(lines[2]).tasks, {id = "t2"}).subject)
  end)
end)

describe("json.encode with salvage", function()
  local encode = require "orun.json".encode

  it("writes something for all that JSON cannot say", function()
    local loop = {}
    loop.me, loop.twice = loop, {loop, loop}
    assert.equal('{"me":null,"twice":[null,null]}', encode(loop, {salvage = true}))
    local deep = {}
    for _ = 1, 200 do deep = {deep} end
    assert.is_string(encode(deep, {salvage = true}))
    assert.equal('{"1":"a","x":null}', encode({"a", x = 0 / 0}, {salvage = true}))
    assert.equal('[null,null]', encode({1 / 0, print}, {salvage = true}))
    assert.equal('{"0.5":1,"true":2}', encode({[0.5] = 1, [true] = 2}, {salvage = true}))
  end)

  it("escapes what it is told to", function()
    local function all() return true end
    assert.equal('"\\u00e9\\ud83d\\ude00a"', encode("é😀a", {unsafe = all}))
    assert.equal('"é"', encode("é", {unsafe = function() return false end}))
  end)
end)
