--- orun.wait_any and orun.as_completed: several tasks, the first to end first.

local orun = require "orun"

--- A task that ends with `value` when `open` is called.
local function gated(value)
  local gate = orun.TaskCreate{description = "gate"}
  local handle = orun.Task{
    run = function(input)
      orun.TaskOutput{task_id = input.gate}
      return input.value
    end,
    input = {gate = gate.id, value = value},
    run_in_background = true,
  }
  return handle, function() orun.TaskUpdate{task_id = gate, status = "completed"} end
end

describe("wait_any", function()
  it("returns the first to end and its place", function()
    local a, open_a = gated "a"
    local b, open_b = gated "b"
    open_b()
    local result, index = orun.wait_any{a, b}
    assert.equal("b", result.output)
    assert.equal(2, index)
    open_a()
    assert.equal("a", orun.wait_any{a.id}.output)
  end)

  it("returns the one that ended first when several have", function()
    local a, open_a = gated "a"
    local b, open_b = gated "b"
    open_b()
    orun.TaskOutput(b)
    open_a()
    orun.TaskOutput(a)
    local _, index = orun.wait_any{a, b}
    assert.is_true(index == 1 or index == 2)
  end)

  it("gives up after its time, and stops nothing", function()
    local a, open = gated "a"
    local result, why = orun.wait_any({a}, "10ms")
    assert.is_nil(result)
    assert.equal("timeout", why)
    open()
    assert.equal("a", orun.TaskOutput(a).output)
  end)

  it("returns nil for none", function()
    assert.is_nil(orun.wait_any{})
  end)

  it("refuses wrong arguments", function()
    local function raised(...)
      return select(2, pcall(orun.wait_any, ...))
    end
    assert.equal("orun.wait_any: handles = nil: expected an array", raised())
    assert.is_truthy(raised({}, -1):find("orun.wait_any: timeout = -1", 1, true))
    assert.is_truthy(raised{"t0"}:find('"t0"', 1, true))
  end)

  it("names the line of the mistake, as wait_all does", function()
    for _, wait in ipairs{orun.wait_any, orun.wait_all} do
      for _, bad in ipairs{{1}, {{}, "soon"}} do
        local _, message = pcall(function()
          local result = wait(bad[1], bad[2])
          return result
        end)
        assert.matches("wait_spec.lua:%d+: orun.wait_a", message)
      end
    end
  end)
end)

describe("as_completed", function()
  it("goes through the results in the order tasks end", function()
    local a, open_a = gated "a"
    local b, open_b = gated "b"
    local c, open_c = gated "c"
    local order = {}
    open_b()
    for result, index in orun.as_completed{a, b, c} do
      order[#order + 1] = result.output .. index
      if index == 2 then open_c() end
      if index == 3 then open_a() end
    end
    assert.same({"b2", "c3", "a1"}, order)
  end)

  it("gives failures like other results", function()
    local handle = orun.Task{run = function() error("x", 0) end, run_in_background = true}
    local count = 0
    for result in orun.as_completed{handle} do
      count = count + 1
      assert.equal("failed", result.status)
    end
    assert.equal(1, count)
  end)

  it("may be left early", function()
    local a, open_a = gated "a"
    local done = orun.Task{run = function() return "done" end, run_in_background = true}
    local next_result = orun.as_completed{a, done}
    assert.equal("done", next_result().output)
    open_a()
    assert.equal("a", orun.TaskOutput(a).output)
  end)

  it("ends when the next one takes too long", function()
    local a, open_a = gated "a"
    assert.is_nil(orun.as_completed({a}, {timeout = 0.01})())
    open_a()
  end)

  it("counts and tells of each end, as the patterns do", function()
    local seen, last = {}, nil
    local a = orun.start(function() return "a" end)
    TaskOutput(a)
    local b = orun.start(function() error("no", 0) end)
    for result, i in orun.as_completed({a, b}, {
      each = function(one, at) seen[#seen + 1] = one.status .. at end,
      progress = function(p) last = {p.done, p.failed, p.cancelled, p.total} end,
    }) do seen[#seen + 1] = result.index .. "," .. i end
    assert.same({"completed1", "1,1", "failed2", "2,2"}, seen)
    assert.same({1, 1, 0, 2}, last)
  end)

  it("stops the others after a failure with on_failure = stop", function()
    local function forever() orun.sleep("1h") end
    local handles = {orun.start(forever), orun.start(function() error("no", 0) end),
      orun.start(forever)}
    local statuses = {}
    for result, i in orun.as_completed(handles, {on_failure = "stop"}) do
      statuses[i] = result.status
    end
    assert.same({"cancelled", "failed", "cancelled"}, statuses)
  end)

  it("says why an option of the patterns has no place here", function()
    local function raised(opts)
      local _, message = pcall(function()
        local loop = orun.as_completed({}, opts)
        return loop
      end)
      return message:match("wait_spec.lua:%d+: orun.as_completed: (.*)$")
    end
    for _, name in ipairs{"limit", "defaults"} do
      assert.equal(name .. " has no place here: the tasks have been started; say it where they are",
        raised{[name] = 1})
    end
    assert.equal("order has no place here: the first to end comes first; orun.wait_all keeps the "
      .. "order", raised{order = "input"})
    assert.equal('on_failure = "drain": expected one of "go_on", "stop"',
      raised{on_failure = "drain"})
    assert.equal('unknown option "limt"; there are each, on_failure, progress, timeout',
      raised{limt = 1})
    assert.equal("options = 3: expected a table", raised(3))
  end)

  it("takes results for tasks", function()
    local a = TaskOutput(orun.start(function() return "a" end))
    local result, index = orun.as_completed{a}()
    assert.same({"a", 1, 1}, {result.output, index, result.index})
  end)

  it("ends at once for none, and works inside a task", function()
    assert.is_nil(orun.as_completed{}())
    local result = orun.Task{run = function()
      local handles, sum = {}, 0
      for i = 1, 3 do
        handles[i] = orun.Task{run = function(n) return n end, input = i,
          run_in_background = true}
      end
      for r in orun.as_completed(handles) do sum = sum + r.output end
      return sum
    end}
    assert.equal(6, result.output)
  end)
end)
