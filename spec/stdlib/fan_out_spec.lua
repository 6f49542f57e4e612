--- orun.fan_out: all are started, all are collected, failures are data.

local h = require "spec.support.helper"
local orun = require "orun"

--- An item of the list that a task can wait for; `open` lets it go on.
local function gate()
  local item = orun.TaskCreate{description = "gate"}
  return {
    id = item.id,
    open = function() orun.TaskUpdate{task_id = item, status = "completed"} end,
  }
end

--- A spec of a task that ends when its gate is opened, with `value`.
local function gated(g, value)
  return {
    run = function(input)
      orun.TaskOutput{task_id = input.gate}
      return input.value
    end,
    input = {gate = g.id, value = value},
  }
end

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

describe("fan_out", function()
  it("returns results in the order of the specs, whatever order they end in", function()
    local slow = gate()
    local results = orun.fan_out({
      gated(slow, "first"),
      {run = function() return "second" end},
    }, {each = function(_, i)
      if i == 2 then slow.open() end
    end})
    assert.equal("first", results[1].output)
    assert.equal("second", results[2].output)
    assert.same({1, 2}, {results[1].index, results[2].index})
    assert.is_true(results.ok)
    assert.same({}, results.failed)
  end)

  it("returns results in the order they ended when asked", function()
    local slow = gate()
    local results = orun.fan_out({
      gated(slow, "first"),
      {run = function() return "second" end},
    }, {order = "done", each = function(_, i)
      if i == 2 then slow.open() end
    end})
    assert.equal("second", results[1].output)
    assert.equal("first", results[2].output)
    assert.same({2, 1}, {results[1].index, results[2].index})
  end)

  it("gives failures as results and harms no other", function()
    local results = orun.fan_out{
      function() return 1 end,
      function() error("two is broken", 0) end,
      {description = "third", run = function() return 3 end},
    }
    assert.is_false(results.ok)
    assert.equal(1, #results.failed)
    assert.equal(2, results.failed[1].index)
    assert.equal("two is broken", h.lines(results[2].error)[1])
    assert.equal("lua", results[2].error_kind)
    assert.equal(3, results[3].output)
    assert.equal("third", results[3].description)
  end)

  it("starts everything before it waits", function()
    -- Each of the two ends only when the other has begun.
    local a, b = gate(), gate()
    local function meet(input)
      orun.TaskUpdate{task_id = input.mine, status = "completed"}
      orun.TaskOutput{task_id = input.other}
      return true
    end
    local results = orun.fan_out{
      {run = meet, input = {mine = a.id, other = b.id}},
      {run = meet, input = {mine = b.id, other = a.id}},
    }
    assert.is_true(results.ok)
  end)

  it("keeps at most `limit` under way", function()
    local log = h.tmpdir() .. "/started"
    h.write(log, "")
    local specs = {}
    for i = 1, 9 do
      specs[i] = {
        run = function(path)
          local file <close> = assert(io.open(path, "a"))
          file:write("x")
        end,
        input = log,
      }
    end
    local ended = 0
    local results = orun.fan_out(specs, {limit = 2, each = function()
      -- Two at once: what has been started is what ended, and two more at most.
      assert.is_true(#h.read(log) <= ended + 2)
      ended = ended + 1
    end})
    assert.equal(9, ended)
    assert.equal(9, #results)
    assert.equal(9, #h.read(log))
  end)

  it("gives defaults to the specs that do not say otherwise", function()
    orun.agent{name = "fan-echo", run = function(_, task) return "echo " .. task.prompt end}
    local results = orun.fan_out({
      {prompt = "a"},
      {run = function() return "mine" end},
    }, {defaults = {subagent_type = "fan-echo"}})
    assert.equal("echo a", results[1].output)
    assert.equal("mine", results[2].output)
  end)

  it("leaves the caller's specs as they were", function()
    local spec = {run = function() return 1 end}
    orun.fan_out({spec}, {defaults = {timeout = 5}})
    local keys = {}
    for key in pairs(spec) do keys[#keys + 1] = key end
    assert.same({"run"}, keys)
  end)

  it("returns an empty array for no specs", function()
    local results = orun.fan_out{}
    assert.equal(0, #results)
    assert.is_true(results.ok)
  end)

  it("works inside a task", function()
    local result = orun.Task{run = function()
      local results = orun.fan_out({
        function() return 20 end,
        function() return 22 end,
      }, {limit = 1})
      return results[1].output + results[2].output
    end}
    assert.equal(42, result.output)
  end)

  it("stops what runs when `each` raises", function()
    -- A task that went on would keep the script from ending.
    local r = h.script([[
      local orun = require "orun"
      print(pcall(orun.fan_out, {
        function() orun.sleep("1h") end,
        function() return 1 end,
      }, {each = function(result) error("enough after " .. result.output, 0) end}))
    ]])
    assert.equal("false\tenough after 1\n", r.out)
    assert.equal(0, r.code, r.err)
  end)

  it("refuses a wrong spec before anything starts", function()
    local log = h.tmpdir() .. "/started"
    local function write(path) assert(io.open(path, "w")):close() end
    assert.equal("orun.fan_out: specs[2] = 7: expected a table of Task fields or a function",
      raised(orun.fan_out, {{run = write, input = log}, 7}))
    assert.is_false(h.exists(log))
  end)

  it("names the spec that Task refuses", function()
    local message = raised(orun.fan_out, {{run = function() end, promt = "x"}})
    assert.is_truthy(message:find("orun.fan_out: specs[1]: Task: unknown field \"promt\"", 1,
      true), message)
    assert.is_truthy(message:find("'prompt'", 1, true), message)
  end)

  it("refuses wrong arguments by name, value and fix", function()
    assert.equal('orun.fan_out: specs = "x": expected an array', raised(orun.fan_out, "x"))
    assert.equal("orun.fan_out: limit = 0: expected a whole number, 1 or more",
      raised(orun.fan_out, {}, {limit = 0}))
    assert.equal('orun.fan_out: order = "any": expected one of "input", "done"',
      raised(orun.fan_out, {}, {order = "any"}))
    assert.equal("orun.fan_out: unknown option \"limt\", did you mean 'limit'?",
      raised(orun.fan_out, {}, {limt = 2}))
    assert.equal('orun.fan_out: specs has the key "run"; an array has 1, 2, 3, ...',
      raised(orun.fan_out, {run = print}))
  end)

  it("blames the caller's line for a wrong argument", function()
    local fn = assert(load("local orun = ...\n\norun.fan_out(1)", "=mine"))
    assert.is_truthy(raised(fn, orun):find("^mine:3: orun.fan_out: specs = 1"))
  end)
end)
