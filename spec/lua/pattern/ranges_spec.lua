--- orun.ranges: how orun.map cuts its items.

local Ranges = require "orun.pattern.ranges"

--- Takes chunks until nothing is left, learning from each as if an item cost
--- `cost` seconds; gives their sizes.
local function sizes(ranges, cost)
  local all = {}
  for first, last in function() return ranges:take() end do
    all[#all + 1] = last - first + 1
    ranges:learn(last - first + 1, cost * (last - first + 1))
  end
  return all
end

local function sum(list)
  local total = 0
  for _, n in ipairs(list) do total = total + n end
  return total
end

describe("ranges", function()
  it("cuts 1..n without gap or overlap", function()
    local ranges, want = Ranges.new(1000, 2), 1
    for first, last in function() return ranges:take() end do
      assert.equal(want, first)
      assert.is_true(last >= first)
      want = last + 1
      ranges:learn(last - first + 1, 1e-6)
    end
    assert.equal(1001, want)
    assert.equal(0, ranges.left)
  end)

  it("begins with one item, and grows step by step", function()
    local all = sizes(Ranges.new(100000, 2), 1e-7)
    assert.equal(100000, sum(all))
    assert.equal(1, all[1])
    local longest = 1
    for _, size in ipairs(all) do
      assert.is_true(size <= 8 * longest)
      longest = math.max(longest, size)
    end
    assert.is_true(longest > 10000)
    assert.is_true(#all < 60)
  end)

  it("aims at a few milliseconds", function()
    local ranges = Ranges.new(1000000, 2)
    for _ = 1, 20 do
      local first, last = ranges:take()
      ranges:learn(last - first + 1, (last - first + 1) * 1e-5)
    end
    local first, last = ranges:take()
    local seconds = (last - first + 1) * 1e-5
    assert.is_true(seconds > 0.001 and seconds < 0.01)
  end)

  it("sends slow items one by one", function()
    assert.same({1, 1, 1, 1, 1}, sizes(Ranges.new(5, 2), 1))
  end)

  it("shrinks towards the end, so that workers finish together", function()
    local all = sizes(Ranges.new(2000, 4), 1e-4)
    assert.is_true(all[#all] <= 4)
  end)

  it("takes again what is given back", function()
    local ranges = Ranges.new(10, 1)
    ranges:learn(10, 0)
    assert.same({1, 10}, {ranges:take()})
    assert.is_nil(ranges:take())
    ranges:give_back(4, 10)
    assert.equal(7, ranges.left)
    assert.same({4, 10}, {ranges:take()})
    assert.is_nil(ranges:take())
  end)

  it("drops all from an index on, and what is given back behind it", function()
    local ranges = Ranges.new(100, 1)
    assert.same({1, 1}, {ranges:take()})
    ranges:cut(3)
    assert.equal(1, ranges.left)
    assert.same({2, 2}, {ranges:take()})
    ranges:give_back(1, 50)
    assert.equal(2, ranges.left)
    assert.same({1, 1}, {ranges:take()})
    assert.same({2, 2}, {ranges:take()})
    assert.is_nil(ranges:take())
  end)

  it("has nothing to take of nothing", function()
    assert.is_nil(Ranges.new(0, 2):take())
  end)
end)
