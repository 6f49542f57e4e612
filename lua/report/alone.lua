--- orun.report.alone: how long each task would have taken alone, as far as that is known.
--
-- Tasks that compute at the same time slow each other down, and so does what else the machine
-- does: added up, their own times (report/bound.lua) are not what they would take one after the
-- other. What a task was on a processor for is not stretched like that.
--
--   a function would have taken its processor time, and what it slept
--   a program  that hardly used a processor, while there was room on them, took as long as it
--              would have alone: a service, a sleep or a disk had it wait. So it is with a
--              function that waits for such a program, or a service
--   any other  would have taken its processor time. With more of that than its own time it has
--              several threads, and could have had all processors
--
-- The figure is a lower one for what computes and waits for something else in turns.

local bound = require "orun.report.bound"

local M = {}

local HARDLY <const> = 0.05 -- of its own time, on a processor
local FULL <const> = 0.5    -- of the processors, by what orun ran: there may have been no room
local CROWDED <const> = 0.8 -- of the machine's processors, by all that ran
local STRETCHED <const> = 20 -- times so long a second on a processor takes there, maybe; or
local UNFAIR <const> = 4    -- times what it is where all that want one get as much of it
local LESS <const> = 0.9    -- of its own time: alone it would have been quicker
local THREADS <const> = 1.1 -- times its own time

-- Seconds that code slept, and that it waited for programs and services.
local function waited(waits, finish)
  local slept, work = 0, 0
  for _, w in ipairs(waits) do
    local seconds = (w.to or finish) - w.from
    if w["for"] == "time" then slept = slept + seconds end
    if w["for"] == "work" then work = work + seconds end
  end
  return slept, work
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

-- Of own seconds what it would have taken alone. full: other tasks were in its way as long as may
-- be; stretch: so many seconds one on a processor may have taken, for others on the machine.
local function alone_of(one, own, finish, processors, full, stretch)
  local slept, work = waited(one.waits, finish)
  local cpu = one.cpu or 0
  local outside = one.kind == "program" and own or work
  if not full and cpu < HARDLY * outside then
    slept = slept + math.max(outside - stretch * cpu, 0)
  end
  if cpu > THREADS * own then cpu = cpu / processors end
  return math.min(own, cpu + slept)
end

--- @return {by = {task = seconds}, script = seconds, work = of all tasks, computed = seconds that
--   tasks which compute were on a processor, computes = how many those are}; nil where nobody
--   measured
function M.of(model, own, finish)
  local processors = model.processors
  if not processors then return nil end
  local demand, script = demand_of(model, own, finish), bound.own_script(model, finish)
  local busy = model.busy or 0
  local stretch = busy >= CROWDED and math.max(STRETCHED, UNFAIR * busy) or 0
  local r = {by = {}, work = 0, computed = 0, computes = 0}
  for _, t in ipairs(model.tasks) do
    local seconds = own[t]
    if seconds then
      local full = t.started and demand(t.started, t.ended or finish) >= FULL * processors
      r.by[t] = alone_of(t, seconds, finish, processors, full, stretch)
      r.work = r.work + r.by[t]
      if (t.cpu or 0) >= HARDLY * seconds and seconds > 0 or r.by[t] < LESS * seconds then
        r.computed, r.computes = r.computed + (t.cpu or 0), r.computes + 1
      end
    end
  end
  r.script = model.script.cpu and alone_of(model.script, script, finish, processors, false, stretch)
    or script
  return r
end

return M
