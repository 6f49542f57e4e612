--- The JSON in what agents answer.

local answer = require "orun.schema.extract"
local json = require "orun.json"
local schema = require "orun.schema"

local function found(text, checker)
  local value, errors = answer.find(text, checker)
  if value == nil then return nil, errors[1] end
  return json.encode(value)
end

describe("orun.schema.extract", function()
  it("takes the whole answer when it is JSON", function()
    assert.equal('{"a":1}', found(' {"a": 1}\n'))
    assert.equal("7", found("7"))
    assert.equal('"```"', found('"```"'))
  end)

  it("takes the last fenced block", function()
    local text = 'First:\n```json\n{"a": 1}\n```\nbetter:\n```\n{"a": 2}\n```\nok'
    assert.equal('{"a":2}', found(text))
    assert.equal('[1]', found("```json\r\n[1]\n```"))
  end)

  it("takes the largest piece of JSON between words", function()
    assert.equal('{"a":"}{"}', found('Use {} or so: {"a": "}{"} and [1].'))
    assert.equal('{"a":"\\\\"}', found([[it is {"a": "\\"} then "]]))
    assert.equal('[1,2]', found("see [the note] for [1, 2]"))
    assert.equal('{"b":1}', found('{ not json: {"b": 1}'))
  end)

  it("prefers what fits the schema", function()
    local checker = assert(schema.new{type = "object", required = {"n"}})
    assert.equal('{"n":1}', found('like {"example": "a long one, really"}: {"n": 1}', checker))
    assert.equal('{"n":1}', found('```\n{"n": 1}\n```\n```\n{"m": 1}\n```', checker))
  end)

  it("says what is wrong when nothing does", function()
    local checker = assert(schema.new{type = "object", required = {"n"}})
    assert.same({nil, 'the value: the field "n" is missing'}, {found('{"m": 1}', checker)})
    assert.same({nil, "the answer has no JSON in it"}, {found("I cannot do that {", checker)})
    assert.same({nil, "the answer is empty"}, {found(" \n")})
  end)

  it("ends on answers made to keep it busy", function()
    assert.is_nil((found(("{"):rep(20000))))
    assert.is_nil((found(('["'):rep(20000))))
    assert.equal("[1]", found(("[x] "):rep(20000) .. "[1]"))
  end)

  it("tells an agent the form, and what it missed", function()
    assert.is_truthy(answer.ask{type = "object"}:find('{"type":"object"}', 1, true))
    assert.is_truthy(answer.refuse{"/a: no"}:find("\n- /a: no\n", 1, true))
  end)
end)
