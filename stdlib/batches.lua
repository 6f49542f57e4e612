--- orun.batches: tasks in batches, each started when what it needs is done.
--
-- Pattern 2 of the guide. The batches say who must come before whom; by default
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

local check = require "orun.util.check"
local pattern = require "orun.pattern.run"
local plan = require "orun.pattern.batch_plan"
local progress = require "orun.pattern.batch_progress"

local OPTIONS <const> = pattern.options{barrier = "boolean"}

--- Handles in the place of entries: what Task takes for blockedBy and input.
local function to_handles(entries, handles)
  local out = {}
  for key, entry in next, entries do out[key] = handles[entry.number] or entry end
  return out
end

--- The spec of an entry's task, whose blockers have been started.
local function spec_of(entry, handles)
  local spec = entry.spec
  spec.blockedBy = to_handles(entry.blockers, handles)
  if entry.from_many then
    spec.input = to_handles(entry.from_many, handles)
  elseif entry.from_one then
    spec.input = to_handles({entry.from_one}, handles)[1]
  end
  return spec
end

--- Runs batches of tasks.
-- @param data  array of batches, `{tasks = {...}, blockedBy = {...}}`. A task has
--   name, details and agent_type as in the guide, or any field of Task, or is a
--   function. `blockedBy`, of a batch or of one task, lists numbers, names or
--   handles. `from`, a reference or a table of them, makes the output of those
--   tasks the task's input.
-- @param opts  table or nil: the options of all patterns (see the README), and
--   barrier   true: a batch starts when the one before has ended
--   progress  function{batch, batches, done, failed, cancelled, skipped, seconds}
--             called when a batch has ended (seconds since the start); true, the
--             default: a line on stderr; false: silence
-- @return array of results by number, with `.batches` (the same by batch),
--   `.named` (by name), `.failed` and `.ok`. What waits for a failed task is
--   cancelled, with error_kind "blocked"; the others go on.
-- Raises, before anything starts, for unknown or later references and cycles.
local function batches(data, opts)
  opts = check.options("orun.batches", opts, OPTIONS)
  check.array("orun.batches", "batches", data)
  local entries, why = plan(data, opts.defaults)
  if not entries then error("orun.batches: " .. why, 2) end
  local count, handles = progress(entries, #data, opts.progress), {}
  local results, wrong = pattern.run{n = #entries, opts = opts, handles = handles,
    spec = function(i) return entries[i] and spec_of(entries[i], handles) end,
    named = function(i) return entries[i].place end,
    alone = function(i)
      return opts.barrier and i > 1 and entries[i] and entries[i].batch ~= entries[i - 1].batch
    end,
    progress = function(result, i) count(entries[i], result) end}
  if not results then error("orun.batches: " .. wrong, 2) end

  local by_batch, named = {}, {}
  for b = 1, #data do by_batch[b] = {} end
  for place, entry in ipairs(entries) do
    local result = results[place]
    local whose = opts.order == "done" and entries[result.index] or entry
    table.insert(by_batch[whose.batch], result)
    if whose.name then named[whose.name] = result end
  end
  results.batches, results.named = by_batch, named
  return results
end

return batches
