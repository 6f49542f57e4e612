-- Server-sent events without a newline were searched and copied from their beginning with
-- each piece: 8 MB took 40 s of processor time. So were answers of many small deltas.

local h = require "spec.support.helper"
local rope = require "orun.llm.rope"
local sse = require "orun.llm.sse"

-- What a reader says of the text, cut into pieces of `size`.
local function events(text, size)
  local seen = {}
  local reader = sse.new(function(name, data) seen[#seen + 1] = name .. "=" .. data end)
  for at = 1, #text, size do reader:feed(text:sub(at, at + size - 1)) end
  return table.concat(seen, ";")
end

describe("server-sent events", function()
  it("are the same however they are cut", function()
    local text = "\u{FEFF}data: a\r\ndata:b\n\nevent: x\rdata: c\r\r: no\ndata\n\r\ndata: d\r\n\r\n"
      .. "id: 1\nretry: 5\n\ndata: \u{FEFF}e\n\ndata: not ended"
    for size = 1, #text do
      assert.equal("message=a\nb;x=c;message=;message=d;message=\u{FEFF}e", events(text, size))
    end
    assert.equal("message=x", events("data: x\n\n", 1))
    assert.equal("message=x", events("\n\ndata: x\r\r", 2))
  end)

  it("have bounded lines and events, of empty lines of data, too", function()
    local piece = ("x"):rep(1 << 20)
    local reader = sse.new(print)
    assert.error_matches(function()
      for _ = 1, 17 do reader:feed(piece) end
    end, "a line of the stream has more than 16777216 bytes")
    reader = sse.new(print)
    local lines = ("data:\n"):rep(1 << 14)
    assert.error_matches(function()
      for _ = 1, 17 do reader:feed(lines) end
    end, "an event of the stream has more than 16777216 bytes")
  end)

  it("cost what their bytes do, in whatever pieces they come", function()
    local r = h.script([[
      local rope, sse = require "orun.llm.rope", require "orun.llm.sse"
      local seen
      local reader = sse.new(function(_, data) seen = #data end)
      reader:feed("data: ")
      for _ = 1, 250000 do reader:feed("12345678") end
      reader:feed("\n\n")
      local t = {}
      for _ = 1, 250000 do rope.add(t, "text", "12345678") end
      rope.settle(t)
      print(seen, #t.text)]], {limit = 30})
    assert.equal("2000000\t2000000\n", r.out, r.err)
  end)
end)

describe("a rope", function()
  it("goes on from what there was, and is nothing for nothing", function()
    local t, list = {text = "a"}, {{}, {input = "x"}}
    rope.add(t, "text", "")
    rope.add(t, "text", "b")
    for i = 1, 9 do rope.add(t, "text", tostring(i)) end
    rope.add(list[1], "input", "y")
    rope.add(list[2], "input", "y")
    rope.settle(t, list)
    assert.same({text = "ab123456789"}, t)
    assert.same({{input = "y"}, {input = "xy"}}, list)
  end)
end)
