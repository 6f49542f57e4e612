--- A graph of tasks as data: a list of steps, played on a simulator and watched
--- (watch.lua) after each.
---
--- A step is an array: its name, then what it is done with. Tasks are called by
--- the numbers their "add" gave them, so a list stays meaningful when steps are
--- taken out of it: a step whose task is not there, or not in the state for it,
--- is passed over.
---
---     {"add", 1, {kind = "lua", timeout = 3}}
---     {"wait", 1, "time", 2}
---     {"finish", 1, "completed"}

local test = require "orun.test"
local watch = require "spec.graph.watch"

local M = {}

local broken <const> = watch.broken

local Graph <const> = {}
Graph.__index = Graph

--- An empty graph on a sim of these `slots`: {lua =, process =, limits = {a =},
--- agents = {x =}, manual =, no_ladder =, history =, durable =}.
function M.new(slots)
  local sim = assert(test.sim(slots))
  local caps = { lua = slots.lua, process = slots.process }
  for name, cap in pairs(slots.limits) do
    sim:limit(name, cap)
    caps[name] = cap
  end
  for name, cap in pairs(slots.agents) do
    sim:agent(name, cap)
    caps[name] = cap
  end
  return setmetatable({ slots = slots, sim = sim,
                        watch = watch.new(sim, caps, slots.manual, slots.history ~= nil,
                                          slots.durable ~= nil),
                        id = {}, name = {}, collectors = {}, trace = {} }, Graph)
end

-- ---- what steps ask about ----

function Graph:task(name)
  local id = self.id[name]
  return id and self.watch.tasks[id], id
end

-- The task whose code runs; the script is 0, and runs unless it waits.
function Graph:runner(name)
  if name == 0 then return not self.script and 0 or nil end
  local task, id = self:task(name)
  return task and task.at and id, task
end

-- Somebody is there to call a primitive.
function Graph:anybody()
  return not self.script or #self.watch.running > 0
end

local function attempt_of(self, id)
  return id > 0 and self.watch.tasks[id].attempt or 0
end

-- ---- the steps: each gives false when it cannot be done ----

local act <const> = {}

-- The blockers that there are, as ids, and as a set.
function Graph:blockers(names)
  local ids, set, left = {}, {}, {}
  for _, name in ipairs(names or {}) do
    local id = self.id[name]
    if id then
      ids[#ids + 1], set[id], left[#left + 1] = id, true, name
    end
  end
  return ids, set, left
end

local function copy_of(options)
  local copy = {}
  for key, value in pairs(options) do copy[key] = value end
  return copy
end

function Graph:model_of(options, set, parent)
  local kind, retry = options.kind, options.retry
  return {
    kind = kind, blockers = set, parent = parent, parent_attempt = attempt_of(self, parent),
    detach = options.detach, despite = options.despite_failure, writes = options.writes,
    limit = options.limit, agent = options.agent, retry = retry, instant = options.instant,
    timeout = options.timeout or 0, priority = options.priority or 0,
    most = 1 + (retry and retry.max or 0), attempt = 0, ended = 0, rung = 0,
    class = kind .. " " .. (options.limit or "") .. " " .. (options.agent or ""),
  }
end

function act.add(self, step)
  local name, options = step[2], copy_of(step[3])
  local parent = self:runner(options.parent or 0)
  if not parent or self.id[name] then return false end
  local ids, set, left = self:blockers(options.blockers)
  options.blockers = #left > 0 and left or nil
  self.trace[#self.trace] = { "add", name, options }
  local given = copy_of(options)
  given.blockers, given.parent = ids, parent
  local id, why = self.sim:add(given)
  if self.watch.closing then
    if id or why ~= "ESHUTDOWN" then broken("a task was added after the end") end
    return false
  end
  if not id then broken("a task was not added: %s", why) end
  self.id[name], self.name[id] = id, name
  self.watch.tasks[id] = self:model_of(options, set, parent)
end

-- What must come of an attempt that ends as told.
function Graph:end_of(id, task, told)
  local stopping = self.sim:info(id).stopping
  if stopping then told = stopping == "timeout" and "failed" or "cancelled" end
  local again = told == "failed" and task.attempt < task.most
    and not self.watch.closing and not self.watch.draining
  return again and "pending" or told
end

function act.finish(self, step)
  local id, task = self:runner(step[2])
  if not id or id == 0 then return false end
  local expected = self:end_of(id, task, step[3])
  watch.ended(task, step[3])
  self.watch:quit(id, task)
  self.sim[step[4] and "finish_next" or "finish"](self.sim, id, step[3])
  local info = self.sim:info(id)
  local status = info.status
  if info.sealed then status = self.sim:kept(id) end
  if status ~= expected then broken("t%d ended as %s, not %s", id, status, expected) end
  if status == "pending" then self.watch:saw("retry") end
end

-- Somebody tells the end of an attempt that is over: nothing comes of it.
function act.late(self, step)
  local task, id = self:task(step[2])
  if not task or task.kind == "item" or task.ended == 0 then return false end
  local before = self.sim:info(id)
  self.sim:late(id, task.ended)
  local after = self.sim:info(id)
  if before.state ~= after.state or before.attempt ~= after.attempt then
    broken("t%d: attempt %d ended twice", id, task.ended)
  end
end

-- {"answer", task, how}: of a look, what it finds, if it does.
function act.answer(self, step)
  local _, id = self:task(step[2])
  local asked = id and self.watch.asked[id]
  if not asked or (asked == "seal" and step[3]) then return false end
  self.watch.answers = id
  if asked == "seal" then self.sim:sealed(id) else self.sim:looked(id, step[3]) end
end

function act.drain(self)
  self.watch.draining = true
  self.sim:drain()
end

function act.begin(self, step)
  local _, id = self:task(step[2])
  for _, granted in ipairs(id and self.sim:granted() or {}) do
    if granted == id then
      self.sim:begin(id)
      return
    end
  end
  return false
end

function act.advance(self, step)
  self.watch.now = self.watch.now + step[2]
  self.watch.answers = "any"
  self.sim:advance(step[2])
end

function act.stop(self, step)
  local task, id = self:task(step[2])
  if not task or task.final or not self:anybody() then return false end
  task.cancel = true
  self.sim:stop(id)
end

-- Is the wait refused, because it would close a ring?
function Graph:refused(waiter, target)
  local ring = self.sim:closes(waiter, target)
  if not ring then return false end
  self.watch:saw(ring:find("(writes)", 1, true) and "ring through writes" or "ring")
  if type(target) ~= "number" then self.watch:saw("ring of several") end
  return true
end

-- What a wait is for, as the sim wants it and as the watch does.
function Graph:awaited(what, waiter)
  if type(what) == "number" then
    local id = self.id[what]
    if not id or id == waiter or self:refused(waiter, id) then return nil end
    return id, id
  elseif type(what) == "table" then
    local collector = self.collectors[what[1]]
    if not collector or self:refused(waiter, collector.sim) then return nil end
    return collector.sim, what
  end
  if what == "idle" and waiter ~= 0 then return nil end
  return what, what
end

-- {"wait", waiter, what, seconds}
function act.wait(self, step)
  local id = self:runner(step[2])
  if not id then return false end
  local what, seen = self:awaited(step[3], id)
  if not what then return false end
  local how, rested = self.sim:wait(what, id, step[4])
  self.watch:saw("wait for " .. (type(step[3]) == "string" and step[3] or type(step[3])))
  local wait = { what = seen, seconds = step[4], at = self.watch.now }
  if id == 0 then
    if how == "pending" then self.script = wait else self:script_went_on(how, seen) end
    return
  end
  if not rested then return end
  local task = self.watch.tasks[id]
  task.waits = wait
  self.watch:leave(id, task, what ~= "time" and what ~= "op")
end

function act.op_done(self)
  self.sim:op_done()
end

function act.collect(self, step)
  local name = step[2]
  local ids = self:blockers(step[3])
  if #ids == 0 or self.collectors[name] then return false end
  self.collectors[name] = { sim = assert(self.sim:collector(ids)), ids = ids, given = 0 }
end

-- Take all there is: each once, and only what is final.
function act.take(self, step)
  local collector = self.collectors[step[2]]
  if not collector then return false end
  for id in collector.sim.next, collector.sim do
    local expected = 0
    for _, each in ipairs(collector.ids) do expected = expected + (each == id and 1 or 0) end
    collector[id] = (collector[id] or 0) + 1
    if collector[id] > expected then broken("t%d was collected twice", id) end
    if not self.watch.tasks[id].final then broken("t%d was collected before its end", id) end
    collector.given = collector.given + 1
  end
  local final = 0
  for _, id in ipairs(collector.ids) do
    if self.watch.tasks[id].final then final = final + 1 end
  end
  if final ~= collector.given then broken("%d of %d were collected", collector.given, final) end
end

function Graph:check_claimable(item)
  local task = self.watch.tasks[item]
  if task.owner then broken("t%d was claimed twice", item) end
  for blocker in pairs(task.blockers) do
    if not self.watch.tasks[blocker].final then
      broken("t%d was claimed before t%d ended", item, blocker)
    end
  end
end

-- {"claim", who, item}: without an item, the next.
function act.claim(self, step)
  local who = self:runner(step[2])
  if not who then return false end
  local item, ok, open
  if step[3] then
    local task
    task, item = self:task(step[3])
    if not task then return false end
    ok = self.sim:claim(item, who)
  else
    item, open = self.sim:claim_next(who)
    ok = item ~= nil
    if ok and open == 0 then broken("t%d was claimed, and none is open", item) end
  end
  if not ok then return end
  self:check_claimable(item)
  local task = self.watch.tasks[item]
  task.owner, task.owner_attempt = who, attempt_of(self, who)
end

-- Who may, may; who has not claimed a claimed one may not.
local function check_owned(item, task, who, ok)
  if ok and task.owner and task.owner ~= who then
    broken("t%d: t%d ended what t%d has claimed", item, who, task.owner)
  end
  if not ok and task.owner == who then broken("t%d: t%d may not end it", item, who) end
end

-- {"resolve", item, who, how}
function act.resolve(self, step)
  local task, item = self:task(step[2])
  local who = self:runner(step[3])
  if not task or task.kind ~= "item" or task.final or not who then return false end
  local ok = self.sim:resolve(item, who, step[4])
  check_owned(item, task, who, ok)
  if ok then task.told, task.owner = step[4], nil end
end

-- {"release", item, who}
function act.release(self, step)
  local task, item = self:task(step[2])
  local who = self:runner(step[3])
  if not task or task.kind ~= "item" or task.final or not who then return false end
  local ok = self.sim:release(item, who)
  check_owned(item, task, who, ok)
  if ok and not task.owner then broken("t%d was given back by who had it not", item) end
  if ok then task.owner = nil end
end

-- {"block", {task, blocker}, …}: all or none.
function act.block(self, step)
  local edges, left = {}, { "block" }
  for i = 2, #step do
    local task, blocker = self.id[step[i][1]], self.id[step[i][2]]
    if task and blocker then
      edges[#edges + 1] = { task, blocker }
      left[#left + 1] = step[i]
    end
  end
  if #edges == 0 or not self:anybody() then return false end
  self.trace[#self.trace] = left
  if not self.sim:block(edges) then return end
  self.watch:saw("block")
  for _, edge in ipairs(edges) do self.watch.tasks[edge[1]].blockers[edge[2]] = true end
end

function act.priority(self, step)
  local task, id = self:task(step[2])
  if not task or task.final or not self:anybody() then return false end
  task.moved, task.priority = true, step[3]
  self.sim:priority(id, step[3])
end

-- {"limit", name, slots} and {"slots", kind, slots}
function act.limit(self, step)
  self.watch.caps[step[2]] = step[3]
  self.sim:limit(step[2], step[3])
end

function act.slots(self, step)
  self.watch.caps[step[2]] = step[3]
  self.sim:slots(step[2], step[3])
end

function act.cancel_all(self)
  for _, task in ipairs(self.watch.tasks) do
    if task.kind ~= "item" then task.cancel = true end
  end
  self.sim:cancel_all()
end

-- {"hurry", whether}: who is stopped is on the last rung, at once.
function act.hurry(self, step)
  self.watch.hurried = step[2]
  self.sim:hurry(step[2])
  self.watch:events()
  for id, task in ipairs(self.watch.tasks) do
    if step[2] and task.stopping and (task.at or task.waits) and task.rung < 2 then
      broken("t%d has time, and there is hurry", id)
    end
  end
end

function act.close(self)
  self.watch.closing = true
  self.sim:close()
end

-- ---- playing ----

-- The script's wait has ended, for a reason.
function Graph:script_went_on(how, what)
  self.watch:saw("script " .. how)
  if how == "deadlock" then
    if #self.watch.running > 0 or self.sim:figures().timers > 0 or self.watch:is_kept() then
      broken("the script's wait is called a deadlock, and something goes on")
    end
  elseif how == "done" and type(what) == "number" then
    if not watch.FINAL[self.sim:info(what).state] then
      broken("the script was woken before t%d ended", what)
    end
  end
end

function Graph:check()
  self.watch:check()
  if not self.script then return end
  local how = self.sim:outcome(0)
  if how == "pending" then return end
  self:script_went_on(how, self.script.what)
  self.script = nil
end

--- Do one step and look at everything; false when it could not be done.
function Graph:play(step)
  local trace = self.trace
  trace[#trace + 1] = step
  self.watch.answers = nil
  if act[step[1]](self, step) == false then
    trace[#trace] = nil
    return false
  end
  self:check()
  return true
end

-- ---- to the end ----

-- One step that brings the end nearer; nil when there is none.
function Graph:next_to_end()
  local watched, sim = self.watch, self.sim
  local granted = self.slots.manual and sim:granted()[1]
  if granted then return { "begin", self.name[granted] } end
  local running = sim:running()[1]
  if running then return { "finish", self.name[running], "completed" } end
  local figures = sim:figures()
  if not self.script then
    for id, task in ipairs(watched.tasks) do
      local free = watched.draining and task.kind == "item" and sim:info(id).state == "READY"
      if (task.owner == 0 or free) and not task.final then
        return { "resolve", self.name[id], 0, "completed" }
      end
    end
    if figures.items > 0 then return { "claim", 0 } end
  end
  local asked = watched:is_asked()
  if asked then return { "answer", self.name[asked] } end
  if figures.timers > 0 then return { "advance", 60 } end
  return sim:info(0).waiting and { "op_done" } or nil
end

-- Everything ends once what runs ends, items are done and time goes on: no wait
-- for tasks is in a ring, for those are refused, also where they go through
-- writes. Who waits for items and has one has to be stopped.
function Graph:stuck_step()
  local waits = false
  for id, task in ipairs(self.watch.tasks) do
    local what = not task.final and task.waits and task.waits.what
    waits = waits or what
    if what == "op" then return { "op_done" } end
    if what == "item" then return { "stop", self.name[id] } end
  end
  if waits then broken("tasks wait for each other for ever") end
end

--- Bring everything to its end, which must come.
function Graph:drain()
  local left = #self.watch.tasks * 20 + 200
  while true do
    local step = self:next_to_end() or self:stuck_step()
    if not step then break end
    if not self:play(step) then broken("there is no way on: %s", step[1]) end
    left = left - 1
    if left == 0 then broken("it never ends") end
  end
  for name in pairs(self.collectors) do self:play { "take", name } end
  self.watch:check_end()
end

return M
