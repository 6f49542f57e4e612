--- orun.view: what shows a run, fed with its events.
--
-- The runtime calls this module on a thread of its own, in a state that has no
-- tasks and shares nothing with the script's. A view is a module
-- `orun.view.NAME` that returns
--
--     function(value, v) -> {event = function(e), tick = function(now), close = function(now)}
--
-- value is what stood after the = (or the option); each of the three may be
-- missing. A view whose lines stand among what the script prints calls v.shows(NAME, …), the
-- events that it has lines for: it is fed, and `tick` called, before the script prints again.
-- v.processors() and v.busy() tell of the machine (record/busy.lua). v.model() gives the one
-- model of the run (record/model.lua) that all views share: an event is in it before
-- `event` is called. event is called for each event in
-- the order things happened, tick
-- about ten times a second after them (or more often), close once at the end. A view that
-- sets `done` in that table has seen enough; when all have, events are no longer kept, and
-- the model, if it is asked for, says that it was cut there.
--
-- Any of them may raise, and the run never notices: one line says so on standard error, once a
-- view, which gets the next events all the same, as all others do. Two things are more than
-- that. A refusal (util/refusal.lua), something that the user asked for and that cannot be done,
-- refuses the run when the view begins; later it closes the view, is told at the end, and the
-- exit code is 1. And of a view whose purpose is the exit code, or all that the command is for,
-- an error is such a refusal, too.
--
-- A run of more than MANY tasks is told in brief to views that can do with it: `brief`, another
-- function of that table, is called with the live model (record/live.lua), which is theirs from
-- then on. They get events of failures and of what tasks at work do, not of each that comes,
-- queues, completes or is read. It begins when all other views have seen enough.
--
-- An event is a table: event, its name; at, seconds since the run began, on its
-- clock, which stands while it is suspended; task, an id such as "t3" (missing:
-- it is the script's). And by its name:
--
--   added      parent, kind ("lua", "program", "host": C code of a host, "item"), agent,
--              description, key, phase (its own), file, line, blockedBy (array of ids),
--              limits ({name = slots}: what it needs a slot of),
--              finally (true: it runs once what blocks it has ended), priority (missing: 0),
--              expected, expected_idle, expected_cost, expected_of: seconds, of these that it
--              waited while another had its worker, and US dollars that the same took in
--              earlier runs of the script, by its "key", its "description" or its "line";
--              only in a plan by its "agent" type
--   ready      nothing blocks it
--   queued     for ("slot", "rate", "throttled" and limit, the limit's name; "writes", "memory")
--   started    attempt, from 1
--   waits      for ("task", "tasks", "item", "all", "work", "output", "time";
--              "slot": one for a program), other (the id of that task), file and line of the
--              call
--   goes_on    a wait of the task's (or the script's) code has ended; timed_out: by its time;
--              queued: so many seconds ago, it has queued for a slot since
--   used       cpu: seconds that its code, or a program of it that has ended, was on a processor,
--              beside those told before
--   retry      error_kind, error (missing: none given), delay in seconds
--   throttled  limit, wait in seconds: it asked too much, and is ready again
--   reported   activity, model, session_id, cost, input_tokens, output_tokens, …: what the
--              task has told of its work so far
--   ended      status, error_kind, error, attempts, duration, exit_code, signal; skipped: why,
--              of one that completed without doing anything (orun.skip); fresh: what it
--              writes was newer than what it reads, so it had no attempt; cached: it ended as
--              an equal task of an earlier try of this run, so neither had it; bytes of its
--              output, printed: by its program, when that is more; output: how it begins, as
--              text, of a table as JSON; worktree and half_written: what its result has. Texts
--              are as they were, bytes that drive a terminal included, but for secrets: views
--              that show them clean them
--   read       by (missing: the script), bytes: its result was handed over
--   unseen     error_kind, exit_code, file and line of the call: a program that its code ran
--              has failed, and the code never looked at that
--   claimed    by;  returned  the claim was given back;  removed  from the list
--   phase      name: what the task (or the script) starts from then on belongs to it
--   script     name: it begins;  script_ended  its own code, tasks may go on

local busy = require "orun.record.busy"
local check = require "orun.util.check"
local live_model = require "orun.record.live"
local refusal = require "orun.util.refusal"
local run_model = require "orun.record.model"

-- file: it keeps what happens, so all of it is wanted; purpose: see above.
local VIEWS <const> = {
  events = {file = true}, host = {}, otlp = {}, output = {}, plan = {purpose = true}, progress = {},
  record = {}, report = {}, strict = {purpose = true}, trace = {file = true},
}
local MANY <const> = 20000

local function first_line(why)
  local ok, text = pcall(tostring, why)
  return ok and text:match("^[^\r\n]*") or "an error without words"
end

-- One line on standard error, of something that is not the user's fault.
local function tell(v, format, ...)
  pcall(v.put, ("orun: " .. format .. "\n"):format(...))
end

-- Report what a view raised, once; true if that closes the view.
local function report(v, views, i, why)
  local name <const> = views.names[i]
  if refusal.is(why) then
    v.problem(tostring(why))
    return true
  elseif views.reported[i] then
    return false
  end
  views.reported[i] = true
  if VIEWS[name].purpose then
    v.problem(("%s lacks something: %s"):format(name, first_line(why)))
  else
    tell(v, "%s lacks something, and the run goes on: %s", name, first_line(why))
  end
  return false
end

-- Open the i-th of the views, "name=value"; refuses what cannot be.
local function open(v, views, i, text)
  local name, value = text:match("^([%w_]+)=(.*)$")
  if not VIEWS[name] then
    error(("there is no view %q; known are: %s"):format(name or text, check.listed(VIEWS)), 0)
  end
  views.names[i] = name
  if VIEWS[name].file then
    local other = views.files[value]
    if other then error(("--%s and --%s both write to %s"):format(other, name, value), 0) end
    views.files[value] = name
  end
  local ok, view = pcall(function() return require("orun.view." .. name)(value, v) end)
  if not ok and (refusal.is(view) or VIEWS[name].purpose) then error(tostring(view), 0) end
  views[i] = ok and view or {done = true}
  if not ok then report(v, views, i, view) end
end

-- Has each view seen enough, or (able) can it do with less?
local function all_done(views, able)
  for _, view in ipairs(views) do
    if view and not view.done and not (able and view.brief) then return false end
  end
  return true
end

-- Call the view's function, if it has one.
local function call(v, views, i, name, ...)
  local view = views[i]
  if not view or not view[name] or view.done and name ~= "close" then return end
  local ok, why = pcall(view[name], ...)
  if not ok and report(v, views, i, why) then views[i] = false end
end

local function call_all(v, views, name, ...)
  for i = 1, #views do call(v, views, i, name, ...) end
end

-- Call a function that all views share, and return its results. An error is reported once.
local function guarded(v, views, f, ...)
  local ok, why = pcall(f, ...)
  if ok then return why end
  if not views.faulty then
    tell(v, "what is shown of the run lacks something: %s", first_line(why))
  end
  views.faulty = true
end

-- What the views read: one model, and the live one once that has stopped growing.
local function models(v)
  local whole, live
  local self = {}

  function v.model()
    if not whole then
      whole = run_model.new()
      whole.version, whole.begun = orun.version, os.date("!%Y-%m-%dT%H:%M:%SZ")
      whole.processors = v.processors()
    end
    return whole
  end

  function self.add(e)
    if live then
      live_model.add(live, e, v.added)
    elseif whole then
      whole:add(e)
    end
  end

  function self.settle()
    if live then live_model.prune(live, v.final, v.count_tasks()) end
  end

  -- The whole one has all that it will have.
  function self.cut()
    if not whole or whole.cut then return end
    whole.cut = {at = whole.now,
                 why = ("%d tasks are as many as are looked at"):format(whole.total)}
  end

  function self.brief()
    self.cut()
    live = live_model.of(v.model())
    return live
  end
  return self
end

-- The next events, as v.next returns them. Events for which there was no memory are lost.
local function next_events(v, lost)
  local ok, events, at, more = pcall(v.next)
  if ok then return events, at, more end
  lost.batches = lost.batches + 1
  return {lost = lost.events}, lost.at, true
end

-- What could not be kept or shown for lack of memory.
local function tell_lost(v, views, lost)
  if lost.events == 0 and lost.batches == 0 then return end
  local words = lost.batches > 0 and "some events" or ("%d events"):format(lost.events)
  local text = words .. " could not be kept in memory: what was shown of the run lacks them"
  for i in ipairs(views) do
    local kind = VIEWS[views.names[i]]
    if kind.file or kind.purpose then return v.problem(text) end
  end
  tell(v, "%s", text)
end

return function(v)
  local views, model = {names = {}, reported = {}, files = {}}, models(v)
  v.busy = guarded(v, views, busy.start) or function() end
  for i, text in ipairs(v.wanted) do open(v, views, i, text) end
  v.ready()
  local lost = {events = 0, batches = 0, at = 0}
  local enough, brief, ticked = false, false, 0
  while true do
    local events, at, more = next_events(v, lost)
    if not events then break end
    lost.at, lost.events = at, events.lost
    for _, e in ipairs(events) do
      guarded(v, views, model.add, e)
      call_all(v, views, "event", e)
    end
    guarded(v, views, model.settle)
    if not more or at - ticked >= 0.1 then
      ticked = at
      call_all(v, views, "tick", at)
    end
    if not enough and all_done(views) then
      enough = true
      v.enough()
      guarded(v, views, model.cut)
    elseif not enough and not brief and all_done(views, true) and v.count_tasks().tasks > MANY then
      brief = true
      v.brief()
      local live = guarded(v, views, model.brief)
      if live then call_all(v, views, "brief", live) end
    end
  end
  guarded(v, views, function() v.model().busy = v.busy() end)
  call_all(v, views, "close", lost.at)
  tell_lost(v, views, lost)
end
