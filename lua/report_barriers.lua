--- orun.report_barriers: where the script waited while more could have run.
--
-- Waits of the script with no task started between them are one barrier, which ends when it
-- starts the next. As long as that one would have had its slots, it could have run: that is
-- what the barrier may have cost, but no more than what was started then took. Whether the
-- script needed what it waited for to know what to start, events cannot say; a blocker of
-- the next task was needed in any case.

local bound = require "orun.report_bound"
local path = require "orun.report_path"

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
-- @return array of what report.lua documents as barriers, in the order of time; with free,
-- the intervals in which the next task had slots
function M.of(model, finish, limits)
  local ended, barriers = {}, {}
  for _, t in ipairs(model.tasks) do
    if t.ended and t.started and t.kind ~= "item" then ended[#ended + 1] = t end
  end
  table.sort(ended, function(a, b) return a.ended < b.ended end)
  for _, g in ipairs(groups_of(model, finish)) do
    local from = g.from
    for _, b in ipairs(g.next.blockers) do from = math.max(from, b.ended or 0) end
    local free = from < g.to and bound.free(limits, g.next.limits, from, g.to) or {}
    local seconds
    free, seconds = latest_of(free, g.over - g.to)
    if seconds > 0 then
      local n, latest = ended_in(g, ended)
      local one, w = g.waits[1].other, longest_wait(g.waits, finish)
      for _, each in ipairs(g.waits) do one = one == each.other and one end
      barriers[#barriers + 1] = {
        at = w.file and ("%s:%d"):format(w.file, w.line or 0), seconds = seconds,
        kind = (one or n < 2) and "in_turn" or "barriers", waited = one and 1 or n,
        last = (one or latest or {}).id, next = g.next.id, free = free,
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
