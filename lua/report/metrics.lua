--- orun.report.metrics: how well a run went, in numbers.
--
--     local metrics = require "orun.report.metrics".of(model)
--
-- From the model of a run (record/model.lua), so from measurements only. Seconds are seconds
-- of the run's clock; "task" in what is given is an id. The metrics are
--
--   name, begun, version, cut   of the model
--   over        true when the run has ended
--   wall        how long it took
--   tasks       how many there were (list items aside); by_status, how many of each status
--   ran         how many tasks had an attempt
--   items       how many list items
--   work        own times of the tasks, summed (report/bound.lua says what that is)
--   script      own time of the script
--   one_by_one  what one thing after another would have taken: the tasks and the script, each as
--               long as it would have taken alone (report/alone.lua); nil: not measured
--   speed_up    one_by_one / wall; nil, too, and where no task ran
--   computes    how many tasks computed, so that they may have slowed each other down;
--               computed: seconds they were on a processor; processors: how many there are
--   parallel    {achieved = work / wall, peak = most at once, possible = what the tasks would have
--               taken one after another / bound, bound = no run with these slots and processors is
--               faster, span = nor is one with more slots}
--   limits      array of {name=, slots=, work=, peak=}
--   path        the critical path: array of {task= (nil: the script), description=, agent=, at=,
--               from=, to=, parts = {what = seconds}}; report/path.lua says what `what` may be
--   parts       where the wall time went, array of {what=, seconds=}, the most first: what of the
--               path, where `run` of tasks is `work`, that of the script `script`, and of work
--               that had slots free beside it
--                 barriers   the script waited for several tasks before it started more
--                 in_turn    … or for one
--   barriers    array of {at="file:line", seconds=, kind="barriers" or "in_turn", waited=, last=,
--               next=}: how many tasks were waited for there, which was the last to end, and what
--               was started then; seconds in which it could have run
--   context     {made=, handed=} bytes that tasks gave (or their programs printed), and bytes of
--               results that the script was handed; saved = 1 - handed / made, nil when it was
--               handed none; tokens = {input=, output=} that tasks used
--   agents      array of {agent=, tasks=, failed=, seconds=, longest=, input=, output=, cost=}
--   cost        in total; nil when none was reported
--   slowest     array of {task=, description=, agent=, at=, seconds=}
--   retried     array of {…, attempts=, throttled=, error_kind=}
--   half_written  array of {…, files=}: the writes that tasks changed which then failed
--   findings    what could have been done better (report/findings.lua)

local alone_of = require("orun.report.alone").of
local barriers = require "orun.report.barriers"
local bound = require "orun.report.bound"
local findings = require "orun.report.findings"
local how = require "orun.record.how"
local json = require "orun.json"
local path = require "orun.report.path"
local title_of = require "orun.record.title"

local M = {}

local LISTED <const> = 5

local function name_task(t, more)
  more.task, more.description, more.agent, more.at = t.id, t.description, t.agent, title_of.at(t)
  return more
end

-- Where the wall time went.
local function parts_of(segments, waited)
  local parts, at, array = {}, 1, json.array{}
  for _, s in ipairs(segments) do
    if s.what ~= "run" then
      parts[s.what] = (parts[s.what] or 0) + s.to - s.from
    elseif not s.who then
      parts.script = (parts.script or 0) + s.to - s.from
    else
      at = barriers.split(waited, at, s.from, s.to, parts)
    end
  end
  for what, seconds in pairs(parts) do array[#array + 1] = {what = what, seconds = seconds} end
  table.sort(array, function(a, b)
    if a.seconds ~= b.seconds then return a.seconds > b.seconds end
    return a.what < b.what
  end)
  return array
end

-- The path, step by step: what one task did is one step.
local function steps_of(segments)
  local steps = json.array{}
  local step, who
  for _, s in ipairs(segments) do
    if not step or who ~= s.who then
      step = {from = s.from, to = s.to, parts = {}}
      if s.who then name_task(s.who, step) end
      steps[#steps + 1], who = step, s.who
    end
    step.to = s.to
    step.parts[s.what] = (step.parts[s.what] or 0) + s.to - s.from
  end
  return steps
end

-- What was made and what of it reached the script.
local function context_of(model)
  local c = {made = 0, handed = 0, tokens = {input = 0, output = 0}}
  for _, t in ipairs(model.tasks) do
    if t.kind ~= "item" then
      c.made = c.made + math.max(t.bytes or 0, t.printed or 0)
      for _, r in ipairs(t.reads) do
        if not r.by then c.handed = c.handed + (r.bytes or 0) end
      end
      local said = t.report or {}
      c.tokens.input = c.tokens.input + (said.input_tokens or 0)
      c.tokens.output = c.tokens.output + (said.output_tokens or 0)
    end
  end
  c.saved = c.made > 0 and c.handed > 0 and math.max(0, 1 - c.handed / c.made) or nil
  return c
end

local function agent_name(t)
  return t.agent or t.kind == "lua" and "(Lua functions)" or "(programs)"
end

local function agents_of(model, own)
  local by_name, agents, cost = {}, json.array{}, nil
  for _, t in ipairs(model.tasks) do
    if t.kind ~= "item" then
      local name, said = agent_name(t), t.report or {}
      local a = by_name[name]
      if not a then
        a = {agent = name, tasks = 0, failed = 0, seconds = 0, longest = 0, input = 0, output = 0}
        by_name[name], agents[#agents + 1] = a, a
      end
      a.tasks = a.tasks + 1
      a.failed = a.failed + (t.status == "failed" and 1 or 0)
      a.seconds, a.longest = a.seconds + own[t], math.max(a.longest, own[t])
      a.input = a.input + (said.input_tokens or 0)
      a.output = a.output + (said.output_tokens or 0)
      if said.cost then a.cost, cost = (a.cost or 0) + said.cost, (cost or 0) + said.cost end
    end
  end
  table.sort(agents, function(a, b)
    if (a.cost or 0) ~= (b.cost or 0) then return (a.cost or 0) > (b.cost or 0) end
    if a.seconds ~= b.seconds then return a.seconds > b.seconds end
    return a.agent < b.agent
  end)
  return agents, cost
end

-- The first tasks by a measure that is above 0, the most first.
local function most(model, measure, describe)
  local all, listed = {}, json.array{}
  for _, t in ipairs(model.tasks) do
    if t.kind ~= "item" and measure(t) > 0 then all[#all + 1] = t end
  end
  table.sort(all, function(a, b)
    local x, y = measure(a), measure(b)
    if x ~= y then return x > y end
    return a.nth < b.nth
  end)
  for i = 1, math.min(LISTED, #all) do listed[i] = name_task(all[i], describe(all[i])) end
  return listed
end

local function retried_of(model)
  local function again(t) return #t.attempts - 1 end
  return most(model, again, function(t)
    local kind
    for _, a in ipairs(t.attempts) do
      if a.error_kind and a.error_kind ~= "throttled" then kind = a.error_kind end
    end
    return {attempts = #t.attempts, throttled = t.throttles, error_kind = kind}
  end)
end

local function counts_of(model, own, finish)
  local c = {tasks = 0, ran = 0, items = 0, by_status = {}, work = 0}
  for _, t in ipairs(model.tasks) do
    if t.kind == "item" then
      c.items = c.items + 1
    else
      local status = how(t) or "unfinished"
      c.tasks, c.ran = c.tasks + 1, c.ran + (t.started and 1 or 0)
      c.by_status[status] = (c.by_status[status] or 0) + 1
      own[t] = bound.own(t, finish)
      c.work = c.work + own[t]
    end
  end
  return c
end

-- The least time of a run with these slots and processors, each task taking what it would alone.
local function least_of(model, limits, took, span, computed)
  local least = span
  for _, l in ipairs(limits) do
    local work = 0
    for t, seconds in pairs(took) do
      if t.limits[l.name] then work = work + seconds end
    end
    least = math.max(least, math.min(l.work, work) / l.slots)
  end
  return math.max(least, computed / (model.processors or 1))
end

local function parallel_of(model, finish, own, work, limits, alone)
  local took = alone and alone.by or own
  local script = alone and alone.script or bound.own_script(model, finish)
  local span = bound.span(model, finish, took, script)
  local least = least_of(model, limits, took, span, alone and alone.computed or 0)
  least = math.min(least, finish)
  return {achieved = finish > 0 and work / finish or 0, peak = bound.peak(model, finish),
          possible = least > 0 and (alone and alone.work or work) / least or 0, bound = least,
          span = math.min(span, finish)}
end

local function listed_limits(limits)
  local all = json.array{}
  for i, l in ipairs(limits) do
    all[i] = {name = l.name, slots = l.slots, work = l.work, peak = l.peak}
  end
  return all
end

local function listed_barriers(waited)
  table.sort(waited, function(a, b)
    if a.seconds ~= b.seconds then return a.seconds > b.seconds end
    return a.next < b.next
  end)
  for _, b in ipairs(waited) do b.free = nil end
  return json.array(waited)
end

--- The metrics of a run.
-- @param model from record/model.lua
-- @param now seconds: when it is looked at (nil: when it was over)
-- @return the table documented above, which JSON can hold
function M.of(model, now)
  local finish = model.cut and model.cut.at or model.ended or now or model.now
  local own = {}
  local counts = counts_of(model, own, finish)
  local limits = bound.limits(model, finish)
  local segments = path.of(model, finish)
  local waited = barriers.of(model, finish, limits)
  local script = bound.own_script(model, finish)
  local alone = alone_of(model, own, finish)
  local one_by_one = alone and alone.work + alone.script
  local agents, cost = agents_of(model, own)
  local metrics = {
    name = model.name, begun = model.begun, version = model.version, cut = model.cut,
    over = (model.ended or now) ~= nil, wall = finish,
    tasks = counts.tasks, ran = counts.ran, items = counts.items, by_status = counts.by_status,
    work = counts.work, script = script, one_by_one = one_by_one,
    speed_up = alone and (counts.ran > 0 or counts.tasks == 0)
      and (finish > 0 and one_by_one / finish or 1) or nil,
    computes = alone and alone.computes, computed = alone and alone.computed,
    processors = model.processors,
    parallel = parallel_of(model, finish, own, counts.work, limits, alone),
    limits = listed_limits(limits),
    path = steps_of(segments), parts = parts_of(segments, waited),
    barriers = listed_barriers(waited), context = context_of(model), agents = agents,
    cost = cost, retried = retried_of(model),
    half_written = most(model, function(t) return t.half_written and #t.half_written or 0 end,
                        function(t) return {files = t.half_written} end),
    slowest = most(model, function(t) return own[t] end,
                   function(t) return {seconds = own[t]} end),
  }
  metrics.findings = json.array(findings.of(model, metrics))
  return metrics
end

return M
