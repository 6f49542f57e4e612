--- A function that sleeps or waits for a program was planned as if it held a worker meanwhile,
--- what the script did between two tasks was no time at all, and "more than 64 slots still gain"
--- was said of functions, which no number of slots for programs makes faster.

local h = require "spec.support.helper"
local json = require "cjson"
local run_model = require "orun.record.model"
local forecast = require "orun.plan.forecast"

-- The plan of a script whose history knows these lines.
local function plan(text, lines, ...)
  local dir = h.tmpdir()
  local path = dir .. "/script.lua"
  h.sh("mkdir " .. h.quote(dir .. "/orun"))
  for i, line in ipairs(lines) do lines[i] = line:gsub("SCRIPT", function() return path end) end
  h.write(dir .. "/orun/history", "orun history 2\n" .. table.concat(lines, "\n") .. "\n")
  h.write(path, text)
  local words = {"plan", "--no-functions", ...}
  words[#words + 1] = path
  words.env = {XDG_STATE_HOME = dir}
  local r = h.orun(words)
  assert.equal(0, r.code, r.err)
  return r.out
end

local function model_of(events)
  local model = run_model.new()
  for _, e in ipairs(events) do model:add(e) end
  return model
end

describe("a plan of functions", function()
  local SCRIPT <const> = [[
    local all = {}
    for i = 1, 100 do all[i] = Task{run = os.time, run_in_background = true} end
    for i = 1, 100 do TaskOutput(all[i]) end]]

  it("gives the worker of one that waits to another", function()
    local p = json.decode(plan(SCRIPT, {"lSCRIPT:2 9 1000000 1000000 0 0 0 n 7"}, "--json"))
    assert.is_true(p.slots[1].seconds < 2, p.slots[1].seconds)
    p = json.decode(plan(SCRIPT, {"lSCRIPT:2 9 1000000 0 0 0 0 n 7"}, "--json"))
    assert.is_true(p.slots[1].seconds > 5, p.slots[1].seconds)
  end)

  it("says that slots change nothing", function()
    local out = plan(SCRIPT, {"lSCRIPT:2 9 1000000 0 0 0 0 n 7"})
    assert.falsy(out:find("still gain", 1, true), out)
    assert.matches("slots %(%-j%) change nothing, because no task is a program", out)
  end)
end)

describe("a forecast", function()
  -- A task that runs from `from` to `to`, with these waits {from, woken, resumed}.
  local function task(id, from, to, waits)
    local events = {{event = "started", at = from, task = id, attempt = 1}}
    for _, w in ipairs(waits or {}) do
      events[#events + 1] = {event = "waits", at = w[1], task = id, ["for"] = "time"}
      events[#events + 1] = {event = "goes_on", at = w[3], task = id, queued = w[3] - w[2]}
    end
    events[#events + 1] = {event = "ended", at = to, task = id, status = "completed"}
    return events
  end

  it("takes a queue for a worker after a wait for neither work nor waiting", function()
    local events, steps = {}, {[""] = {}}
    for i = 1, 4 do
      events[i] = {event = "added", at = 0, task = "t" .. i, kind = "lua", limits = {lua = 2}}
    end
    events[5] = {event = "script_ended", at = 0}
    -- Each waits a second; woken, it queues for a worker for two more.
    for i = 1, 4 do table.move(task("t" .. i, 0, 3, {{0, 1, 3}}), 1, 4, #events + 1, events) end
    local model = model_of(events)
    for i, t in ipairs(model.tasks) do steps[""][i] = {add = t, at = 0} end
    local f = forecast.new(model, steps, {overhead = 0})
    assert.equal(1, f:schedule(5).seconds)
    assert.equal(4, f.sequential)
  end)

  it("has the script's own time between the tasks it starts", function()
    local events = {
      {event = "added", at = 1, task = "t1", kind = "lua", limits = {lua = 2}},
      {event = "started", at = 1, task = "t1", attempt = 1},
      {event = "ended", at = 3, task = "t1", status = "completed"},
      {event = "added", at = 5, task = "t2", kind = "lua", limits = {lua = 2}},
      {event = "started", at = 5, task = "t2", attempt = 1},
      {event = "ended", at = 6, task = "t2", status = "completed"},
      {event = "script_ended", at = 9},
    }
    local model = model_of(events)
    local f = forecast.new(model, {[""] = {{add = model.tasks[1], at = 1},
      {add = model.tasks[2], at = 5}}}, {overhead = 0})
    assert.equal(9, f:schedule(5).seconds)
  end)
end)
