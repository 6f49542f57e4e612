--- tasks: what one Lua task costs.

local measure = require "measure"
local orun = require "orun"

local function nothing() end

local function calls(n)
  for _ = 1, n do nothing() end
end

-- n tasks, all started and then collected.
local function all_then_collect(n)
  local handles = {}
  for i = 1, n do handles[i] = Task{run = nothing, run_in_background = true} end
  for i = 1, n do assert(TaskOutput(handles[i]).status == "completed") end
end

-- n tasks, never more than `window` not collected.
local function window(n, wide)
  local handles = {}
  for i = 1, n do
    local at = i % wide
    if handles[at] then assert(TaskOutput(handles[at]).status == "completed") end
    handles[at] = Task{run = nothing, run_in_background = true}
  end
  for _, handle in pairs(handles) do assert(TaskOutput(handle).status == "completed") end
end

-- n tasks one by one: start to result on an idle pool.
local function one_by_one(n)
  for _ = 1, n do assert(Task{run = nothing}.status == "completed") end
end

-- A side that gives the seconds of one of n; the processor's go to `cpu`.
local function side(name, fn, n, cpu, ...)
  local more = {...}
  return {name, function()
    local seconds, busy = measure.time(fn, n, table.unpack(more))
    if cpu then cpu[#cpu + 1] = busy / n end
    return seconds / n
  end}
end

local function anchor(name, ...)
  local command = {...}
  return {name, function() return measure.anchor(table.unpack(command)) / 1e9 end}
end

local function noop()
  local n, cpu, cpu_window = measure.size(50000, 20000), {}, {}
  all_then_collect(2000)
  local r = measure.rounds({
    side("all", all_then_collect, n, cpu),
    side("window", window, n, cpu_window, 256),
    anchor("pool", "pool", n),
    anchor("state", "state", measure.size(3000, 1000)),
    side("call", calls, n * 20),
  }, measure.size(9, 3))
  local goal = "<= 1.5 us"
  measure.row{measure = "no-op task, all started, then collected",
    measured = measure.us(r.all), anchor = "C pool, a call " .. measure.us(r.pool),
    ratio = r.ratio("all", "pool"), goal = goal, met = r.all <= 1.5e-6}
  measure.note("best round %s; %s of processor time a task, all threads",
    measure.us(r.best.all), measure.us(measure.median(cpu)))
  measure.row{measure = "no-op task, at most 256 not collected",
    measured = measure.us(r.window), anchor = "newstate+libs+close " .. measure.us(r.state),
    ratio = r.ratio("window", "state"), goal = goal, met = r.window <= 1.5e-6}
  measure.note("best round %s; %s of processor time a task; a call in Lua takes %.3f us (x %.0f)",
    measure.us(r.best.window), measure.us(measure.median(cpu_window)), r.call * 1e6,
    r.ratio("window", "call"))
end

local function roundtrip()
  local n = measure.size(3000, 1000)
  local r = measure.rounds({side("task", one_by_one, n), anchor("futex", "futex", n)},
    measure.size(15, 5))
  local ratio = r.ratio("task", "futex")
  measure.row{measure = "start to result, idle pool", measured = measure.us(r.task),
    anchor = "futex round trip " .. measure.us(r.futex), ratio = ratio,
    goal = "<= 1.3 x futex", met = ratio <= 1.3}
end

local function fib()
  local n = measure.size(600, 200)
  local function body()
    local function fib_of(i) return i < 2 and i or fib_of(i - 1) + fib_of(i - 2) end
    return fib_of(20)
  end
  local function tasks()
    local handles = {}
    for i = 1, n do handles[i] = Task{run = body, run_in_background = true} end
    for i = 1, n do assert(TaskOutput(handles[i]).output == 6765) end
  end
  local r = measure.rounds({
    {"tasks", function() return measure.time(tasks) / n end},
    anchor("lua", "fib", 2, n // 2),
  }, measure.size(9, 3))
  local share = 1 / r.ratio("tasks", "lua")
  measure.row{measure = "fib(20) tasks on 2 workers", measured = measure.us(r.tasks),
    anchor = "Lua on 2 threads " .. measure.us(r.lua), ratio = 1 / share,
    goal = ">= 95 % of it", met = share >= 0.95, note = ("%.1f %%"):format(share * 100)}
end

local function map()
  local n = measure.size(500000, 100000)
  local items = {}
  for i = 1, n do items[i] = i end
  local function double(x) return 2 * x end
  local function plain()
    local out = {}
    for i = 1, n do out[i] = double(items[i]) end
    return out
  end
  local function mapped()
    assert(orun.map(items, double)[n] == 2 * n)
  end
  local cpu = {}
  local r = measure.rounds{
    {"map", function()
      local seconds, busy = measure.time(mapped)
      cpu[#cpu + 1] = busy / n
      return seconds / n
    end},
    {"plain", function() return measure.time(plain) / n end},
  }
  measure.row{measure = ("orun.map over %d numbers, an item"):format(n),
    measured = measure.us(r.map), anchor = ("loop in Lua %.3f us"):format(r.plain * 1e6),
    ratio = r.ratio("map", "plain"), goal = "<= 0.3 us", met = r.map <= 0.3e-6,
    note = ("best round %s; %s of processor time an item"):format(measure.us(r.best.map),
      measure.us(measure.median(cpu)))}
end

return {{"noop", noop}, {"roundtrip", roundtrip}, {"fib", fib}, {"map", map}}
