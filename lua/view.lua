--- orun.view: what shows a run, fed with its events.
--
-- The runtime calls this module on a thread of its own, in a state that has no
-- tasks and shares nothing with the script's. A view is a module
-- `orun.view_NAME` that gives
--
--     function(value, v) -> {event = function(e), tick = function(now), close = function(now)}
--
-- value is what stood after the = (or the option); each of the three may be
-- missing. v.model() gives the one model of the run (run_model.lua) that all views
-- share: an event is in it before `event` is called. event is called for each event in
-- the order things happened, tick
-- about ten times a second after them, close once at the end. Any of them may
-- raise: the view is closed then, and what it raised is reported at the end. A view that
-- sets `done` in that table has seen enough; when all have, events are no longer kept, and
-- the model, if it is asked for, says that it was cut there.
--
-- An event is a table: event, its name; at, seconds since the run began, on its
-- clock, which stands while it is suspended; task, an id such as "t3" (missing:
-- it is the script's). And by its name:
--
--   added      parent, kind ("lua", "program", "item"), agent, description, key, file, line,
--              blockedBy (array of ids), limits ({name = slots}: what it needs a slot of),
--              priority (missing: 0), expected, expected_of, expected_cost: seconds and US
--              dollars that its like took in earlier runs, which have its "key", its "agent"
--              type or its "line"
--   ready      nothing blocks it any more
--   queued     for ("slot", "rate", "throttled" and limit, the limit's name; "writes", "memory")
--   started    attempt, from 1
--   waits      for ("task", "tasks", "item", "all", "work", "output", "time"), other (the id of
--              that task), file and line of the call
--   goes_on    a wait of the task's (or the script's) code has ended; timed_out: by its time
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

local run_model = require "orun.run_model"

local NAMES <const> = {"events", "otlp", "output", "plan", "progress", "record", "report",
  "strict", "trace"}

-- "name=value" -> the view's functions.
local function open(text, v)
  local name, value = text:match("^([%w_]+)=(.*)$")
  for _, known in ipairs(NAMES) do
    if known == name then return require("orun.view_" .. name)(value, v) end
  end
  error(("there is no view %q; known are: %s"):format(name or text, table.concat(NAMES, ", ")), 0)
end

-- Has each view seen enough?
local function all_done(views)
  for _, view in ipairs(views) do
    if view and not view.done then return false end
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

return function(v)
  local views, model = {}, nil
  function v.model()
    if not model then
      model = run_model.new()
      model.version, model.begun = orun.version, os.date("!%Y-%m-%dT%H:%M:%SZ")
    end
    return model
  end
  for i, text in ipairs(v.wanted) do views[i] = open(text, v) end
  v.ready()
  local now, lost, enough, ticked = 0, 0, false, 0
  while true do
    local events, at, more = v.next()
    if not events then break end
    now, lost = at, events.lost
    for _, e in ipairs(events) do
      if model then model:add(e) end
      for i = 1, #views do call(v, views, i, "event", e) end
    end
    if not more or now - ticked >= 0.1 then
      ticked = now
      for i = 1, #views do call(v, views, i, "tick", now) end
    end
    if not enough and all_done(views) then
      enough = true
      v.enough()
      if model then
        model.cut = {at = model.now, why = ("%d tasks are as many as are looked at"):format(
          #model.tasks)}
      end
    end
  end
  for i = 1, #views do call(v, views, i, "close", now) end
  if lost > 0 then v.problem(("%d events could not be kept in memory: what was shown of the run "
    .. "lacks them"):format(lost)) end
end
