--- orun.report.findings: what a run could have done better, from what was measured of it.
--
--     for _, f in ipairs(findings.of(model, metrics)) do print(f.at, f.title, f.fix) end
--
-- A finding is a table:
--
--   name          which of those below
--   title         one line, for a person
--   at            "file:line" of the call it is about; nil when that is not known
--   cost_seconds  what it cost, in seconds of the run; 0 when that is not time
--   fix           the shape of the code that would not have it
--   tasks         ids, 20 at most
--   more          others of the same name: array of {title=, at=, cost_seconds=, tasks=}; nil: none
--
--   in_turn          tasks were waited for right after they were started, one after another
--   barrier          others could have begun while the script waited for several
--   never_collected  a background task's result was not read by anybody
--   failure_unread   a task failed and nobody read that
--   failure_ignored  … was read, by a script that nowhere looks at status or error
--   program_unseen   a program that a task's code ran failed, and the code never looked
--   writes_waited    tasks that declare the same writes were started at once
--   changes_overlap  tasks in worktrees changed the same files
--   queue            far more agents were started at once than may run
--   too_small        tasks took less than it takes to start them
--   same_failure     a task was tried again and again and failed the same way
--   empty_result     an agent answered nothing where others of its type gave an answer
--   not_as_asked     an answer was not in the asked form
--   denied           an agent was not allowed to use a tool

local how = require "orun.record.how"
local numbers = require "orun.util.format"
local title_of = require "orun.record.title"

local place <const> = title_of.at -- where a task was started

local M = {}

local PART <const> = 0.1      -- of the run's time: a barrier that cost less is not worth a word
local BARRIER <const> = 0.5   -- seconds, and a barrier less than that is not
local QUEUE <const> = 3       -- times as many queued at once as there are slots
local SMALL <const> = 0.0002  -- seconds: what starting and collecting a task may take, loaded
local MANY <const> = 100      -- small tasks from one line
local AGAIN <const> = 3       -- attempts
local LISTED <const> = 20     -- tasks of one finding

local function ids_of(tasks)
  local ids = {}
  for i = 1, math.min(#tasks, LISTED) do ids[i] = tasks[i].id end
  return ids
end

local function by_place(tasks, wanted)
  local groups, order = {}, {}
  for _, t in ipairs(tasks) do
    if wanted(t) then
      local key = place(t) or t.id
      if not groups[key] then
        groups[key] = {}
        order[#order + 1] = key
      end
      table.insert(groups[key], t)
    end
  end
  return groups, order
end

-- Started in the foreground: the call that started it is where it was waited for.
local function in_foreground(t, waited)
  local w = waited[t]
  return w ~= nil and w.file == t.file and w.line == t.line
end

-- The first wait for each task, by whoever started it.
local function first_waits(model)
  local waited = {}
  local function look(who, waits)
    for _, w in ipairs(waits) do
      local t = w.other
      if t and not waited[t] and t.parent == who then waited[t] = w end
    end
  end
  look(nil, model.script.waits)
  for _, t in ipairs(model.tasks) do look(t, t.waits) end
  return waited
end

local find = {}

local FIX_IN_TURN <const> = [[
local handles = {}
for i, item in ipairs(items) do          -- start all
  handles[i] = Task{..., run_in_background = true}
end
for i, handle in ipairs(handles) do      -- then wait for all
  results[i] = TaskOutput(handle)
end]]

-- Tasks that nothing their parent started, before or after, was under way beside.
local function lonely_of(tasks, finish)
  local lonely, busy, last = {}, {}, {}
  for _, t in ipairs(tasks) do
    local parent <const> = t.parent or lonely
    if t.kind ~= "item" then
      local before = last[parent]
      if before and (before.ended or finish) > t.added then lonely[before] = nil end
      lonely[t] = (busy[parent] or 0) <= t.added or nil
      busy[parent] = math.max(busy[parent] or 0, t.ended or finish)
      last[parent] = t
    end
  end
  return lonely
end

-- Runs of background tasks, each started when the one before had ended.
function find.in_turn(run, add)
  local chain, lonely = {}, lonely_of(run.tasks, run.finish)
  local function close()
    local sum, longest = 0, 0
    for _, t in ipairs(chain) do
      local seconds = run.model:ran(t, run.finish)
      sum, longest = sum + seconds, math.max(longest, seconds)
    end
    if #chain > 1 then
      add{at = place(chain[1]), tasks = chain, cost_seconds = sum - longest, fix = FIX_IN_TURN,
          title = ("%d tasks were each waited for right after starting: one ran at a time")
            :format(#chain)}
    end
    chain = {}
  end
  for _, t in ipairs(run.tasks) do
    local alone = lonely[t] and run.waited[t] and not t.blockers[1]
      and not in_foreground(t, run.waited)
    local last = chain[#chain]
    if last and not (alone and t.parent == last.parent and place(t) == place(last)) then close() end
    if alone then chain[#chain + 1] = t end
  end
  close()
end

local FIX_BARRIER <const> = [[
Task{..., blockedBy = {what_it_needs}, run_in_background = true}   -- starts when it can
orun.batches / orun.pipeline say the same of many]]

function find.barrier(run, add)
  for _, b in ipairs(run.metrics.barriers) do
    local next = run.model.by_id[b.next]
    local foreground = next and in_foreground(next, run.waited)
    if b.kind == "barriers" and b.seconds >= BARRIER and b.seconds >= PART * run.finish
       and not foreground then
      local last = run.model.by_id[b.last]
      add{at = b.at, tasks = {last, next}, cost_seconds = b.seconds, fix = FIX_BARRIER,
          title = ("%d tasks were waited for, %s the longest; %s could have begun meanwhile")
            :format(b.waited, last and title_of.named(last) or "one", title_of.named(next))}
    end
  end
end

local FIX_COLLECT <const> = [[
local handle = Task{..., run_in_background = true}
...
local result = TaskOutput(handle)]]

function find.never_collected(run, add)
  if run.model.cut then return end -- it may have been, later
  local groups, order = by_place(run.tasks, function(t)
    return t.kind ~= "item" and how(t) == "completed" and not t.finally
      and not t.reads[1] and not run.needed[t] and not run.waited[t]
  end)
  for _, key in ipairs(order) do
    local g = groups[key]
    add{at = place(g[1]), tasks = g, fix = FIX_COLLECT,
        title = #g == 1 and ("the result of %s was never collected"):format(title_of.named(g[1]))
          or ("the results of %d tasks were never collected"):format(#g)}
  end
end

local FIX_FAILURE <const> = [[
local result = TaskOutput(handle)
if result.status ~= "completed" then
  print(handle.id .. " failed: " .. result.error)   -- and retry, skip or stop
end]]

local function failures(run, add, name, wanted, title)
  local groups, order = by_place(run.tasks, function(t)
    return t.status == "failed" and t.kind ~= "item" and wanted(t)
  end)
  for _, key in ipairs(order) do
    local g = groups[key]
    local first = ("%s: %s"):format(title_of.named(g[1]),
      ((g[1].error or g[1].error_kind or "?"):match("^[^\r\n]*")))
    local more = #g > 1 and (" (and %d more)"):format(#g - 1) or ""
    add{name = name, at = place(g[1]), tasks = g, fix = FIX_FAILURE, title = title .. first .. more}
  end
end

function find.failure_unread(run, add)
  if run.model.cut then return end
  failures(run, add, "failure_unread", function(t) return not t.reads[1] end,
    "failed, and nobody read that: ")
end

-- Does the script look at how tasks end? Its text says, without the lines that are comments;
-- nil when it cannot be read.
local function looks(texts, path)
  if texts[path] == nil then
    local file <close> = io.open(path, "rb")
    local text = file and file:read(1 << 20) or nil
    if text then text = ("\n" .. text):gsub("\n[ \t]*%-%-[^\n]*", "") end
    texts[path] = text == nil or text:find("status", 1, true) ~= nil
      or text:find("error", 1, true) ~= nil or text:find("failed", 1, true) ~= nil
      or text:find("%.ok%f[%W]") ~= nil
  end
  return texts[path]
end

function find.failure_ignored(run, add)
  local texts = {}
  failures(run, add, "failure_ignored", function(t)
    return t.reads[1] and t.file and not looks(texts, t.file)
  end, "failed, and the script never looks at status or error: ")
end

local FIX_PROGRAM <const> = [[
local output = orun.exec{command = {...}, check = true}    -- raises when it fails
local result = orun.exec(...)
if not result.ok then print(result.error) end              -- or look]]

function find.program_unseen(run, add)
  for _, t in ipairs(run.tasks) do
    for _, u in ipairs(t.unseen or {}) do
      local why = u.exit_code and "exit code " .. u.exit_code or u.error_kind or "?"
      add{at = place(u), tasks = {t}, fix = FIX_PROGRAM,
          title = ("a program of %s failed (%s), and its code never looked at that"):format(
            title_of.named(t), why)}
    end
  end
end

local FIX_WRITES <const> = [[
local first = Task{..., writes = {"config.ts"}}            -- one after another,
local second = Task{..., writes = {"config.ts"}}
Task{..., isolation = "worktree"}                          -- or each in its own worktree]]

function find.writes_waited(run, add)
  local waiting, cost = {}, 0
  for _, t in ipairs(run.tasks) do
    local s = 0
    for _, q in ipairs(t.queues or {}) do
      if q["for"] == "writes" then s = s + ((q.to or run.finish) - q.from) end
    end
    if s > 0 then waiting[#waiting + 1], cost = t, cost + s end
  end
  if waiting[1] then
    add{at = place(waiting[1]), tasks = waiting, cost_seconds = cost, fix = FIX_WRITES,
        title = #waiting == 1
          and ("%s waited for another that declares the same writes"):format(
            title_of.named(waiting[1]))
          or ("%d tasks waited for others that declare the same writes, %s the first"):format(
            #waiting, title_of.named(waiting[1]))}
  end
end

function find.changes_overlap(run, add)
  for _, t in ipairs(run.tasks) do
    for _, o in ipairs(t.worktree and t.worktree.overlaps or {}) do
      add{at = place(t), tasks = {t, run.model.by_id[o.task]}, fix = FIX_WRITES,
          title = ("%s and %s changed the same files: %s"):format(title_of.named(t), o.task,
            table.concat(o.files, ", "))}
    end
  end
end

local FIX_QUEUE <const> = [[
orun.fan_out(items, to_spec, {limit = 5})     -- or orun.chunks, orun.map: so many at once]]

-- The most agents that were queued at once for one limit.
local function longest_queue(run)
  local steps, slots = {}, {}
  for _, t in ipairs(run.tasks) do
    for _, q in ipairs(t.kind == "program" and t.queues or {}) do
      if q["for"] == "slot" and q.limit then
        steps[#steps + 1] = {at = q.from, limit = q.limit, n = 1, t = t}
        steps[#steps + 1] = {at = q.to or run.finish, limit = q.limit, n = -1}
        slots[q.limit] = t.limits and t.limits[q.limit]
      end
    end
  end
  table.sort(steps, function(a, b) return a.at < b.at or a.at == b.at and a.n < b.n end)
  local now, most = {}, {n = 0}
  for _, s in ipairs(steps) do
    now[s.limit] = (now[s.limit] or 0) + s.n
    if now[s.limit] > most.n and s.t then
      most = {n = now[s.limit], limit = s.limit, slots = slots[s.limit], t = s.t}
    end
  end
  return most
end

function find.queue(run, add)
  local most = longest_queue(run)
  if most.slots and most.n >= QUEUE * most.slots then
    add{at = place(most.t), tasks = {most.t}, fix = FIX_QUEUE,
        title = ("%d agents were queued at once for %d slots of %s: they hold memory and wait")
          :format(most.n, most.slots, most.limit)}
  end
end

local FIX_SMALL <const> = [[
orun.map{items = items, run = f}   -- makes chunks of a useful size
for _, item in ipairs(items) do results[#results + 1] = f(item) end   -- or no tasks at all]]

-- How long a function worked: if it never waited, not longer than it was on a processor, however
-- long others kept it from one.
local function worked(run, t)
  local ran = run.model:ran(t, run.finish)
  return t.cpu and not t.waits[1] and math.min(ran, t.cpu) or ran
end

function find.too_small(run, add)
  local groups, order = by_place(run.tasks, function(t)
    return t.kind == "lua" and how(t) == "completed" and place(t) ~= nil
  end)
  for _, key in ipairs(order) do
    local g, sum = groups[key], 0
    for _, t in ipairs(g) do sum = sum + worked(run, t) end
    if #g >= MANY and sum / #g < SMALL then
      add{at = key, tasks = g, fix = FIX_SMALL,
          cost_seconds = math.max(run.finish - run.metrics.work - run.metrics.script, 0),
          title = ("%d tasks took %s each: starting them took as long"):format(#g,
            numbers.duration(sum / #g))}
    end
  end
end

local FIX_AGAIN <const> = [[
Task{..., retry = {max = 2, on = {"timeout", "throttled"}}}   -- only what another try can mend]]

function find.same_failure(run, add)
  for _, t in ipairs(run.tasks) do
    local n, same, cost = #t.attempts, true, 0
    for i, a in ipairs(t.attempts) do
      same = same and a.error_kind == t.attempts[1].error_kind
      if i > 1 then cost = cost + ((a.to or run.finish) - a.from) end
    end
    if t.status == "failed" and n >= AGAIN and same and t.error_kind ~= "throttled" then
      add{at = place(t), tasks = {t}, cost_seconds = cost, fix = FIX_AGAIN,
          title = ("%s was tried %d times and failed the same way each time: %s"):format(
            title_of.named(t), n, t.error_kind or "?")}
    end
  end
end

local FIX_FORM <const> = [[
Task{..., prompt = prompt .. "\nReturn your findings in this format: ...", schema = {...}}]]

-- Is it the work of an agent that answers? A program of no preset may well have nothing to say.
local function answers(t)
  local r = t.report or {}
  return t.agent and (t.kind ~= "program" or r.model or r.session_id or r.input_tokens
    or r.output_tokens)
end

function find.empty_result(run, add)
  local full, empty = {}, {}
  for _, t in ipairs(run.tasks) do
    if answers(t) and how(t) == "completed" then
      if t.output ~= nil and t.output ~= "" then
        full[t.agent] = true
      elseif t.reads[1] then
        empty[#empty + 1] = t
      end
    end
  end
  for _, t in ipairs(empty) do
    if full[t.agent] then
      add{at = place(t), tasks = {t}, fix = FIX_FORM,
          title = ("%s gave nothing, where others of its type gave an answer"):format(
            title_of.named(t))}
    end
  end
end

function find.not_as_asked(run, add)
  for _, t in ipairs(run.tasks) do
    if t.error_kind == "schema" then
      add{at = place(t), tasks = {t}, cost_seconds = run.model:ran(t, run.finish), fix = FIX_FORM,
          title = ("%s did not answer in the asked form: %s"):format(title_of.named(t),
            ((t.error or ""):match("^[^\r\n]*")))}
    end
  end
end

local FIX_DENIED <const> = [[
Task{..., permissions = "full"}              -- "read", "edit" or "full"
orun.agent{..., tools = {"Bash(make:*)"}}    -- or only what is named, with claude]]

function find.denied(run, add)
  local function list_of(t) return t.report and t.report.denials or {} end
  local groups, order = by_place(run.tasks, function(t) return list_of(t)[1] ~= nil end)
  for _, key in ipairs(order) do
    local g = groups[key]
    local list, more = list_of(g[1]), ""
    if #list > 1 then more = (" and %d more"):format(#list - 1) end
    if #g > 1 then more = more .. ("; so were %d other tasks"):format(#g - 1) end
    local what = list[1].what and (" (%s)"):format(list[1].what) or ""
    add{at = place(g[1]), tasks = g, fix = FIX_DENIED,
        title = ("%s was not allowed to use %s%s%s"):format(title_of.named(g[1]),
          tostring(list[1].tool), what, more)}
  end
end

local ORDER <const> = {"in_turn", "barrier", "failure_unread", "failure_ignored",
  "program_unseen", "changes_overlap", "denied", "never_collected", "writes_waited", "queue",
  "same_failure", "not_as_asked", "empty_result", "too_small"}

-- Tasks that others were to begin after.
local function needed_of(model)
  local needed = {}
  for _, t in ipairs(model.tasks) do
    for _, b in ipairs(t.blockers) do needed[b] = true end
  end
  return needed
end

-- One of a kind, with the others of it as a list.
local function fold(all)
  local folded, first = {}, {}
  for _, f in ipairs(all) do
    local one = first[f.name]
    if not one then
      folded[#folded + 1], first[f.name] = f, f
    else
      one.more = one.more or {}
      one.more[#one.more + 1] = {at = f.at, title = f.title, cost_seconds = f.cost_seconds,
                                 tasks = f.tasks}
    end
  end
  return folded
end

--- What could have been done better, what cost the most first; one of each kind.
-- @param metrics what report.of returns for the same model
-- @return array of findings
function M.of(model, metrics)
  local run = {model = model, tasks = model.tasks, metrics = metrics, finish = metrics.wall,
               waited = first_waits(model), needed = needed_of(model)}
  local all = {}
  for nth, name in ipairs(ORDER) do
    find[name](run, function(f)
      f.name, f.nth, f.cost_seconds = f.name or name, nth, f.cost_seconds or 0
      f.tasks = ids_of(f.tasks)
      all[#all + 1] = f
    end)
  end
  table.sort(all, function(a, b)
    if a.cost_seconds ~= b.cost_seconds then return a.cost_seconds > b.cost_seconds end
    if a.nth ~= b.nth then return a.nth < b.nth end
    return (a.at or "") .. (a.tasks[1] or "") < (b.at or "") .. (b.tasks[1] or "")
  end)
  for _, f in ipairs(all) do f.nth = nil end
  return fold(all)
end

return M
