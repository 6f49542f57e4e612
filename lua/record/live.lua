--- orun.record.live: the model of a run with too many tasks to follow each of them.
--
-- It has the fields of a model (record/model.lua), but less in them: by_id has only tasks that
-- have begun and not ended, tasks is empty, and counts has "pending" for all that have not begun.
-- It is folded from the notable events (view/init.lua) and from the runtime's own counts.

local run_model = require "orun.record.model"

local M = {}

-- Events by which an unknown task enters the model.
local BEGINS <const> = {started = true, claimed = true, retry = true, throttled = true,
                        reported = true, ended = true}

--- A live model that goes on from a whole one, which is not changed.
function M.of(whole)
  local model = run_model.new()
  model.script, model.slots, model.now = whole.script, whole.slots, whole.now
  model.name, model.begun, model.version = whole.name, whole.begun, whole.version
  model.phases = table.move(whole.phases, 1, #whole.phases, 1, {})
  for name in pairs(whole.headings) do model.headings[name] = true end
  for id, t in pairs(whole.by_id) do
    if run_model.at_work(t.state) then model.by_id[id] = t end
  end
  return model
end

--- Fold one more event.
-- @param added  function(id) -> the event "added" of that task, without `at`
function M.add(model, e, added)
  if e.task and not model.by_id[e.task] and BEGINS[e.event] then
    local first = added(e.task)
    first.at = e.at
    local t = model:add(first)
    model.tasks[t.nth] = nil
    t.nth = math.tointeger(tonumber(e.task:sub(2)))
  end
  model:add(e)
end

--- Remove the tasks that are no longer at work, and update the counts.
-- @param final  function(id) -> has that task ended?
-- @param totals {tasks=, completed=, failed=, cancelled=}, of all
function M.prune(model, final, totals)
  local counts = {completed = totals.completed, failed = totals.failed,
                  cancelled = totals.cancelled}
  local pending = totals.tasks - totals.completed - totals.failed - totals.cancelled
  for id, t in pairs(model.by_id) do
    if run_model.at_work(t.state) and not final(id) then
      counts[t.state] = (counts[t.state] or 0) + 1
      pending = pending - 1
    else
      model.by_id[id] = nil
    end
  end
  counts.pending = math.max(pending, 0) -- they were counted at different moments
  model.counts, model.total = counts, totals.tasks
end

return M
