--- orun.preset.gemini: `gemini -o stream-json`.
--
-- The answer is what the assistant's messages add up to. An error is a JSON
-- object on stderr after a stack trace, and the exit code is the HTTP status
-- modulo 256, or one of a few of its own; or it is an `error` event, of which the
-- result says no more than that there was one.
--
-- What nobody allows is refused: nobody is there to be asked.

local json = require "orun.json"
local preset = require "orun.preset"
local state = require "orun.util.state_dir"

local field = preset.field

local COUNTS <const> = {
  input_tokens = "input_tokens", output_tokens = "output_tokens",
  cache_read_tokens = "cached",
}
local MODES <const> = {read = "plan", edit = "auto_edit", full = "yolo"}
local HOME <const> = "GEMINI_CLI_HOME"
local CODES <const> = {
  [41] = {"exit", "it is not signed in"},
  [42] = {"exit", "the input was refused"},
  [52] = {"exit", "its configuration is broken"},
  [53] = {"exit", "it used all the turns it was allowed"},
  [54] = {"exit", "a tool failed"},
  [55] = {"exit", "the folder is not trusted"},
  [429 & 255] = {"rate", "HTTP 429"},
  [401 & 255] = {"http", "HTTP 401: the key is wrong or missing"},
  [403 & 255] = {"http", "HTTP 403"},
  [500 & 255] = {"http", "HTTP 500"},
  [503 & 255] = {"http", "HTTP 503"},
}

local function argv(o)
  local a, add = preset.command("gemini", "-o", "stream-json", "--skip-trust")
  if o.model then add("-m", o.model) end
  if MODES[o.permissions] then add("--approval-mode", MODES[o.permissions]) end
  if o.resume then add("-r", o.resume) end
  add(table.unpack(o.args or {}))
  return a
end

-- ---- the run's tasks as its tools ----

-- It reads its servers from the settings in its home only, so it gets another home, in
-- orun's own folder: all that is in the user's is there by links, but for the settings,
-- which are the user's with one server more. The file is the same for all runs and holds no
-- token: $NAME is what gemini puts in from its environment, and servers get none of its
-- variables that look like secrets unless they are named.
local function settings_of(path)
  local file <close> = io.open(path, "rb")
  local all = file and json.decode(file:read("a") or "") or {}
  if type(all) ~= "table" then return nil end -- the user's own fault, which gemini tells
  if type(all.mcpServers) ~= "table" then all.mcpServers = {} end
  local env = {}
  for _, name in ipairs{"ORUN_SOCKET", "ORUN_TASK_TOKEN", "ORUN_TASK_ID", "ORUN_PROGRAM"} do
    env[name] = "$" .. name
  end
  all.mcpServers.orun = {command = "$ORUN_PROGRAM", args = json.array{"mcp"}, env = env,
                         trust = true, timeout = 86400000}
  return json.encode(all, {lossy = true})
end

-- Put a text where a file may be read at any time; nil when that cannot be.
local function put(path, text)
  local old <close> = io.open(path, "rb")
  if old and old:read("a") == text then return true end
  local new = ("%s.%s"):format(path, orun.control().ORUN_TASK_ID .. os.time())
  local file = orun.private_file(new)
  local ok = file and file:write(text) and file:close() and os.rename(new, path)
  if not ok then os.remove(new) end
  return ok
end

-- The home it gets; nil when none can be made: then it has no such tools.
local function home_of(o)
  local from = o.env[HOME] or os.getenv(HOME) or o.env.HOME or os.getenv "HOME"
  local text = from and settings_of(from .. "/.gemini/settings.json")
  local home = text and state.folder("gemini")
  if not home or not orun.private_folder(home .. "/.gemini") then return nil end
  local there, link = orun.entries(home .. "/.gemini") or {}, {"ln", "-s", "-t", home .. "/.gemini"}
  for name in pairs(orun.entries(from .. "/.gemini") or {}) do
    if name ~= "settings.json" and not there[name] and not name:find("%.tmp$") then
      link[#link + 1] = ("%s/.gemini/%s"):format(from, name)
    end
  end
  if #link > 4 then orun.exec{command = link} end
  return put(home .. "/.gemini/settings.json", text) and home or nil
end

local function env_of(o)
  return o.mcp and {[HOME] = home_of(o)} or {}
end

-- ---- what it prints ----

local on = {}

function on.init(s, event)
  s.session_id = preset.text(event, "session_id") or s.session_id
  s.model = preset.text(event, "model") or s.model
end

function on.message(s, event)
  if field(event, "role") ~= "assistant" then return end
  local text = preset.text(event, "content") or ""
  if not field(event, "delta") then preset.restart(s) end
  preset.add(s, text)
end

function on.tool_use(s, event)
  local name, input = tostring(field(event, "tool_name") or "tool"), field(event, "parameters")
  s.activity = preset.tool(name, input)
  s.calls = s.calls or {}
  s.calls[preset.text(event, "tool_id") or ""] = {name = name, what = preset.what(input)}
end

-- A tool that its policy keeps from it is not there, or is refused; where it only plans it
-- may write nowhere but among its plans.
function on.tool_result(s, event)
  local call = (s.calls or {})[preset.text(event, "tool_id") or ""]
  if not call then return end
  local kind, message = preset.text(event, "error", "type"),
    preset.text(event, "error", "message") or ""
  if field(event, "status") ~= "error" then
    preset.did(s, call.name)
  elseif kind == "policy_violation" or kind == "tool_not_registered"
      or message:find("denied by policy", 1, true) or message:find("^Access denied:") then
    preset.deny(s, call.name, call.what)
  end
end

function on.error(s, event)
  local message = preset.text(event, "message")
  if not message then return end
  s.said = message
  if field(event, "severity") == "error" then s.error = message end
  s.activity = preset.short(message)
end

-- Output is all but the input: its thinking is not reported separately.
local function usage_of(stats)
  local usage, total = preset.usage_of_all(stats, COUNTS), field(stats, "total_tokens")
  local input, output = field(stats, "input_tokens"), field(stats, "output_tokens")
  if preset.is_count(total) and preset.is_count(input) and preset.is_count(output)
      and total > input + output then
    usage.reasoning_tokens = math.tointeger(total - input - output)
    usage.output_tokens = math.tointeger(total - input)
  end
  return usage
end

function on.result(s, event)
  s.usage = usage_of(field(event, "stats")) or s.usage
  if field(event, "status") == "error" then
    s.error = preset.text(event, "error", "message") or s.error or s.said
      or "it says error and no more"
  end
end

local function line(s, text)
  local event = preset.event(text)
  local handler = event and on[field(event, "type")]
  if handler then handler(s, event) end
end

-- ---- its end ----

-- The message of the JSON object that ends stderr, nil when there is none.
local function told(stderr)
  local from = 1
  while from do
    local at = stderr:find("{", from, true)
    local value = at and json.decode((stderr:sub(at):gsub("%s+$", "")))
    local message = field(value, "error", "message")
    if message then return tostring(message) end
    from = at and at + 1
  end
end

local function judge(s, ending)
  local code = ending.exit_code
  if not s.error and (code == 0 or not code) then return nil end
  local known = CODES[code]
  local said = s.error or told(ending.stderr or "") or s.said or known and known[2]
  if not said then return nil end
  return {kind = known and known[1] or preset.kind_of_words(said), message = "gemini: " .. said}
end

-- ---- agent files ----

local function read_file(f)
  local d = f.d
  local kind = f:choice("kind", {"local", "remote"})
  if kind == "remote" then d.broken = "kind = remote: agents elsewhere (A2A) are not offered" end
  d.tools = f:words("tools")
  d.temperature, d.max_turns = f:number(0, false, "temperature"), f:number(1, true, "max_turns")
  local minutes = f:number(0.001, false, "timeout_mins")
  d.timeout = minutes and minutes * 60
end

local function from_file(d, t, note)
  if d.tools then note(t, "its tools are not limited in gemini") end
end

return {program = "gemini", argv = argv, env = env_of, line = line, judge = judge,
        takes = {"permissions"}, grants = {"--approval-mode", "-y", "--yolo"}, resumes = true,
        login = {keys = {"GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"},
                 folder = ".gemini", file = "oauth_creds.json", how = "start gemini once"},
        mcp = true, from_file = from_file,
        files = {precedence = 3, ending = ".md", project = {".gemini/agents"},
                 home = {".gemini/agents"}, read = read_file}}
