--- The own times of tasks that slowed each other down were added up to what they would have
--- taken one after another: "4.2 times as fast" on two processors.

local report = require "orun.report.metrics"
local run_model = require "orun.record.model"
local text = require "orun.report.text"

-- A run of so many tasks of that kind, each `seconds` long at once, each `cpu` on a processor.
local function run(n, seconds, cpu, processors, more)
  local model = run_model.new()
  model.processors = processors
  for i = 1, n do
    local id = "t" .. i
    model:add{event = "added", at = 0, task = id, kind = "program", limits = {process = n}}
    model:add{event = "started", at = 0, task = id, attempt = 1}
  end
  for i = 1, n do
    local id = "t" .. i
    if cpu > 0 then model:add{event = "used", at = seconds, task = id, cpu = cpu} end
    model:add{event = "ended", at = seconds, task = id, status = "completed"}
  end
  for _, e in ipairs(more or {}) do model:add(e) end
  model:add{event = "script_ended", at = 0}
  return report.of(model, seconds)
end

local function near(want, got)
  assert.is_true(math.abs(want - got) < 1e-6, ("%g is not %g"):format(got, want))
end

describe("a speed-up", function()
  it("of tasks that compute is what the processors did", function()
    local r = run(10, 10, 1.9, 2) -- ten at once share two processors
    near(1.9, r.speed_up)
    near(19, r.one_by_one)
    near(10, r.parallel.achieved)
    assert.equal(10, r.computes)
    assert.matches("^   at least 1.9 times as fast as one after another %(19 s%); 10.0 at once",
      text.short(r, 100)[2])
  end)

  it("of tasks that wait is what they took", function()
    local r = run(10, 10, 0.01, 2)
    near(10, r.speed_up)
    assert.equal(0, r.computes)
    assert.falsy(text.short(r, 100)[2]:find("at least", 1, true))
  end)

  it("counts a small part of a processor where all are in use", function()
    near(1.6, run(100, 10, 0.16, 2).speed_up) -- each 1.6 % of its time
  end)

  it("does not count threads of one program as tasks", function()
    near(1, run(2, 10, 20, 4).speed_up) -- each with two threads, on four processors
  end)

  it("is none where the processors were busy with something else", function()
    local r = run(10, 10, 0.6, 2)
    assert.equal("   10.0 tasks at work at once (10 computed for 6 s); the speed-up is unknown",
      text.short(r, 80)[2])
  end)

  it("of functions is their processor time and what they slept, however slow they were", function()
    local model = run_model.new()
    model.processors = 2
    for i = 1, 4 do
      model:add{event = "added", at = 0, task = "t" .. i, kind = "lua", limits = {lua = 4}}
    end
    model:add{event = "script_ended", at = 0}
    for i = 1, 4 do model:add{event = "started", at = 0, task = "t" .. i, attempt = 1} end
    model:add{event = "waits", at = 0, task = "t1", ["for"] = "time"}
    model:add{event = "goes_on", at = 8, task = "t1"}
    for i = 1, 4 do
      model:add{event = "used", at = 10, task = "t" .. i, cpu = 0.1} -- a hundredth of the time
      model:add{event = "ended", at = 10, task = "t" .. i, status = "completed"}
    end
    near(8.4, report.of(model, 10).one_by_one)
  end)

  it("of programs on a machine that is full leaves out what others may have taken", function()
    local model = run_model.new()
    model.processors, model.busy = 2, 0.95
    model:add{event = "added", at = 0, task = "t1", kind = "program", limits = {process = 1}}
    model:add{event = "script_ended", at = 0}
    model:add{event = "started", at = 0, task = "t1", attempt = 1}
    model:add{event = "used", at = 10, task = "t1", cpu = 0.1}
    model:add{event = "ended", at = 10, task = "t1", status = "completed"}
    near(8.1, report.of(model, 10).one_by_one)
    model.busy = 0.3
    near(10, report.of(model, 10).one_by_one)
  end)

  it("is not told of a record without processor time", function()
    local r = run(10, 10, 0, nil)
    assert.is_nil(r.speed_up)
    assert.matches("^   10.0 tasks at work at once; .* was not measured", text.short(r, 100)[2])
    assert.falsy(table.concat(text.full(r, 100), "\n"):find("one after another", 1, true))
  end)

  it("takes a queue for a worker after a wait for no work", function()
    local model = run_model.new()
    model.processors = 2
    for _, e in ipairs{
      {event = "added", at = 0, task = "t1", kind = "lua", limits = {lua = 1}},
      {event = "script_ended", at = 0},
      {event = "started", at = 0, task = "t1", attempt = 1},
      {event = "waits", at = 0, task = "t1", ["for"] = "time"},
      {event = "goes_on", at = 4, task = "t1", queued = 3},
      {event = "ended", at = 4, task = "t1", status = "completed"},
    } do model:add(e) end
    local r = report.of(model, 4)
    near(1, r.one_by_one)
    local parts = {}
    for _, p in ipairs(r.parts) do parts[p.what] = p.seconds end
    near(3, parts.slot)
  end)
end)
