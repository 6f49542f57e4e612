--- Events and traces: what a run tells, in files.

local h = require "spec.support.helper"
local json = require "cjson"

local SCRIPT <const> = [[
local a = Task{description = "first", run = function() orun.sleep(0.01) return ("x"):rep(1000) end,
               run_in_background = true}
local b = Task{description = "second", run = function() error("no luck") end, blockedBy = {a},
               retry = {max = 1, backoff = 0.001}, run_in_background = true}
print(TaskOutput(b).status, #TaskOutput(a).output)
orun.agent{name = "echo", command = {"cat"}}
print(Task{subagent_type = "echo", prompt = "hello"}.output)
]]

-- Run the script; the events it wrote, and the result of the run.
local function events_of(script, opts)
  local dir = h.tmpdir()
  local file = dir .. "/events.jsonl"
  h.write(dir .. "/s.lua", script)
  local args = {"--events", file}
  for _, word in ipairs(opts and opts.args or {}) do args[#args + 1] = word end
  args[#args + 1] = dir .. "/s.lua"
  args.env = opts and opts.env
  local r = h.orun(args)
  local all = {}
  for line in io.lines(file) do all[#all + 1] = json.decode(line) end
  return all, r
end

-- The events of a task, as words.
local function words_of(all, id)
  local words = {}
  for _, e in ipairs(all) do
    if e.task == id then words[#words + 1] = e.event end
  end
  return table.concat(words, " ")
end

local function find(all, want)
  for _, e in ipairs(all) do
    local same = true
    for k, v in pairs(want) do same = same and e[k] == v end
    if same then return e end
  end
end

describe("--events", function()
  local all, r
  setup(function() all, r = events_of(SCRIPT) end)

  it("leaves the script as it is", function()
    assert.equal("failed\t1000\nhello\n", r.out)
    assert.equal(0, r.code)
  end)

  it("begins with its version and ends with the end of the run", function()
    assert.equal("run", all[1].event)
    assert.equal(1, all[1].version)
    assert.equal("run_ended", all[#all].event)
  end)

  it("tells the life of a task in the order of things", function()
    assert.equal("added ready started waits goes_on used ended read", words_of(all, "t1"))
    assert.equal("added ready started used retry started used ended read", words_of(all, "t2"))
    local before = 0
    for _, e in ipairs(all) do
      assert.is_true(not e.at or e.at >= before, e.event)
      before = e.at or before
    end
  end)

  it("says what a task is and where it was started", function()
    local e = find(all, {event = "added", task = "t2"})
    assert.same({"t1"}, e.blockedBy)
    assert.equal("second", e.description)
    assert.equal("lua", e.kind)
    assert.equal(3, e.line)
    assert.matches("/s.lua$", e.file)
    local echo = find(all, {event = "added", task = "t3"})
    assert.same({"program", "echo"}, {echo.kind, echo.agent})
  end)

  it("says how it ended", function()
    local e = find(all, {event = "ended", task = "t2"})
    assert.same({"failed", "lua", 2}, {e.status, e.error_kind, e.attempts})
    assert.matches("no luck", e.error)
    assert.equal(0, find(all, {event = "ended", task = "t3"}).exit_code)
    assert.is_true(find(all, {event = "ended", task = "t1"}).bytes >= 1000)
  end)

  it("says where the script waited, and for which task", function()
    local e = find(all, {event = "waits", other = "t2"})
    assert.is_nil(e.task)
    assert.same({"task", 5}, {e["for"], e.line})
  end)

  it("says what a task queues for", function()
    local queued = events_of([[
      orun.limit("db", 1)
      for i = 1, 3 do
        Task{run = function() orun.sleep(0.01) end, pool = "db",
             run_in_background = true}
      end]], {args = {"--workers", "8"}})
    local e = find(queued, {event = "queued", task = "t3"})
    assert.same({"slot", "db"}, {e["for"], e.limit})
    queued = events_of([[
      orun.limit("db", 2)
      local first = Task{run = function() end, run_in_background = true}
      for i = 2, 4 do -- all want the only worker; when two are asleep, t4 wants a slot of db
        Task{run = function() orun.sleep(0.01) end, pool = "db", blockedBy = {first},
             run_in_background = true}
      end]], {args = {"--workers", "1", "--virtual-time", "1"}})
    local last
    for _, event in ipairs(queued) do
      if event.event == "queued" and event.task == "t4" then last = event.limit end
    end
    assert.equal("db", last)
    queued = events_of([[
      for i = 1, 2 do
        Task{run = function() orun.sleep(0.01) end,
             writes = {"x"}, run_in_background = true}
      end]], {args = {"--workers", "8"}})
    assert.equal("writes", find(queued, {event = "queued", task = "t2"})["for"])
  end)

  it("tells of claims and items", function()
    local items = events_of([[
      local a, b = TaskCreate{description = "a"}, TaskCreate{description = "b"}
      TaskUpdate{task_id = a.id, status = "in_progress"}
      TaskUpdate{task_id = a.id, status = "pending"}
      TaskUpdate{task_id = a.id, status = "completed"}
      TaskUpdate{task_id = b.id, status = "deleted"}]])
    assert.equal("added ready claimed returned ended", words_of(items, "t1"))
    assert.equal("added ready ended removed", words_of(items, "t2"))
  end)

  it("tells which phase a task belongs to, which those it starts inherit", function()
    local events, ran = events_of([[
      orun.phase("research")
      local function child(said)
        if said then orun.phase(said) end
        return Task{run = function() end}
      end
      local verify = Task{phase = "verify", run = child, run_in_background = true}
      local outer = Task{run = child, input = "deeper", run_in_background = true}
      TaskOutput(verify) TaskOutput(outer)
      Task{run = child}
      Task{run = type, input = 1, phase = "after", finally = function() end}
      print(pcall(Task, {run = child, phase = ""}))
      print(pcall(Task, {run = child, phase = 1}))]])
    assert.matches('phase = "": expected a short title', ran.out, 1, true)
    assert.matches("phase = 1: ", ran.out, 1, true)
    local model, of = require "orun.record.model".new(), {}
    for _, e in ipairs(events) do model:add(e) end
    for _, t in ipairs(model.tasks) do
      local key = t.parent and t.parent.id .. " child" or t.id
      of[key] = t.phase
    end
    assert.same({t1 = "verify", ["t1 child"] = "verify", t2 = "research",
      ["t2 child"] = "deeper", t5 = "research", ["t5 child"] = "research",
      t7 = "after", t8 = "after"}, of)
    local names = {}
    for i, p in ipairs(model.phases) do names[i] = p.name end
    table.sort(names)
    assert.same({"after", "deeper", "research", "verify"}, names)
  end)

  it("tells of phases, said by the script or by a task", function()
    local phases, ran = events_of([[
      orun.phase("research")
      Task{run = function() orun.phase("deeper") end}
      print(pcall(orun.phase))
      print(pcall(orun.phase, {}))]])
    assert.equal("research", find(phases, {event = "phase"}).name)
    assert.equal("t1", find(phases, {event = "phase", name = "deeper"}).task)
    assert.matches("phase: the name is missing", ran.out, 1, true)
    assert.matches("phase: name = ", ran.out, 1, true)
    assert.equal(0, h.orun{"-e", "orun.phase('nobody watches')"}.code)
  end)

  it("says how an output begins, and how long it is", function()
    local outputs = events_of([[
      Task{run = function() return ("ü"):rep(3000) end}
      Task{run = function() return {n = 1, list = {"a", "b"}} end}
      Task{run = function() return "\27[2J\255" end}
      Task{run = function() return "no 0123456789abcdef here" end}
      Task{run = function() return {key = "0123456789abcdef"} end}
      Task{run = function() end}
      orun.agent{name = "sh", command = {"sh"}}
      Task{subagent_type = "sh", prompt = "seq 50000"}]],
      {env = {MY_API_KEY = "0123456789abcdef"}})
    local said = {}
    for _, e in ipairs(outputs) do
      if e.event == "ended" then said[#said + 1] = e end
    end
    assert.equal(("ü"):rep(1000) .. "...", said[1].output)
    assert.is_true(said[1].bytes >= 6000)
    assert.equal('{"list":["a","b"],"n":1}', said[2].output)
    assert.equal("\27[2J\u{FFFD}", said[3].output)
    assert.equal("no [MY_API_KEY] here", said[4].output)
    assert.equal('{"key":"[MY_API_KEY]"}', said[5].output)
    assert.is_nil(said[6].output)
    assert.matches("^1\n2\n", said[7].output)
    assert.equal(288894, said[7].printed)
  end)

  it("says what a task needs slots of", function()
    local needs = events_of([[
      orun.limit("db", 3)
      orun.agent{name = "sh", command = {"sh"}, limit = 4}
      Task{run = function() end, pool = "db"}
      Task{subagent_type = "sh", prompt = "true"}
      TaskCreate{description = "item"}]], {args = {"--workers", "7", "-j", "6"}})
    assert.same({db = 3, lua = 7}, find(needs, {event = "added", task = "t1"}).limits)
    assert.same({sh = 4, process = 6}, find(needs, {event = "added", task = "t2"}).limits)
    assert.is_nil(find(needs, {event = "added", task = "t3"}).limits)
  end)

  it("says when a wait ended by its time, and what runs", function()
    local times, ran = events_of([[
      local gate = TaskCreate{description = "gate"}
      local t = Task{run = function(id) TaskOutput(id) end, input = gate.id,
                     run_in_background = true}
      print(TaskOutput{task_id = t, timeout = 0.01}.status ~= "completed")
      TaskUpdate{task_id = gate, status = "completed"}
      TaskOutput(t)]])
    assert.equal("true\n", ran.out)
    local ends = {}
    for _, e in ipairs(times) do
      if e.event == "goes_on" and not e.task then ends[#ends + 1] = e.timed_out or false end
    end
    assert.is_true(ends[1])
    assert.is_not_true(ends[2]) -- nil, when the task had ended by then
    assert.matches("/s.lua$", find(times, {event = "script"}).name)
  end)

  it("says what it queues for when that is a rate", function()
    local rates = events_of([[
      orun.agent{name = "r", rate = "2/s", run = function() end}
      for i = 1, 3 do Task{subagent_type = "r", input = i, run_in_background = true} end]])
    assert.equal("rate", find(rates, {event = "queued", task = "t3"})["for"])
  end)

  it("shows no secret", function()
    local kept = events_of([[
      Task{description = "with 0123456789abcdef in it", run = function()
        error("key 0123456789abcdef refused") end}]],
      {env = {MY_API_KEY = "0123456789abcdef"}})
    assert.equal("with [MY_API_KEY] in it", find(kept, {event = "added"}).description)
    assert.matches("key [MY_API_KEY] refused", find(kept, {event = "ended"}).error, 1, true)
  end)

  it("is whole when the script fails, exits or is interrupted", function()
    local endless = "Task{run = function() while true do end end, run_in_background = true}"
    for _, code in ipairs{"error('x')", "os.exit(3)", endless .. " os.exit(4)"} do
      local events = events_of(code)
      assert.equal("run_ended", events[#events].event, code)
    end
  end)

  it("fails before the script when the file cannot be written", function()
    local bad = h.orun{"--events", "/nowhere/at/all", "-e", "print('ran')"}
    assert.equal("", bad.out)
    assert.equal(1, bad.code)
    assert.matches("orun: cannot write events: /nowhere/at/all: No such file", bad.err, 1, true)
  end)

  it("says so when the disk is full", function()
    local full = h.orun{"--events", "/dev/full", "-e", "print('ran')"}
    assert.equal("ran\n", full.out)
    assert.equal(1, full.code)
    assert.matches("cannot write events to /dev/full: No space left", full.err, 1, true)
  end)
end)

describe("--trace", function()
  it("is a Chrome trace: bars, arrows, rows, a counter", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", SCRIPT)
    local r = h.orun{"--trace", dir .. "/t.json", dir .. "/s.lua"}
    assert.equal(0, r.code)
    local trace = json.decode(h.read(dir .. "/t.json"))
    local bars, phases = {}, {}
    for _, e in ipairs(trace.traceEvents) do
      phases[e.ph] = (phases[e.ph] or 0) + 1
      if e.ph == "X" then bars[#bars + 1] = e.name end
    end
    assert.same({"first", "second", "second", "hello"}, bars)
    assert.equal(1, phases.s)
    assert.equal(1, phases.f)
    assert.equal(8, phases.C)
  end)

  it("can be asked for together with events", function()
    local dir = h.tmpdir()
    local r = h.orun{"--trace=" .. dir .. "/t", "--events=" .. dir .. "/e", "-e",
      "Task{run = function() end}"}
    assert.equal("", r.err)
    assert.equal(0, r.code)
    assert.is_true(h.exists(dir .. "/t") and h.exists(dir .. "/e"))
  end)
end)
