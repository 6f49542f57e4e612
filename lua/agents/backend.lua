--- orun.agents.backend: turns the definition in an agent file into an agent type.
--
-- A definition (agents/file.lua) says what the agent is to be. `choose` picks the backend
-- that does its work, a program that is an agent or an LLM; `type_of` makes the table for
-- orun.agent, in that backend's words.
--
-- Glossary
--   backend  a name of agents/backends.lua: a program in PATH, or an LLM for which there is a
--            key. All that is known of one is in lua/preset/NAME.lua or lua/llm/NAME.lua
--   own      a tool's name in the words of Claude Code, which most files are written in

local backends = require "orun.agents.backends"
local check = require "orun.util.check"
local preset = require "orun.preset"

local M = {}

local PROGRAMS <const>, LLMS <const> = backends.PROGRAMS, backends.LLMS

--- Tools as the files of claude, gemini and opencode call them -> built-in ones of LLMs.
local OFFERED <const> = {
  Read = "read_file", Glob = "list_files", LS = "list_files", Grep = "grep", Bash = "run",
  read_file = "read_file", read_many_files = "read_file", list_directory = "list_files",
  glob = "list_files", grep_search = "grep", search_file_content = "grep",
  run_shell_command = "run", read = "read_file", list = "list_files", grep = "grep",
  bash = "run", list_files = "list_files", run = "run", Task = "Task", TaskOutput = "TaskOutput",
  TaskStop = "TaskStop", TaskList = "TaskList", TaskGet = "TaskGet", TaskCreate = "TaskCreate",
  TaskUpdate = "TaskUpdate", TaskClaim = "TaskClaim",
}
local READING <const> = {"read_file", "list_files", "grep"}

local CHANGES <const> = {"Edit", "Write", "MultiEdit", "NotebookEdit", "Bash", "write_file",
  "replace", "run_shell_command", "edit", "write", "bash"}

-- ---- what there is ----

local function preset_of(name) return require("orun.preset." .. name) end
local function dialect_of(name) return require("orun.llm." .. name) end

local function has_key(name)
  local key = os.getenv(dialect_of(name).key_env)
  return key ~= nil and key ~= ""
end

local function is_there(name)
  if check.among(PROGRAMS, name) then return orun.program(name) ~= nil end
  return has_key(name)
end

local function absent(name)
  if check.among(PROGRAMS, name) then
    return ("there is no program %s in PATH"):format(name)
  end
  return ("%s is not set"):format(dialect_of(name).key_env)
end

-- What the user asks for, and where it says so.
local function asked()
  local backend = orun.config().backend
  if backend then return backend, "orun.config{backend=}" end
  backend = os.getenv "ORUN_BACKEND"
  if backend and backend ~= "" then return backend, "ORUN_BACKEND" end
end

--- Which backend a definition gets.
-- @param runner  whose file it is, nil for anybody's
-- @return its name, and why it is that; nil and what was looked for
function M.choose(runner)
  local backend, where = asked()
  if backend then
    if not backends.KNOWN[backend] then
      return nil, ("%s says %q, which is not a backend; %s"):format(where, backend,
        backends.EXPECTED)
    end
    if not is_there(backend) then
      return nil, ("%s asks for %s, and %s"):format(where, backend, absent(backend))
    end
    return backend, where .. " asks for it"
  end
  if runner and check.among(PROGRAMS, runner) and orun.program(runner) then
    return runner, "the file is one of " .. runner
  end
  for _, name in ipairs(PROGRAMS) do
    if orun.program(name) then return name, "the first of what is installed" end
  end
  for _, name in ipairs(LLMS) do
    if has_key(name) then
      return name, dialect_of(name).key_env .. " is set, and no program is installed"
    end
  end
  return nil, ("there is nothing that could do its work: no program %s in PATH, and neither "
    .. "ANTHROPIC_API_KEY nor OPENAI_API_KEY is set; install one (npm install -g "
    .. "@anthropic-ai/claude-code), set a key, or define the type in the script with "
    .. "orun.agent"):format(table.concat(PROGRAMS, ", "):gsub(", (%w+)$", " or %1"))
end

-- ---- in the backend's words ----

local function note(t, text, ...)
  t.notes[#t.notes + 1] = text:format(...)
end

-- The model that the file names, if the backend knows it.
local function model_of(d, backend, t)
  local model = d.model
  if not model then return nil end
  if d.runner == nil or d.runner == "lua" then return model end
  local dialect = not check.among(PROGRAMS, backend) and dialect_of(backend)
  if d.runner == (dialect and dialect.runner or backend) then
    return dialect and dialect.aliases[model:lower()] or model
  end
  local provider, name = model:match("^([^/]+)/(.+)$")
  if provider == backend then return name end
  note(t, "its model, %s, is not known to %s: the default one is used", model, backend)
end

-- A program without such an option cannot limit its turns.
local function drop_turns(t, backend)
  local takes = preset_of(backend).takes or {"max_turns"}
  if t.max_turns and not check.among(takes, "max_turns") then
    t.max_turns = nil
    note(t, "its turns are not limited in %s", backend)
  end
end

-- The built-in tools of LLMs that are taken away.
local function takes_away(d)
  local away = {}
  for _, name in ipairs(preset.bare_names(d.disallowed_tools)) do
    if OFFERED[name] then away[OFFERED[name]] = true end
  end
  return away
end

local function for_llm(d, t, backend)
  local away, tools, seen, lacking = takes_away(d), {}, {}, {}
  local names = preset.bare_names(d.tools or READING)
  for _, name in ipairs(names) do
    local offered = OFFERED[name]
    if not offered then
      lacking[#lacking + 1] = name
    elseif not away[offered] and not seen[offered] then
      seen[offered] = true
      tools[#tools + 1] = offered
    end
  end
  if #lacking > 0 then note(t, "an LLM has no tool %s", table.concat(lacking, ", ")) end
  if d.effort then note(t, "its effort is not passed on: not every model of an LLM has one") end
  t.tools, t.temperature = tools, d.temperature
  t.model = t.model or os.getenv "ORUN_MODEL" or dialect_of(backend).model
end

local function changes_files(d)
  local _, named = preset.bare_names(d.tools)
  for _, name in ipairs(CHANGES) do
    if named[name] then return true end
  end
  return false
end

-- What it may do: what it says itself, in orun's words or in claude's; that it reads, when
-- it names its tools and none of them changes anything; else what is usual.
local function permissions_of(d)
  return d.permissions or preset_of("claude").levels[d.permission]
    or (d.permission == "plan" or d.tools and not changes_files(d)) and "read" or nil
end

--- A definition as a table for orun.agent.
-- @param d        the definition
-- @param backend  what `choose` gave
-- @return the table, and an array of what could not be carried over, in words
function M.type_of(d, backend)
  local t = {notes = {}, name = d.name, description = d.description, system = d.system,
             max_turns = d.max_turns, timeout = d.timeout, isolation = d.isolation,
             permissions = permissions_of(d)}
  t.model = model_of(d, backend, t)
  for _, field in ipairs{"limit", "rate", "retry", "budget", "account"} do t[field] = d[field] end
  if check.among(PROGRAMS, backend) then
    t.preset = backend
    drop_turns(t, backend)
    local from_file = preset_of(backend).from_file
    if from_file then from_file(d, t, note) end
  else
    t.api = backend
    for_llm(d, t, backend)
  end
  local notes = t.notes
  t.notes = nil
  return t, notes
end

return M
