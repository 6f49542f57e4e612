--- orun.report.barriers: where the script waited while more could have run.
--
-- Waits of the script with no task started between them are one barrier, which ends when it
-- starts the next. As long as that one would have had its slots, it could have run: that is
-- what the barrier may have cost, but no more than what was started then took. Whether the
-- script needed what it waited for to know what to start, events cannot say; a blocker of
-- the next task was needed in any case.

local bound = require "orun.report.bound"
local path = require "orun.report.path"
local title_of = require "orun.record.title"

local M = {}

-- Runs of waits of the script for others, each up to the next task it starts.
local function groups_of(model, finish)
  local groups, i, waits = {}, 1, model.script.waits
  local group
  for _, t in ipairs(model.tasks) do
    if not t.parent and t.kind ~= "item" then
      while waits[i] and waits[i].from < t.added do
        local w = waits[i]
        if path.for_others(w) then
          group = group or {waits = {}}
          group.waits[#group.waits + 1] = w
        end
        i = i + 1
      end
      if group then
        group.next, group.from = t, group.waits[1].from
        group.to = math.min(group.waits[#group.waits].to or finish, t.added)
        groups[#groups + 1], group = group, nil
      end
      local last = groups[#groups]
      if last then last.over = math.max(last.over or 0, t.ended or finish) end
    end
  end
  return groups
end

-- Of these intervals what is left when all but the last so many seconds are taken away; and
-- how many there are.
local function latest_of(free, most)
  local kept, sum = {}, 0
  for i = #free, 1, -1 do
    local f = free[i]
    local seconds = math.min(f.to - f.from, most - sum)
    if seconds <= 0 then break end
    table.insert(kept, 1, {from = f.to - seconds, to = f.to})
    sum = sum + seconds
  end
  return kept, sum
end

-- When the next task could have run, and how long.
local function free_of(group, limits)
  local from, next = group.from, group.next
  for _, b in ipairs(next.blockers) do from = math.max(from, b.ended or 0) end
  if from >= group.to then return {}, 0 end
  return latest_of(bound.free(limits, next.limits, from, group.to), group.over - group.to)
end

-- The tasks that ended while the script waited, as far as it may have been for them.
local function ended_in(group, ended)
  local n, latest = 0, nil
  local i = path.last(ended, "ended", group.to)
  while i > 0 and ended[i].ended >= group.from do
    if not ended[i].parent then
      n, latest = n + 1, latest or ended[i]
    end
    i = i - 1
  end
  return n, latest
end

-- When the script got which result: array of {at=, t=}, in the order of time.
local function reads_of(model)
  local reads = {}
  for _, t in ipairs(model.tasks) do
    for _, r in ipairs(t.reads) do
      if not r.by then reads[#reads + 1] = {at = r.at, t = t} end
    end
  end
  table.sort(reads, function(a, b) return a.at < b.at end)
  return reads
end

-- How many tasks' results the script got from the barrier's beginning to the next start.
local function read_in(group, reads)
  local seen, n = {}, 0
  local i = path.last(reads, "at", group.next.added)
  while i > 0 and reads[i].at >= group.from do
    if not seen[reads[i].t] then n = n + 1 end
    seen[reads[i].t] = true
    i = i - 1
  end
  return n
end

-- How many tasks the script waited for, and the last of them.
local function waited_for(group, ended, reads)
  local n, latest = ended_in(group, ended)
  local one = group.waits[1].other
  for _, w in ipairs(group.waits) do one = one == w.other and one or nil end
  if one then return math.max(1, read_in(group, reads)), one end
  return math.max(n, 1), latest
end

local function longest_wait(waits, finish)
  local longest, seconds
  for _, w in ipairs(waits) do
    local s = (w.to or finish) - w.from
    if not longest or s > seconds then longest, seconds = w, s end
  end
  return longest
end

--- What the script waited for while others could have begun.
-- @param limits what report_bound.limits gave
-- @return array of what report/metrics.lua documents as barriers, in the order of time; with free,
-- the intervals in which the next task had slots
function M.of(model, finish, limits)
  local ended, reads, barriers = {}, reads_of(model), {}
  for _, t in ipairs(model.tasks) do
    if t.ended and t.started and t.kind ~= "item" then ended[#ended + 1] = t end
  end
  table.sort(ended, function(a, b) return a.ended < b.ended end)
  for _, g in ipairs(groups_of(model, finish)) do
    local free, seconds = free_of(g, limits)
    if seconds > 0 then
      local n, latest = waited_for(g, ended, reads)
      local w = longest_wait(g.waits, finish)
      barriers[#barriers + 1] = {
        at = title_of.at(w), seconds = seconds,
        kind = n < 2 and "in_turn" or "barriers", waited = n, last = latest and latest.id,
        next = g.next.id, free = free,
      }
    end
  end
  return barriers
end

--- Add the seconds of [from, to] to parts: by the kind of the barriers they are in, or as
--- work.
-- @param at index of the barrier to begin with: of segments in the order of time, what the
-- call for the one before gave
function M.split(barriers, at, from, to, parts)
  local rest = to - from
  while barriers[at] and barriers[at].free[#barriers[at].free].to <= from do at = at + 1 end
  local i = at
  while barriers[i] and barriers[i].free[1].from < to do
    for _, f in ipairs(barriers[i].free) do
      local both = math.min(f.to, to) - math.max(f.from, from)
      if both > 0 then
        rest = rest - both
        parts[barriers[i].kind] = (parts[barriers[i].kind] or 0) + both
      end
    end
    i = i + 1
  end
  parts.work = (parts.work or 0) + math.max(rest, 0)
  return at
end

return M
