--- orun.preset.codex: `codex exec --json`.
--
-- The answer is the last agent_message. An `error` item is only a warning;
-- turn.failed is a failure, and so is exit code 1. There is no cost, the usage of a
-- turn's end is that of the whole thread, and the model is the one that was asked for:
-- nothing tells which has answered.
--
-- Commands run in its sandbox, in which writing is what the permissions say; nobody is
-- asked. `codex exec resume` knows no -s.

local json = require "orun.json"
local preset = require "orun.preset"

local field = preset.field

local COUNTS <const> = {
  input_tokens = "input_tokens", output_tokens = "output_tokens",
  cache_read_tokens = "cached_input_tokens", cache_write_tokens = "cache_write_input_tokens",
  reasoning_tokens = "reasoning_output_tokens",
}
local SANDBOXES <const> = {read = "read-only", edit = "workspace-write",
                           full = "danger-full-access"}

-- `orun mcp`, which finds its run by two variables: named here, so that no token stands in
-- the arguments.
local function add_mcp(add)
  local function set(name, value) add("-c", ("mcp_servers.orun.%s=%s"):format(name, value)) end
  set("command", json.encode(orun.control().ORUN_PROGRAM))
  set("args", '["mcp"]')
  set("env_vars", '["ORUN_SOCKET","ORUN_TASK_TOKEN","ORUN_TASK_ID","ORUN_PROGRAM"]')
  set("default_tools_approval_mode", '"approve"')
  set("tool_timeout_sec", "86400")
end

local function argv(o)
  local a, add = preset.command("codex", "exec")
  if o.resume then add("resume", o.resume) end
  add("--json", "--skip-git-repo-check")
  if o.model then add("-m", o.model) end
  local sandbox = o.sandbox or SANDBOXES[o.permissions]
  if sandbox and o.resume then
    add("-c", ('sandbox_mode="%s"'):format(sandbox))
  elseif sandbox then
    add("-s", sandbox)
  end
  if o.mcp then add_mcp(add) end
  if o.effort then add("-c", ('model_reasoning_effort="%s"'):format(o.effort)) end
  add(table.unpack(o.args or {}))
  add("-")
  return a
end

-- What came of a command or a change of files: one that the sandbox or a rule refused is
-- "declined", or says so.
local function on_ended(s, kind, item)
  local status = field(item, "status")
  local said = preset.text(item, "aggregated_output") or preset.text(item, "error", "message")
    or ""
  local refused = status == "declined" or status == "failed"
    and (said:find("rejected by user approval settings", 1, true)
      or said:find("blocked by read%-only sandbox") or said:find("Read-only file system", 1, true)
      or said:find("user cancelled MCP tool call", 1, true))
  if refused then
    preset.deny(s, kind == "mcp_tool_call" and tostring(field(item, "tool")) or kind,
      preset.what(item) or preset.what(field(item, "changes", 1)))
  elseif status == "completed" then
    preset.did(s, kind)
  end
end

local DOES <const> = {command_execution = true, mcp_tool_call = true, file_change = true}

local function on_item(s, item, ended)
  local kind = field(item, "type")
  if kind == "agent_message" then
    s.text = preset.text(item, "text") or s.text
    s.activity = preset.short(s.text or "")
  elseif kind == "command_execution" then
    s.activity = preset.short("runs " .. tostring(field(item, "command") or ""))
  elseif kind == "mcp_tool_call" or kind == "web_search" or kind == "file_change" then
    s.activity = preset.short(kind:gsub("_", " ") .. " "
      .. tostring(field(item, "tool") or field(item, "query") or ""))
  end
  if ended and DOES[kind] then on_ended(s, kind, item) end
end

local function line(s, text)
  local event = preset.event(text)
  local kind = field(event, "type")
  if kind == "thread.started" then
    s.session_id = preset.text(event, "thread_id") or s.session_id
  elseif kind == "item.started" or kind == "item.completed" then
    on_item(s, event.item, kind == "item.completed")
  elseif kind == "turn.completed" then
    s.session_usage = preset.usage_of_all(event.usage, COUNTS) or s.session_usage
  elseif kind == "turn.failed" then
    s.failed = tostring(field(event, "error", "message") or "the turn failed")
  elseif kind == "error" then
    s.error = tostring(field(event, "message") or "an error without a message")
    s.activity = preset.short(s.error)
  end
end

local function judge(s, ending)
  local said = s.failed or ending.error and s.error
  if said then return {kind = preset.kind_of_words(said), message = "codex: " .. said} end
end

-- ---- agent files ----

local function read_file(f)
  local d = f.d
  d.effort = f:choice("model_reasoning_effort", f.EFFORTS)
  d.sandbox = f:choice("sandbox_mode", {"read-only", "workspace-write", "danger-full-access"})
  for _, name in ipairs{"mcp_servers", "skills", "web_search"} do
    if f.fields[name] ~= nil then f:note(name, "%s is not carried over", name) end
  end
end

local function from_file(d, t)
  t.sandbox = d.sandbox
  t.effort = d.runner == "codex" and d.effort or nil
end

return {program = "codex", argv = argv, line = line, judge = judge,
        takes = {"effort", "sandbox", "permissions"}, resumes = true, mcp = true,
        login = {keys = {"CODEX_API_KEY", "OPENAI_API_KEY"}, home = "CODEX_HOME",
                 folder = ".codex", file = "auth.json", how = "codex login"},
        grants = {"-s", "--sandbox", "--full-auto", "--dangerously-bypass-approvals-and-sandbox"},
        from_file = from_file,
        files = {precedence = 4, ending = ".toml", project = {".codex/agents"},
                 home = {".codex/agents"}, read = read_file}}
