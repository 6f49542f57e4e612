--- orun.workers: a few workers share out a list until nothing is left.
--
-- Pattern 4 of the guide, for many similar items. Each worker is a task that
-- claims the next unblocked item, does it, marks it, and repeats; items that are
-- added or unblocked meanwhile are theirs too. A worker leaves when no item is
-- unfinished, not when all are taken: one that is being done may still unblock
-- another.
--
--     local orun = require "orun"
--     local results = orun.workers{
--       count = 3,
--       items = {
--         {description = "one", metadata = {n = 1}},
--         {description = "two", metadata = {n = 2}},
--         {description = "bad", metadata = {}},
--       },
--       run = function(item) return item.metadata.n * 10 end,
--     }
--     for _, result in ipairs(results) do print(result.output or result.status) end
--     --> 10
--     --> 20
--     --> failed
--
-- Glossary
--   item     an entry of the task list, made with TaskCreate
--   worker   a task that runs items
--   attempt  one claim of an item; the item of a worker that dies is released

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local orun = require "orun"
local summary = require "orun.pattern.summary"

local FIELDS <const> = {
  count = "count",
  run = "function",
  command = "table",
  items = "table",
  max_attempts = "count",
  defaults = "table",
}

local COUNT <const> = 5
local MAX_ATTEMPTS <const> = 3
local GIVEN_UP <const> = "given up: %d workers died while doing it"

--- The function of a worker's task: claims and runs items until none is left.
local function worker_of(run, max_attempts)
  return function(_, task)
    local done = 0
    while true do
      local item = orun.claim{wait = true}
      if not item then return done end
      local ok, output = false, GIVEN_UP:format(max_attempts)
      if item.attempts <= max_attempts then ok, output = pcall(run, item, task) end
      if not ok and orun.stopping() then error(output, 0) end -- the item goes back
      if ok then
        orun.TaskUpdate{task_id = item.id, status = "completed", output = output}
      else
        orun.TaskUpdate{task_id = item.id, status = "failed", error = tostring(output)}
      end
      done = done + 1
    end
  end
end

--- The function of an item that a program does: it reads the item's prompt and
--- input, or its description when it has neither.
local function program_of(command)
  return function(item)
    local nothing = item.prompt == nil and item.input == nil
    local result = orun.Task{command = command, input = item.input,
      prompt = item.prompt or nothing and item.description or nil,
      description = item.description, env = {ORUN_ITEM_ID = item.id}}
    return result.status == "completed" and result.output or error(result.error, 0)
  end
end

--- Puts items on the list; nil, or what TaskCreate said.
local function create(items)
  for i, item in ipairs(items) do
    local ok, why = pcall(orun.TaskCreate, item)
    if not ok and orun.stopping() then error(why, 0) end
    if not ok then return ("items[%d]: %s"):format(i, why) end
  end
end

--- The items of the list.
local function list()
  return orun.TaskList()
end

--- How many of them nobody has finished yet.
local function unfinished()
  return #list():filter{status = {"pending", "in_progress"}}
end

--- Starts `count` workers and, for each that dies, another while items are left.
-- @return how many were started; or nil and Task's message
local function employ(count, spec, max_attempts)
  local handles, collector, started = {}, orun.collector{}, 0
  local _ <close> = launch.guard(handles)
  local function hire()
    started = started + 1
    spec.description = ("worker %d"):format(started)
    local handle, why = launch.start(spec)
    if not handle then return why end
    handles[started] = handle
    collector:add(handle)
  end
  for _ = 1, count do
    local why = hire()
    if why then return nil, why end
  end
  for result in function() return collector:next() end do
    local died = result.status ~= "completed"
    if died and unfinished() > 0 and started < count + max_attempts * #list() then
      hire()
    end
  end
  return started
end

--- Runs the list.
-- @param fields  table:
--   command       in place of run, a program as Task's: it reads an item's prompt
--                 and input (its description when there is neither), and what it
--                 prints is the item's output; ORUN_ITEM_ID names the item
--   run           function(item, task) -> output, called in a worker; item is
--                 {id, description, metadata, ...}; an error makes the item
--                 "failed", and the worker goes on with the next
--   count         how many workers (default 5, and never more than items)
--   items         array of TaskCreate specs to put on the list first; optional
--   max_attempts  how many workers may die of one item before it counts as
--                 failed (default 3)
--   defaults      Task fields for the workers, such as {memory_limit = "64MiB"}
-- @return array of the items' results as TaskOutput's, in the order they were
--   created: all that were unfinished at the start and all made since; `.failed`
--   and `.ok`; `.workers`, how many were started
-- Raises for a wrong field, or for an item that TaskCreate refuses.
local function workers(fields)
  fields = check.options("orun.workers", fields, FIELDS)
  if fields.run and fields.command then
    error("orun.workers: both run and command are given; an item is done by one of them", 2)
  end
  local run = fields.command and program_of(fields.command) or fields.run
  check.argument("orun.workers", "run", run, "function")
  if fields.items then check.array("orun.workers", "items", fields.items) end
  local finished = {}
  for _, item in ipairs(list()) do
    finished[item.id] = item.status ~= "pending" and item.status ~= "in_progress"
  end
  local why = create(fields.items or {})
  if why then error("orun.workers: " .. why, 2) end

  local max_attempts = fields.max_attempts or MAX_ATTEMPTS
  local count = math.min(fields.count or COUNT, unfinished())
  local spec = launch.spec(worker_of(run, max_attempts), fields.defaults)
  local started
  started, why = employ(count, spec, max_attempts)
  if not started then error("orun.workers: " .. why, 2) end

  local results = {workers = started}
  for _, item in ipairs(list()) do
    if not finished[item.id] then
      results[#results + 1] = orun.TaskOutput{task_id = item.id, block = false}
    end
  end
  return summary(results)
end

return workers
