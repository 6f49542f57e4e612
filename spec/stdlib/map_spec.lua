--- orun.map: a function over items, in chunks, in tasks.

local h = require "spec.support.helper"
local orun = require "orun"

local function range(n)
  local items = {}
  for i = 1, n do items[i] = i end
  return items
end

local function raised(...)
  local ok, message = pcall(orun.map, ...)
  assert.is_false(ok)
  return message
end

describe("map", function()
  it("returns the outputs in the items' order", function()
    local outputs = orun.map({"a", "b", "c"}, function(s, i) return s .. i end)
    assert.same({"a1", "b2", "c3"}, outputs)
  end)

  it("returns an empty array for no items", function()
    assert.same({}, orun.map({}, function() end))
  end)

  it("does every item of many exactly once", function()
    local n = 20000
    local outputs = orun.map(range(n), function(i, index)
      assert(i == index)
      return 2 * i
    end)
    assert.equal(n, #outputs)
    for i = 1, n do
      if outputs[i] ~= 2 * i then assert.equal(2 * i, outputs[i]) end
    end
  end)

  it("needs far fewer tasks than small items", function()
    local before = orun.Task{run = function() end}.task_id
    orun.map(range(20000), function(i) return i end)
    local after = orun.Task{run = function() end}.task_id
    assert.is_true(after:match("%d+") - before:match("%d+") < 2000)
  end)

  it("keeps nil outputs in their places", function()
    local outputs = orun.map({1, 2, 3}, function(n)
      if n ~= 2 then return n end
    end)
    assert.equal(1, outputs[1])
    assert.is_nil(outputs[2])
    assert.equal(3, outputs[3])
  end)

  it("gives the function copies of what it captures", function()
    local seen, factor = 0, 3
    local outputs = orun.map({1, 2}, function(n)
      seen = seen + 1
      return n * factor
    end)
    assert.same({3, 6}, outputs)
    assert.equal(0, seen)
  end)

  it("runs items that wait side by side, however many", function()
    -- Each of 40 items ends only when all 40 have begun.
    local gate = orun.TaskCreate{description = "all here"}.id
    local log = h.tmpdir() .. "/here"
    h.write(log, "")
    local outputs = orun.map(range(40), function(i)
      local file <close> = assert(io.open(log, "a+"))
      file:write("x")
      file:seek("set")
      if #file:read("a") == 40 then
        orun.TaskUpdate{task_id = gate, status = "completed"}
      end
      orun.TaskOutput{task_id = gate}
      return i
    end)
    assert.equal(40, #outputs)
  end)

  it("keeps to a limit", function()
    local log = h.tmpdir() .. "/log"
    h.write(log, "")
    -- "+" when an item begins, "-" when it ends: never three plus in a row more
    -- than minus.
    orun.map(range(12), function()
      local function note(sign)
        local file <close> = assert(io.open(log, "a"))
        file:write(sign)
      end
      note("+")
      orun.sleep(0.002)
      note("-")
    end, {limit = 2})
    local at_once = 0
    for sign in h.read(log):gmatch(".") do
      at_once = at_once + (sign == "+" and 1 or -1)
      assert.is_true(at_once <= 2)
    end
    assert.equal(24, #h.read(log))
  end)

  it("raises what the first failing item raised, with its index", function()
    local function check(i)
      if i == 7 or i == 9 or i == 300 then error("bad " .. i, 0) end
      return i
    end
    for _ = 1, 5 do
      assert.equal("orun.map: items[7]: bad 7", raised(range(400), check))
    end
  end)

  it("returns failures when asked, and all other outputs", function()
    local outputs = orun.map(range(100), function(i)
      if i % 25 == 0 then error("bad " .. i, 0) end
      return -i
    end, {on_failure = "go_on"})
    local indices = {}
    for _, failure in ipairs(outputs.failed) do
      indices[#indices + 1] = failure.index
      assert.equal("bad " .. failure.index, failure.error)
    end
    assert.same({25, 50, 75, 100}, indices)
    assert.equal(-99, outputs[99])
    assert.is_nil(outputs[100])
  end)

  it("returns no failures as an empty array", function()
    local outputs = orun.map({1}, function() end, {on_failure = "go_on"})
    assert.same({}, outputs.failed)
    assert.is_true(outputs.ok)
  end)

  it("blames an output that cannot be sent on its items", function()
    assert.is_truthy(raised({1}, function() return coroutine.create(print) end)
      :find("^orun.map: items%[1%]: .*a coroutine cannot be sent"))
  end)

  it("hands what a chunk has not done to other tasks", function()
    -- The first items are cheap, so chunks grow; the last ones take their time,
    -- and a chunk of hundreds of them would take a second.
    local outputs = orun.map(range(600), function(i)
      if i > 300 then orun.sleep(0.004) end
      return i
    end)
    assert.equal(600, #outputs)
    assert.equal(600, outputs[600])
  end)

  it("works inside a task, and inside its own function", function()
    local result = orun.Task{run = function()
      return orun.map({1, 2}, function(n)
        return orun.map({n, n}, function(m) return m * 10 end)
      end)
    end}
    assert.same({{10, 10}, {20, 20}}, result.output)
  end)

  it("takes functions of the library", function()
    assert.same({2, 3}, orun.map({4, 9}, math.sqrt))
  end)

  it("puts the outputs of tasks in the place of their handles", function()
    local one = orun.Task{run = function() return 41 end, run_in_background = true}
    assert.same({42}, orun.map({one}, function(n) return n + 1 end))
  end)

  it("refuses wrong arguments", function()
    assert.equal("orun.map: items = 1: expected an array", raised(1, print))
    assert.equal("orun.map: fn = nil: expected a function, or a table with command "
      .. "or subagent_type", raised({}))
    assert.equal('orun.map: errors is now on_failure = "go_on"',
      raised({}, print, {errors = "return"}))
    local file <close> = assert(io.open("/dev/null"))
    assert.is_truthy(raised({1}, function() return file end):find("'file'", 1, true))
  end)
end)
