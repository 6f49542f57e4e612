--- What a run tells at its end: its figures, from events; the text, the record, the command.

local h = require "spec.support.helper"
local json = require "orun.json"
local report = require "orun.report.metrics"
local run_model = require "orun.record.model"
local text = require "orun.report.text"

-- The figures of a run of these events. Each is {at, event, task, more}.
local function figures(events, now)
  local model = run_model.new()
  model.processors = 4
  for _, e in ipairs(events) do
    local event = {at = e[1], event = e[2], task = e[3]}
    for k, v in pairs(e[4] or {}) do event[k] = v end
    model:add(event)
  end
  return report.of(model, now), model
end

local function parts(r)
  local by = {}
  for _, p in ipairs(r.parts) do by[p.what] = p.seconds end
  return by
end

local function steps(r)
  local ids = {}
  for i, s in ipairs(r.path) do ids[i] = s.task or "script" end
  return table.concat(ids, " ")
end

local function near(want, got)
  assert.is_true(math.abs(want - got) < 1e-9, ("%g is not %g"):format(got, want))
end

local function added(at, id, more)
  more = more or {}
  more.kind, more.description = more.kind or "program", more.description or "the " .. id
  more.limits = more.limits or {process = 2}
  more.file, more.line = "plan.lua", 1
  return {at, "added", id, more}
end

local function started(at, id, n) return {at, "started", id, {attempt = n or 1}} end

local function ended(at, id, more)
  more = more or {}
  more.status = more.status or "completed"
  return {at, "ended", id, more}
end

local function waits(at, other, line, id)
  return {at, "waits", id, {["for"] = "task", other = other, file = "plan.lua", line = line}}
end

describe("the figures of a run", function()
  it("follow blockers back to the beginning", function()
    local r = figures{
      added(0, "t1"), {0, "ready", "t1"}, started(0, "t1"),
      added(0, "t2", {blockedBy = {"t1"}}), added(0, "t3"), {0, "ready", "t3"}, started(0, "t3"),
      waits(0, "t2", 9), ended(2, "t3"), ended(4, "t1"), {4, "ready", "t2"}, started(5, "t2"),
      ended(7, "t2"), {7, "goes_on"}, {8, "script_ended"}, {8, "run_ended"},
    }
    assert.equal("t1 t2 script", steps(r))
    near(8, r.wall)
    near(8, r.work)
    near(1, r.script)
    near(9 / 8, r.speed_up)
    near(6, parts(r).work)
    near(1, parts(r).dispatch)
    near(1, parts(r).script)
    near(6, r.parallel.span)
    near(6, r.parallel.bound)
    near(8 / 6, r.parallel.possible)
    assert.equal(2, r.parallel.peak)
  end)

  it("tell what a barrier cost, and what was started after it", function()
    local r = figures{
      added(0, "t1"), started(0, "t1"), added(0, "t2"), started(0, "t2"),
      waits(0, "t1", 5), ended(1, "t1"), {1, "goes_on"}, waits(1, "t2", 5),
      ended(4, "t2"), {4, "goes_on"},
      added(4, "t3"), started(4, "t3"), added(4, "t4"), started(4, "t4"), waits(4, "t3", 6),
      ended(6, "t4"), ended(7, "t3"), {7, "goes_on"}, {7, "script_ended"}, {7, "run_ended"},
    }
    assert.equal("t2 t3", steps(r))
    near(3, parts(r).barriers)
    near(4, parts(r).work)
    assert.same({{at = "plan.lua:5", seconds = 3, kind = "barriers", waited = 2, last = "t2",
                  next = "t3"}}, r.barriers)
    near(5, r.parallel.bound)
  end)

  it("blame a barrier for no more than what came after it took", function()
    local r = figures{
      added(0, "t1"), started(0, "t1"), waits(0, "t1", 5), ended(10, "t1"), {10, "goes_on"},
      added(10, "t2"), started(10, "t2"), waits(10, "t2", 6), ended(11, "t2"), {11, "goes_on"},
      {11, "script_ended"}, {11, "run_ended"},
    }
    near(1, parts(r).in_turn)
    near(10, parts(r).work)
  end)

  it("do not blame a wait for what the next task needs anyway, nor with all slots taken", function()
    local r = figures{
      added(0, "t1"), started(0, "t1"), waits(0, "t1", 5), ended(3, "t1"), {3, "goes_on"},
      added(3, "t2", {blockedBy = {"t1"}}), started(3, "t2"), ended(4, "t2"),
      {4, "script_ended"}, {4, "run_ended"},
    }
    assert.is_nil(parts(r).in_turn)
    r = figures{
      added(0, "t1"), started(0, "t1"), added(0, "t2"), started(0, "t2"), waits(0, "t1", 5),
      ended(3, "t1"), ended(3, "t2"), {3, "goes_on"}, added(3, "t3"), started(3, "t3"),
      ended(4, "t3"), {4, "script_ended"}, {4, "run_ended"},
    }
    assert.same({}, r.barriers)
  end)

  it("tell what was waited for before it ran", function()
    local function why(...) return {"queued", ...} end
    for _, reason in ipairs{"slot", "writes", "rate", "memory", "throttled"} do
      local r = figures{
        added(0, "t1"), {0, "ready", "t1"}, {0, why()[1], "t1", {["for"] = reason, limit = "db"}},
        started(3, "t1"), waits(3, "t1", 2), ended(4, "t1"), {4, "goes_on"},
        {4, "script_ended"}, {4, "run_ended"},
      }
      near(3, parts(r)[reason])
      near(1, parts(r).work)
    end
  end)

  it("tell retries and throttling from work", function()
    local r = figures{
      added(0, "t1"), started(0, "t1"), waits(0, "t1", 2),
      {1, "retry", "t1", {error_kind = "exit", delay = 1}}, started(2, "t1", 2),
      {3, "throttled", "t1", {limit = "key", wait = 4}}, started(7, "t1", 3),
      ended(8, "t1"), {8, "goes_on"}, {8, "script_ended"}, {8, "run_ended"},
    }
    near(3, parts(r).retry)
    near(4, parts(r).throttled)
    near(1, parts(r).work)
    near(3, r.work)
    assert.same({{task = "t1", description = "the t1", at = "plan.lua:1", attempts = 3,
                  throttled = 1, error_kind = "exit"}}, r.retried)
  end)

  it("name what failed tasks left half-written", function()
    local r = figures{
      added(0, "t1"), started(0, "t1"),
      ended(1, "t1", {status = "failed", half_written = {"/x/a", "/x/b\27[2J"}}),
      added(1, "t2"), started(1, "t2"), ended(2, "t2"), {2, "script_ended"}, {2, "run_ended"},
    }
    assert.same({{task = "t1", description = "the t1", at = "plan.lua:1",
                  files = {"/x/a", "/x/b\27[2J"}}}, r.half_written)
    local lines = table.concat(text.full(r, 100), "\n")
    assert.matches("half%-written by tasks that failed\n  t1  the t1  /x/a\n  t1  the t1  /x/b",
      lines)
    assert.is_nil(lines:find("\27", 1, true))
  end)

  it("go through parents and children, and count nobody's waiting as work", function()
    local r = figures{
      added(0, "t1", {kind = "lua", limits = {lua = 2}}), started(0, "t1"), waits(0, "t1", 2),
      added(1, "t2", {parent = "t1"}), started(1, "t2"), waits(1, "t2", 3, "t1"),
      ended(4, "t2"), {4, "goes_on", "t1"}, ended(5, "t1"), {5, "goes_on"},
      {5, "script_ended"}, {5, "run_ended"},
    }
    assert.equal("t1 t2 t1", steps(r))
    near(5, r.work)
    near(5, parts(r).work)
    near(4, r.parallel.span)
    assert.equal(1, r.parallel.peak)
  end)

  it("go through claimed items to who did them", function()
    local r = figures{
      added(0, "t1", {kind = "item"}), added(0, "t2"), started(0, "t2"),
      {1, "claimed", "t1", {by = "t2"}}, added(1, "t3", {blockedBy = {"t1"}}), ended(3, "t1"),
      {3, "ready", "t3"}, started(3, "t3"), ended(3.5, "t2"), waits(3.5, "t3", 9), ended(6, "t3"),
      {6, "goes_on"}, {6, "script_ended"}, {6, "run_ended"},
    }
    assert.equal("t2 t3", steps(r))
    assert.same({1, 2}, {r.items, r.tasks})
  end)

  it("have the bound that slots set", function()
    local events = {}
    for i = 1, 4 do
      events[#events + 1] = added(0, "t" .. i)
      events[#events + 1] = started((i - 1) // 2 * 2, "t" .. i)
    end
    events[#events + 1] = {0, "script_ended"}
    for i = 1, 4 do events[#events + 1] = ended((i - 1) // 2 * 2 + 2, "t" .. i) end
    events[#events + 1] = {4, "run_ended"}
    local r = figures(events)
    near(4, r.parallel.bound)
    near(2, r.parallel.span)
    assert.same({{name = "process", slots = 2, work = 8, peak = 2}}, r.limits)
  end)

  it("tell what reached the script of what was made, and what it cost", function()
    local r = figures{
      added(0, "t1", {agent = "reviewer"}), started(0, "t1"),
      {1, "reported", "t1", {input_tokens = 900, output_tokens = 100, cost = 0.5}},
      ended(2, "t1", {bytes = 100, printed = 9000}), {2, "read", "t1", {bytes = 100}},
      added(2, "t2", {agent = "shell"}), started(2, "t2"),
      ended(3, "t2", {status = "failed", error_kind = "exit", bytes = 1000}),
      {3, "read", "t2", {by = "t1", bytes = 1000}}, {3, "run_ended"},
    }
    assert.same({made = 10000, handed = 100, saved = 0.99, tokens = {input = 900, output = 100}},
      r.context)
    assert.equal(0.5, r.cost)
    assert.same({"reviewer", 1, 0, 0.5}, {r.agents[1].agent, r.agents[1].tasks,
                                          r.agents[1].failed, r.agents[1].cost})
    assert.same({"shell", 1, nil}, {r.agents[2].agent, r.agents[2].failed, r.agents[2].cost})
    assert.same({"t1", "t2"}, {r.slowest[1].task, r.slowest[2].task})
  end)

  it("are those of what is known, when a record ends early", function()
    local r = figures({added(0, "t1"), started(0, "t1"), added(5, "t2")})
    assert.same({false, 5, 2}, {r.over, r.wall, r.by_status.unfinished})
    r = figures{added(0, "t1"), started(0, "t1"), {4, "record_cut", nil, {why = "too much"}},
                {9, "run_ended"}}
    near(4, r.wall)
    assert.equal("too much", r.cut.why)
  end)

  it("are nothing for a run without tasks", function()
    local r = figures{{0, "script_ended"}, {0, "run_ended"}}
    assert.same({0, 0, 1, {}}, {r.tasks, r.wall, r.speed_up, r.path})
    assert.is_table(text.short(r, 80))
    assert.is_table(text.full(r, 80))
  end)

  it("fill the time of real runs, and no bound is above it", function()
    for _, name in ipairs(h.find("examples", "-maxdepth 1 -name '[0-9]*.lua'")) do
      local dir = h.tmpdir()
      h.orun{"--events", dir .. "/e", name, env = {ORUN_BACKEND = false}}
      local model = require("orun.record.file").read(dir .. "/e")
      local r, at, sum = report.of(model), 0, 0
      for _, s in ipairs(r.path) do
        assert.equal(at, s.from, name)
        at = s.to
      end
      for _, p in ipairs(r.parts) do sum = sum + p.seconds end
      assert.is_true(math.abs(sum - r.wall) < 1e-6 and math.abs(at - r.wall) < 1e-9, name)
      assert.is_true(r.parallel.bound <= r.wall, name)
      assert.is_true(r.parallel.span <= r.parallel.bound + 1e-9, name)
      assert.is_true(json.encode(r) ~= nil)
    end
  end)
end)

describe("the text of a report", function()
  local hostile = "\27[2Jwide " .. ("ü"):rep(200) .. "\u{202e}\n"
  local function many(findings)
    local events = {{0, "script", nil, {name = hostile}}}
    for i = 1, 30 do
      local at, id = i, "t" .. i
      table.move({added(at, id, {description = hostile, agent = hostile}), started(at, id),
        {at + 0.2, "retry", id, {error_kind = "exit"}}, started(at + 0.5, id, 2),
        {at + 0.7, "reported", id, {cost = 1, output_tokens = 5}},
        ended(at + 0.9, id, {bytes = 10, error = hostile}), {at + 0.9, "read", id, {bytes = 10}}},
        1, 7, #events + 1, events)
    end
    events[#events + 1] = {31, "run_ended"}
    local _, model = figures(events)
    local r = report.of(model)
    r.findings = findings or r.findings
    return r
  end

  it("fits on a small screen, whatever tasks are called", function()
    local lines = text.short(many(), 80)
    assert.is_true(#lines >= 6 and #lines <= 12)
    for _, line in ipairs(lines) do
      assert.is_true(utf8.len(line) <= 80, line)
      assert.is_nil(line:find("[\27\n]"))
    end
    for _, line in ipairs(text.full(many(), 100)) do
      assert.is_true(utf8.len(line) <= 100, line)
      assert.is_nil(line:find("[\27\n]"))
    end
  end)

  it("has room for findings, the first and how many more", function()
    local findings = {}
    for i = 1, 20 do
      findings[i] = {title = "finding " .. i, at = "plan.lua:" .. i, cost_seconds = i,
                     fix = "local a\nlocal b", tasks = {"t1"}}
    end
    local lines = text.short(many(findings), 80)
    assert.is_true(#lines <= 12)
    local all = table.concat(lines, "\n")
    assert.matches("plan.lua:1: finding 1 (1 s)", all, 1, true)
    assert.matches("%d+ more findings", all)
    all = table.concat(text.full(many(findings), 100), "\n")
    assert.matches("what to do better\n  plan.lua:1: finding 1 (1 s)\n      local a\n"
      .. "      local b", all, 1, true)
  end)

  it("says times, sizes and counts as people do", function()
    local times = {}
    for i, s in ipairs{0, 0.0000042, 0.25, 0.9999, 3.14159, 42.06, 184, 7500} do
      times[i] = text.seconds(s)
    end
    assert.same({"0 s", "4 µs", "250 ms", "1 s", "3.14 s", "42.1 s", "3 m 04 s", "2 h 05 m"},
      times)
    assert.same({"12 bytes", "1 KiB", "12.3 MiB"},
      {text.bytes(12), text.bytes(1024), text.bytes(12.3 * (1 << 20))})
    assert.same({"999", "12.3k", "4.56M"}, {text.count(999), text.count(12345),
                                            text.count(4560000)})
    assert.same({"$1.50", "$0.042", "$0.00042"}, {text.cost(1.5), text.cost(0.042),
                                                  text.cost(0.00042)})
  end)
end)
