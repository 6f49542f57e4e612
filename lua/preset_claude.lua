--- orun.preset_claude: Claude Code, `claude -p` with stream-json.
--
-- One run may print many result lines; the last is the answer. An API error is
-- told with subtype "success", is_error true and exit code 1, so the subtype
-- says nothing. A SIGINT ends it with code 0 and is_error. Cost is that of the
-- whole session, also when it was resumed.

local preset = require "orun.preset"

local field = preset.field

local COUNTS <const> = {
  input_tokens = "input_tokens", output_tokens = "output_tokens",
  cache_read_tokens = "cache_read_input_tokens",
  cache_write_tokens = "cache_creation_input_tokens",
}
local MODEL_COUNTS <const> = {
  input_tokens = "inputTokens", output_tokens = "outputTokens",
  cache_read_tokens = "cacheReadInputTokens", cache_write_tokens = "cacheCreationInputTokens",
}

local function argv(o)
  local a = {"claude", "-p", "--output-format", "stream-json", "--verbose"}
  local function add(...)
    for _, word in ipairs{...} do a[#a + 1] = word end
  end
  if o.model then add("--model", o.model) end
  if o.agent then add("--agent", o.agent) end
  if o.system then add("--system-prompt-file", "{system_file}") end
  local tools = table.move(o.tools or {}, 1, #(o.tools or {}), 1, {})
  if o.mcp then tools[#tools + 1] = "mcp__orun" end -- that server's tools, all of them
  if tools[1] then add("--allowedTools", table.concat(tools, ",")) end
  if o.max_turns then add("--max-turns", tostring(o.max_turns)) end
  if o.mcp then add("--mcp-config", "{mcp_file}") end
  if o.resume then add("--resume", o.resume) end
  add(table.unpack(o.args or {}))
  return a
end

local function on_assistant(s, event)
  for _, part in ipairs(preset.rows(event, "message", "content")) do
    local said = preset.text(part, "text")
    if field(part, "type") == "tool_use" then
      s.activity = preset.tool(preset.text(part, "name") or "tool", part.input)
    elseif field(part, "type") == "text" and said and said:find("%S") then
      s.activity = preset.short(said)
    end
  end
  s.model = s.model or preset.text(event, "message", "model")
end

-- The counts of all models of the session, or those of the last turn.
local function usage_of(event)
  local sum
  for _, one in pairs(preset.rows(event, "modelUsage")) do
    sum = preset.add_usage(sum, preset.usage(one, MODEL_COUNTS))
  end
  return sum or preset.usage(event.usage, COUNTS)
end

local on = {assistant = on_assistant}

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
  local cost = field(event, "total_cost_usd")
  s.cost = math.type(cost) and cost or s.cost
  s.usage = usage_of(event) or s.usage
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

return {program = "claude", argv = argv, line = line, judge = judge, system = "file",
        takes = {"agent", "tools", "max_turns"}, resumes = true, mcp = true, session_cost = true}
