--- orun.llm.openai: chat completions, OpenAI's and those of the many servers
--- that speak like it. What a dialect has, llm/anthropic.lua says.

local json = require "orun.json"
local preset = require "orun.preset"
local rope = require "orun.llm.rope"

local M = {
  base = "https://api.openai.com/v1", base_env = "OPENAI_BASE_URL", key_env = "OPENAI_API_KEY",
  path = "/chat/completions", model = "gpt-5", runner = "codex", aliases = {},
}

local COUNTS <const> = {
  input_tokens = "prompt_tokens", output_tokens = "completion_tokens",
  cache_read_tokens = {"prompt_tokens_details", "cached_tokens"},
  reasoning_tokens = {"completion_tokens_details", "reasoning_tokens"},
}

-- A server on one's own machine often wants no key.
function M.headers(key)
  return {authorization = key and "Bearer " .. key}
end

function M.body(o, messages)
  local tools, all
  for i, tool in ipairs(o.tools or {}) do
    tools = tools or {}
    tools[i] = {type = "function", ["function"] = {name = tool.name,
      description = tool.description, parameters = tool.schema}}
  end
  if o.system then
    all = {{role = "system", content = o.system}}
    table.move(messages, 1, #messages, 2, all)
  end
  local body = {model = o.model, messages = all or messages, tools = tools,
                max_completion_tokens = o.max_tokens, temperature = o.temperature,
                reasoning_effort = o.effort, stream = true, stream_options = {include_usage = true}}
  for name, value in pairs(o.extra or {}) do body[name] = value end
  return body
end

local function on_call(s, delta)
  local index = preset.field(delta, "index")
  index = math.type(index) == "integer" and index or #s.calls
  local call = s.at[index]
  if not call then
    call = {input = ""}
    s.at[index] = call
    s.calls[#s.calls + 1] = call
  end
  call.id = preset.text(delta, "id") or call.id
  call.name = preset.text(delta, "function", "name") or call.name
  rope.add(call, "input", preset.text(delta, "function", "arguments") or "")
end

function M.event(s, _, data)
  s.text, s.calls, s.at = s.text or "", s.calls or {}, s.at or {}
  if data == "[DONE]" then
    s.whole = true
    return
  end
  local event = json.decode(data)
  if type(event) ~= "table" then
    s.error = s.error or {message = "an event that is not JSON: " .. preset.short(data)}
    return
  end
  if preset.field(event, "error") then
    s.error = {message = preset.text(event, "error", "message") or "no message",
               code = preset.field(event, "error", "code")}
  end
  s.model = preset.text(event, "model") or s.model
  s.usage = preset.usage_of_all(preset.field(event, "usage"), COUNTS) or s.usage
  local choice = preset.rows(event, "choices")[1]
  s.stop = preset.text(choice, "finish_reason") or s.stop
  rope.add(s, "text", preset.text(choice, "delta", "content") or "")
  for _, delta in ipairs(preset.rows(choice, "delta", "tool_calls")) do on_call(s, delta) end
end

function M.finish(s)
  if s.error then
    local kind = preset.kind_of_words(s.error.message) == "rate" and "rate" or "http"
    if s.error.code == 429 or s.error.code == "rate_limit_exceeded" then kind = "rate" end
    return nil, {kind = kind, message = s.error.message}
  end
  if not s.stop then
    return nil, {kind = "http", message = "the stream ended in the middle of the answer"}
  end
  local turn = {text = s.text, calls = {}, usage = s.usage, model = s.model,
                cut = s.stop == "length", refused = s.stop == "content_filter"}
  for i, call in ipairs(s.calls) do
    local input = call.input == "" and {} or json.decode(call.input)
    turn.calls[i] = {id = call.id, name = call.name, input = input}
  end
  return turn
end

function M.said(s)
  local calls
  for i, call in ipairs(s.calls) do
    calls = calls or {}
    calls[i] = {id = call.id, type = "function",
                ["function"] = {name = call.name, arguments = call.input}}
  end
  return {role = "assistant", content = s.text ~= "" and s.text or json.null, tool_calls = calls}
end

function M.results(all)
  local messages = {}
  for i, one in ipairs(all) do
    messages[i] = {role = "tool", tool_call_id = one.id, content = one.text}
  end
  return messages
end

function M.failure(status, body)
  local problem = json.decode(body)
  local message = preset.text(problem, "error", "message") or preset.text(problem, "error")
    or preset.text(problem, "message") or preset.short(body)
  return {kind = preset.kind_of_status(status), message = ("HTTP %d: %s"):format(status, message)}
end

return M
