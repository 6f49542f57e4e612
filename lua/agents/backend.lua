--- orun.agents.backend: who does the work of an agent type that a file defines.
--
-- A definition (agents/file.lua) says what the agent is to be; this says by what: a
-- program that is an agent, or an LLM API. `choose` picks, `type_of` makes the table
-- for orun.agent of it, in the backend's own words.
--
-- Glossary
--   backend  "claude", "codex", "gemini", "opencode": programs in PATH; "anthropic",
--            "openai": APIs, for which there is a key
--   own      a tool's name in the words of Claude Code, which most files are written in

local M = {}

local PROGRAMS <const> = {"claude", "codex", "gemini", "opencode"}
local APIS <const> = {"anthropic", "openai"}
local KEYS <const> = {anthropic = "ANTHROPIC_API_KEY", openai = "OPENAI_API_KEY"}

--- The model of an API where neither the file nor $ORUN_MODEL names one.
local MODELS <const> = {anthropic = "claude-sonnet-4-5", openai = "gpt-5"}
local ALIASES <const> = {sonnet = "claude-sonnet-4-5", haiku = "claude-haiku-4-5",
                         opus = "claude-opus-4-1"}

--- Whose models a backend knows, by the kind of file they are named in.
local FAMILY <const> = {
  claude = {claude = true}, anthropic = {claude = true}, codex = {codex = true},
  openai = {codex = true}, gemini = {gemini = true}, opencode = {opencode = true},
}

--- Tools as the files of claude, gemini and opencode call them -> built-in ones of APIs.
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

--- Modes of claude that are permissions here.
local LEVELS <const> = {acceptEdits = "edit", bypassPermissions = "full"}
local CHANGES <const> = {"Edit", "Write", "MultiEdit", "NotebookEdit", "Bash", "write_file",
  "replace", "run_shell_command", "edit", "write", "bash"}

-- ---- what there is ----

local function is_program(name)
  for _, program in ipairs(PROGRAMS) do
    if name == program then return true end
  end
  return false
end

local function has_key(name)
  local key = os.getenv(KEYS[name])
  return key ~= nil and key ~= ""
end

local function is_there(name)
  if is_program(name) then return orun.program(name) ~= nil end
  return has_key(name)
end

local function absent(name)
  if is_program(name) then
    return ("there is no program %s in PATH"):format(name)
  end
  return ("%s is not set"):format(KEYS[name])
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
    if not is_program(backend) and not KEYS[backend] then
      return nil, ("%s says %q, which is no backend: %s are, and %s"):format(where, backend,
        table.concat(PROGRAMS, ", "), table.concat(APIS, ", "))
    end
    if not is_there(backend) then
      return nil, ("%s asks for %s, and %s"):format(where, backend, absent(backend))
    end
    return backend, where .. " asks for it"
  end
  if runner and is_program(runner) and orun.program(runner) then
    return runner, "the file is one of " .. runner
  end
  for _, name in ipairs(PROGRAMS) do
    if orun.program(name) then return name, "the first of what is installed" end
  end
  for _, name in ipairs(APIS) do
    if has_key(name) then return name, KEYS[name] .. " is set, and no program is installed" end
  end
  return nil, ("there is nothing that could do its work: no program %s in PATH, and neither "
    .. "ANTHROPIC_API_KEY nor OPENAI_API_KEY is set; install one (npm install -g "
    .. "@anthropic-ai/claude-code), set a key, or define the type in the script with "
    .. "orun.agent"):format(table.concat(PROGRAMS, ", "):gsub(", (%w+)$", " or %1"))
end

-- ---- in the backend's words ----

-- Names without what is in parentheses: "Bash(git diff:*)" is Bash.
local function bare(names)
  local list, seen = {}, {}
  for _, name in ipairs(names or {}) do
    local short = name:match("^([^%(]+)")
    if short and not seen[short] then
      seen[short] = true
      list[#list + 1] = short
    end
  end
  return list, seen
end

local function note(t, text, ...)
  t.notes[#t.notes + 1] = text:format(...)
end

-- The model the file names, when the backend can know it.
local function model_of(d, backend, t)
  local model = d.model
  if not model then return nil end
  if d.runner == nil or d.runner == "lua" then return model end
  if FAMILY[backend][d.runner] then
    return backend == "anthropic" and ALIASES[model:lower()] or model
  end
  local provider, name = model:match("^([^/]+)/(.+)$")
  if provider == backend then return name end
  note(t, "its model, %s, is not known to %s: the default one is used", model, backend)
end

-- A program without such an option would be told in vain.
local function drop_turns(t, backend)
  if t.max_turns and backend ~= "claude" then
    t.max_turns = nil
    note(t, "its turns are not limited in %s", backend)
  end
end

-- The built-in tools of APIs that are taken away.
local function takes_away(d)
  local away = {}
  for _, name in ipairs(bare(d.disallowed_tools)) do
    if OFFERED[name] then away[OFFERED[name]] = true end
  end
  return away
end

-- Tools of Claude's own words for claude; what the program is not to use is told too.
local function for_claude(d, t)
  t.args = {}
  local function add(...)
    for _, word in ipairs{...} do t.args[#t.args + 1] = word end
  end
  if d.tools and (d.runner == "claude" or d.runner == nil or d.runner == "lua") then
    t.tools = d.tools
    add("--tools", table.concat(bare(d.tools), ","))
  elseif d.tools then
    note(t, "its tools are named in the words of %s, and are not limited in claude", d.runner)
  end
  if d.disallowed_tools and d.runner ~= "opencode" and d.runner ~= "gemini" then
    add("--disallowedTools", table.concat(d.disallowed_tools, ","))
  end
  if d.permission and not LEVELS[d.permission] then
    add("--permission-mode", d.permission)
  end
  if d.effort then add("--effort", tostring(d.effort)) end
end

local function for_codex(d, t)
  t.args = {}
  t.sandbox = d.sandbox
  if d.effort and d.runner == "codex" then
    t.args = {"-c", ('model_reasoning_effort="%s"'):format(d.effort)}
  end
end

-- opencode reads its own files, which say their model themselves, too; the text of others
-- stands before the prompt.
local function for_opencode(d, t)
  if d.agent then
    t.agent, t.system = d.agent, nil
  elseif d.tools then
    note(t, "its tools are not limited in opencode")
  end
end

local function for_gemini(d, t)
  if d.tools then note(t, "its tools are not limited in gemini") end
end

local function for_api(d, t, backend)
  local away, tools, seen, lacking = takes_away(d), {}, {}, {}
  local names = bare(d.tools or READING)
  for _, name in ipairs(names) do
    local offered = OFFERED[name]
    if not offered then
      lacking[#lacking + 1] = name
    elseif not away[offered] and not seen[offered] then
      seen[offered] = true
      tools[#tools + 1] = offered
    end
  end
  if #lacking > 0 then note(t, "an API has no tool %s", table.concat(lacking, ", ")) end
  t.tools, t.temperature = tools, d.temperature
  t.model = t.model or os.getenv "ORUN_MODEL" or MODELS[backend]
end

local words <const> = {claude = for_claude, codex = for_codex, opencode = for_opencode,
                       gemini = for_gemini}

local function changes_files(d)
  local _, named = bare(d.tools)
  for _, name in ipairs(CHANGES) do
    if named[name] then return true end
  end
  return false
end

-- What it may do: what it says itself, in orun's words or in claude's; that it reads, when
-- it names its tools and none of them changes anything; else what is usual.
local function permissions_of(d)
  return d.permissions or LEVELS[d.permission]
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
  if is_program(backend) then
    t.preset = backend
    drop_turns(t, backend)
    words[backend](d, t)
  else
    t.api = backend
    for_api(d, t, backend)
  end
  local notes = t.notes
  t.notes = nil
  return t, notes
end

return M
