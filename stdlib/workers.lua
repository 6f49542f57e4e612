--- orun.workers: a few workers share out a list until nothing is left.
--
-- Pattern 4 of the guide, for many similar items. Each worker is a task that
-- claims the next unblocked item, does it, marks it, and repeats; items that are
-- added or unblocked meanwhile are theirs too. A worker leaves when no item is
-- unfinished, not when all are taken: one that is being done may still unblock
-- another.
--
--     local orun = require "orun"
--     local results = orun.workers(function(item) return item.metadata.n * 10 end, {
--       limit = 3,
--       items = {
--         {description = "one", metadata = {n = 1}},
--         {description = "two", metadata = {n = 2}},
--         {description = "bad", metadata = {}},
--       },
--     })
--     for _, result in ipairs(results) do print(result.output or result.status) end
--     --> 10
--     --> 20
--     --> failed
--
-- Glossary
--   item     an entry of the task list, made with TaskCreate
--   worker   a task that runs items
--   attempt  one claim of an item; a worker that dies gives its item back

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local numbers = require "orun.pattern.numbers"
local orun = require "orun"
local pattern = require "orun.pattern.run"
local skipping = require "orun.util.skipping"
local summary = require "orun.pattern.summary"

local OPTIONS <const> = pattern.options{items = "table", max_attempts = "count",
  count = {now = "limit"}, run = {now = "the first argument: orun.workers(run, {limit = 5})"},
  command = {now = "the first argument: orun.workers({command = {...}}, {limit = 5})"}}

local LIMIT <const> = 5
local MAX_ATTEMPTS <const> = 3
local GIVEN_UP <const> = "given up: %d workers died while doing it"

--- The function of a worker's task: claims and runs items until none is left, and returns how
--- many it ran; nil when the run is drained, and no further item is handed out.
local function worker_of(run, max_attempts, on_failure)
  local go_on = (on_failure or "go_on") == "go_on"
  return function(_, task)
    local done = 0
    while true do
      local item, why = orun.claim{wait = true}
      if not item then return not why and done or nil end
      local ok, output = false, GIVEN_UP:format(max_attempts)
      if item.attempts <= max_attempts then ok, output = pcall(run, item, task) end
      if not ok and orun.stopping() then error(output, 0) end -- the item goes back
      local skipped = not ok and skipping.reason(output)
      if skipped then
        ok = true
        orun.TaskUpdate{task_id = item.id, status = "completed", metadata = {skipped = skipped}}
      elseif ok then
        orun.TaskUpdate{task_id = item.id, status = "completed", output = output}
      else
        orun.TaskUpdate{task_id = item.id, status = "failed", error = tostring(output)}
      end
      done = done + 1
      if not ok and not go_on then return done end
    end
  end
end

--- The function of an item that a program does: it reads the item's prompt and
--- input, or its description when it has neither.
local function program_of(fields)
  return function(item)
    local nothing = item.prompt == nil and item.input == nil
    local spec = {}
    for field, v in next, fields do spec[field] = v end
    spec.input, spec.description = item.input, item.description
    spec.prompt = item.prompt or nothing and item.description or nil
    spec.env = {ORUN_ITEM_ID = item.id}
    for name, v in next, fields.env or {} do spec.env[name] = v end
    local result = orun.Task(spec)
    return result.status == "completed" and result.output or error(result.error, 0)
  end
end

--- What happens in a list while workers do it: results of items, the hands that do them.
local Shift = {}
Shift.__index = Shift

local function open(item)
  return item.status == "pending" or item.status == "in_progress"
end

--- Starts a worker; Task's message when it refuses.
function Shift:hire()
  self.spec.description = ("worker %d"):format(self.hired + 1)
  self.spec.slot = self.numbers:take(self.hired + 1)
  local handle, why = launch.start(self.spec)
  if not handle then return why end
  self.hired, self.hands[handle.id] = self.hired + 1, handle
  self.nth[handle.id] = self.hired
  self.collector:add(handle)
end

--- Looks at the list: watches items that are new; how many are not finished.
function Shift:look()
  local left = 0
  for _, item in ipairs(orun.TaskList()) do
    if open(item) then left = left + 1 end
    if self.known[item.id] == nil then
      self.items[#self.items + 1] = item.id
      self.known[item.id] = #self.items
      self.collector:add(item.id)
    end
  end
  return left
end

--- Nothing more is begun: free items are cancelled; unless they may end, workers, too.
function Shift:halt(may_end)
  self.halted = true
  launch.stop(orun.TaskList{status = "pending"})
  if may_end then return end
  launch.stop(self.hands)
  launch.stop(orun.TaskList():filter(open))
end

--- Keeps the result of an item.
function Shift:put(result, place)
  result.index, self.over[place] = place, true
  self.results[self.opts.order == "done" and #self.results + 1 or place] = result
end

--- An item has ended.
function Shift:ended(result, place)
  local opts = self.opts
  local status = orun.peek(result, "status")
  local field = status == "completed" and "done" or status
  if field == "done" and result.output == nil then
    local item = orun.TaskGet(result.task_id)
    result.skipped = item and item.metadata and item.metadata.skipped
  end
  self:put(result, place)
  self.counted(field, result, place)
  if status == "failed" and (opts.on_failure or "go_on") ~= "go_on" then
    self:halt(opts.on_failure == "drain")
  end
end

--- Works until no worker is left: one that dies is replaced while items are left.
function Shift:work(deadline)
  while next(self.hands) do
    local result, late = self.collector:next(deadline and math.max(0, deadline - orun.ticks()))
    if late then
      self.timed_out, deadline = true, nil
      self:halt()
    elseif not result then
      return
    else
      local id = result.task_id
      local left = self:look()
      if self.known[id] then
        self:ended(result, self.known[id])
      else
        self.numbers:free(self.nth[id])
        self.hands[id], self.nth[id] = nil, nil
        local died = result.status ~= "completed"
        if not died and result.output == nil then self:halt(true) end
        if died and left > 0 and not self.halted
          and self.hired < self.first + self.max_attempts * #self.items then
          self:hire()
        end
      end
    end
  end
end

--- Puts items on the list; nil, or what TaskCreate said.
local function create(items)
  for i, item in ipairs(items) do
    local made, why = launch.start(item, orun.TaskCreate)
    if not made then return ("items[%d]: %s"):format(i, why) end
  end
end

--- A shift for what is on the list and has not ended.
local function shift_of(run, opts)
  local max_attempts = opts.max_attempts or MAX_ATTEMPTS
  local self = setmetatable({opts = opts, hands = {}, nth = {}, hired = 0,
    numbers = numbers(), known = {}, items = {},
    results = {}, over = {}, collector = orun.collector{}, max_attempts = max_attempts,
    counted = pattern.counter(opts.each, opts.progress),
    spec = launch.spec(worker_of(run, max_attempts, opts.on_failure), opts.defaults)}, Shift)
  -- In a run that is gone on with there may be more to do than there was; what is done is kept
  -- with the items.
  self.spec.cache = false
  for _, item in ipairs(orun.TaskList()) do
    if not open(item) then self.known[item.id] = false end
  end
  return self
end

--- Runs the list.
-- @param run   function(item, task) -> output, called in a worker; item is
--              {id, description, metadata, ...}; an error makes the item
--              "failed", and the worker goes on with the next. Or a table with
--              `command` and other fields of Task, a program: it reads an item's prompt
--              and input (its description when there is neither), and what it prints is
--              the item's output; ORUN_ITEM_ID names the item
-- @param opts  table or nil: the options of all patterns (see the README), and
--   limit         how many workers (default 5, and never more than items)
--   items         array of TaskCreate specs to put on the list first
--   max_attempts  how many workers may die of one item before it counts as
--                 failed (default 3)
--   defaults      Task fields for the workers, such as {memory_limit = "64MiB"}
--   on_failure    of an item: "drain" and "stop" cancel the items that are free
-- @return array of the items' results as TaskOutput's, in the order they were
--   created: all that were unfinished at the start and all made since; `.failed`
--   and `.ok`; `.workers`, how many were started
-- Raises for a wrong option, or for an item that TaskCreate refuses.
local function workers(run, opts)
  local program = type(run) == "table" and rawget(run, "command") and run
  if type(run) == "table" and opts == nil and not (program and not rawget(run, "items")) then
    check.options("orun.workers", run, OPTIONS) -- says what the fields are now
  end
  run = program and program_of(program) or run
  check.argument("orun.workers", "run", run, "function")
  opts = check.options("orun.workers", opts, OPTIONS)
  if opts.items then check.array("orun.workers", "items", opts.items) end
  local shift = shift_of(run, opts)
  local deadline = opts.timeout and orun.ticks() + check.seconds(opts.timeout)
  local why = create(opts.items or {})
  if why then error("orun.workers: " .. why, 2) end

  local _ <close> = launch.guard(shift.hands)
  shift.first = math.min(opts.limit or LIMIT, shift:look())
  for _ = 1, shift.first do
    why = shift:hire()
    if why then
      launch.stop(shift.hands)
      error("orun.workers: " .. why, 2)
    end
  end
  shift:work(deadline)

  shift:look()
  local results = shift.results
  for place, id in ipairs(shift.items) do
    if not shift.over[place] then
      shift:put(orun.TaskOutput{task_id = id, block = false}, place)
    end
  end
  results.workers, results.timed_out = shift.hired, shift.timed_out
  return summary(results)
end

return workers
