--- orun.report.path: the critical path of a run, as it was.
--
-- Read backwards from the end of the run: what went on just before, and why could it
-- not go on earlier? A wait ended because a task had, which began because its last
-- blocker had ended, or because whoever started it had come that far. So each moment
-- of the run belongs to one segment,
--
--     {who = task (nil: the script), what = …, from =, to =}
--
-- and what is
--
--   run         its code or program worked
--   slot, rate, throttled, writes, memory   it was ready and queued for that
--   retry       an attempt that was repeated, and the delay before the next, but not what that
--               one then queued for
--   dispatch    everything was there, and it did not run yet

local M = {}

-- Is such a wait one for another task?
local function for_others(w)
  return w["for"] ~= "time" and w["for"] ~= "work"
end
M.for_others = for_others

-- The last of a sorted array whose field is at most `at`, or below it; its index, 0: none.
local function last(array, field, at, below)
  local low, high = 0, #array
  while low < high do
    local middle = (low + high + 1) // 2
    local value = array[middle][field]
    if value < at or not below and value == at then low = middle else high = middle - 1 end
  end
  return low
end
M.last = last

local Path = {}
Path.__index = Path

local function add(self, who, what, from, to)
  if to <= from then return end
  local all = self.segments
  local before = all[#all]
  if before and before.who == who and before.what == what and before.from == to then
    before.from = from
  else
    all[#all + 1] = {who = who, what = what, from = from, to = to}
  end
end

-- The task whose end satisfied the wait of `who` that was over at `at`, and since when;
-- nil: the time was up.
local function cause(self, who, w, at)
  local other = w.other
  if w.timed_out then return nil end
  if other and other.started then
    if w["for"] == "output" and (not other.ended or other.ended > at) then return other, at end
    if other.ended and other.ended <= at then return other, other.ended end
  end
  local i, any = last(self.ended, "ended", at), nil
  while i > 0 and self.ended[i].ended >= w.from do
    local t = self.ended[i]
    any = any or t
    if t.parent == who or w["for"] == "all" or w["for"] == "item" then return t, t.ended end
    i = i - 1
  end
  return any, any and any.ended
end

-- What `who` did before `at`, its code having begun at `from`; gives who was the reason,
-- and when.
local function back_in_code(self, who, waits, from, at, what)
  local i = last(waits, "from", at, true)
  while i > 0 and waits[i].from >= from do
    local w = waits[i]
    local to = math.min(w.to or self.finish, at)
    if w.resumed and w.resumed <= at then
      add(self, who, what, w.resumed, at)
      add(self, who, "slot", to, w.resumed)
      at = to
    end
    if for_others(w) then
      add(self, who, what, to, at)
      local t, since = cause(self, who, w, to)
      if t then
        add(self, who, "dispatch", since, to)
        return t, since
      end
      add(self, who, what, w.from, to)
      at = w.from
    end
    i = i - 1
  end
  add(self, who, what, from, at)
  return nil, from
end

-- Why a task that became ready at `at` had not been before.
local function back_before(self, t, at)
  local blocker
  for _, b in ipairs(t.blockers) do
    if b.ended and b.ended <= at and (b.started or b.kind == "item")
      and (not blocker or b.ended > blocker.ended) then
      blocker = b
    end
  end
  if blocker and blocker.ended >= t.added then
    add(self, t, "dispatch", blocker.ended, at)
    return blocker, blocker.ended
  end
  add(self, t, "dispatch", t.added, at)
  return t.parent, t.added
end

-- It was ready from `from` on and ran from `at` on; what it was while it did not queue.
local function back_in_queue(self, t, from, at, what)
  for i = #t.queues, 1, -1 do
    local q = t.queues[i]
    local to = math.min(q.to or at, at)
    if q.from < at and to > from then
      add(self, t, what or "dispatch", to, at)
      add(self, t, q["for"], math.max(q.from, from), to)
      at = math.max(q.from, from)
    end
  end
  add(self, t, what or "dispatch", from, at)
end

-- One step back from task t at `at`.
local function back_in_task(self, t, at)
  if t.kind == "item" then return t.by or t.parent, at end
  local i = last(t.attempts, "from", at, true)
  if i == 0 then
    local ready = math.min(t.ready or at, at)
    back_in_queue(self, t, ready, at)
    return back_before(self, t, ready)
  end
  local a = t.attempts[i]
  local to = math.min(a.to or self.finish, at)
  local again = i < #t.attempts
  if again then
    back_in_queue(self, t, to, at, a.error_kind == "throttled" and "throttled" or "retry")
  else
    add(self, t, "run", to, at)
  end
  local who, when = back_in_code(self, t, t.waits, a.from, to, again and "retry" or "run")
  if who then return who, when end
  return t, when
end

--- The path of a run.
-- @param model from record/model.lua
-- @param finish seconds: when the run was over
-- @return array of segments, the first to happen first; they fill the time from 0 to finish
function M.of(model, finish)
  local self = setmetatable({segments = {}, ended = {}, finish = finish}, Path)
  for _, t in ipairs(model.tasks) do
    if t.ended and t.started then self.ended[#self.ended + 1] = t end
  end
  table.sort(self.ended, function(a, b)
    if a.ended ~= b.ended then return a.ended < b.ended end
    return a.nth < b.nth
  end)
  local waits = {}
  for i, w in ipairs(model.script.waits) do waits[i] = w end
  if model.script_ended then waits[#waits + 1] = {from = model.script_ended, ["for"] = "all"} end
  local who, at, still = nil, finish, 0
  while at > 0 do
    local before = at
    if who then
      who, at = back_in_task(self, who, at)
    else
      who, at = back_in_code(self, nil, waits, 0, at, "run")
    end
    still = at < before and 0 or still + 1
    if still > 1000 then -- a ring of things at one moment
      add(self, nil, "run", 0, at)
      break
    end
  end
  local all, n = self.segments, #self.segments
  for i = 1, n // 2 do all[i], all[n + 1 - i] = all[n + 1 - i], all[i] end
  return all
end

return M
