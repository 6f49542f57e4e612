--- orun.llm.tools: the tools that an LLM may use.
--
-- A tool is a name, words that tell the model what it is for, a JSON Schema of
-- its arguments and a function. Only tools that the agent type names are told
-- to the model, and only those are run, with arguments that fit the schema.
-- Each call of a function runs as a task of its own, those of one turn side by
-- side; the primitives act in the name of the agent's own task.
--
--     tools = {"read_file", "grep", {
--       name = "ticket", description = "The text of a ticket.",
--       schema = {type = "object", properties = {id = {type = "integer"}}, required = {"id"}},
--       run = function(input) return tickets(input.id) end,
--     }}
--
-- A tool may say which permissions of a task it needs, permissions = "edit" or "full": an
-- agent with less is not told of it, and a call of it all the same is refused, which the
-- task's result tells (denials). Of the built-in ones run needs "full".
--
-- Built-in ones: read_file, list_files, grep (they stay inside `root`, links
-- followed) and run (a shell command in `root`); and the primitives Task,
-- TaskOutput, TaskStop, TaskList, TaskGet, TaskCreate, TaskUpdate, TaskClaim.

local check = require "orun.util.check"
local json = require "orun.json"
local preset = require "orun.preset"
local schema = require "orun.schema"

local M = {}

local MAX_RESULT <const> = 64 << 10 -- bytes of a result that the model is given
local LEVELS <const> = {read = 1, edit = 2, full = 3}

local function builtin(name)
  return require("orun.llm.files")[name] or require("orun.control.task_tools")[name]
end

-- ---- definition ----

local function wrong(agent, i, text, ...)
  error(("agent %q: tools[%d]" .. text):format(tostring(agent), i, ...), 0)
end

local function check_one(agent, i, tool)
  if type(tool) == "string" then
    if builtin(tool) then return tool end
    wrong(agent, i, " = %q: there is no such built-in tool; known are: %s", tool,
      "read_file, list_files, grep, run, Task, TaskOutput, TaskStop, TaskList, TaskGet, "
      .. "TaskCreate, TaskUpdate, TaskClaim")
  end
  if type(tool) ~= "table" then
    wrong(agent, i, " = %s: expected a name or a table {name=, description=, schema=, run=}",
      check.show(tool))
  end
  if type(tool.name) ~= "string" or not tool.name:find("^[%w_-]+$") or #tool.name > 64 then
    wrong(agent, i, ".name = %s: expected up to 64 letters, digits, _ and -",
      check.show(tool.name))
  end
  if type(tool.run) ~= "function" then
    wrong(agent, i, " (%s): run = %s: expected a function", tool.name, check.show(tool.run))
  end
  if type(tool.description) ~= "string" then
    wrong(agent, i, " (%s): description is missing; the model goes by it", tool.name)
  end
  local form = tool.schema or {type = "object"}
  local checker, why = schema.new(form)
  if not checker then wrong(agent, i, " (%s): schema%s", tool.name, why) end
  if tool.permissions ~= nil and not LEVELS[tool.permissions] then
    wrong(agent, i, " (%s): permissions = %s: expected \"read\", \"edit\" or \"full\"", tool.name,
      check.show(tool.permissions))
  end
  return {name = tool.name, description = tool.description, schema = form, run = tool.run,
          timeout = tool.timeout, permissions = tool.permissions}
end

--- The tools of an agent type, checked, as they go into its config.
function M.check(agent, tools)
  if type(tools) ~= "table" then
    error(("agent %q: tools = %s: expected an array"):format(tostring(agent),
      check.show(tools)), 0)
  end
  local checked, seen = {}, {}
  for i, tool in ipairs(tools) do
    checked[i] = check_one(agent, i, tool)
    local name = type(tool) == "string" and tool or tool.name
    if seen[name] then wrong(agent, i, ": the name %q is taken", name) end
    seen[name] = true
  end
  return checked
end

-- ---- use ----

local Tools <const> = {__name = "orun.tools"}
Tools.__index = Tools

--- The tools of a config, ready for a conversation.
-- @param root         the folder of the built-in ones; nil: the working directory
-- @param permissions  of the task; nil: all
function M.open(config, root, permissions)
  local self = setmetatable({root = root, list = {}, named = {}, kept = {}, state = {}}, Tools)
  local most = LEVELS[permissions or "full"]
  for _, tool in ipairs(config) do
    local name = type(tool) == "string" and tool or tool.name
    local one = type(tool) == "string" and builtin(tool) or tool
    if LEVELS[one.permissions or "read"] > most then
      self.kept[name] = permissions
      goto next
    end
    self.list[#self.list + 1] = {name = name, description = one.description, schema = one.schema}
    self.named[name] = {name = name, run = one.run, here = one.here, timeout = one.timeout,
                        checker = assert(schema.new(one.schema))}
    ::next::
  end
  return self
end

--- The tools offered to the model: an array of {name, description, schema}; nil for none.
function Tools:offered()
  return self.list[1] and self.list or nil
end

-- A result as the model sees it; nil and why there is no text for it.
local function text_of(value)
  local text = value
  if type(value) ~= "string" then
    local ok
    ok, text = pcall(json.encode, value == nil and json.null or value,
      {lossy = true, name = "result"})
    if not ok then return nil, (tostring(text):gsub("^.-json%.encode: ", "")) end
  end
  if #text <= MAX_RESULT then return text end
  return ("%s\n[cut: %d of %d bytes]"):format(text:sub(1, MAX_RESULT), MAX_RESULT, #text)
end

-- Why a call is not made, or nil.
local function refusal(tools, call)
  local tool = tools.named[call.name]
  if not tool and tools.kept[call.name] then
    preset.deny(tools.state, call.name, preset.what(call.input))
    orun.report{denials = tools.state.denials}
    return ("the tool %s is not allowed: the task's permissions are \"%s\""):format(call.name,
      tools.kept[call.name])
  end
  if not tool then
    local names = {}
    for _, one in ipairs(tools.list) do names[#names + 1] = one.name end
    return ("there is no tool %q; there are: %s"):format(tostring(call.name),
      #names > 0 and table.concat(names, ", ") or "none")
  end
  if type(call.input) ~= "table" then return "the arguments are not a JSON object" end
  local sayable, odd = preset.sayable(call.input)
  if not sayable then return "the arguments cannot be used: " .. odd end
  local ok, errors = tool.checker:check(call.input)
  if not ok then return "the arguments do not fit: " .. table.concat(errors, "; ") end
end

local function failed(call, why)
  local text = text_of(why) or "the tool has failed"
  return {id = call.id, name = call.name, text = "error: " .. text, failed = true}
end

local function done(call, value)
  local text, why = text_of(value)
  if not text then return failed(call, "what the tool gave has no JSON: " .. why) end
  return {id = call.id, name = call.name, text = text}
end

-- Begin a call: its result when that is known at once, or the task.
local function begin(tools, call)
  local why = refusal(tools, call)
  if why then return failed(call, why) end
  local tool = tools.named[call.name]
  if tool.here then return nil, tool end
  local ok, task = pcall(Task, {
    description = "tool " .. tool.name, run = tool.run, timeout = tool.timeout,
    input = call.input, prompt = tools.root, metadata = {tool = tool.name},
    run_in_background = true,
  })
  if not ok then return failed(call, (tostring(task):gsub("^[^:]+:%d+: ", ""))) end
  return nil, tool, task
end

-- The result of a primitive, which is called in the agent's own task.
local function result_here(tool, call)
  local ok, value = pcall(tool.run, call.input)
  if not ok and orun.stopping() then error(value, 0) end
  if not ok then
    return failed(call, (tostring(value):gsub("^[^:]+:%d+: ", "")))
  end
  return done(call, value)
end

local function result_of(task, call)
  local r = TaskOutput(task)
  if r.status ~= "completed" then return failed(call, r.error or r.status) end
  return done(call, r.output)
end

--- Do what the model asks for.
-- @param calls  array of {id, name, input}
-- @return array of {id, name, text, failed}, in the same order. Raises nothing
--   for a tool that fails: the model gets the error
function Tools:answer(calls)
  local results, begun = {}, {}
  for i, call in ipairs(calls) do
    local result, tool, task = begin(self, call)
    results[i] = result
    begun[i] = {tool = tool, task = task}
    orun.report{activity = ("tool %s"):format(tostring(call.name))}
  end
  for i, call in ipairs(calls) do
    if not results[i] then
      local one = begun[i]
      results[i] = one.task and result_of(one.task, call) or result_here(one.tool, call)
    end
  end
  return results
end

return M
