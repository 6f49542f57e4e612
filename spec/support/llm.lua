--- Answers of LLM APIs for the specs' server: files in its folder, and the
--- requests it has seen.
---
---     local say = llm.new(server, "anthropic", "hello")
---     say:text("Hello.")        -- the answer to the next request
---     say.base                  -- base_url for the agent

local h = require "spec.support.helper"
local json = require "orun.json"

local M = {}

local Llm <const> = {__name = "spec.llm"}
Llm.__index = Llm

--- Answers under a name; no two may share it.
function M.new(server, api, name)
  return setmetatable({server = server, api = api, name = name, n = 0,
                       base = ("%s/llm/%s"):format(server.url, name)}, Llm)
end

--- The next answer, byte for byte. It may be a whole HTTP answer.
function Llm:raw(text)
  self.n = self.n + 1
  h.write(("%s/%s.%d"):format(self.server.folder, self.name, self.n), text)
end

--- An HTTP answer that is no stream.
function Llm:http(status, body, headers)
  local lines = {("HTTP/1.1 %d Status"):format(status), "Content-Length: " .. #body,
                 "Connection: close"}
  for _, line in ipairs(headers or {}) do lines[#lines + 1] = line end
  self:raw(table.concat(lines, "\r\n") .. "\r\n\r\n" .. body)
end

local function stream(events)
  local out = {}
  for i, e in ipairs(events) do
    out[i] = type(e) == "string" and ("data: %s\n\n"):format(e)
      or ("event: %s\ndata: %s\n\n"):format(e.type or "message", json.encode(e))
  end
  return table.concat(out)
end

local build = {}

function build.anthropic(t)
  local events = {{type = "message_start", message = {model = "fake-1",
    usage = {input_tokens = 10, output_tokens = 1}}}}
  local index = -1
  local function block(start, delta)
    index = index + 1
    events[#events + 1] = {type = "content_block_start", index = index, content_block = start}
    events[#events + 1] = {type = "content_block_delta", index = index, delta = delta}
    events[#events + 1] = {type = "content_block_stop", index = index}
  end
  if t.text then
    block({type = "text", text = ""}, {type = "text_delta", text = t.text})
  end
  for i, call in ipairs(t.calls or {}) do
    block({type = "tool_use", id = "c" .. i, name = call[1], input = json.decode "{}"},
      {type = "input_json_delta", partial_json = call[2]})
  end
  events[#events + 1] = {type = "message_delta", usage = {output_tokens = 5},
    delta = {stop_reason = t.stop or (t.calls and "tool_use" or "end_turn")}}
  events[#events + 1] = {type = "message_stop"}
  return events
end

function build.openai(t)
  local calls
  for i, call in ipairs(t.calls or {}) do
    calls = calls or {}
    calls[i] = {index = i - 1, id = "c" .. i, ["function"] = {name = call[1], arguments = call[2]}}
  end
  return {
    {model = "fake-1", choices = {{delta = {content = t.text, tool_calls = calls}}}},
    {model = "fake-1", choices = {{delta = json.decode "{}",
      finish_reason = t.stop or (calls and "tool_calls" or "stop")}}},
    {model = "fake-1", choices = json.array(),
     usage = {prompt_tokens = 10, completion_tokens = 5}},
    "[DONE]",
  }
end

--- The next answer: t.text, t.calls (array of {name, arguments as JSON}), t.stop.
function Llm:turn(t)
  self:raw(stream(build[self.api](t)))
end

function Llm:text(text)
  self:turn{text = text}
end

--- The n-th request: {line, headers (text), body (decoded)}; nil when there was none.
function Llm:request(n)
  local text = h.read(("%s/%s.%d.request"):format(self.server.folder, self.name, n))
  if not text then return nil end
  local head, body = text:match("^(.-)\r\n\r\n(.*)$")
  return {line = head:match("^[^\r\n]*"), headers = head, body = json.decode(body)}
end

return M
