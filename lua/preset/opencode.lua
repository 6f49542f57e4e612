--- orun.preset.opencode: `opencode run --format json`.
--
-- The answer is the text after the last step_start. Costs and tokens are told
-- for each step. The model is the one that was asked for: nothing tells which has
-- answered. An agent it does not know is replaced by the default one, with exit code 0
-- and one line on stderr: that is a failure here.
--
-- What it may do, and the run's tasks as its tools, are told it by a configuration in the
-- environment, which precedes that of the project: so is that an agent of its own which is
-- only for the use of others (mode: subagent) may be asked, too.

local json = require "orun.json"
local preset = require "orun.preset"

local field = preset.field

local COUNTS <const> = {
  input_tokens = "input", output_tokens = "output", reasoning_tokens = "reasoning",
  cache_read_tokens = {"cache", "read"}, cache_write_tokens = {"cache", "write"},
}
local CONTENT <const> = "OPENCODE_CONFIG_CONTENT"

-- What it is kept from; a command that is always allowed has it tell of the others that
-- were refused.
local RULES <const> = {
  read = {edit = "deny", bash = "deny", task = "deny", external_directory = "deny"},
  edit = {edit = "allow", bash = {["*"] = "deny", pwd = "allow"}, external_directory = "deny"},
}
local BUILT_IN <const> = {explore = true, general = true}

local function argv(o)
  local a, add = preset.command("opencode", "run", "--format", "json")
  if o.model then add("-m", o.model) end
  if o.agent then add("--agent", o.agent) end
  if o.permissions == "full" then add("--auto") end
  if o.resume then add("-s", o.resume) end
  add(table.unpack(o.args or {}))
  return a
end

-- The table in that field, which is made when there is none.
local function inside(t, name)
  if type(t[name]) ~= "table" then t[name] = {} end
  return t[name]
end

local function env_of(o)
  local content = o.env[CONTENT] or os.getenv(CONTENT)
  local all = content and json.decode(content) or {}
  if type(all) ~= "table" then all = {} end
  local agent = inside(inside(all, "agent"), o.agent or "build")
  if o.agent and (BUILT_IN[o.agent]
      or require("orun.agents").opencode_mode(o.agent) == "subagent") then
    agent.mode = "all"
  end
  for tool, rule in pairs(RULES[o.permissions] or {}) do
    inside(agent, "permission")[tool] = rule
    inside(all, "permission")[tool] = rule
  end
  if o.mcp then
    inside(all, "mcp").orun = {type = "local", enabled = true, timeout = 86400000,
      command = json.array{orun.control().ORUN_PROGRAM, "mcp"}}
    inside(all, "permission")["orun_*"] = "allow"
    inside(agent, "permission")["orun_*"] = "allow"
  end
  if next(agent) == nil then all.agent[o.agent or "build"] = nil end
  if next(all.agent) == nil then all.agent = nil end
  return next(all) ~= nil and {[CONTENT] = json.encode(all)} or {}
end

local on = {}

function on.step_start(s)
  preset.restart(s)
end

function on.text(s, part)
  preset.add(s, preset.text(part, "text") or "")
end

function on.tool_use(s, part)
  local name, input = tostring(field(part, "tool") or "tool"), field(part, "state", "input")
  local status, why = field(part, "state", "status"), preset.text(part, "state", "error") or ""
  s.activity = preset.tool(name, input)
  if status == "completed" then
    preset.did(s, name)
  elseif status == "error" and (why:find("rejected permission to use", 1, true)
      or why:find("rule which prevents you from using", 1, true)) then
    preset.deny(s, name, preset.what(input))
  end
end

function on.step_finish(s, part)
  local usage = preset.usage(field(part, "tokens"), COUNTS)
  if usage and usage.reasoning_tokens then -- which it does not count as output
    usage.output_tokens = (usage.output_tokens or 0) + usage.reasoning_tokens
  end
  s.usage = preset.add_usage(s.usage, usage)
  local cost = preset.dollars(field(part, "cost"))
  if cost then s.cost = (s.cost or 0) + cost end
end

function on.error(s, _, event)
  local problem = field(event, "error")
  s.error = {
    status = field(problem, "data", "statusCode"),
    text = tostring(field(problem, "data", "message") or field(problem, "name") or "an error"),
  }
end

local function line(s, text)
  local event = preset.event(text)
  if not event then return end
  s.session_id = preset.text(event, "sessionID") or s.session_id
  local handler = on[field(event, "type")]
  if handler then handler(s, field(event, "part"), event) end
end

local function judge(s, ending)
  local stderr = ending.stderr or ""
  local fallback = stderr:match("[^\n]*[Aa]gent[^\n]*not found[^\n]*")
    or stderr:match("[^\n]*[Ff]alling back to default agent[^\n]*")
  if fallback then
    return {kind = "exit", message = "opencode did not use the agent asked for: " .. fallback}
  end
  for tool, what in stderr:gmatch("permission requested: (%S+) %((.-)%); auto%-rejecting") do
    preset.deny(s, tool, preset.short(what))
  end
  if not s.error then return nil end
  local kind = math.type(s.error.status) and preset.kind_of_status(s.error.status)
    or preset.kind_of_words(s.error.text)
  return {kind = kind, message = "opencode: " .. s.error.text}
end

-- ---- agent files ----

-- What tools = {write = false} and permission = {edit = "deny"} take away.
local function denied(f)
  local list, seen = {}, {}
  local function add(name)
    if not seen[name] then list[#list + 1] = name end
    seen[name] = true
  end
  local tools, permission = f.fields.tools, f.fields.permission
  for name, allowed in pairs(type(tools) == "table" and tools or {}) do
    if allowed == "false" then add(name) end
  end
  for name, what in pairs(type(permission) == "table" and permission or {}) do
    if what == "deny" then add(name) end
  end
  table.sort(list)
  return #list > 0 and list or nil
end

local function read_file(f)
  local d = f.d
  d.temperature, d.max_turns = f:number(0, false, "temperature"),
    f:number(1, true, "steps", "maxSteps")
  d.disallowed_tools, d.mode = denied(f), f:choice("mode", {"primary", "subagent", "all"})
  d.agent = d.name
  if f:flag("disable") then d.disabled = "it says disable: true" end
  local prompt = f:text("prompt")
  local path = prompt and prompt:match("^{file:(.-)}$")
  if path then
    d.system_file = path
  elseif prompt then
    d.system = prompt
  end
end

-- opencode reads its own files, which also name their model. The text of other files stands
-- before the prompt.
local function from_file(d, t, note)
  if d.agent then
    t.agent, t.system = d.agent, nil
  elseif d.tools then
    note(t, "its tools are not limited in opencode")
  end
end

return {program = "opencode", argv = argv, env = env_of, line = line, judge = judge,
        takes = {"agent", "permissions"}, grants = {"--auto"}, resumes = true, mcp = true,
        login = {keys = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY"},
                 folder = ".local/share/opencode", file = "auth.json", how = "opencode auth login"},
        from_file = from_file,
        files = {precedence = 2, ending = ".md", project = {".opencode/agents", ".opencode/agent"},
                 home = {".config/opencode/agents", ".config/opencode/agent"}, deep = true,
                 pathnames = true, read = read_file}}
