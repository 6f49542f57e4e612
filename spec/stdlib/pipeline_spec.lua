--- orun.pipeline: items through stages without a barrier.

local h = require "spec.support.helper"
local orun = require "orun"

describe("pipeline", function()
  it("takes each item through all stages, results in order", function()
    local results = orun.pipeline({1, 2, 3},
      function(n) return n + 1 end,
      function(n) return n * 10 end)
    assert.is_true(results.ok)
    assert.same({20, 30, 40}, {results[1].output, results[2].output, results[3].output})
    assert.equal(2, results[1].stage)
  end)

  it("gives a stage the value, the item and the index", function()
    local results = orun.pipeline({{name = "a"}, {name = "b"}},
      function(value, item, index) return value.name .. item.name .. index end,
      function(value, item, index) return value .. item.name .. index end)
    assert.equal("aa1a1", results[1].output)
    assert.equal("bb2b2", results[2].output)
  end)

  it("lets an item overtake the one before it", function()
    -- Item 1 leaves stage 1 only when item 2 has reached stage 2.
    local gate = orun.TaskCreate{description = "overtaken"}.id
    local results = orun.pipeline({1, 2},
      function(n)
        if n == 1 then orun.TaskOutput{task_id = gate} end
        return n
      end,
      function(n)
        if n == 2 then orun.TaskUpdate{task_id = gate, status = "completed"} end
        return n
      end)
    assert.is_true(results.ok)
  end)

  it("makes the failed stage the item's result, and harms no other item", function()
    local results = orun.pipeline({"good", "bad"},
      function(s) return s end,
      function(s) return s == "bad" and error("spoilt", 0) or s end,
      function(s) return s end)
    assert.equal("good", results[1].output)
    assert.equal("failed", results[2].status)
    assert.equal("spoilt", h.lines(results[2].error)[1])
    assert.equal(2, results[2].stage)
    assert.same({results[2]}, results.failed)
  end)

  it("takes Task fields and agents as stages", function()
    orun.agent{name = "pipe-sort", command = {"sort"}}
    orun.agent{name = "pipe-lua", run = function(input) return input:gsub("\n", " ") .. "!" end}
    local results = orun.pipeline({"b\na\n", "d\nc\n"},
      "pipe-sort",
      {subagent_type = "pipe-lua", timeout = "30s"},
      {description = "last", run = function(s) return "<" .. s .. ">" end})
    assert.equal("<a b !>", results[1].output)
    assert.equal("<c d !>", results[2].output)
    assert.equal("last", results[1].description)
  end)

  it("puts an agent stage's prompt before the value", function()
    orun.agent{name = "pipe-cat", command = {"cat"}}
    local results = orun.pipeline({"value"}, {subagent_type = "pipe-cat", prompt = "prompt"})
    assert.equal("prompt\n\nvalue", results[1].output)
  end)

  it("keeps the kind of an agent's failure", function()
    orun.agent{name = "pipe-broken", command = {"sh", "-c", "exit 3"}}
    local results = orun.pipeline({"x"}, "pipe-broken", function(s) return s end)
    assert.equal("exit", results[1].error_kind)
    assert.equal(1, results[1].stage)
  end)

  it("retries a stage on its own", function()
    local results = orun.pipeline({"x"}, function(s) return s .. "1" end, {
      run = function(s, _, _, task)
        return task.attempt == 1 and error("not yet", 0) or s .. task.attempt
      end,
      retry = {max = 1, backoff = 0},
    })
    assert.equal("x12", results[1].output)
    assert.equal(2, results[1].attempts)
  end)

  it("returns an empty array for no items", function()
    local results = orun.pipeline({}, function() end)
    assert.equal(0, #results)
    assert.is_true(results.ok)
  end)

  it("works inside a task", function()
    local result = orun.Task{run = function()
      return orun.pipeline({1}, function(n) return n + 1 end)[1].output
    end}
    assert.equal(2, result.output)
  end)

  it("refuses what is no stage", function()
    local function raised(...)
      return select(2, pcall(orun.pipeline, ...))
    end
    assert.equal("orun.pipeline: stage 2 = 7: expected a function, an agent's name or "
      .. "a table of Task fields", raised({}, print, 7))
    assert.equal("orun.pipeline: at least one stage is needed", raised{})
    assert.equal("orun.pipeline: stage 1 needs run, command or subagent_type", raised({}, {}))
    assert.equal("orun.pipeline: stage 1 cannot have input: the pipeline sets it",
      raised({}, {run = print, input = 1}))
    assert.equal("orun.pipeline: items = nil: expected an array", raised())
  end)
end)
