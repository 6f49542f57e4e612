--- What is promised to users, watched on a simulator: a model that knows only
--- what was asked for and what it is told. The scheduler's own figures are
--- recounted in C (sim:check).
---
--- It looks at what is new: the runner's events in their order, then the tasks
--- that changed. So a step costs what it does, not what there is.

local M = {}

local FINAL <const> = { COMPLETED = "completed", FAILED = "failed", CANCELLED = "cancelled" }

M.FINAL = FINAL

local Watch <const> = {}
Watch.__index = Watch

--- A watch over `sim`; `caps` has the slots of "lua", "process" and each named
--- limit, and is kept up to date by who changes them.
--- `ranked`: durations are known, and the most urgent goes first. `durable`: the
--- run is kept.
function M.new(sim, caps, manual, ranked, durable)
  local used = {}
  for name in pairs(caps) do used[name] = 0 end
  return setmetatable({
    sim = sim, caps = caps, used = used, manual = manual, ranked = ranked, now = 0,
    durable = durable,
    asked = {},     -- "look" or "seal", by id: what is not answered
    looking = {},   -- ids of tasks that could begin, but for what keeps the run
    answers = nil,  -- whose answer this step is; "any": time goes on
    settled = true, -- every rank was what it is to be, before this step
    tasks = {},     -- by id
    running = {},   -- ids whose code runs, in no order
    queued = {},    -- ids that were ready before this step, and are
    writing = {},   -- ids that hold their writes: from start to end, also while they wait
    latest = {},    -- the last to begin, by class
    seen = {},      -- how often what happened
    list = {},      -- filled by the sim
  }, Watch)
end

local function broken(format, ...)
  error({ promise = format:format(...) }, 0)
end

--- A broken promise is an error: a table whose `promise` says which.
M.broken = broken

function Watch:saw(what)
  self.seen[what] = (self.seen[what] or 0) + 1
end

-- ---- what is held ----

local function inside(a, b)
  return a == b or b:sub(1, #a + 1) == a .. "/"
end

local function writes_same(one, other)
  for _, a in ipairs(one) do
    for _, b in ipairs(other) do
      if inside(a, b) or inside(b, a) then return true end
    end
  end
  return false
end

-- Take a slot of `name`: there must be one.
function Watch:take(id, name)
  local used = self.used[name] + 1
  self.used[name] = used
  if used > self.caps[name] then
    broken("t%d is number %d in %s, which has %d slots", id, used, name, self.caps[name])
  end
end

-- Is `upper` above the task, as who started it or who started that?
function Watch:above(upper, task)
  local id = task.parent
  while id > 0 and id ~= upper do id = self.tasks[id].parent end
  return id == upper
end

-- What it writes: nobody has that but who is above it, or below it.
function Watch:take_writes(id, task)
  if not task.writes then return end
  for other in pairs(self.writing) do
    local their = self.tasks[other]
    local related = self:above(other, task) or self:above(id, their)
    if writes_same(task.writes, their.writes) then
      if not related then
        broken("t%d and t%d write the same", math.min(id, other), math.max(id, other))
      end
      self:saw("writes passed on")
    end
  end
  self.writing[id] = true
end

-- Its named slots. One that is being stopped goes on without, so that it can
-- end.
function Watch:take_rest(id, task)
  if task.rest or task.stopping then return end
  task.rest = true
  if task.limit then self:take(id, task.limit) end
  if task.agent then self:take(id, task.agent) end
end

-- Its code does not run any more: it gives back the slot of its kind, and (all)
-- the rest.
function Watch:leave(id, task, all)
  if task.at then
    local last = table.remove(self.running)
    if last ~= id then
      self.running[task.at] = last
      self.tasks[last].at = task.at
    end
    task.at = nil
  end
  if task.slot then
    self.used[task.kind] = self.used[task.kind] - 1
    task.slot = nil
  end
  if not all or not task.rest then return end
  if task.limit then self.used[task.limit] = self.used[task.limit] - 1 end
  if task.agent then self.used[task.agent] = self.used[task.agent] - 1 end
  task.rest = nil
end

--- Its attempt has ended: it gives back all it has.
function Watch:quit(id, task)
  self:leave(id, task, true)
  self.writing[id] = nil
end

-- ---- what the runner is told ----

-- Of tasks that want the same and have the same priority the more urgent begins first.
function Watch:check_urgent(id, task)
  local order = self.settled and self.sim:info(id).order
  if not order then return end
  for other in pairs(self.queued) do
    local queued = self.tasks[other]
    if queued.class == task.class and queued.priority == task.priority then
      local info = self.sim:info(other)
      if info.state == "READY" and not info.looking and info.order < order then
        broken("t%d began before t%d, which is more urgent", id, other)
      end
    end
  end
  self:saw("urgent")
end

function Watch:queues(id)
  local info = self.sim:info(id)
  return info.state == "READY" and not info.looking
end

-- Is it this step that has brought the answer for a task?
function Watch:answered(id)
  return self.answers == id or self.answers == "any"
end

-- Tasks that want the same, and were never held up, begin in the order they
-- came, or where durations are known the most urgent first; and the higher priority
-- first.
function Watch:check_turn(id, task)
  if task.writes or task.attempt > 1 then return end
  if self.ranked then
    self:check_urgent(id, task)
  elseif not self.durable and not next(task.blockers) and not task.moved and task.priority == 0 then
    local latest = self.latest[task.class] or 0
    if id < latest then broken("t%d began after t%d, which came later", id, latest) end
    self.latest[task.class] = id
  end
  for other in pairs(self.queued) do
    local queued = self.tasks[other]
    if queued.class == task.class and queued.priority > task.priority
      and self:queues(other) then
      broken("t%d began before t%d, which goes first", id, other)
    end
  end
end

function Watch:check_blockers(id, task)
  for blocker in pairs(task.blockers) do
    local state = self.tasks[blocker].final or self.sim:info(blocker).state
    if not FINAL[state] then broken("t%d began before t%d ended", id, blocker) end
    if state ~= "COMPLETED" and not task.despite then
      broken("t%d began although t%d is %s", id, blocker, FINAL[state])
    end
  end
end

local on <const> = {}

function on.start(self, id, task, n)
  if task.final then broken("t%d began after its end", id) end
  if task.at then broken("t%d began twice", id) end
  if self.looking[id] and not self:answered(id) then
    broken("t%d began while it was looked up", id)
  end
  self:check_blockers(id, task)
  task.attempt = n > 0 and n or 1
  if task.attempt ~= task.ended + 1 then
    broken("t%d began attempt %d after %d", id, task.attempt, task.ended)
  end
  task.stopping, task.rung, task.told = nil, 0, nil
  self:take(id, task.kind)
  self:take_rest(id, task)
  self:take_writes(id, task)
  task.slot = true
  self.running[#self.running + 1] = id
  task.at = #self.running
  if not self.manual then self:check_turn(id, task) end
  self.queued[id] = nil
  if task.instant then
    M.ended(task, task.instant)
    self:quit(id, task)
  end
end

function on.resume(self, id, task, how)
  if not task.waits then broken("t%d goes on, and did not wait", id) end
  self:check_wake(id, task, how)
  task.waits = nil
  self:take_rest(id, task)
  self.running[#self.running + 1] = id
  task.at = #self.running
end

-- One rung after the other; the last may come again, and in a hurry at once.
function on.stop(self, id, task, n)
  if self.asked[id] == "seal" then broken("t%d was stopped after its end", id) end
  local next_one = n == task.rung + 1 and not self.hurried or (n >= task.rung and n >= 2)
  if not next_one then broken("t%d: rung %d after %d", id, n, task.rung) end
  task.stopping, task.rung = true, n
  self:saw("stop")
end

function on.abandon(self, id, task)
  if task.rung < 2 then broken("t%d was given up on rung %d", id, task.rung) end
  M.ended(task, "given up")
  self:quit(id, task)
  task.waits = nil
  self:saw("abandon")
end

function on.refused(self, id, task)
  if not task.cancel and not self:may_be_cancelled(task) then
    broken("t%d was refused, and nobody stopped it", id)
  end
  self.queued[id] = nil
  self:saw("refused")
end

-- A wait ends for a reason.
function Watch:check_wake(id, task, how)
  local wait = task.waits
  self:saw("wait " .. how)
  if how == "timed_out" then
    if not wait.seconds or self.now < wait.at + wait.seconds then
      broken("t%d: its wait ran out too early", id)
    end
  elseif how == "stopped" then
    if not task.stopping then broken("t%d: its wait was stopped, it was not", id) end
  elseif how ~= "done" or wait.what == "time" then
    broken("t%d: its wait ended as %s", id, how)
  elseif type(wait.what) == "number" then
    local state = self.sim:info(wait.what).state
    if not FINAL[state] then broken("t%d was woken before t%d ended", id, wait.what) end
  end
end

--- An attempt has ended, as `told`.
function M.ended(task, told)
  task.told, task.ended = told, task.attempt
end

--- Has the attempt of task `id` ended that was on then? The script has none.
function Watch:is_over(id, attempt)
  local task = self.tasks[id]
  if not task then return false end
  local info = self.sim:info(id)
  return task.final ~= nil or FINAL[info.state] ~= nil
    or (task.ended >= attempt and not (info.sealed and info.attempt == attempt))
end

function Watch:events()
  local list = self.list
  for i = 1, self.sim:events(list), 3 do
    local id = list[i + 1]
    on[list[i]](self, id, self.tasks[id], list[i + 2])
  end
end

-- ---- what changed ----

function Watch:failed_blocker(task)
  if task.despite then return false end
  for blocker in pairs(task.blockers) do
    local state = self.sim:info(blocker).state
    if state == "FAILED" or state == "CANCELLED" then return true end
  end
  return false
end

function Watch:may_be_cancelled(task)
  return task.cancel or self.closing or self.draining or self:failed_blocker(task)
    or (not task.detach and self:is_over(task.parent, task.parent_attempt))
end

-- Of one that is kept: did what is found or kept become its outcome, and then?
function Watch:check_kept(id, task, state)
  if not task.sealed and not self.sim:info(id).cached then return false end
  if task.sealed and task.sealed ~= FINAL[state] then
    broken("t%d was sealed as %s and is %s", id, task.sealed, FINAL[state])
  elseif not task.sealed and task.attempt > 0 then
    broken("t%d was begun, and found", id)
  elseif not self:answered(id) then
    broken("t%d is shown before its answer", id)
  end
  self:saw(task.sealed and "kept" or "found")
  return not task.sealed
end

function Watch:check_final(id, task, state)
  task.final = state
  self:saw(FINAL[state])
  if self.durable and self:check_kept(id, task, state) then return end
  local told = task.told
  local fine
  if state == "COMPLETED" then
    fine = told == "completed" and not task.stopping
  elseif state == "FAILED" then
    fine = told == "failed" or (task.stopping and task.timeout > 0)
  else
    fine = told == "cancelled" or self:may_be_cancelled(task)
  end
  if not fine then broken("t%d is %s without a reason", id, FINAL[state]) end
end

-- The one who has an item claimed it; who lost one has ended or given it back.
function Watch:check_claim(id, task, state, claimer)
  if self.durable and self.sim:info(id).sealed then return end
  if state == "RUNNING" then
    if claimer ~= task.owner then
      broken("t%d: claimed by t%s, not t%s", id, claimer, task.owner)
    end
  elseif task.owner and state == "READY" then
    if not self:is_over(task.owner, task.owner_attempt) then
      broken("t%d was taken away from t%d", id, task.owner)
    end
    self:saw("claim returned")
    task.owner = nil
  end
end

function Watch:changed(id, task, state, attempt, claimer)
  if task.final then broken("t%d was %s and is %s", id, task.final, state) end
  if task.kind == "item" then
    self:check_claim(id, task, state, claimer)
  else
    if attempt > task.most then broken("t%d: attempt %d of %d", id, attempt, task.most) end
    if attempt ~= task.attempt then broken("t%d: attempt %d was not begun", id, attempt) end
    if state == "RUNNING" and not task.at and not task.waits
      and not self.sim:info(id).sealed then
      broken("t%d is running, and does not run", id)
    end
  end
  task.state = state
  if FINAL[state] then self:check_final(id, task, state) end
  local queues = state == "READY" and task.kind ~= "item" and attempt == 0
  self.queued[id] = queues and not task.writes and self:queues(id) or nil
end

function Watch:changes()
  local list = self.list
  for i = 1, self.sim:changes(list), 4 do
    local id = list[i]
    self:changed(id, self.tasks[id], list[i + 1], list[i + 2], list[i + 3])
  end
end

--- Of whom something is asked that was not answered, the first; nil: of nobody.
function Watch:is_asked()
  return self.sim:pending(self.list) > 0 and self.list[1] or nil
end

--- Is any task or item looked up or sealed?
function Watch:is_kept()
  for id in pairs(self.asked) do
    local info = self.sim:info(id)
    if info.looking or info.sealed then return true end
  end
  return false
end

-- What is asked of what keeps the run, after this step.
function Watch:questions()
  local list, looking = self.list, {}
  self.asked = {}
  for i = 1, self.sim:pending(list), 2 do
    local id, task = list[i], self.tasks[list[i]]
    self.asked[id] = list[i + 1]
    if list[i + 1] == "seal" then
      task.sealed = self.sim:kept(id)
    elseif task.kind ~= "item" and self.sim:info(id).looking then
      looking[id] = true
    end
  end
  for id in pairs(self.looking) do
    local task = self.tasks[id]
    if not looking[id] and not task.writes and task.attempt == 0 and self:queues(id) then
      self.queued[id] = true
    end
  end
  self.looking = looking
end

--- After a step: every promise, or an error.
function Watch:check()
  self:events()
  self:changes()
  if self.durable then self:questions() end
  local wrong = self.sim:check()
  if wrong then broken("%s", wrong) end
  self.settled = not self.ranked or self.sim:figures().ranked
end

--- After the end of everything.
function Watch:check_end()
  local figures = self.sim:figures()
  for id, task in ipairs(self.tasks) do
    if not task.final then broken("t%d never ended: it is %s", id, self.sim:info(id).state) end
  end
  for _, name in ipairs { "live", "open_items", "timers", "items", "writing", "writers",
                          "asked" } do
    if figures[name] ~= 0 then broken("%s is %d", name, figures[name]) end
  end
  if figures.active ~= 1 then broken("active is %d", figures.active) end
  figures.limits.lua, figures.limits.process = figures.lua, figures.process
  for name, limit in pairs(figures.limits) do
    if limit.used ~= 0 or limit.waiting ~= 0 then
      broken("%s: %d used, %d waiting", name, limit.used, limit.waiting)
    end
  end
end

return M
