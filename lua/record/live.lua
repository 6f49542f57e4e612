--- orun.record.live: of a run with more tasks than anybody could look at, those that are at work.
--
-- It is a model as record/model.lua has it, with less in it: by_id has only tasks that have begun
-- and not ended, tasks is empty, and counts has "pending" for all that have not begun. It is
-- folded from the notable events (view/init.lua), and from what the runtime counts.

local run_model = require "orun.record.model"

local M = {}

-- What a task that was not known becomes known by.
local BEGINS <const> = {started = true, claimed = true, retry = true, throttled = true,
                        reported = true, ended = true}

--- The live model of a run of which there is a whole model, which stays as it is.
function M.of(whole)
  local model = run_model.new()
  model.script, model.slots, model.now = whole.script, whole.slots, whole.now
  model.name, model.begun, model.version = whole.name, whole.begun, whole.version
  model.phases = table.move(whole.phases, 1, #whole.phases, 1, {})
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

--- Forget the tasks that are not at work any more, and count anew.
-- @param final  function(id) -> has that task ended?
-- @param tally  {tasks=, completed=, failed=, cancelled=}, of all
function M.settle(model, final, tally)
  local counts = {completed = tally.completed, failed = tally.failed, cancelled = tally.cancelled}
  local pending = tally.tasks - tally.completed - tally.failed - tally.cancelled
  for id, t in pairs(model.by_id) do
    if run_model.at_work(t.state) and not final(id) then
      counts[t.state] = (counts[t.state] or 0) + 1
      pending = pending - 1
    else
      model.by_id[id] = nil
    end
  end
  counts.pending = math.max(pending, 0) -- the two were not counted at one moment
  model.counts, model.total = counts, tally.tasks
end

return M
