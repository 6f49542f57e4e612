-- The heap of deadlines (runtime/task/timer.c).

local test = require "orun.test"

-- Take the timers out in the order they are due; the times.
local function drain(timers)
  local times = {}
  while true do
    local number, at = timers:first()
    if not number then return times end
    times[#times + 1] = at
    timers:disarm(number)
    timers:armed()
  end
end

-- As assert.equal, for loops that ask often.
local function same(expected, actual)
  if expected ~= actual then assert.equal(expected, actual) end
end

describe("timers", function()
  it("are none at first, and one that is not armed can be disarmed", function()
    local timers = test.timers()
    assert.is_nil(timers:first())
    timers:disarm(7)
    assert.equal(0, timers:armed())
  end)

  it("come in the order they are due", function()
    local timers = test.timers()
    for number, at in ipairs { 5, 3, 9, 1, 7, 3 } do
      assert.is_true(timers:arm(number, at))
    end
    assert.equal(6, timers:armed())
    assert.same({ 1, 3, 3, 5, 7, 9 }, drain(timers))
  end)

  it("move when they are armed again, to earlier and to later", function()
    local timers = test.timers()
    for number = 1, 9 do timers:arm(number, number) end
    timers:arm(9, 0)
    assert.equal(9, (timers:first()))
    timers:arm(9, 100)
    timers:arm(1, 50)
    assert.equal(9, timers:armed())
    assert.same({ 2, 3, 4, 5, 6, 7, 8, 50, 100 }, drain(timers))
  end)

  it("keep their order when any is disarmed", function()
    for gone = 1, 20 do
      local timers, expected = test.timers(), {}
      for number = 1, 20 do timers:arm(number, (number * 7) % 20) end
      timers:disarm(gone)
      for at = 0, 19 do
        if at ~= (gone * 7) % 20 then expected[#expected + 1] = at end
      end
      assert.same(expected, drain(timers))
    end
  end)

  it("stand infinite and negative times", function()
    local timers = test.timers()
    timers:arm(1, math.huge)
    timers:arm(2, -1)
    timers:arm(3, 0)
    assert.same({ -1, 0, math.huge }, drain(timers))
  end)

  it("agree with a sorted list over many random steps", function()
    math.randomseed(2)
    local timers, armed, count = test.timers(), {}, 0
    for _ = 1, 20000 do
      local number, action = math.random(0, 400), math.random(4)
      if action <= 2 then
        count = count + (armed[number] and 0 or 1)
        armed[number] = math.random(1000) / 8
        timers:arm(number, armed[number])
      elseif action == 3 then
        count = count - (armed[number] and 1 or 0)
        armed[number] = nil
        timers:disarm(number)
      else
        local number_first, at = timers:first()
        local earliest
        for _, each in pairs(armed) do earliest = math.min(each, earliest or each) end
        same(earliest, at)
        if number_first then same(at, armed[number_first]) end
      end
      same(count, timers:armed())
    end
  end)

  it("say so when memory is out, and stay as they were", function()
    local timers = test.timers()
    test.fail_at(1)
    local ok, why = timers:arm(1, 5)
    test.fail_at(0)
    assert.is_nil(ok)
    assert.equal("ENOMEM", why)
    assert.equal(0, timers:armed())
    assert.is_true(timers:arm(1, 5))
    assert.same({ 5 }, drain(timers))
  end)
end)
