--- orun.kept.tasks: what the tasks of a kept run have ended with, from its facts.
--
-- Glossary
--   task  name (its id; "t3@1" where a later try gave that id to another task), task_id, try (the
--         one in which it ran), status, description, agent, error, error_kind, exit_code,
--         attempts, duration, cost, usage, model, phase, file, line, seq (of its fact), bytes;
--         damaged: true where not all of it can be read

local M = {}

local NAMES <const> = {"task_id", "status", "description", "agent", "error", "error_kind",
  "exit_code", "signal", "attempts", "duration", "cost", "usage", "model", "session", "phase",
  "file", "line"}
local FEW <const> = {"task_id", "status"}
local KINDS <const> = {task_id = "string", status = "string", description = "string",
  agent = "string", error = "string", error_kind = "string", model = "string", session = "string",
  phase = "string", file = "string", cost = "number", duration = "number", usage = "table"}

-- A task of a fact; what is of another kind than it should be is left out.
local function task_of(fact, try)
  local task = {try = try, seq = fact.seq, bytes = fact.size, damaged = fact.damaged}
  for _, name in ipairs(NAMES) do
    local value = fact[name]
    if type(value) == (KINDS[name] or "number") then task[name] = value end
  end
  return task
end

-- The newest outcome of each key, in the order in which they were kept.
local function newest(facts)
  local try, at, list = 0, {}, {}
  for _, fact in ipairs(facts) do
    if fact.fact == "run" then
      try = try + 1
    elseif fact.fact == "outcome" then
      local old = at[fact.fact_key]
      if old then list[old] = false end
      list[#list + 1] = task_of(fact, try)
      at[fact.fact_key] = #list
    end
  end
  local tasks = {}
  for _, task in ipairs(list) do
    if task then tasks[#tasks + 1] = task end
  end
  return tasks
end

-- An id belongs to the newest task that had it; others have their try behind it.
local function name(tasks)
  local taken = {}
  for i = #tasks, 1, -1 do
    local task = tasks[i]
    local id = task.task_id or "?"
    task.name = taken[id] and ("%s@%d"):format(id, task.try) or id
    taken[id] = true
  end
end

local function facts_of(run, names)
  local store, why = orun.kept_open(run.file)
  if not store then return nil, why end
  local facts
  facts, why = store:facts(run.id, names)
  store:close()
  return facts, why
end

--- The tasks of a run, in the order in which they ended; nil and why they cannot be read.
function M.of(run)
  local facts, why = facts_of(run, NAMES)
  if not facts then return nil, why end
  local tasks = newest(facts)
  name(tasks)
  return tasks
end

--- How many tasks there are of each status; nil and why they cannot be read.
function M.counts(run)
  local facts, why = facts_of(run, FEW)
  if not facts then return nil, why end
  local counts = {completed = 0, failed = 0}
  for _, task in ipairs(newest(facts)) do
    if counts[task.status] then counts[task.status] = counts[task.status] + 1 end
  end
  return counts
end

--- What a task has printed, or ended with, as bytes: of a program what it printed, a string as
--- it is, anything else as JSON.
-- @param err  true: what it printed to standard error
-- @param text function(value) -> JSON
-- @return the bytes; nil and why there are none
function M.output(run, task, err, text)
  local store <close>, why = orun.kept_open(run.file)
  if not store then return nil, why end
  local bytes
  bytes, why = store:data(run.id, task.seq, err and "stderr" or "stdout")
  if bytes or why then return bytes, why end
  if err then return "" end
  local found, value = store:value(run.id, task.seq, "output")
  if found == nil then return nil, value end
  if not found then value = nil end
  return type(value) == "string" and value or text(value)
end

return M
