--- many: what a great number of tasks costs, in time and in memory.

local measure = require "measure"
local orun = require "orun"

local function nothing() end

local function start(n, spec)
  local handles = {}
  for i = 1, n do handles[i] = Task(spec) end
  return handles
end

local function collect(handles)
  for i = 1, #handles do assert(TaskOutput(handles[i]).status == "completed") end
end

local function million()
  local n = measure.size(1000000, 200000)
  local before = measure.resident()
  local at_start
  local seconds, cpu = measure.time(function()
    local handles = start(n, {run = nothing, run_in_background = true})
    at_start = measure.resident()
    collect(handles)
  end)
  local most = measure.resident("VmHWM")
  local limit_s, limit_bytes = 1.4 * n / 1e6, 400e6 * n / 1e6
  local pool = measure.anchor("pool", n) * n / 1e9
  measure.row{measure = ("%d tasks started, then collected"):format(n),
    measured = measure.s(seconds), anchor = "C pool " .. measure.s(pool),
    ratio = seconds / pool, goal = ("<= %.2f s"):format(limit_s), met = seconds <= limit_s,
    note = ("%s of processor time; one round"):format(measure.s(cpu))}
  measure.row{measure = "their memory, at most", measured = measure.bytes(most),
    goal = ("<= %.0f MB"):format(limit_bytes / 1e6), met = most <= limit_bytes,
    note = ("%.0f B a task with its handle and result; %s resident when all were started"):format(
      (most - before) / n, measure.bytes(at_start))}
end

-- Keeps both workers busy until stopped, so that what is started stays pending.
local function hold_workers()
  local function spin() while true do end end
  local busy = start(orun.config().workers, {run = spin, run_in_background = true})
  return function()
    for _, handle in ipairs(busy) do TaskStop{task_id = handle} end
  end
end

local function pending()
  local n = measure.size(1000000, 200000)
  local release = hold_workers()
  local spec, last = {run = nothing, run_in_background = true}, nil
  for _ = 1, 1000 do last = Task(spec) end
  collectgarbage()
  local before = measure.resident()
  for _ = 1, n do last = Task(spec) end
  collectgarbage()
  local each = (measure.resident() - before) / n
  assert(TaskOutput{task_id = last, block = false}.status == "pending")
  release()
  assert(TaskOutput(last).status == "completed")
  measure.row{measure = ("a pending task, of %d"):format(n),
    measured = ("%.0f B"):format(each), goal = "<= 512 B", met = each <= 512}
end

-- Seconds until n tasks, each asleep for `nap` seconds, were started and collected.
local function sleepers(n, nap)
  local before, most = measure.resident(), 0
  local seconds = measure.time(function()
    local function sleep(seconds) orun.sleep(seconds) end
    local handles = start(n, {run = sleep, input = nap, run_in_background = true})
    local half = Task{run = sleep, input = nap / 2, run_in_background = true}
    TaskOutput(half)
    most = measure.resident()
    collect(handles)
  end)
  return seconds, (math.max(most, measure.resident()) - before) / n
end

local function asleep()
  local n = measure.size(10000, 2000)
  for _, nap in ipairs{1, 0.1} do
    local sizes = {}
    local r = measure.rounds{{"nap", function(round)
      local seconds, each = sleepers(n, nap)
      -- Later rounds find the first one's states.
      if round == 1 then sizes[1] = each end
      return seconds
    end}}
    local ratio = r.nap / nap
    measure.row{measure = ("%d tasks asleep at once for %g s"):format(n, nap),
      measured = measure.s(r.nap), anchor = ("ideal %g s"):format(nap), ratio = ratio,
      goal = "<= 1.05 x ideal", met = ratio <= 1.05}
    if nap == 1 then
      measure.row{measure = "a task asleep, with its state",
        measured = measure.bytes(sizes[1]), goal = "<= 32 KiB", met = sizes[1] <= 32 * 1024}
    end
  end
end

-- n tasks; each but the first few waits for two of the 1000 before it.
local function dag_of(n)
  math.randomseed(1)
  local handles = {}
  for i = 1, n do
    local a, b = i - math.random(1000), i - math.random(1000)
    local blockers
    if a > 0 and b > 0 then
      if a == b then b = b > 1 and b - 1 or b + 1 end
      blockers = {handles[a], handles[b]}
    end
    handles[i] = Task{run = nothing, run_in_background = true, blockedBy = blockers}
  end
  collect(handles)
end

local function dag()
  local n = measure.size(100000, 20000)
  local cpu = {}
  local r = measure.rounds({
    {"dag", function()
      local seconds, busy = measure.time(dag_of, n)
      cpu[#cpu + 1] = busy / n
      return seconds / n
    end},
    {"plain", function()
      return measure.time(function()
        collect(start(n, {run = nothing, run_in_background = true}))
      end) / n
    end},
  }, measure.size(5, 3))
  measure.row{measure = ("graph of %d tasks, %d edges, a task"):format(n, 2 * n),
    measured = measure.us(r.dag), anchor = "without edges " .. measure.us(r.plain),
    ratio = r.ratio("dag", "plain"), goal = "<= 4 us", met = r.dag <= 4e-6,
    note = ("best round %s; %s of processor time a task"):format(measure.us(r.best.dag),
      measure.us(measure.median(cpu)))}
end

-- Seconds for n of each kind.
local GROWING <const> = {
  {"task", function(n) collect(start(n, {run = nothing, run_in_background = true})) end},
  {"edge in a chain", function(n)
    local last
    for _ = 1, n do
      last = Task{run = nothing, run_in_background = true, blockedBy = last and {last}}
    end
    TaskOutput(last)
  end},
  {"edge of one item", function(n)
    local item = TaskCreate{description = "blocker"}
    local handles = start(n, {run = nothing, run_in_background = true, blockedBy = {item}})
    TaskUpdate{task_id = item, status = "completed"}
    collect(handles)
  end},
  {"number in and out", function(n)
    local numbers = {}
    for i = 1, n do numbers[i] = i end
    local back = Task{run = function(input) return input end, input = numbers}.output
    assert(#back == n)
  end},
}

-- One kind at one size, in microseconds for each of n: the median of as many
-- goes as fit.
local function growth_at(fn, n)
  local goes = math.max(1, math.min(9, 30000 // n))
  local took = {}
  for i = 1, goes do
    took[i] = measure.time(fn, n) / n * 1e6
    collectgarbage()
  end
  return measure.median(took)
end

local function growth()
  local most = measure.size(6, 5)
  local sizes = {}
  for power = 2, most do sizes[#sizes + 1] = ("%9s"):format("10^" .. power) end
  measure.note("microseconds each, by how many:   %s", table.concat(sizes))
  for _, kind in ipairs(GROWING) do
    local cost, cells = {}, {}
    kind[2](100)
    for power = 2, most do
      cost[power] = growth_at(kind[2], 10 ^ power // 1 | 0)
      cells[#cells + 1] = ("%9.3f"):format(cost[power])
    end
    -- 10^4 is the first size that is not mostly noise.
    local worst = cost[most] / cost[4]
    measure.row{measure = "growth: " .. kind[1],
      measured = ("%.2f us"):format(cost[most]),
      anchor = ("at 10^4 %.2f us"):format(cost[4]), ratio = worst,
      goal = "linear: <= 1.5 x", met = worst <= 1.5}
    measure.note("%-34s%s", kind[1], table.concat(cells))
  end
end

return {
  {"million", million}, {"pending", pending}, {"asleep", asleep}, {"dag", dag},
  {"growth", growth},
}
