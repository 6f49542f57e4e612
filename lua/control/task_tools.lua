--- orun.control.task_tools: the primitives as tools of agents.
--
-- Each has the words and the form of its arguments that models know, and a
-- function that does it in the name of the task whose code calls it. The same
-- table serves agents that are LLMs and those that speak MCP.

local M = {}

local function properties(t, required)
  return {type = "object", properties = t, required = required, additionalProperties = false}
end

local function text(description) return {type = "string", description = description} end
local ID <const> = {type = "string", description = "the task's id, such as t3"}
local IDS <const> = {type = "array", items = {type = "string"}}

-- Its title, which TaskUpdate may have changed.
local function subject_of(e)
  local subject = e.metadata and e.metadata.subject
  return type(subject) == "string" and subject or e.description
end

-- A program, or a model, may read what its task started, claimed or waited for, but not
-- what other tasks got and returned.
local function readable(id)
  return require("orun.overview").readable(id)
end

-- What may be told of a task in a few words.
local function entry(e, whole)
  if not e then return nil end
  whole = whole and readable(e.id)
  return {id = e.id, subject = subject_of(e), status = e.status, owner = e.owner,
          blockedBy = e.blockedBy[1] and e.blockedBy or nil, kind = e.kind,
          activity = e.activity, metadata = e.metadata, attempts = whole and e.attempts or nil,
          description = whole and e.prompt or nil, input = whole and e.input or nil}
end

local function result(r)
  return {task_id = r.task_id, status = r.status, output = r.output, error = r.error,
          error_kind = r.error_kind, skipped = r.skipped, fresh = r.fresh,
          cached = r.cached,
          half_written = r.half_written, timed_out = r.timed_out}
end

-- An error that says why a primitive refused: shown it is the message.
local Refusal <const> = {__name = "orun.refusal", __tostring = function(r) return r.message end}

-- What is nil, message, reason of a primitive is an error here: {message=, reason=}.
local function must(value, message, reason)
  if value == nil then error(setmetatable({message = message, reason = reason}, Refusal), 0) end
  return value
end

-- Models know some of the tools with another name for the id.
local function id_of(input)
  local id = input.task_id or input.taskId
  if not id then error("task_id is missing: the task's id, such as t3", 0) end
  return id
end

M.Task = {here = true,
  description = "Have another agent do something. Give run_in_background to go on meanwhile and "
    .. "read the result with TaskOutput later; start all that is independent before waiting.",
  schema = properties({
    subagent_type = text "the type of agent",
    prompt = text "what it is to do, with all it must know",
    description = text "three to five words",
    model = text "the model that is to answer",
    permissions = {enum = {"read", "edit", "full"}, description = "what it may do: read, change "
      .. "files, or all; never more than you"},
    run_in_background = {type = "boolean"},
    blockedBy = IDS,
  }, {"prompt"}),
  run = function(input)
    local task = Task{subagent_type = input.subagent_type, prompt = input.prompt,
                      description = input.description, model = input.model,
                      permissions = input.permissions,
                      blockedBy = input.blockedBy, run_in_background = true}
    if input.run_in_background then return {task_id = task.id, status = "async_launched"} end
    return result(TaskOutput(task))
  end,
}

M.TaskOutput = {here = true,
  description = "The result of a task; waits for it unless block is false.",
  schema = properties{task_id = ID, taskId = ID, block = {type = "boolean"},
    timeout = {type = "number", minimum = 0, description = "seconds to wait at most"}},
  run = function(input)
    local id = id_of(input)
    if not readable(id) then
      error(("TaskOutput: %s is not a task of this one: it may read what it started, claimed or "
        .. "had to wait for"):format(id), 0)
    end
    return result(TaskOutput{task_id = id, block = input.block,
                             timeout = input.timeout})
  end,
}

M.TaskStop = {here = true,
  description = "Stop a task and all it has started.",
  schema = properties{task_id = ID, taskId = ID},
  run = function(input)
    local id = id_of(input)
    must(TaskStop{task_id = id})
    return {task_id = id, message = "it is being stopped"}
  end,
}

M.TaskList = {here = true,
  description = "The items of the shared list: pending ones without blockers can be claimed.",
  schema = properties{status = {enum = {"pending", "in_progress", "completed", "failed",
    "cancelled"}}, owner = text "only what this one has",
    kind = {enum = {"item", "task", "all"}}},
  run = function(input)
    local rows = {}
    for i, e in ipairs(TaskList{status = input.status, owner = input.owner, kind = input.kind}) do
      rows[i] = entry(e)
    end
    return {tasks = rows[1] and rows or require("orun.json").array()}
  end,
}

M.TaskGet = {here = true,
  description = "One entry of the list.",
  schema = properties{task_id = ID, taskId = ID},
  run = function(input)
    return {task = entry(TaskGet(id_of(input)), true) or require("orun.json").null}
  end,
}

M.TaskCreate = {here = true,
  description = "Put an item on the shared list, for somebody to claim.",
  schema = properties({subject = text "a short title",
    description = text "what is to be done, with all that must be known", blockedBy = IDS,
    activeForm = text "the title while it is being done, as in 'Running tests'",
    metadata = {type = "object"}}, {"subject"}),
  run = function(input)
    local item = TaskCreate{subject = input.subject, description = input.description,
                            activeForm = input.activeForm, blockedBy = input.blockedBy,
                            metadata = input.metadata}
    return {task = {id = item.id, subject = input.subject}}
  end,
}

M.TaskUpdate = {here = true,
  description = "Change an item: in_progress claims it (only one can), completed or failed ends "
    .. "it with its output, pending releases it.",
  schema = properties{task_id = ID, taskId = ID, status = {enum = {"pending", "in_progress",
    "completed", "failed", "deleted"}}, output = text "the result", error = text "why it failed",
    owner = text "the name of the claimer", addBlockedBy = IDS, addBlocks = IDS,
    subject = text "a new title", description = text "what is to be done, anew",
    activeForm = text "the title while it is being done", metadata = {type = "object"}},
  run = function(input)
    local id = id_of(input)
    must(TaskUpdate{task_id = id, status = input.status, output = input.output,
                    subject = input.subject, description = input.description,
                    activeForm = input.activeForm,
                    error = input.error, owner = input.owner, addBlockedBy = input.addBlockedBy,
                    addBlocks = input.addBlocks, metadata = input.metadata})
    return {success = true, task_id = id}
  end,
}

-- What a claimer is to know of its item.
local function claimed(item)
  local description = item.metadata and item.metadata.description
  return {id = item.id, subject = subject_of(item),
          description = type(description) == "string" and description or item.prompt,
          input = item.input, metadata = item.metadata, attempts = item.attempts}
end

M.TaskClaim = {here = true,
  description = "Claim an item of the list, by its id or the next free one; the task is null when "
    .. "there is none. An item is yours until you end it with TaskUpdate, or end yourself.",
  schema = properties{task_id = ID, taskId = ID, owner = text "your name", wait = {type = "boolean",
    description = "wait until one can be claimed or none is left"}},
  run = function(input)
    local id = input.task_id or input.taskId
    if id then
      must(TaskUpdate{task_id = id, status = "in_progress", owner = input.owner})
      return {task = claimed(TaskGet(id))}
    end
    local item = orun.claim{owner = input.owner, wait = input.wait}
    return {task = item and claimed(item) or require("orun.json").null}
  end,
}

return M
