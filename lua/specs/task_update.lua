--- orun.specs.task_update: a list of tasks after its specification has changed.
--
--     local tasks, counts = task_update(old, new, finished)
--
-- What is the same keeps its id, by its subject, and who does it and how, which people may have
-- written into the list. What has been done stays as it is; if its section
-- has changed since, a task "Update: ..." follows it. What is no longer asked for goes.
--
-- Glossary
--   old, new   tasks as of specs/task_list.lua
--   finished   {[id] = true} of old ones that are done

local json = require "orun.json"

local UPDATE <const> = "Update: "

local function same(a, b)
  if a.source and b.source then return a.source == b.source end
  return a.description == b.description
end

local BY_HAND <const> = {"agent", "command", "check", "files", "priority"}

local function by_subject(tasks)
  local by = {}
  for _, task in ipairs(tasks) do by[task.subject:lower()] = task end
  return by
end

-- The next free id of a phase.
local function next_id(phase, taken)
  local n = 1
  while taken[("%d.%d"):format(phase, n)] do n = n + 1 end
  local id = ("%d.%d"):format(phase, n)
  taken[id] = true
  return id
end

-- What a task that was done is to become now.
local function update_of(task, known, finished, by)
  local subject = task.subject
  while known and finished[known.id] and not same(known, task) do
    subject, task.follows = UPDATE .. subject, known.id
    known = by[subject:lower()]
  end
  task.subject = subject
  return known
end

local function order(a, b)
  if a.phase ~= b.phase then return a.phase < b.phase end
  local x, y = tonumber(a.id:match("%d+$")) or 0, tonumber(b.id:match("%d+$")) or 0
  if x ~= y then return x < y end
  return a.id < b.id
end

--- The tasks as they are now, and {kept =, changed =, added =, removed =}.
return function(old, new, finished)
  local by, taken, ids, used = by_subject(old), {}, {}, {}
  local tasks, counts = {}, {kept = 0, changed = 0, added = 0, removed = 0}
  for _, task in ipairs(old) do taken[task.id] = true end
  for _, task in ipairs(new) do
    local known = update_of(task, by[task.subject:lower()], finished, by)
    local id = known and known.id or next_id(task.phase, taken)
    local what = not known and "added" or same(known, task) and "kept" or "changed"
    counts[what] = counts[what] + 1
    ids[task.id], used[id] = id, true
    if known and finished[id] then
      task = known
    else
      task.id, task.renamed = id, true
      for _, field in ipairs(known and BY_HAND or {}) do
        task[field] = task[field] or known[field]
      end
    end
    tasks[#tasks + 1] = task
  end
  for _, task in ipairs(old) do
    if not used[task.id] and finished[task.id] then
      tasks[#tasks + 1], used[task.id] = task, true
    elseif not used[task.id] then
      counts.removed = counts.removed + 1
    end
  end
  for _, task in ipairs(tasks) do
    local after, seen = json.array{}, {[task.id] = true}
    for _, id in ipairs(task.dependencies) do
      id = task.renamed and (ids[id] or id) or id
      if (used[id] or task.renamed) and not seen[id] then after[#after + 1], seen[id] = id, true end
    end
    if task.follows and not seen[task.follows] then after[#after + 1] = task.follows end
    task.dependencies, task.renamed, task.follows = after, nil, nil
  end
  table.sort(tasks, order)
  return tasks, counts
end
