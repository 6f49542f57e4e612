--- orun.batches: tasks in batches, each started when what it needs is done.
--
-- Pattern 2 of the guide. The batches say which must run before which; by default
-- nothing waits longer than for that: a task starts when its own blockers have
-- completed, though the rest of their batch may still be running. With
-- `barrier = true` each batch waits for the whole one before it.
--
--     local orun = require "orun"
--     orun.agent{name = "coder", run = function(_, task) return "did " .. task.prompt end}
--     local function step(name)
--       return {name = name, details = name:lower(), agent_type = "coder"}
--     end
--     local results = orun.batches({
--       {tasks = {step "Schema", step "Config"}, blockedBy = {}},
--       {tasks = {step "Server"}, blockedBy = {1, 2}},       -- tasks 1 and 2
--       {tasks = {step "Client"}, blockedBy = {"Server"}},   -- or by name
--     }, {progress = false})
--     print(results[3].output)             --> did server
--     print(results.named.Client.output)   --> did client
--     print(results.ok)                    --> true
--
-- Glossary
--   number  a task's place counted through the batches, from 1
--   batch   {tasks = array, blockedBy = array, name = string}

local as_completed = require "orun.as_completed"
local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local plan = require "orun.pattern.batch_plan"
local progress = require "orun.pattern.batch_progress"
local summary = require "orun.pattern.summary"

local OPTIONS <const> = {barrier = "boolean", progress = "hook", defaults = "table"}

--- Handles in the place of entries: what Task takes for blockedBy and input.
local function to_handles(entries, handles)
  local out = {}
  for key, entry in next, entries do out[key] = handles[entry.number] or entry end
  return out
end

local function start(entry, handles)
  local spec = entry.spec
  spec.blockedBy = to_handles(entry.blockers, handles)
  if entry.from_many then
    spec.input = to_handles(entry.from_many, handles)
  elseif entry.from_one then
    spec.input = to_handles({entry.from_one}, handles)[1]
  end
  local handle, why = launch.start(spec)
  return handle, why and ("%s: %s"):format(entry.place, why)
end

--- The entries in the groups that are started together.
local function groups_of(entries, batches, barrier)
  if not barrier then return {entries} end
  local groups = {}
  for b = 1, batches do groups[b] = {} end
  for _, entry in ipairs(entries) do table.insert(groups[entry.batch], entry) end
  return groups
end

--- Runs batches of tasks.
-- @param data  array of batches, `{tasks = {...}, blockedBy = {...}}`. A task has
--   name, details and agent_type as in the guide, or any field of Task, or is a
--   function. `blockedBy`, of a batch or of one task, lists numbers, names or
--   handles. `from`, a reference or a table of them, makes the output of those
--   tasks the task's input.
-- @param opts  table or nil:
--   barrier   true: a batch starts when the one before has ended
--   progress  function{batch, batches, done, failed, cancelled, seconds} called
--             when a batch has ended (seconds since the start); false: silence;
--             default: a line on stderr
--   defaults  Task fields for the tasks that do not set them
-- @return array of results by number, with `.batches` (the same by batch),
--   `.named` (by name), `.failed` and `.ok`. What waits for a failed task is
--   cancelled, with error_kind "blocked"; the others go on.
-- Raises, before anything starts, for unknown or later references and cycles.
local function batches(data, opts)
  opts = check.options("orun.batches", opts, OPTIONS)
  check.array("orun.batches", "batches", data)
  local entries, why = plan(data, opts.defaults)
  if not entries then error("orun.batches: " .. why, 2) end
  local count = progress(entries, #data, opts.progress)

  local results, handles = {batches = {}, named = {}}, {}
  for b = 1, #data do results.batches[b] = {} end
  local _ <close> = launch.guard(handles)
  for _, group in ipairs(groups_of(entries, #data, opts.barrier)) do
    local started = {}
    for i, entry in ipairs(group) do
      started[i], why = start(entry, handles)
      if not started[i] then error("orun.batches: " .. why, 2) end
      handles[entry.number] = started[i]
    end
    for result, i in as_completed(started) do
      results[group[i].number] = result
      count(group[i], result)
    end
  end
  for _, entry in ipairs(entries) do
    local result = results[entry.number]
    table.insert(results.batches[entry.batch], result)
    if entry.name then results.named[entry.name] = result end
  end
  return summary(results)
end

return batches
