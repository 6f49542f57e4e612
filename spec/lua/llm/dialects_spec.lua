--- The two dialects of LLM APIs, and the stream they come in: without a network.

local json = require "orun.json"
local rope = require "orun.llm.rope"
local sse = require "orun.llm.sse"

local function events_of(pieces)
  local all = {}
  local reader = sse.new(function(name, data) all[#all + 1] = name .. "=" .. data end)
  for _, piece in ipairs(pieces) do reader:feed(piece) end
  return table.concat(all, " ")
end

describe("orun.llm.sse", function()
  local text = "\u{FEFF}event: a\ndata: 1\n\n: comment\r\ndata:2\r\ndata: 3\r\rid: 7\n\n"
    .. "data\n\nevent: lost\ndata: x"

  it("reads events of every line ending", function()
    assert.equal("a=1 message=2\n3 message=", events_of{text})
  end)

  it("reads the same wherever the stream was cut", function()
    local want = events_of{text}
    for at = 1, #text - 1 do
      assert.equal(want, events_of{text:sub(1, at), text:sub(at + 1)}, "cut at " .. at)
    end
    local bytes = {}
    for i = 1, #text do bytes[i] = text:sub(i, i) end
    assert.equal(want, events_of(bytes))
  end)

  it("keeps the bytes of the data", function()
    assert.equal("message=a\0b: \xff", events_of{"data: a\0b: \xff\n\n"})
  end)

  it("refuses an event without end", function()
    local reader = sse.new(function() end)
    local big = "data: " .. ("x"):rep(1 << 20) .. "\n"
    assert.has_error(function()
      for _ = 1, 20 do reader:feed(big) end
    end, "an event of the stream has more than 16777216 bytes")
    reader = sse.new(function() end)
    assert.has_error(function()
      for _ = 1, 20 do reader:feed(("x"):rep(1 << 20)) end
    end, "a line of the stream has more than 16777216 bytes")
  end)
end)

local function feed(dialect, events)
  local s = {}
  for _, event in ipairs(events) do
    dialect.event(s, event.type or "message", type(event) == "string" and event
      or json.encode(event))
  end
  rope.settle(s, s.blocks or {}, s.calls or {}) -- as orun.api does at the end
  return s
end

describe("the anthropic dialect", function()
  local api = require "orun.llm.anthropic"
  local start = {type = "message_start", message = {model = "m", usage = {input_tokens = 5}}}
  local function block(index, content)
    return {type = "content_block_start", index = index, content_block = content}
  end
  local function delta(index, fields)
    return {type = "content_block_delta", index = index, delta = fields}
  end
  local function stop(reason)
    return {type = "message_delta", delta = {stop_reason = reason}, usage = {output_tokens = 7}}
  end
  local done = {type = "message_stop"}

  it("adds up text, calls and counts", function()
    local s = feed(api, {start, {type = "ping"}, block(0, {type = "text", text = ""}),
      delta(0, {type = "text_delta", text = "I "}), delta(0, {type = "text_delta", text = "look"}),
      {type = "content_block_stop", index = 0},
      block(1, {type = "tool_use", id = "c1", name = "grep", input = {}}),
      delta(1, {type = "input_json_delta", partial_json = '{"a":'}),
      delta(1, {type = "input_json_delta", partial_json = "1}"}), stop "tool_use", done})
    local turn = assert(api.finish(s))
    assert.same({"I look", "m", false}, {turn.text, turn.model, turn.cut})
    assert.same({{id = "c1", name = "grep", input = {a = 1}}}, turn.calls)
    assert.same({input_tokens = 5, output_tokens = 7}, turn.usage)
    assert.equal('{"content":[{"text":"I look","type":"text"},{"id":"c1","input":{"a":1},'
      .. '"name":"grep","type":"tool_use"}],"role":"assistant"}', json.encode(api.said(s)))
  end)

  it("calls a stream that was cut no answer", function()
    for _, events in ipairs{{}, {start}, {start, stop "end_turn"}, {start, done}} do
      local turn, why = api.finish(feed(api, events))
      assert.is_nil(turn)
      assert.same({"http", "the stream ended in the middle of the answer"}, {why.kind, why.message})
    end
  end)

  it("tells the errors of the stream", function()
    local function failed(kind)
      return select(2, api.finish(feed(api, {start, {type = "error",
        error = {type = kind, message = "Overloaded"}}, stop "end_turn", done})))
    end
    assert.same({kind = "rate", message = "Overloaded (overloaded_error)"},
      failed "overloaded_error")
    assert.equal("http", failed("api_error").kind)
    local _, why = api.finish(feed(api, {start, "<html>"}))
    assert.is_truthy(why.message:find("not JSON: <html>", 1, true))
  end)

  it("tells an answer that was cut short or refused", function()
    assert.is_true(api.finish(feed(api, {start, stop "max_tokens", done})).cut)
    assert.is_true(api.finish(feed(api, {start, stop "refusal", done})).refused)
  end)

  it("asks with system, tools and what is extra", function()
    local body = api.body({model = "m", system = "s", temperature = 0, extra = {top_k = 3},
      tools = {{name = "t", description = "d", schema = {type = "object"}}}},
      {{role = "user", content = "hi"}})
    assert.equal('{"max_tokens":8192,"messages":[{"content":"hi","role":"user"}],"model":"m",'
      .. '"stream":true,"system":"s","temperature":0,"tools":[{"description":"d",'
      .. '"input_schema":{"type":"object"},"name":"t"}],"top_k":3}', json.encode(body))
    assert.equal('[{"content":[{"content":"no","is_error":true,"tool_use_id":"c1",'
      .. '"type":"tool_result"}],"role":"user"}]',
      json.encode(api.results{{id = "c1", name = "t", text = "no", failed = true}}))
  end)

  it("tells what an HTTP error says", function()
    assert.same({kind = "rate", message = "HTTP 529: Overloaded"},
      api.failure(529, '{"type":"error","error":{"type":"x","message":"Overloaded"}}'))
    assert.same({kind = "http", message = "HTTP 502: <html>bad</html>"},
      api.failure(502, "<html>bad</html>\nmore"))
  end)
end)

describe("the openai dialect", function()
  local api = require "orun.llm.openai"
  local function choice(fields, finish)
    return {model = "m", choices = {{index = 0, delta = fields, finish_reason = finish}}}
  end

  it("adds up text, calls and counts", function()
    local s = feed(api, {choice{role = "assistant", content = "I "}, choice{content = "look"},
      choice{tool_calls = {{index = 0, id = "c1", ["function"] = {name = "grep", arguments = ""}}}},
      choice{tool_calls = {{index = 0, ["function"] = {arguments = '{"a":'}}}},
      choice{tool_calls = {{index = 1, id = "c2", ["function"] = {name = "ls"}},
        {index = 0, ["function"] = {arguments = "1}"}}}},
      choice({}, "tool_calls"),
      {choices = json.array(), usage = {prompt_tokens = 5, completion_tokens = 7}}, "[DONE]"})
    local turn = assert(api.finish(s))
    assert.same({"I look", "m"}, {turn.text, turn.model})
    assert.same({{id = "c1", name = "grep", input = {a = 1}}, {id = "c2", name = "ls", input = {}}},
      turn.calls)
    assert.same({input_tokens = 5, output_tokens = 7}, turn.usage)
    local said = api.said(s)
    assert.equal('{"a":1}', said.tool_calls[1]["function"].arguments)
  end)

  it("calls a stream that was cut no answer", function()
    assert.is_nil((api.finish(feed(api, {choice{content = "half"}}))))
    assert.is_nil((api.finish(feed(api, {choice{content = "half"}, "[DONE]"}))))
  end)

  it("gives the text of arguments that are no JSON as no input", function()
    local turn = api.finish(feed(api, {choice({tool_calls = {{index = 0, id = "c",
      ["function"] = {name = "x", arguments = "{broken"}}}}, "tool_calls")}))
    assert.is_nil(turn.calls[1].input)
  end)

  it("puts the system prompt first", function()
    local body = api.body({model = "m", system = "s", max_tokens = 5},
      {{role = "user", content = "x"}})
    assert.same({{role = "system", content = "s"}, {role = "user", content = "x"}}, body.messages)
    assert.equal(5, body.max_completion_tokens)
  end)

  it("tells errors of the stream and of HTTP", function()
    local _, why = api.finish(feed(api, {{error = {message = "slow down", code = 429}}}))
    assert.same({kind = "rate", message = "slow down"}, why)
    assert.same({kind = "http", message = "HTTP 400: bad model"},
      api.failure(400, '{"error":{"message":"bad model"}}'))
    assert.equal("rate", api.failure(429, "").kind)
  end)
end)
