-- JSON for agents that are programs (runtime/value/json.c).

local codec = require("orun.test").value

describe("json_from_value", function()
  it("writes a value on one line, keys sorted", function()
    assert.equal('{"a":[1,2.0,"x\\n"],"b":true,"c":null}',
      codec.json({ b = true, a = { 1, 2.0, "x\n" }, c = require("cjson").null }))
  end)

  it("writes any value, not only tables", function()
    assert.equal('"text"', codec.json("text"))
    assert.equal("9007199254740993", codec.json((1 << 53) + 1))
    assert.equal("null", codec.json(nil))
    assert.equal("false", codec.json(false))
  end)

  it("puts in the place of a handle what it stands for", function()
    assert.equal('{"from":"output of 7"}', codec.json({ from = codec.handle(7) }))
  end)

  it("replaces bytes that are not UTF-8", function()
    assert.equal('{"s":"a\u{FFFD}"}', codec.json({ s = "a\xFF" }))
  end)

  it("says what has no JSON, in the words of the caller", function()
    local cases = {
      { "input.f: a function cannot be written as JSON", { f = function() end } },
      { "input.list[2]: JSON has no number for inf", { list = { 1, 1 / 0 } } },
      { "input: a float as key cannot be written as JSON", { [0.5] = 1 } },
    }
    for _, case in ipairs(cases) do
      local text, said, code = codec.json(case[2])
      assert.is_nil(text)
      assert.equal(case[1], said)
      assert.equal("EUNSENDABLE", code)
    end
  end)

  it("loads no module that a value names", function()
    local text, said = codec.json({ require("spec.support.helper") })
    assert.is_nil(text)
    assert.matches("module 'spec%.support%.helper' is not loaded", said)
  end)

  it("is as good after a failure and after a large value", function()
    assert.is_nil((codec.json({ function() end })))
    assert.equal(3000002, #codec.json(("x"):rep(3000000)))
    assert.equal("[1]", codec.json({ 1 }))
  end)
end)
