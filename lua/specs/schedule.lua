--- orun.specs.schedule: the tasks of a specification, each as soon as those it needs are done.
--
--     schedule.run(todo, plan, known, {start = spec_of, ended = note, result = {}, tries = 1})
--
-- Batches are only the view. A task that ended is looked at before what depends on it starts, as
-- that begins on its work.
--
-- Glossary
--   plan, task   as of specs/task_list.lua
--   known        as of specs/implementation.lua

local orun = require "orun"
local json = require "orun.json"
local spec_folder = require "orun.specs.folder"

local M = {}

-- ---- the plan in words ----

local function doer(task, agent_of)
  return agent_of(task) or task.command and "its command" or "an agent (--backend)"
end

--- The plan as a table for JSON.
function M.rows(slug, plan, known, agent_of)
  local batches = json.array{}
  for b, batch in ipairs(plan.batches) do
    batches[b] = json.array{}
    for i, task in ipairs(batch) do
      batches[b][i] = {id = task.id, subject = task.subject, by = doer(task, agent_of),
        command = not agent_of(task) and task.command or nil,
        done = known.finished[task.id] == true, dependencies = task.dependencies}
    end
  end
  return {slug = slug, batches = batches, critical_path = plan.path, sessions = known.sessions}
end

--- The plan as text.
function M.text(slug, plan, known, agent_of)
  local lines, tasks, done = {}, 0, 0
  for b, batch in ipairs(plan.batches) do
    lines[#lines + 1] = ("batch %d"):format(b)
    for _, task in ipairs(batch) do
      local is_done = known.finished[task.id]
      tasks, done = tasks + 1, done + (is_done and 1 or 0)
      lines[#lines + 1] = ("  %s  %s  (%s%s)"):format(task.id, spec_folder.title(task.subject),
        is_done and "done" or "by " .. doer(task, agent_of), task.dependencies[1]
        and not is_done and ", after " .. table.concat(task.dependencies, " ") or "")
    end
  end
  table.insert(lines, 1, ("%s: %s in %s, %d done before; critical path %s"):format(slug,
    spec_folder.count(tasks, "task"), spec_folder.count(#plan.batches, "batch"), done,
    table.concat(plan.path, " -> ")))
  return table.concat(lines, "\n") .. "\n"
end

-- ---- what is to be done ----

--- The tasks that are not done, of one batch or of all.
function M.todo(plan, known, only)
  local todo = {}
  for b, batch in ipairs(plan.batches) do
    for _, task in ipairs(batch) do
      if not known.finished[task.id] and (not only or only == b) then todo[#todo + 1] = task end
    end
  end
  return todo
end

--- Why these cannot all be done: nil, or a message.
function M.lacking(todo, plan, known, agents)
  local among, mute = {}, {}
  for _, task in ipairs(todo) do
    among[task.id] = true
    if not agents and not task.command then mute[#mute + 1] = task.id end
  end
  if mute[1] then
    return ("no agent is asked for, and there is no command for %s: give --backend NAME, or a "
      .. "```sh run block in the specification"):format(table.concat(mute, ", "))
  end
  for _, task in ipairs(todo) do
    for _, id in ipairs(task.dependencies) do
      if not known.finished[id] and not among[id] then
        return ("task %s needs %s of batch %d, which is not done"):format(task.id, id,
          plan.batch[id])
      end
    end
  end
end

-- ---- doing it ----

-- "batch 2: 1 of 3", with what has ended.
local function tell(state, task, how, message)
  local batch = state.plan.batches[state.plan.batch[task.id]]
  local done = 0
  for _, one in ipairs(batch) do done = done + (state.finished[one.id] and 1 or 0) end
  orun.log(("orun spec:execute: %s %s: %s%s (batch %d: %d of %d done)"):format(task.id, how,
    task.subject, message and ": " .. message:match("[^\n]*") or "", state.plan.batch[task.id],
    done, #batch))
end

-- Is all done that it needs?
local function is_ready(state, task)
  if state.begun[task.id] then return false end
  for _, id in ipairs(task.dependencies) do
    if not state.finished[id] then return false end
  end
  return true
end

local function begin(state, task, failed)
  local how = state.how
  state.begun[task.id] = true
  state.tried[task.id] = (state.tried[task.id] or 0) + 1
  orun.phase("batch " .. state.plan.batch[task.id])
  local handle = orun.start(how.start(task, failed))
  state.running[handle.id] = task
  state.count = state.count + 1
  state.ends:add(handle)
end

-- One has ended: it is done, or tried again, or has failed.
local function settle(state, result)
  local how, task = state.how, state.running[result.task_id]
  state.count = state.count - 1
  local tries = how.tries + (state.conflicts[task.id] or 0)
  local done, message, conflict = how.ended(task, result, state.tried[task.id] >= tries)
  if done then
    state.finished[task.id] = true
    how.result.done = how.result.done + 1
    return tell(state, task, "completed")
  end
  -- What collided with others is no fault of its own: it is done again on top of them, once.
  if conflict and not state.conflicts[task.id] then
    state.conflicts[task.id], tries = 1, tries + 1
  end
  if state.tried[task.id] < tries and not state.stopped then
    tell(state, task, "is tried again", message)
    return begin(state, task, message)
  end
  table.insert(how.result.failed, task.id)
  state.stopped = state.stopped or how.stop
  tell(state, task, "failed", message)
end

--- Does them.
-- @param todo  array of tasks
-- @param how   {start = function(task, message of an earlier failure) -> what Task takes,
--              ended = function(task, result, whether it was the last try) -> whether it is
--              done, why not, whether that is a conflict; tries = how often each; stop = true:
--              nothing starts after a failure; jobs = how many at once; result = {done = number,
--              failed = {id}, blocked = {id}}, which is filled}
function M.run(todo, plan, known, how)
  local state = {plan = plan, how = how, finished = known.finished, begun = {}, tried = {},
    running = {}, conflicts = {}, count = 0, ends = orun.collector{}}
  local limit = how.jobs or orun.config().processes
  repeat
    for _, task in ipairs(todo) do
      if state.count < limit and not state.stopped and is_ready(state, task) then
        begin(state, task)
      end
    end
    local result = state.count > 0 and state.ends:next()
    if result then settle(state, result) end
  until not result
  for _, task in ipairs(todo) do
    if not state.begun[task.id] then table.insert(how.result.blocked, task.id) end
  end
end

return M
