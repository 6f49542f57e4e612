--- orun.llm.anthropic: the Messages API, as data and functions without I/O.
--
-- A dialect says how a conversation is asked for and what the streamed answer
-- means; llm/init.lua does the talking. Every dialect has
--
--   base, base_env   where the API is, and the variable that says otherwise
--   key_env          the variable with the key
--   path             below the base
--   model            for agent files, where neither the file nor $ORUN_MODEL names one
--   runner           the preset whose agent files name models of this dialect, …
--   aliases          … and short names of them
--   headers(key)     of a request
--   body(o, messages) -> table to be sent as JSON; o has model, system,
--                    max_tokens, temperature, effort, tools (array of {name,
--                    description, schema}), extra
--   event(s, name, data)  one event; s keeps what the answer is so far
--   finish(s)        -> the turn {text, calls, usage, model, cut}; or nil and
--                    {kind=, message=} when the stream was not a whole answer
--   said(s)          -> the message to put into the conversation for it
--   results(all)     -> array of messages with the results of its calls, each
--                    {id, name, text, failed}
--   failure(status, body) -> {kind=, message=} of an HTTP error

local json = require "orun.json"
local preset = require "orun.preset"
local rope = require "orun.llm.rope"

local M = {
  base = "https://api.anthropic.com", base_env = "ANTHROPIC_BASE_URL",
  key_env = "ANTHROPIC_API_KEY", path = "/v1/messages",
  model = "claude-sonnet-4-5", runner = "claude",
  aliases = {sonnet = "claude-sonnet-4-5", haiku = "claude-haiku-4-5", opus = "claude-opus-4-1"},
}

local VERSION <const> = "2023-06-01"
local MAX_TOKENS <const> = 8192

local COUNTS <const> = preset.ANTHROPIC

function M.headers(key)
  return {["x-api-key"] = key, ["anthropic-version"] = VERSION}
end

function M.body(o, messages)
  local tools
  for i, tool in ipairs(o.tools or {}) do
    tools = tools or {}
    tools[i] = {name = tool.name, description = tool.description, input_schema = tool.schema}
  end
  local body = {model = o.model, max_tokens = o.max_tokens or MAX_TOKENS, messages = messages,
                system = o.system, temperature = o.temperature, tools = tools, stream = true,
                output_config = o.effort and {effort = o.effort}}
  for name, value in pairs(o.extra or {}) do body[name] = value end
  return body
end

local on = {}

function on.message_start(s, event)
  s.model = preset.text(event, "message", "model")
  s.usage = preset.usage(preset.field(event, "message", "usage"), COUNTS) or {}
end

function on.content_block_start(s, event)
  local block = preset.rows(event, "content_block")
  s.blocks[#s.blocks + 1] = {type = preset.text(block, "type"), id = preset.text(block, "id"),
                             name = preset.text(block, "name"),
                             text = preset.text(block, "text") or "", input = ""}
  s.at[preset.field(event, "index") or #s.blocks] = s.blocks[#s.blocks]
end

function on.content_block_delta(s, event)
  local block = s.at[preset.field(event, "index") or 0]
  if not block then return end
  rope.add(block, "text", preset.text(event, "delta", "text") or "")
  rope.add(block, "input", preset.text(event, "delta", "partial_json") or "")
end

function on.message_delta(s, event)
  s.stop = preset.text(event, "delta", "stop_reason") or s.stop
  for name, n in pairs(preset.usage(event.usage, COUNTS) or {}) do s.usage[name] = n end
end

function on.message_stop(s)
  s.whole = true
end

function on.error(s, event)
  s.error = {type = preset.text(event, "error", "type") or "error",
             message = preset.text(event, "error", "message") or "no message"}
end

function M.event(s, name, data)
  s.blocks, s.at, s.usage = s.blocks or {}, s.at or {}, s.usage or {}
  local event = json.decode(data)
  if type(event) ~= "table" then
    s.error = s.error or {type = "format", message = "an event that is not JSON: "
      .. preset.short(data)}
    return
  end
  local handler = on[event.type or name]
  if handler then handler(s, event) end
end

local function kind_of(problem)
  return (problem == "rate_limit_error" or problem == "overloaded_error") and "rate" or "http"
end

function M.finish(s)
  if s.error then
    return nil, {kind = kind_of(s.error.type), message = ("%s (%s)"):format(s.error.message,
      s.error.type)}
  end
  if not s.whole or not s.stop then
    return nil, {kind = "http", message = "the stream ended in the middle of the answer"}
  end
  local turn = {text = "", calls = {}, usage = s.usage, model = s.model,
                cut = s.stop == "max_tokens", refused = s.stop == "refusal"}
  for _, block in ipairs(s.blocks) do
    if block.type == "text" then
      turn.text = turn.text .. block.text
    elseif block.type == "tool_use" then
      local input = block.input == "" and {} or json.decode(block.input)
      turn.calls[#turn.calls + 1] = {id = block.id, name = block.name, input = input}
    end
  end
  return turn
end

function M.said(s)
  local content = {}
  for _, block in ipairs(s.blocks) do
    if block.type == "text" and block.text ~= "" then
      content[#content + 1] = {type = "text", text = block.text}
    elseif block.type == "tool_use" then
      local input = block.input == "" and {} or json.decode(block.input)
      content[#content + 1] = {type = "tool_use", id = block.id, name = block.name,
                               input = type(input) == "table" and preset.sayable(input)
                                 and input or {}}
    end
  end
  return {role = "assistant", content = content}
end

function M.results(all)
  local content = {}
  for i, one in ipairs(all) do
    content[i] = {type = "tool_result", tool_use_id = one.id, content = one.text,
                  is_error = one.failed or nil}
  end
  return {{role = "user", content = content}}
end

function M.failure(status, body)
  local problem = json.decode(body)
  local message = preset.text(problem, "error", "message") or preset.short(body)
  return {kind = preset.kind_of_status(status), message = ("HTTP %d: %s"):format(status, message)}
end

return M
