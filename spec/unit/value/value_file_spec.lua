--- value.c: values whose bytes are in a file.

local codec = require("orun.test").value

describe("a value in a file", function()
  it("is the same value, and holds no memory", function()
    local shared = {("s"):rep(100000)}
    local value = {shared, shared, 1, 2.5, "\0", {deep = {true}}}
    local back, held = codec.in_file(value)
    assert.same(value, back)
    assert.equal(back[1], back[2])
    assert.equal(0, held)
  end)

  it("keeps its handles", function()
    local back = codec.in_file{codec.handle(7), ("x"):rep(5000)}
    assert.equal(("x"):rep(5000), back[2])
    assert.is_not_nil(back[1])
  end)

  it("stays in memory when the disk is full", function()
    local back, why = codec.in_file({("x"):rep(100000)}, {full = true})
    assert.is_nil(back)
    assert.equal("ESYS", why)
  end)
end)
