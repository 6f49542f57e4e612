--- orun.preset.claude: Claude Code, `claude -p` with stream-json.
--
-- One run may print many result lines; the last is the answer. An API error is
-- told with subtype "success", is_error true and exit code 1, so the subtype
-- says nothing. A SIGINT ends it with code 0 and is_error. Cost and modelUsage
-- are those of the whole session, also when it was resumed; until the result
-- comes each message tells what it took, once for each of its parts.
--
-- What nobody allows is refused: nobody is there to be asked.

local preset = require "orun.preset"

local field = preset.field

local COUNTS <const> = preset.ANTHROPIC
local MODEL_COUNTS <const> = {
  input_tokens = "inputTokens", output_tokens = "outputTokens",
  cache_read_tokens = "cacheReadInputTokens", cache_write_tokens = "cacheCreationInputTokens",
}
local MODES <const> = {read = "default", edit = "acceptEdits", full = "bypassPermissions"}
local CHANGING <const> = {"Edit", "Write", "NotebookEdit"}

-- What an agent that only reads is not to have, whatever the user's settings allow: a
-- command only where its type names which.
local function kept_from(o)
  local list = table.move(CHANGING, 1, #CHANGING, 1, {})
  for _, tool in ipairs(o.tools or {}) do
    if tool:find("^Bash%(") then return list end
  end
  list[#list + 1] = "Bash"
  return list
end

local function argv(o)
  local a, add = preset.command("claude", "-p", "--output-format", "stream-json", "--verbose")
  if o.model then add("--model", o.model) end
  if o.agent then add("--agent", o.agent) end
  if o.system then add("--system-prompt-file", "{system_file}") end
  if MODES[o.permissions] then add("--permission-mode", MODES[o.permissions]) end
  local tools = table.move(o.tools or {}, 1, #(o.tools or {}), 1, {})
  if o.mcp then tools[#tools + 1] = "mcp__orun" end -- that server's tools, all of them
  if tools[1] then add("--allowedTools", table.concat(tools, ",")) end
  if o.permissions == "read" then add("--disallowedTools", table.concat(kept_from(o), ",")) end
  if o.max_turns then add("--max-turns", tostring(o.max_turns)) end
  if o.effort then add("--effort", o.effort) end
  if o.mcp then add("--mcp-config", "{mcp_file}") end
  if o.resume then add("--resume", o.resume) end
  add(table.unpack(o.args or {}))
  return a
end

-- A message tells its usage with each of its parts: the last is that of all of it.
local function spent(s, event)
  local usage = preset.usage(field(event, "message", "usage"), COUNTS)
  if not usage or s.result then return end
  s.messages = s.messages or {}
  s.messages[preset.text(event, "message", "id") or ""] = usage
  s.usage = nil
  for _, one in pairs(s.messages) do s.usage = preset.add_usage(s.usage, one) end
end

local function on_assistant(s, event)
  s.calls = s.calls or {}
  for _, part in ipairs(preset.rows(event, "message", "content")) do
    local said = preset.text(part, "text")
    if field(part, "type") == "tool_use" then
      local name = preset.text(part, "name") or "tool"
      s.activity = preset.tool(name, part.input)
      s.calls[preset.text(part, "id") or ""] = name
    elseif field(part, "type") == "text" and said and said:find("%S") then
      s.activity = preset.short(said)
    end
  end
  local model = preset.text(event, "message", "model")
  s.model = s.model or model ~= "<synthetic>" and model or nil
  spent(s, event)
end

local on = {assistant = on_assistant}

-- What came of the tools that were used.
function on.user(s, event)
  for _, part in ipairs(preset.rows(event, "message", "content")) do
    local name = s.calls and s.calls[preset.text(part, "tool_use_id") or 0]
    if name and field(part, "type") == "tool_result" and not field(part, "is_error") then
      preset.did(s, name)
    end
  end
end

function on.system(s, event)
  if event.subtype == "init" then
    s.model = preset.text(event, "model") or s.model
  elseif event.subtype == "api_retry" then
    s.activity = ("waits to try again: attempt %s of %s, HTTP %s"):format(
      field(event, "attempt") or "?", field(event, "max_retries") or "?",
      field(event, "error_status") or "?")
  end
end

function on.result(s, event)
  s.result = event
  s.text = preset.text(event, "result")
  s.cost = preset.dollars(field(event, "total_cost_usd")) or s.cost
  s.usage = preset.usage(event.usage, COUNTS) or s.usage
  local sum
  for _, one in pairs(preset.rows(event, "modelUsage")) do
    sum = preset.add_usage(sum, preset.usage(one, MODEL_COUNTS))
  end
  s.session_usage = sum or s.session_usage
  for _, one in ipairs(preset.rows(event, "permission_denials")) do
    preset.deny(s, preset.text(one, "tool_name") or "a tool", preset.what(field(one, "tool_input")))
  end
end

local function line(s, text)
  local event = preset.event(text)
  if not event then return end
  s.session_id = preset.text(event, "session_id") or s.session_id
  local handler = on[field(event, "type")]
  if handler then handler(s, event) end
end

local SUBTYPES <const> = {
  error_max_turns = {"exit", "it used all the turns it was allowed (max_turns)"},
  error_max_budget_usd = {"budget", "it used all the money it was allowed"},
  error_max_structured_output_retries = {"schema", "its answer never had the form asked for"},
  error_during_execution = {"exit", "it was interrupted"},
}

local function judge(s, ending)
  local result = s.result
  if not result then
    if ending.error then return nil end
    return {kind = "exit", message = "claude ended without a result line: its work is in the "
      .. "session" .. (s.session_id and " " .. s.session_id or "") .. ", its answer is lost"}
  end
  if not field(result, "is_error") then return nil end
  local status = field(result, "api_error_status")
  local known = SUBTYPES[field(result, "subtype")]
  local said = s.text or preset.text(result, "errors", 1) or known and known[2]
    or "it says is_error and no more"
  if status then return {kind = preset.kind_of_status(status), message = "claude: " .. said} end
  return {kind = known and known[1] or preset.kind_of_words(said), message = "claude: " .. said}
end

-- ---- agent files ----

local LEVELS <const> = {acceptEdits = "edit", bypassPermissions = "full"} -- as permissions here
local FILE_MODES <const> = {"default", "acceptEdits", "bypassPermissions", "plan", "dontAsk",
  "auto"}

local function read_file(f)
  local d = f.d
  d.description = d.description and d.description:gsub("\\n", "\n")
  d.tools, d.disallowed_tools = f:words("tools"), f:words("disallowedTools")
  d.max_turns = f:number(1, true, "maxTurns")
  d.background, d.isolation = f:flag("background"), f:choice("isolation", {"worktree"})
  d.permission = f:choice("permissionMode", FILE_MODES)
  d.effort = math.type(tonumber(f.fields.effort)) == "integer" and f.fields.effort
    or f:choice("effort", f.EFFORTS)
  for _, name in ipairs{"mcpServers", "hooks", "skills"} do
    if f.fields[name] ~= nil then f:note(name, "%s is not carried over", name) end
  end
end

-- --tools limits the tools there are, and --allowedTools (argv) those that need no asking.
local function from_file(d, t, note)
  t.args = {}
  local function add(...)
    for _, word in ipairs{...} do t.args[#t.args + 1] = word end
  end
  if d.tools and (d.runner == "claude" or d.runner == nil or d.runner == "lua") then
    t.tools = d.tools
    add("--tools", table.concat(preset.bare_names(d.tools), ","))
  elseif d.tools then
    note(t, "its tools are named in the words of %s, and are not limited in claude", d.runner)
  end
  if d.disallowed_tools and d.runner ~= "opencode" and d.runner ~= "gemini" then
    add("--disallowedTools", table.concat(d.disallowed_tools, ","))
  end
  if d.permission and not LEVELS[d.permission] then
    add("--permission-mode", d.permission)
  end
  t.effort = d.effort and tostring(d.effort)
end

return {program = "claude", argv = argv, line = line, judge = judge, system = "file",
        takes = {"agent", "tools", "max_turns", "effort", "permissions"}, resumes = true,
        login = {keys = {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN",
                         "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"},
                 home = "CLAUDE_CONFIG_DIR", folder = ".claude", file = ".credentials.json",
                 how = "start claude once, and /login"},
        mcp = true, grants = {"--permission-mode", "--dangerously-skip-permissions"},
        session_cost = true, from_file = from_file, levels = LEVELS,
        files = {precedence = 1, ending = ".md", project = {".claude/agents"},
                 home = {".claude/agents"}, deep = true, read = read_file}}
