-- First in, first out, by priority (runtime/base/queue.c).

local test = require "orun.test"

local function drain(queue)
  local out = {}
  for number in function() return queue:shift() end do out[#out + 1] = number end
  return out
end

-- As assert.equal, for loops that ask often.
local function same(expected, actual)
  if expected ~= actual then assert.equal(expected, actual) end
end

describe("queue", function()
  it("is empty at first", function()
    local queue = test.queue()
    assert.is_nil(queue:peek())
    assert.is_nil(queue:shift())
  end)

  it("gives items of one priority in the order they came", function()
    local queue = test.queue()
    for i = 1, 100 do queue:push(i) end
    for i = 1, 100 do
      assert.equal(i, queue:peek())
      assert.equal(i, queue:shift())
    end
    assert.is_nil(queue:shift())
  end)

  it("gives the higher priority first, at every level", function()
    local queue = test.queue()
    for priority = -10, 10 do queue:push(priority + 10, priority) end
    local expected = {}
    for number = 20, 0, -1 do expected[#expected + 1] = number end
    assert.same(expected, drain(queue))
  end)

  it("puts an item before those of its priority, not of a higher one", function()
    local queue = test.queue()
    queue:push(1, 0)
    queue:push(2, 5)
    queue:push_front(3, 0)
    queue:push_front(4, 0)
    assert.same({ 2, 4, 3, 1 }, drain(queue))
  end)

  it("lets an item be taken out of the middle", function()
    local queue = test.queue()
    for i = 1, 5 do queue:push(i) end
    queue:remove(3)
    queue:remove(1)
    queue:remove(1)
    assert.same({ 2, 4, 5 }, drain(queue))
    queue:push(6, 7)
    queue:remove(6)
    assert.is_nil(queue:peek())
  end)

  it("agrees with a plain list over many random steps", function()
    math.randomseed(1)
    local queue, levels, where = test.queue(), {}, {}
    for priority = -10, 10 do levels[priority] = {} end
    local function first()
      for priority = 10, -10, -1 do
        if levels[priority][1] then return levels[priority][1], priority end
      end
    end
    local function drop(number)
      local level = levels[where[number]]
      for i, other in ipairs(level) do
        if other == number then table.remove(level, i) break end
      end
      where[number] = nil
    end
    for _ = 1, 20000 do
      local number, action = math.random(0, 300), math.random(5)
      if action <= 2 and not where[number] then
        where[number] = math.random(-10, 10)
        local level = levels[where[number]]
        if action == 1 then
          queue:push(number, where[number])
          level[#level + 1] = number
        else
          queue:push_front(number, where[number])
          table.insert(level, 1, number)
        end
      elseif action == 3 and where[number] then
        queue:remove(number)
        drop(number)
      elseif action == 4 then
        same(first(), (queue:peek()))
      elseif action == 5 then
        local expected = first()
        same(expected, (queue:shift()))
        if expected then drop(expected) end
      end
    end
  end)
end)
