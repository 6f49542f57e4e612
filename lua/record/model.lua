--- orun.record.model: what happened in a run so far, folded from its events.
--
-- The display, the report and what follows from them look at this and not at the
-- events. Events are what view/init.lua documents, live or read back from a file of
-- `--events`.
--
-- A model has
--
--   tasks       array, in the order they were added; by_id, the same by id
--   total       how many there are
--   script      the script's own code, which waits as a task does: {waits=, wait=}
--   counts      how many tasks are in each state (a state nobody was in is missing)
--   phases      array of {name=, at=}; a task's `phase` is its own, or else the last that the task
--               that started it had said, or that one's own phase; at last the script's
--   slots       how many slots the limits have that tasks were under, by name
--   now         seconds since the run began, of the last event
--   name        the script's; begun, when that was (UTC, "2026-01-31T12:00:00Z"); version, orun's
--   processors  how many the run could use, when what tasks used of them was measured; nil
--   busy        the part of the machine's processors that was used, by all that ran, or how many
--               wanted each where they were full; nil: not known
--   cut         {at=, why=} when its record has no more than that; nil
--   script_ended, ended   when its code ended, when the run was over; nil before
--
-- A task has what its "added" event tells (id, kind, agent, description, key,
-- file, line, limits, priority, expected, expected_idle, expected_of, expected_cost), and
--
--   finally     true: it runs once what blocks it has ended, as that task asked
--   nth         its place in tasks
--   parent      the task that started it, nil for the script
--   blockers    array of tasks it had to wait for
--   limits      {name = slots}: what it needs a slot of
--   says        the phase it began last, with orun.phase
--   by          of an item: the task that claimed it
--   state       blocked, ready, queued, throttled, retrying, running, waiting (its code waits
--               for something and has given its slot back), and at last completed, failed
--               or cancelled; an item is pending or in_progress before
--   reason      what it is queued for ("slot", "writes", …), limit the limit's name; the
--               error_kind it is retried after; opens, when that wait is over; last_error,
--               what its last attempt failed with
--   added, ready, started, ended   when; nil when that has not happened
--   attempts    array of {from=, to=, error_kind=, error=}: when it ran; `to` is nil while it
--               does, error is there where it was tried again
--   queues      array of {from=, to=, for=, limit=}: when it was ready and could not start
--   waits       array of {from=, to=, for=, other=, file=, line=, timed_out=, resumed=}; wait is
--               the last, open one; resumed: when it went on, it queued for a slot from `to` on
--   cpu         seconds its code and its programs were on a processor; nil: not known (the
--               script has it, too)
--   reads       array of {by=, at=, bytes=}: who got the result, `by` nil for the script
--   report      what it told of its work: activity, model, session_id, cost, tokens; or nil
--   status, error_kind, error, skipped, fresh, cached, duration, exit_code, signal, bytes,
--   printed, output, worktree, half_written   of its end

local M = {}
local Model = {}
Model.__index = Model

local KEEPS_SLOT <const> = {work = true, time = true}

local AT_WORK <const> = {running = true, waiting = true, in_progress = true, retrying = true,
                         throttled = true}

--- Has a task in this state begun, and not ended?
function M.at_work(state)
  return AT_WORK[state] or false
end

--- A model of a run of which nothing is known yet.
function M.new()
  return setmetatable({tasks = {}, by_id = {}, total = 0, script = {waits = {}}, counts = {},
                       phases = {}, headings = {}, slots = {}, now = 0}, Model)
end

local function set_state(self, t, state)
  local counts = self.counts
  if t.state then counts[t.state] = counts[t.state] - 1 end
  counts[state] = (counts[state] or 0) + 1
  t.state = state
end

local function attempt_ends(t, at, error_kind, why)
  local a = t.attempts[#t.attempts]
  if a and not a.to then a.to, a.error_kind, a.error = at, error_kind, why end
end

local function wait_ends(who, at)
  if who.wait then who.wait.to, who.wait = at, nil end
end

local function queue_ends(t, at)
  if t.queue then t.queue.to, t.queue = at, nil end
end

-- A phase begins.
local function heads(self, name, at)
  self.headings[name] = true
  self.phases[#self.phases + 1] = {name = name, at = at}
end

local on = {}

function on.added(self, _, e)
  local t = {id = e.task, kind = e.kind, agent = e.agent, description = e.description, key = e.key,
             file = e.file, line = e.line, priority = e.priority, finally = e.finally,
             expected = e.expected, expected_of = e.expected_of, expected_idle = e.expected_idle,
             expected_cost = e.expected_cost,
             parent = self.by_id[e.parent], added = e.at, nth = #self.tasks + 1, blockers = {},
             attempts = {}, waits = {}, reads = {}, queues = {}, limits = e.limits or {}}
  for name, slots in pairs(t.limits) do self.slots[name] = slots end
  if e.phase and not self.headings[e.phase] then heads(self, e.phase, e.at) end
  t.phase = e.phase or t.parent and (t.parent.says or t.parent.phase) or self.script.says
  for _, id in ipairs(e.blockedBy or {}) do t.blockers[#t.blockers + 1] = self.by_id[id] end
  self.tasks[t.nth], self.by_id[t.id], self.total = t, t, t.nth
  set_state(self, t, t.kind == "item" and "pending" or "blocked")
end

function on.ready(self, t, e)
  t.ready = t.ready or e.at
  if t.kind ~= "item" then set_state(self, t, "ready") end
end

function on.queued(self, t, e)
  local q = {from = e.at, ["for"] = e["for"], limit = e.limit}
  queue_ends(t, e.at)
  t.queues[#t.queues + 1], t.queue = q, q
  t.reason, t.limit = e["for"], e.limit
  set_state(self, t, "queued")
end

function on.throttled(self, t, e)
  attempt_ends(t, e.at, "throttled")
  t.reason, t.limit, t.opens = nil, e.limit, e.at + (e.wait or 0)
  t.throttles = (t.throttles or 0) + 1
  set_state(self, t, "throttled")
end

local function runs(self, t, at, state)
  t.started = t.started or at
  queue_ends(t, at)
  t.reason, t.limit, t.opens = nil, nil, nil
  t.attempts[#t.attempts + 1] = {from = at}
  set_state(self, t, state)
end

function on.started(self, t, e) runs(self, t, e.at, "running") end

function on.claimed(self, t, e)
  t.by = self.by_id[e.by]
  runs(self, t, e.at, "in_progress")
end

function on.returned(self, t, e)
  t.by = nil
  attempt_ends(t, e.at, "returned")
  set_state(self, t, "pending")
end

function on.waits(self, t, e)
  local who = t or self.script
  local w = {from = e.at, ["for"] = e["for"], other = self.by_id[e.other], file = e.file,
             line = e.line}
  wait_ends(who, e.at)
  who.waits[#who.waits + 1], who.wait = w, w
  if t and t.state == "running" and not KEEPS_SLOT[w["for"]] then set_state(self, t, "waiting") end
end

function on.goes_on(self, t, e)
  local who = t or self.script
  local w = who.wait
  if w then
    w.timed_out = e.timed_out
    if e.queued then w.to, w.resumed, who.wait = math.max(w.from, e.at - e.queued), e.at, nil end
  end
  wait_ends(who, e.at)
  if t and t.state == "waiting" then set_state(self, t, "running") end
end

function on.retry(self, t, e)
  attempt_ends(t, e.at, e.error_kind, e.error)
  wait_ends(t, e.at)
  t.reason, t.opens, t.last_error = e.error_kind, e.at + (e.delay or 0), e.error
  set_state(self, t, "retrying")
end

function on.reported(_, t, e)
  t.report = t.report or {}
  for k, value in pairs(e) do
    if k ~= "event" and k ~= "at" and k ~= "task" then t.report[k] = value end
  end
end

function on.used(self, t, e)
  local who = t or self.script
  who.cpu = (who.cpu or 0) + e.cpu
end

function on.ended(self, t, e)
  attempt_ends(t, e.at, e.error_kind)
  wait_ends(t, e.at)
  queue_ends(t, e.at)
  t.ended, t.reason, t.limit, t.opens = e.at, nil, nil, nil
  for _, k in ipairs{"status", "error_kind", "error", "skipped", "fresh", "cached", "duration",
                     "exit_code", "signal", "bytes", "printed", "output", "worktree",
                     "half_written"} do
    t[k] = e[k]
  end
  set_state(self, t, e.status)
end

function on.read(self, t, e)
  t.reads[#t.reads + 1] = {by = self.by_id[e.by], at = e.at, bytes = e.bytes}
end

function on.unseen(_, t, e)
  t.unseen = t.unseen or {}
  t.unseen[#t.unseen + 1] = {error_kind = e.error_kind, exit_code = e.exit_code, file = e.file,
                             line = e.line}
end

function on.removed(_, t) t.removed = true end

function on.phase(self, t, e)
  local who = t or self.script
  who.says = e.name or "?"
  heads(self, who.says, e.at)
end

function on.run(self, _, e)
  self.version, self.begun, self.processors = e.orun, e.begun, e.processors
end

function on.script(self, _, e) self.name = e.name end
function on.record_cut(self, _, e) self.cut = {at = e.at, why = e.why} end
function on.script_ended(self, _, e) self.script_ended = e.at end
function on.run_ended(self, _, e) self.ended, self.busy = e.at, e.busy end

local OF_SCRIPT <const> = {added = true, waits = true, goes_on = true, phase = true, used = true,
                           script_ended = true, run_ended = true, run = true, script = true,
                          record_cut = true}

--- Fold one more event. One of a task that is not known (its "added" was lost) and of a
--- name that is not known change nothing.
-- @return the task whose event it is, or nil
function Model:add(e)
  local t = self.by_id[e.task]
  self.now = e.at or self.now
  local fold = on[e.event]
  if not fold or not t and (e.task and e.event ~= "added" or not OF_SCRIPT[e.event]) then
    return nil
  end
  fold(self, t, e)
  return t or self.by_id[e.task]
end

--- Seconds that the task ran, over all its attempts, up to `now` (the model's).
function Model:ran(t, now)
  local sum = 0
  for _, a in ipairs(t.attempts) do sum = sum + ((a.to or now or self.now) - a.from) end
  return sum
end

return M
