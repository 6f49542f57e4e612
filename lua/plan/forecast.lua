--- orun.plan.forecast: how long the tasks of a run would take with so many slots.
--
--     local f = forecast.new(model, steps, options)
--     f:schedule(5).seconds, f:schedule(math.huge).path
--
-- Made of what a run did (record/model.lua) and of what its tasks are expected to take:
-- which tasks there are, what each waited for, and in which order the code that started
-- them did so and asked for results. A task begins when its blockers have ended, the code
-- that starts it has come so far (it waits for each result it read before) and a slot of
-- each of its limits is free; of those that wait for one the first is the one that orun
-- would take. A function that sleeps, or waits for a program or a service, has given its
-- worker back meanwhile.
--
-- Glossary
--   steps    by id, and "" for the script: array of {add = task} or {read = task}, with at=,
--            when (seconds since the run began): what the code did, in order
--   node     a task that is not a list item: {task=, own=, idle=, source=, steps=, class=}
--   own      seconds it takes; of code that starts or reads others, beside waiting for them
--   idle     of these: it waits for something outside, and another has its worker
--   source   how that is known: "key", "description", "line", "agent" (from earlier runs),
--            "now" (it has run just now), "fresh" (it need not run), "kept" (an outcome that
--            was kept is its), "assumed"
--   cause    the node whose end let another begin

local bound = require "orun.report.bound"
local check = require "orun.util.check"
local for_others <const> = require("orun.report.path").for_others

local M = {}
local Forecast = {}
Forecast.__index = Forecast

local ASSUMED <const> = 60           -- seconds of an agent's task, when nothing at all is known
local PROGRAM <const> = 0.005        -- seconds it costs to start an agent …
local FUNCTION <const> = 0.00002     -- … and a function
local MOST <const> = 64              -- numbers of slots that are tried for the break-even
local PAYS <const> = 1.02            -- a smaller gain is within the script's own time
local OWN_SOURCES <const> = {now = true, fresh = true, kept = true} -- not of earlier runs
local ENOUGH <const> = 1.005         -- of the least time: more slots bring nothing

-- Is it done by an agent (a program, an LLM)?
local function by_agent(t)
  return t.limits ~= nil and (t.limits.process or t.limits.http) ~= nil
end
M.by_agent = by_agent

-- ---- what is known ----

-- Seconds its code worked in all, and those it waited for something outside: never those it
-- waited for other tasks.
local function worked(model, t)
  local own, idle = bound.own(t, model.now), 0
  for _, w in ipairs(t.waits) do
    if not for_others(w) then idle = idle + (w.to or model.now) - w.from end
  end
  own = math.max(own, 0)
  return own, math.min(idle, own)
end

-- How long code had worked, or waited for something outside, at each of its steps, beside what
-- it costs to start a task.
local function time_steps(model, steps, waits, begun)
  local clock = bound.clock(waits, begun, model.now)
  for _, step in ipairs(steps) do step.after = step.at and clock(step.at) or 0 end
end

local function node_of(self, t)
  local node = {task = t, steps = self.steps[t.id], overhead = self.overhead or FUNCTION, idle = 0}
  local stands_in = by_agent(t) or self.no_functions
  if stands_in then node.overhead = self.overhead or PROGRAM end
  if t.fresh or t.cached then
    node.own, node.overhead, node.source = 0, 0, t.fresh and "fresh" or "kept"
  elseif t.expected and not node.steps then
    node.own, node.source = t.expected, t.expected_of
    node.idle = math.min(t.expected_idle or 0, t.expected)
  elseif not stands_in then
    node.own, node.idle = worked(self.model, t)
    node.source = "now"
  end
  if node.steps then
    node.overhead = 0
    if not stands_in then time_steps(self.model, node.steps, t.waits, t.started or 0) end
  end
  return node
end

-- The mean of what earlier runs tell of agents here, for those they do not.
local function assumption(nodes)
  local sum, n = 0, 0
  for _, node in ipairs(nodes) do
    local known = node.own and not OWN_SOURCES[node.source]
    if known then sum, n = sum + node.own, n + 1 end
  end
  if n == 0 then return ASSUMED, "nothing is known of any" end
  return sum / n, "the mean of the others"
end

-- The limits it is under, as one text: tasks with the same text wait in the same queues.
local function class_of(t)
  local names = check.sorted(t.limits or {})
  return table.concat(names, "\n"), names
end

-- Its own seconds and the longest chain of those that wait for it. Dependents come after.
local function rank(nodes, by_id)
  for i = #nodes, 1, -1 do
    local node = nodes[i]
    node.rank = (node.rank or 0) + node.own
    for _, b in ipairs(node.task.blockers) do
      local blocker = by_id[b.id]
      if blocker then blocker.rank = math.max(blocker.rank or 0, node.rank) end
    end
  end
end

--- A forecast of the tasks in `model`.
-- @param options  {overhead = seconds that each task costs, no_functions = true when
--   functions did not run}
function M.new(model, steps, options)
  local self = setmetatable({model = model, steps = steps, nodes = {}, by_id = {}, items = 0,
                             overhead = options.overhead, no_functions = options.no_functions},
                            Forecast)
  for _, t in ipairs(model.tasks) do
    if t.kind == "item" then
      self.items = self.items + 1
    else
      local node = node_of(self, t)
      node.class, node.limits = class_of(t)
      self.nodes[#self.nodes + 1], self.by_id[t.id] = node, node
      self.known = self.known or t.expected ~= nil
    end
  end
  time_steps(model, steps[""] or {}, model.script.waits, 0)
  self.after = steps[""] and bound.own_script(model, model.now) or 0
  self.assumed, self.why_assumed = assumption(self.nodes)
  self.unknown, self.sequential = 0, self.after
  for _, node in ipairs(self.nodes) do
    if not node.own then
      node.own, node.source, self.unknown = self.assumed, "assumed", self.unknown + 1
    end
    self.sequential = self.sequential + node.own
  end
  rank(self.nodes, self.by_id)
  return self
end

-- ---- heaps ----

local function push(heap, item, before)
  local i = #heap + 1
  heap[i] = item
  while i > 1 and before(item, heap[i // 2]) do
    heap[i], heap[i // 2] = heap[i // 2], item
    i = i // 2
  end
end

local function pop(heap, before)
  local first, last = heap[1], table.remove(heap)
  if #heap == 0 then return first end
  local i = 1
  while true do
    local child = 2 * i
    if child < #heap and before(heap[child + 1], heap[child]) then child = child + 1 end
    if child > #heap or not before(heap[child], last) then break end
    heap[i], i = heap[child], child
  end
  heap[i] = last
  return first
end

local function sooner(a, b)
  if a.at ~= b.at then return a.at < b.at end
  return a.n < b.n
end

local function by_turn(a, b)
  local p, q = a.node.task.priority or 0, b.node.task.priority or 0
  if p ~= q then return p > q end
  if a.rank ~= b.rank then return a.rank > b.rank end
  return a.n < b.n
end

-- ---- one schedule ----

local Run = {}
Run.__index = Run

local function count(self)
  self.n = self.n + 1
  return self.n
end

-- All limits of the class have a slot.
local function free(self, limits)
  for _, name in ipairs(limits) do
    if (self.used[name] or 0) >= self.caps[name] then return false end
  end
  return true
end

local function hold(self, limits, change)
  for _, name in ipairs(limits) do self.used[name] = (self.used[name] or 0) + change end
end

-- Something is to happen so many seconds from now.
function Run:later(seconds, event)
  event.at, event.n = self.now + seconds, count(self)
  push(self.events, event, sooner)
end

function Run:begin(node)
  self.from[node] = self.now
  if node.steps then
    return self:go_on({node = node, steps = node.steps, at = 1, cause = self.cause[node],
                       after = 0})
  end
  local idle = node.idle > 0 and node.task.limits and node.task.limits.lua and node.idle or 0
  self:later(node.own - idle + node.overhead, {node = node, idle = idle > 0 and idle})
end

function Run:ready(node, cause)
  self.cause[node] = cause
  if node.steps then return self:begin(node) end -- while it waits it holds no slot
  local queue = self.queues[node.class]
  if not queue then
    queue = {limits = node.limits}
    self.queues[node.class] = queue
    self.order[#self.order + 1] = queue
  end
  push(queue, {node = node, n = count(self), rank = self.ranked and node.rank or 0}, by_turn)
  if not self.finishing then self:grant() end
end

-- The code of `actor` starts a task.
function Run:create(node, cause)
  local unmet = 0
  for _, b in ipairs(node.task.blockers) do
    local blocker = self.by_id[b.id]
    if blocker and not self.to[blocker] then
      unmet = unmet + 1
      local list = self.dependents[blocker] or {}
      self.dependents[blocker] = list
      list[#list + 1] = node
    end
  end
  self.unmet[node] = unmet
  if unmet == 0 then self:ready(node, cause) end
end

-- Code goes on, until it works for a while, waits for a result or has ended.
function Run:go_on(actor)
  while actor.at <= #actor.steps do
    local step = actor.steps[actor.at]
    local read = step.read and self.by_id[step.read.id]
    local works = (step.after or 0) - actor.after
    if works > 0 then
      actor.after = step.after
      return self:later(works, {actor = actor})
    elseif step.add and self.by_id[step.add.id] then
      self:create(self.by_id[step.add.id], actor.cause)
    elseif read and not self.to[read] then
      local list = self.readers[read] or {}
      self.readers[read] = list
      list[#list + 1] = actor
      return
    elseif read and self.to[read] > (self.to[actor.cause] or -1) then
      actor.cause = read -- it had ended while the code worked
    end
    actor.at = actor.at + 1
  end
  local node = actor.node
  if node then
    self.last[node] = actor.cause
    self:later(math.max(node.own - actor.after, 0), {node = node})
  else
    self:later(math.max(self.script - actor.after, 0), {})
  end
end

-- Its worker is another's while it waits for something outside.
function Run:rest(node, idle)
  hold(self, {"lua"}, -1)
  node.rests = true
  self:later(idle, {node = node})
  self:grant()
end

-- A task that becomes ready now goes before waiting ones that are less urgent.
function Run:finish(node)
  self.to[node], self.finishing = self.now, true
  if not node.steps then hold(self, node.limits, -1) end
  if node.rests then
    hold(self, {"lua"}, 1)
    node.rests = nil
  end
  for _, d in ipairs(self.dependents[node] or {}) do
    self.unmet[d] = self.unmet[d] - 1
    if self.unmet[d] == 0 then self:ready(d, node) end
  end
  for _, actor in ipairs(self.readers[node] or {}) do
    actor.cause = node
    self:go_on(actor)
  end
  self.finishing = false
  self:grant()
end

-- Whoever may begin does, the first of all queues first.
function Run:grant()
  while true do
    local best
    for _, queue in ipairs(self.order) do
      if #queue > 0 and free(self, queue.limits)
        and (not best or by_turn(queue[1], best[1])) then
        best = queue
      end
    end
    if not best then return end
    local entry = pop(best, by_turn)
    hold(self, best.limits, 1)
    self:begin(entry.node)
  end
end

-- Slots of each limit, without end where `endless`; `slots` of agents that are programs.
local function caps_of(nodes, slots, endless)
  local caps = {}
  for _, node in ipairs(nodes) do
    for name, n in pairs(node.task.limits or {}) do caps[name] = endless and math.huge or n end
  end
  caps.process = slots
  return caps
end

-- From the last to end back to the first: array of nodes in order.
local function path_of(run, last)
  local path, seen = {}, {}
  while last and not seen[last] do
    seen[last] = true
    table.insert(path, 1, last)
    last = last.steps and run.last[last] or run.cause[last]
  end
  return path
end

--- What would happen with so many slots for agents.
-- @param endless  true: no other limit counts, either
-- @return {seconds =, from = {node = seconds}, to = {…}, path = array of nodes: each began
--   when the one before it had ended}
function Forecast:schedule(slots, endless)
  local run = setmetatable({by_id = self.by_id, ranked = self.known, script = self.after,
    caps = caps_of(self.nodes, slots, endless), used = {}, queues = {}, order = {}, events = {},
    from = {}, to = {}, cause = {}, last = {}, unmet = {}, dependents = {}, readers = {},
    now = 0, n = 0}, Run)
  run:go_on({steps = self.steps[""] or {}, at = 1, after = 0})
  local last
  while #run.events > 0 do
    local e = pop(run.events, sooner)
    run.now = e.at
    if e.actor then
      run:go_on(e.actor)
    elseif e.idle then
      run:rest(e.node, e.idle)
    elseif e.node then
      last = e.node
      run:finish(e.node)
    end
  end
  return {seconds = run.now, from = run.from, to = run.to, path = path_of(run, last)}
end

--- Does the number of slots for agents that are programs matter?
function Forecast:has_programs()
  for _, node in ipairs(self.nodes) do
    if node.task.limits and node.task.limits.process then return true end
  end
  return false
end

--- From how many slots on it takes clearly less time than one task after the other without
--- orun, overhead and all, and from how many on more bring nothing while the other limits are
--- what they are.
-- @return pays, enough; nil: not with the numbers that were tried, 64 at most
function Forecast:break_even()
  local least = self:schedule(math.huge).seconds
  local pays, enough
  local slots, most = 1, math.min(MOST, math.max(#self.nodes, 1))
  while slots <= most and not enough do
    local seconds = self:schedule(slots).seconds
    if not pays and seconds * PAYS < self.sequential then pays = slots end
    if seconds <= least * ENOUGH then enough = slots end
    slots = #self.nodes > 2000 and slots * 2 or slots + 1
  end
  return pays, enough
end

--- What all would cost: US dollars, and how many agents' tasks of which that is not known.
function Forecast:cost()
  local usd, unknown = 0, 0
  for _, node in ipairs(self.nodes) do
    local each = node.task.expected_cost
    if node.source == "kept" then each = 0 end
    if each then usd = usd + each elseif by_agent(node.task) then unknown = unknown + 1 end
  end
  return usd, unknown
end

return M
