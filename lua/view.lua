--- orun.view: what shows a run, fed with its events.
--
-- The runtime calls this module on a thread of its own, in a state that has no
-- tasks and shares nothing with the script's. A view is a module
-- `orun.view_NAME` that gives
--
--     function(value, v) -> {event = function(e), tick = function(now), close = function(now)}
--
-- value is what stood after the = (or the option); each of the three may be
-- missing. v.processors() and v.busy() tell of the machine (busy.lua). v.model() gives the one
-- model of the run (run_model.lua) that all views share: an event is in it before
-- `event` is called. event is called for each event in
-- the order things happened, tick
-- about ten times a second after them, close once at the end. Any of them may
-- raise: the view is closed then, and what it raised is reported at the end. A view that
-- sets `done` in that table has seen enough; when all have, events are no longer kept, and
-- the model, if it is asked for, says that it was cut there.
--
-- A run of more than MANY tasks is told in brief to views that can do with it: `brief`, another
-- function of that table, is called with the live model (live_model.lua), which is theirs from
-- then on. They get events of failures and of what tasks at work do, not of each that comes,
-- queues, completes or is read. It begins when all other views have seen enough.
--
-- An event is a table: event, its name; at, seconds since the run began, on its
-- clock, which stands while it is suspended; task, an id such as "t3" (missing:
-- it is the script's). And by its name:
--
--   added      parent, kind ("lua", "program", "item"), agent, description, key, file, line,
--              blockedBy (array of ids), limits ({name = slots}: what it needs a slot of),
--              priority (missing: 0), expected, expected_idle, expected_cost, expected_of:
--              seconds, of these that it waited while another had its worker, and US dollars
--              that the same took in earlier runs of the script, by its "key", its
--              "description" or its "line"; only in a plan by its "agent" type
--   ready      nothing blocks it any more
--   queued     for ("slot", "rate", "throttled" and limit, the limit's name; "writes", "memory")
--   started    attempt, from 1
--   waits      for ("task", "tasks", "item", "all", "work", "output", "time"), other (the id of
--              that task), file and line of the call
--   goes_on    a wait of the task's (or the script's) code has ended; timed_out: by its time;
--              queued: so many seconds ago, it has queued for a slot since
--   used       cpu: seconds that its code, or a program of it that has ended, was on a processor,
--              beside those told before
--   retry      error_kind, delay in seconds
--   throttled  limit, wait in seconds: it asked too much, and is ready again
--   reported   activity, model, session_id, cost, input_tokens, output_tokens, …: what the
--              task has told of its work so far
--   ended      status, error_kind, error, attempts, duration, exit_code, signal; bytes of its
--              output, printed: by its program, when that is more; output: how it begins, as
--              text, of a table as JSON; worktree: what its result has
--   read       by (missing: the script), bytes: its result was handed over
--   claimed    by;  returned  the claim was given back;  removed  from the list
--   phase      name
--   script     name: it begins;  script_ended  its own code, tasks may go on

local busy = require "orun.busy"
local live_model = require "orun.live_model"
local run_model = require "orun.run_model"

local NAMES <const> = {"events", "otlp", "output", "plan", "progress", "record", "report",
  "strict", "trace"}
local MANY <const> = 20000

-- "name=value" -> the view's functions.
local function open(text, v)
  local name, value = text:match("^([%w_]+)=(.*)$")
  for _, known in ipairs(NAMES) do
    if known == name then return require("orun.view_" .. name)(value, v) end
  end
  error(("there is no view %q; known are: %s"):format(name or text, table.concat(NAMES, ", ")), 0)
end

-- Has each view seen enough, or (able) can it do with less?
local function all_done(views, able)
  for _, view in ipairs(views) do
    if view and not view.done and not (able and view.brief) then return false end
  end
  return true
end

-- Call the view's function, if it has one; a view that raises is closed.
local function call(v, views, i, name, ...)
  local view = views[i]
  if not view or not view[name] or view.done and name ~= "close" then return end
  local ok, why = pcall(view[name], ...)
  if ok then return end
  views[i] = false
  v.problem(tostring(why))
end

-- What the views look at: one model, and where it does not grow any more the live one.
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
    if live then live_model.settle(live, v.final, v.tally()) end
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

return function(v)
  local views, model = {}, models(v)
  v.busy = busy.start()
  for i, text in ipairs(v.wanted) do views[i] = open(text, v) end
  v.ready()
  local now, lost, enough, brief, ticked = 0, 0, false, false, 0
  while true do
    local events, at, more = v.next()
    if not events then break end
    now, lost = at, events.lost
    for _, e in ipairs(events) do
      model.add(e)
      for i = 1, #views do call(v, views, i, "event", e) end
    end
    model.settle()
    if not more or now - ticked >= 0.1 then
      ticked = now
      for i = 1, #views do call(v, views, i, "tick", now) end
    end
    if not enough and all_done(views) then
      enough = true
      v.enough()
      model.cut()
    elseif not enough and not brief and all_done(views, true) and v.tally().tasks > MANY then
      brief = true
      v.brief()
      local live = model.brief()
      for i = 1, #views do call(v, views, i, "brief", live) end
    end
  end
  v.model().busy = v.busy()
  for i = 1, #views do call(v, views, i, "close", now) end
  if lost > 0 then v.problem(("%d events could not be kept in memory: what was shown of the run "
    .. "lacks them"):format(lost)) end
end
