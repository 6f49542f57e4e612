--- A run that is kept, crashes at any step and goes on: a model of it on the
--- simulator, with a store that survives.
---
--- A program is made of kinds of tasks. What a task does follows from its kind:
--- which children it starts, which of those block others, how often it fails
--- before it ends well. It waits for all its children, and its outcome says what
--- theirs are. So a program has one result, in whatever order its tasks run.
---
--- The store is a list of outcomes, each under the key of its task: the key of
--- who started it, its kind, the outcomes of its blockers, and its number among
--- equals. What is sealed queues; it is synced in that order, and acknowledged
--- some time after. A crash forgets everything but what is synced; of what queues
--- any first part may be. Whatever happens
---   - an outcome that was shown is in the store, and stays what it was;
---   - no task is begun that has an outcome there, and none gets two;
---   - nothing that waits is called a deadlock, and all that is asked is answered;
---   - the result is that of a run that never crashed.

local test = require "orun.test"

local M = {}

local CRASHES <const> = 4
local STEPS <const> = 5000 -- of one run, more than any takes
local ENDED <const> = { COMPLETED = "completed", FAILED = "failed" }

local random <const> = math.random

local function broken(format, ...)
  error({ promise = format:format(...) }, 0)
end

local function chance(percent)
  return random(100) <= percent
end

-- ---- programs ----

-- What a kind of task starts: kinds of a higher number, so that it ends.
local function some_children(kind, kinds, most)
  local all = {}
  for i = 1, kind < kinds and random(0, most) or 0 do
    local blockers = {}
    for b = 1, i - 1 do
      if chance(25) then blockers[#blockers + 1] = b end
    end
    all[i] = { kind = random(kind + 1, math.min(kind + 2, kinds)), blockers = blockers }
  end
  return all
end

-- A program: kind 0 is the script.
local function some_program()
  local kinds = random(2, 4)
  local program = { slots = { lua = random(3), durable = "answered here" },
                    items = chance(40) and random(4) or 0, workers = random(2) }
  for kind = 0, kinds do
    program[kind] = { children = some_children(kind, kinds, kind == 0 and 5 or 2),
                      fails = chance(25) and random(3) or 0 }
  end
  program[0].fails = 0
  return program
end

-- ---- a run ----

local Run <const> = {}
Run.__index = Run

-- `world` has what survives: the outcomes that are synced, and those that were
-- shown, by key.
local function new_run(program, world, flaws)
  local self = setmetatable({
    program = program, world = world, flaws = flaws, sim = assert(test.sim(program.slots)),
    tasks = {},   -- by id: kind, key, blockers, children, at (how far its code is)
    loaded = {},  -- what was in the store when it began
    equals = {},  -- how many of them there were, by what they are
    queue = {},   -- what is sealed and not acknowledged: id, key, outcome, synced
    sealed = {},  -- keys of what was sealed
    list = {},
  }, Run)
  for key, outcome in pairs(world.synced) do self.loaded[key] = outcome end
  self.tasks[0] = { kind = 0, key = "", children = {}, at = 1 }
  return self
end

-- What an outcome says, without what differs each time.
local function meaning(outcome)
  return outcome:match("^[^|]*")
end

function Run:said(id)
  local info = self.sim:info(id)
  if info.fault == "blocked" then return "blocked" end
  return meaning(info.error or info.status)
end

-- The key, once its blockers have ended.
function Run:key_of(task)
  local parts = {}
  for i, id in ipairs(task.blockers or {}) do parts[i] = self:said(id) end
  local what = ("%s/%s(%s)"):format(self.tasks[task.parent].key, task.kind,
    table.concat(parts, ","))
  if self.flaws.no_numbers then return what end
  self.equals[what] = (self.equals[what] or 0) + 1
  return what .. "#" .. self.equals[what]
end

-- ---- what code does ----

function Run:add(parent, kind, blockers, options)
  options.blockers, options.parent = blockers, parent
  local id = assert(self.sim:add(options))
  self.tasks[id] = { kind = kind, parent = parent, blockers = blockers, children = {}, at = 1 }
  table.insert(self.tasks[parent].children, id)
end

function Run:add_child(parent, spec)
  local blockers = {}
  for i, b in ipairs(spec.blockers) do blockers[i] = self.tasks[parent].children[b] end
  self:add(parent, spec.kind, blockers, { retry = { max = 2, backoff = 1 } })
end

-- The script has items and workers, after its children.
function Run:add_list()
  for i = 1, self.program.items do
    self:add(0, "item " .. i % 2, {}, { kind = "item" })
  end
  for _ = 1, self.program.items > 0 and self.program.workers or 0 do
    self:add(0, "worker", {}, {})
  end
end

-- The outcome of a task that has all it waits for.
function Run:finish(id, task)
  local parts = {}
  for i, child in ipairs(task.children) do parts[i] = self:said(child) end
  local said = ("%s[%s]"):format(task.kind, table.concat(parts, " "))
  if id == 0 then
    self.result = said
    return
  end
  self.sim:finish(id, "completed", nil, said .. "|" .. random(1 << 30))
end

-- Take the next item, or end when there is none.
function Run:work(id, task)
  if task.item then
    assert(self.sim:resolve(task.item, id, "completed"))
    task.item = nil
    return
  end
  local item, open = self.sim:claim_next(id)
  task.item = item
  if not item and open == 0 then
    self:finish(id, task)
  elseif not item then
    self.sim:wait("item", id)
  end
end

-- One step of the code of a task: start the next child, or wait for one, or end.
function Run:go_on(id)
  local task = self.tasks[id]
  local info, kind = self.sim:info(id), self.program[task.kind]
  if info.stopping then return self.sim:finish(id, "cancelled") end
  if task.attempt ~= info.attempt then
    task.attempt, task.at, task.children = info.attempt, 1, {}
  end
  if task.kind == "worker" then return self:work(id, task) end
  local next_one = kind.children[task.at]
  if next_one then
    self:add_child(id, next_one)
  elseif id == 0 and task.at == #kind.children + 1 then
    self:add_list()
  elseif id > 0 and info.attempt <= kind.fails then
    return self.sim:finish(id, "failed", "exit", "failed|" .. random(1 << 30))
  else
    for _, child in ipairs(task.children) do
      if self.sim:wait(child, id) == "pending" then return end
    end
    return self:finish(id, task)
  end
  task.at = task.at + 1
end

-- ---- what keeps the run ----

function Run:look(id)
  local task = self.tasks[id]
  task.key = task.key or self:key_of(task)
  local found = self.loaded[task.key]
  if not found then
    self.sim:looked(id)
  elseif found:find("^failed") then
    self.sim:looked(id, "failed", "exit", found)
  else
    self.sim:looked(id, "completed", nil, found)
  end
end

-- What was sealed since the last step comes to the end of the queue. Nothing is
-- kept of what was cancelled.
function Run:take_seals(asked)
  for _, id in ipairs(asked) do
    local key = self.tasks[id].key
    local how, _, outcome = self.sim:kept(id)
    outcome = outcome or how
    if how ~= "cancelled" then
      if self.sealed[key] or self.loaded[key] then broken("%s has two outcomes", key) end
      self.sealed[key] = true
    end
    self.queue[#self.queue + 1] = { id = id, key = key, outcome = outcome,
                                    synced = how == "cancelled" }
    self.tasks[id].queued = true
  end
end

-- Sync the first that is not.
function Run:sync()
  for _, fact in ipairs(self.queue) do
    if not fact.synced then
      fact.synced = true
      self.world.synced[fact.key] = fact.outcome
      return
    end
  end
end

-- Acknowledge the first that is not, if it is synced.
function Run:acknowledge()
  local queue = self.queue
  for _, fact in ipairs(queue) do
    if not fact.told then
      fact.told = fact.synced or self.flaws.early
      if fact.told then self.sim:sealed(fact.id) end
      break
    end
  end
  while queue[1] and queue[1].synced and queue[1].told do table.remove(queue, 1) end
end

-- The ids of those that are looked up, and of those sealed since the last step.
function Run:asked()
  local looks, seals, list = {}, {}, self.list
  for i = 1, self.sim:pending(list), 2 do
    local id = list[i]
    if list[i + 1] == "look" then
      looks[#looks + 1] = id
    elseif not self.tasks[id].queued then
      seals[#seals + 1] = id
    end
  end
  return looks, seals
end

-- ---- what is seen ----

-- A task has begun: it has no outcome in the store.
function Run:check_begun()
  local list = self.list
  for i = 1, self.sim:events(list), 3 do
    local key = self.tasks[list[i + 1]].key
    if list[i] == "start" and self.loaded[key] then broken("%s is begun again", key) end
  end
end

-- A task has ended: that is in the store, and as it was shown before.
function Run:check_ended()
  local list, world = self.list, self.world
  for i = 1, self.sim:changes(list), 4 do
    local id = list[i]
    local info, key = self.sim:info(id), self.tasks[id].key
    if ENDED[list[i + 1]] then
      local outcome = info.error or info.status
      if world.shown[key] and world.shown[key] ~= outcome then
        broken("%s was shown as %s and is %s", key, world.shown[key], outcome)
      end
      world.shown[key] = outcome
    end
  end
end

function Run:check()
  self:check_begun()
  self:check_ended()
  local wrong = chance(20) and self.sim:check()
  if wrong then broken("%s", wrong) end
  if self.sim:outcome(0) == "deadlock" then broken("the script waits for nothing") end
end

-- ---- one after the other ----

-- One step; false when there is none.
function Run:step()
  local looks, seals = self:asked()
  self:take_seals(seals)
  local running = self.sim:running()
  if not self.sim:info(0).waiting then running[#running + 1] = 0 end
  local n = #running + #looks
  if n > 0 and (#self.queue == 0 or chance(60)) then
    local at = random(n)
    if at <= #running then self:go_on(running[at]) else self:look(looks[at - #running]) end
  elseif #self.queue > 0 then
    if chance(50) then self:sync() else self:acknowledge() end
  elseif self.sim:figures().timers > 0 then
    self.sim:advance(60)
  else
    broken("nothing goes on")
  end
end

-- All is gone but what is synced, and a first part of what is not.
function Run:crash()
  for _ = 1, random(0, #self.queue) do self:sync() end
  if self.flaws.forgets then self.world.synced[next(self.world.synced) or ""] = nil end
  for key, outcome in pairs(self.world.shown) do
    if self.world.synced[key] ~= outcome then broken("%s was shown, and is lost", key) end
  end
end

-- After the script's end everything else ends, too.
function Run:close()
  self.sim:close()
  for _ = 1, STEPS do
    local looks, seals = self:asked()
    self:take_seals(seals)
    local id = self.sim:running()[1]
    if id then self.sim:finish(id, "cancelled") end
    if looks[1] then self.sim:looked(looks[1]) end
    self:sync()
    self:acknowledge()
    self:check_begun()
    if self.sim:figures().live == 0 and self.sim:figures().asked == 0 then break end
  end
  local figures = self.sim:figures()
  if figures.live > 0 or figures.asked > 0 or figures.open_items > 0 then
    broken("%d tasks never end, %d are asked for", figures.live, figures.asked)
  end
end

-- Run until the script ends, which gives its result, or (nil) until a crash.
local function run(program, world, crashes, flaws)
  local self = new_run(program, world, flaws)
  local crash = crashes and random(random(10) > 3 and 60 or 300)
  for n = 1, STEPS do
    if n == crash then
      self:crash()
      return nil
    end
    self:step()
    self:check()
    if self.result then
      self:close()
      return self.result
    end
  end
  broken("it never ends")
end

--- Play the program of this seed: without crashes, and with up to four. Raises
--- when a promise is broken. `flaws` are those of a worse store: {early =} tells
--- what is not synced, {no_numbers =} takes equals for one, {forgets =} loses one.
--- Gives how often it crashed, and how many outcomes there are.
function M.play(seed, flaws)
  flaws = flaws or {}
  math.randomseed(seed)
  local program = some_program()
  local expected = run(program, { synced = {}, shown = {} }, false, {})
  local world, crashes, result = { synced = {}, shown = {} }, 0
  repeat
    result = run(program, world, crashes < CRASHES, flaws)
    crashes = crashes + (result and 0 or 1)
  until result
  if result ~= expected then broken("the result is %s, not %s", result, expected) end
  local kept = 0
  for _ in pairs(world.synced) do kept = kept + 1 end
  return crashes, kept
end

--- Play these seeds. Gives nil, how often they crashed and how many outcomes were
--- kept, or the first seed that breaks a promise, and which.
function M.run(from, to, flaws)
  local crashes, kept = 0, 0
  for seed = from, to do
    local ok, n, outcomes = xpcall(M.play, function(e)
      return type(e) == "table" and e.promise or debug.traceback(e)
    end, seed, flaws)
    if not ok then return seed, n end
    crashes, kept = crashes + n, kept + outcomes
  end
  return nil, crashes, kept
end

return M
