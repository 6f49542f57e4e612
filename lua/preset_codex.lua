--- orun.preset_codex: `codex exec --json`.
--
-- The answer is the last agent_message. An `error` item is only a warning;
-- turn.failed is a failure, and so is exit code 1. There is no cost.

local preset = require "orun.preset"

local field = preset.field

local COUNTS <const> = {
  input_tokens = "input_tokens", output_tokens = "output_tokens",
  cache_read_tokens = "cached_input_tokens", cache_write_tokens = "cache_write_input_tokens",
  reasoning_tokens = "reasoning_output_tokens",
}

local function argv(o)
  local a = {"codex", "exec"}
  local function add(...)
    for _, word in ipairs{...} do a[#a + 1] = word end
  end
  if o.resume then add("resume", o.resume) end
  add("--json", "--skip-git-repo-check")
  if o.model then add("-m", o.model) end
  if o.sandbox then add("-s", o.sandbox) end
  add(table.unpack(o.args or {}))
  add("-")
  return a
end

local function on_item(s, item)
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
end

local function line(s, text)
  local event = preset.event(text)
  local kind = field(event, "type")
  if kind == "thread.started" then
    s.session_id = preset.text(event, "thread_id") or s.session_id
  elseif kind == "item.started" or kind == "item.completed" then
    on_item(s, event.item)
  elseif kind == "turn.completed" then
    s.usage = preset.add_usage(s.usage, preset.usage(event.usage, COUNTS))
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

return {program = "codex", argv = argv, line = line, judge = judge, takes = {"sandbox"},
        resumes = true}
