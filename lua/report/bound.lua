--- orun.report.bound: how fast a run could have been, by what is known of its tasks.
--
--   own time   that its code or program worked: it ran, waited for no other task, and did not
--              queue for a slot after a wait
--   span       the longest chain of tasks: a task begins when its blockers have ended and
--              whoever starts it has worked so long as it had by then. What the script
--              waited for does not count: whether it had to, its events cannot say
--   bound      no run with these slots is faster: the span, or the work of the tasks under
--              one limit divided by its slots

local path = require "orun.report.path"

local M = {}

-- From when to when code did nothing of its own in a wait: it waited for others, or queued for a
-- slot since what it waited for was over.
local function idled(w, finish)
  local to = w.resumed or w.to or finish
  return path.for_others(w) and w.from or w.to or finish, to
end

-- These times of an array of waits, as far as they are before `till`.
local function waited(waits, till, finish)
  local sum = 0
  for _, w in ipairs(waits) do
    if w.from >= till then break end
    local from, to = idled(w, finish)
    sum = sum + math.max(math.min(to, till) - from, 0)
  end
  return sum
end

--- Seconds that t worked, up to `till` (nil: in all).
function M.own(t, finish, till)
  local sum = 0
  till = till or finish
  for _, a in ipairs(t.attempts) do
    if a.from >= till then break end
    sum = sum + math.min(a.to or finish, till) - a.from
  end
  return sum - waited(t.waits, till, finish)
end

--- Seconds that the script worked, up to `till`.
function M.own_script(model, finish, till)
  local ended = math.min(model.script_ended or finish, till or finish)
  return ended - waited(model.script.waits, ended, finish)
end

-- When tasks begin and end, the way time went: what is known of one is known before it
-- is asked for another.
local function moments(model, finish)
  local all = {}
  for _, t in ipairs(model.tasks) do
    local from = t.started or t.ended
    if from and t.kind ~= "item" then
      all[#all + 1] = {t = t, at = from, order = t.nth}
      all[#all + 1] = {t = t, at = t.ended or finish, order = -t.nth, ends = true}
    end
  end
  table.sort(all, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.order < b.order
  end)
  return all
end

--- Own times of code that began at `begun`, asked in the order of time: each wait is looked at
--- once.
-- @return function(at) -> seconds
function M.clock(waits, begun, finish)
  local i, sum = 1, 0
  return function(at)
    while waits[i] and (waits[i].resumed or waits[i].to or finish) <= at do
      local from, to = idled(waits[i], finish)
      i, sum = i + 1, sum + to - from
    end
    local open = waits[i] and math.max(at - idled(waits[i], finish), 0) or 0
    return math.max(0, at - begun - sum - open)
  end
end

-- How long the starter of a task had worked when it started it: seconds, by task.
local function offsets(model, finish)
  local script, clocks, offset = M.clock(model.script.waits, 0, finish), {}, {}
  for _, t in ipairs(model.tasks) do
    local by = t.parent
    if by and by.started then
      clocks[by] = clocks[by] or M.clock(by.waits, by.started, finish)
      offset[t] = clocks[by](t.added)
    else
      offset[t] = by and 0 or script(t.added)
    end
  end
  return offset
end

-- Did t end for want of others that it had started, one of which ended at `at`?
local function collects(t, at)
  if t.ended and t.ended < at then return false end
  for _, w in ipairs(t.waits) do
    if path.for_others(w) then return true end
  end
  return false
end

--- The longest chain, in seconds.
-- @param took  {task = seconds}: what each took of its own, or would have alone
-- @param script  seconds of the script's own
function M.span(model, finish, took, script)
  local starts, ends, span = {}, {}, script
  local offset = offsets(model, finish)
  local function start(t)
    local from = (t.parent and starts[t.parent] or 0) + offset[t]
    for _, b in ipairs(t.blockers) do from = math.max(from, ends[b] or 0) end
    starts[t] = starts[t] or from
    return starts[t]
  end
  for _, m in ipairs(moments(model, finish)) do
    local t = m.t
    local from = start(t)
    if m.ends then
      ends[t] = math.max(ends[t] or 0, from + took[t])
      span = math.max(span, ends[t])
      local by = t.parent
      if by and collects(by, m.at) then ends[by] = math.max(ends[by] or 0, ends[t]) end
    end
  end
  return span
end

-- Add the steps of one task to those of a limit: where it takes a slot and gives it back.
-- A Lua task gives its slot back whenever its code waits.
local function steps_of(t, name, steps, finish)
  local function step(at, n) steps[#steps + 1] = {at = at, n = n} end
  for _, a in ipairs(t.attempts) do
    step(a.from, 1)
    step(a.to or finish, -1)
  end
  for _, w in ipairs(t.waits) do
    if name == "lua" or path.for_others(w) then
      step(w.from, -1)
      step(w.resumed or w.to or finish, 1)
    end
  end
end

--- How many slots of a limit were taken, when.
-- @param name of the limit; nil: how many tasks worked
-- @return array of {at=, n=}, n from `at` on
function M.occupancy(model, finish, name)
  local steps = {}
  for _, t in ipairs(model.tasks) do
    if t.kind ~= "item" and (not name or t.limits[name]) then
      steps_of(t, name, steps, finish)
    end
  end
  table.sort(steps, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.n < b.n
  end)
  local n, all = 0, {}
  for _, s in ipairs(steps) do
    n = n + s.n
    local before = all[#all]
    if before and before.at == s.at then before.n = n else all[#all + 1] = {at = s.at, n = n} end
  end
  return all
end

-- Slot-seconds and the most at once of an occupancy.
local function use_of(steps)
  local sum, most = 0, 0
  for i, s in ipairs(steps) do
    most = math.max(most, s.n)
    if steps[i + 1] then sum = sum + s.n * (steps[i + 1].at - s.at) end
  end
  return sum, most
end

--- What each limit was used for: an array of {name=, slots=, work= (slot-seconds), peak=,
--- steps=}, by name.
function M.limits(model, finish)
  local all = {}
  for name, slots in pairs(model.slots) do
    local steps = M.occupancy(model, finish, name)
    local work, peak = use_of(steps)
    all[#all + 1] = {name = name, slots = slots, work = work, peak = peak, steps = steps}
  end
  table.sort(all, function(a, b) return a.name < b.name end)
  return all
end

--- The most tasks that worked at once.
function M.peak(model, finish)
  local _, most = use_of(M.occupancy(model, finish))
  return most
end

--- The parts of [from, to] in which a limit of these had no slot left are cut out.
-- @param limits what M.limits gave; names {name = …}: those that count
-- @return array of {from=, to=}
function M.free(limits, names, from, to)
  local cuts = {}
  for _, l in ipairs(limits) do
    if names[l.name] then
      local i = math.max(1, path.last(l.steps, "at", from))
      while l.steps[i] and l.steps[i].at < to do
        if l.steps[i].n >= l.slots then
          cuts[#cuts + 1] = {from = l.steps[i].at, to = l.steps[i + 1] and l.steps[i + 1].at or to}
        end
        i = i + 1
      end
    end
  end
  table.sort(cuts, function(a, b) return a.from < b.from end)
  local free, at = {}, from
  for _, c in ipairs(cuts) do
    if c.from > at then free[#free + 1] = {from = at, to = math.min(c.from, to)} end
    at = math.max(at, c.to)
  end
  if at < to then free[#free + 1] = {from = at, to = to} end
  return free
end

return M
