--- orun.view.trace: a run as a file in Chrome's trace format (--trace FILE), or "-".
--
-- Perfetto (ui.perfetto.dev), chrome://tracing and others show it: a row for
-- each slot in use, the attempts of tasks as bars, arrows from blockers to what
-- they blocked, and how many tasks ran. Times are microseconds.

local json_line = require "orun.util.json_line"
local refusal = require "orun.util.refusal"
local sink = require "orun.util.sink"
local title = require "orun.record.title"

local GROUPS <const> = {lua = 1, program = 2, item = 3}
local OF_RUN <const> = {added = true, phase = true} -- events that need no task known before
local NAMES <const> = {"Lua tasks", "programs", "list items (by claim)"}

-- The first row of a group that is free; rows are used again.
local function row_of(rows, id)
  local n = 1
  while rows[n] do n = n + 1 end
  rows[n] = id
  return n
end

-- What is written: pieces with commas between them.
local function writer(path)
  local file, why, name = sink.open(path)
  if not file then refusal.raise("cannot write the trace: %s", why) end
  local first = true
  local function check(ok, problem)
    if not ok then refusal.raise("cannot write the trace to %s: %s", name, problem) end
  end
  check(file:write('{"displayTimeUnit":"ms","traceEvents":[\n'))
  return function(row)
    check(file:write(first and "" or ",\n", json_line(row)))
    first = false
  end, function()
    check(file:write("\n]}\n"))
    check(file:close())
  end
end

local function micro(at)
  return math.floor(at * 1e6 + 0.5)
end

return function(path)
  local put, close = writer(path)
  local tasks, order, rows, running, begun = {}, {}, {{}, {}, {}}, 0, {}
  local on = {}

  local function name_row(group, row)
    if begun[group .. "/" .. row] then return end
    begun[group .. "/" .. row] = true
    put{ph = "M", name = "thread_name", pid = group, tid = row,
        args = {name = ("slot %d"):format(row)}}
  end

  local function count(at)
    put{ph = "C", name = "running", pid = 0, ts = micro(at), args = {tasks = running}}
  end

  function on.added(e)
    tasks[e.task] = {id = e.task, group = GROUPS[e.kind] or 1, added = e, blockedBy = e.blockedBy,
                     name = e.description or e.agent or e.task}
    order[#order + 1] = e.task
  end

  local function finish(t, at, args)
    if not t.row then return end
    local a = t.added
    args.task, args.agent, args.attempt = t.id, a.agent, t.attempt
    args.at = title.at(a)
    put{ph = "X", cat = a.kind, name = t.name, pid = t.group, tid = t.row, ts = micro(t.from),
        dur = math.max(micro(at) - micro(t.from), 0), args = args}
    t.last, t.last_row, rows[t.group][t.row], t.row = at, t.row, nil, nil
    running = running - 1
    count(at)
  end

  local function start(t, at)
    if t.row then finish(t, at, {}) end
    t.row, t.from = row_of(rows[t.group], t.id), at
    name_row(t.group, t.row)
    running = running + 1
    count(at)
  end

  -- Arrows from the blockers that had ended before.
  local function arrows(t)
    for _, id in ipairs(t.blockedBy or {}) do
      local from = tasks[id]
      if from and from.last then
        local flow = {cat = "blocks", name = "blocks", id = id .. ">" .. t.id}
        put{ph = "s", cat = flow.cat, name = flow.name, id = flow.id, pid = from.group,
            tid = from.last_row, ts = micro(from.last)}
        put{ph = "f", bp = "e", cat = flow.cat, name = flow.name, id = flow.id, pid = t.group,
            tid = t.row, ts = micro(t.from)}
      end
    end
  end

  function on.started(e, t)
    t.attempt = e.attempt
    start(t, e.at)
    if e.attempt == 1 then arrows(t) end
  end

  function on.claimed(e, t) start(t, e.at) end
  function on.returned(e, t) finish(t, e.at, {status = "given back"}) end
  function on.retry(e, t)
    finish(t, e.at, {status = "failed", error_kind = e.error_kind, error = e.error})
  end

  function on.throttled(e, t) finish(t, e.at, {status = "throttled", limit = e.limit}) end

  function on.ended(e, t)
    finish(t, e.at, {status = e.status, skipped = e.skipped, fresh = e.fresh,
                         cached = e.cached, error_kind = e.error_kind, error = e.error,
                         exit_code = e.exit_code, bytes = e.bytes})
  end

  function on.phase(e)
    put{ph = "i", s = "g", name = e.name, pid = 0, tid = 0, ts = micro(e.at)}
  end

  for pid, name in ipairs(NAMES) do
    put{ph = "M", name = "process_name", pid = pid, args = {name = name}}
  end
  return {
    event = function(e)
      local act, t = on[e.event], tasks[e.task]
      if act and (t or OF_RUN[e.event]) then act(e, t) end
    end,
    close = function(now)
      for _, id in ipairs(order) do finish(tasks[id], now, {status = "in_progress"}) end
      close()
    end,
  }
end
