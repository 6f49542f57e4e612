--- orun.chunks: an array in pieces.

local orun = require "orun"

describe("chunks", function()
  it("cuts an array into pieces of a size, the last one shorter", function()
    assert.same({{1, 2}, {3, 4}, {5}}, orun.chunks({1, 2, 3, 4, 5}, 2))
    assert.same({{1, 2}}, orun.chunks({1, 2}, 2))
    assert.same({{1, 2}}, orun.chunks({1, 2}, 99))
    assert.same({}, orun.chunks({}, 3))
  end)

  it("leaves the array as it was", function()
    local array = {1, 2, 3}
    orun.chunks(array, 1)
    assert.same({1, 2, 3}, array)
  end)

  it("refuses sizes and arrays that are none", function()
    local function raised(...)
      return select(2, pcall(orun.chunks, ...))
    end
    assert.equal("orun.chunks: size = 0: expected a whole number, 1 or more", raised({1}, 0))
    assert.equal("orun.chunks: size = nil: expected a whole number, 1 or more", raised({1}))
    assert.equal("orun.chunks: size = 1.5: expected a whole number, 1 or more", raised({1}, 1.5))
    assert.equal("orun.chunks: array has holes: 2 elements, but the last is [3]",
      raised({1, nil, 3}, 1))
  end)
end)
