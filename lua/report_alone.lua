--- orun.report_alone: how long each task would have taken alone, as far as that is known.
--
-- Tasks that compute at the same time slow each other down, and so does what else the machine
-- does: added up, their own times (report_bound.lua) are not what they would take one after the
-- other. What a task was on a processor for is not stretched like that.
--
--   waits      a task that hardly used a processor while there was room on them took as long as
--              it would have alone: a service, a sleep or a disk had it wait
--   computes   any other: it would have taken its processor time, and the time it slept for. A
--              program whose processor time is more than its own time has several threads, and
--              could have had all processors
--
-- The figure is a lower one for a task that computes and waits for something else in turns.

local bound = require "orun.report_bound"

local M = {}

local HARDLY <const> = 0.05 -- of its own time, on a processor
local FULL <const> = 0.5    -- of the processors, by what orun ran: there may have been no room
local THREADS <const> = 1.1 -- times its own time

-- Seconds that code slept.
local function slept(waits, finish)
  local sum = 0
  for _, w in ipairs(waits) do
    if w["for"] == "time" then sum = sum + (w.to or finish) - w.from end
  end
  return sum
end

-- How many processors were used on average from one moment to another: a function.
local function demand_of(model, own, finish)
  local steps, sums = {}, {[0] = 0}
  for _, t in ipairs(model.tasks) do
    local rate = t.cpu and own[t] > 0 and t.cpu / own[t] or 0
    for _, a in ipairs(rate > 0 and t.attempts or {}) do
      steps[#steps + 1] = {at = a.from, rate = rate}
      steps[#steps + 1] = {at = a.to or finish, rate = -rate}
    end
  end
  table.sort(steps, function(a, b) return a.at < b.at end)
  local rate = 0
  for i, s in ipairs(steps) do
    sums[i] = sums[i - 1] + rate * (s.at - (steps[i - 1] or s).at)
    rate = rate + s.rate
    s.now = rate
  end
  local function up_to(at)
    local low, high = 0, #steps
    while low < high do
      local middle = (low + high + 1) // 2
      if steps[middle].at <= at then low = middle else high = middle - 1 end
    end
    return low == 0 and 0 or sums[low] + steps[low].now * (at - steps[low].at)
  end
  return function(from, to) return to > from and (up_to(to) - up_to(from)) / (to - from) or 0 end
end

-- Of own seconds, of which so many were on a processor.
local function alone_of(own, cpu, sleep, processors)
  if cpu > THREADS * own then cpu = cpu / processors end
  return math.min(own, cpu + sleep)
end

--- @return {by = {task = seconds}, script = seconds, work = of all tasks, computed = seconds that
--   tasks which compute were on a processor, computes = how many those are}; nil where nobody
--   measured
function M.of(model, own, finish)
  local processors = model.processors
  if not processors then return nil end
  local demand, script = demand_of(model, own, finish), bound.own_script(model, finish)
  local r = {by = {}, script = script, work = 0, computed = 0, computes = 0}
  for t, seconds in pairs(own) do
    local cpu = t.cpu or 0
    local unknown = not t.cpu and t.kind == "lua" and t.error_kind == "timeout" -- given up
    local full = t.started and demand(t.started, t.ended or finish) >= FULL * processors
    r.by[t] = seconds
    if t.started and (unknown or full or cpu >= HARDLY * seconds) then
      r.by[t] = alone_of(seconds, cpu, slept(t.waits, finish), processors)
      r.computed, r.computes = r.computed + cpu, r.computes + (seconds > 0 and 1 or 0)
    end
  end
  for _, t in ipairs(model.tasks) do r.work = r.work + (r.by[t] or 0) end
  local cpu = model.script.cpu
  if cpu and cpu >= HARDLY * script then
    r.script = alone_of(script, cpu, slept(model.script.waits, finish), processors)
  end
  return r
end

return M
