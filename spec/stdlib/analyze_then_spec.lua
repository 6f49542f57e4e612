--- orun.analyze_then: analysis in the background, then what it calls for.

local h = require "spec.support.helper"
local orun = require "orun"

describe("analyze_then", function()
  it("runs the plan that comes back as a fan-out", function()
    local done = orun.analyze_then(function() return {"a", "b"} end, {
      plan = function(parts)
        local specs = {}
        for i, part in ipairs(parts) do
          specs[i] = {run = function(p) return "built " .. p end, input = part}
        end
        return specs
      end,
    })
    assert.is_true(done.ok)
    assert.same({"a", "b"}, done.analysis.output)
    assert.equal(2, #done.plan)
    assert.equal("built a", done.results[1].output)
    assert.equal("built b", done.results[2].output)
  end)

  it("runs batches when the plan has batches", function()
    local done = orun.analyze_then(function()
        return {
          {tasks = {{name = "x", run = function() return "x" end}}},
          {tasks = {{name = "y", from = "x", run = function(x) return x .. "y" end}}},
        }
      end, {
      progress = false,
    })
    assert.is_true(done.ok)
    assert.equal("xy", done.results.named.y.output)
  end)

  it("does the main work while the analysis runs", function()
    -- The analysis ends only when the main work has been done.
    local gate = orun.TaskCreate{description = "main work"}
    local done = orun.analyze_then({
        run = function(id) return {orun.TaskOutput{task_id = id}.output} end,
        input = gate.id,
      }, {
      meanwhile = function()
        orun.TaskUpdate{task_id = gate, status = "completed", output = "proof"}
        return "worked"
      end,
      plan = function(output)
        return {{run = function(s) return s end, input = output[1]}}
      end,
    })
    assert.equal("worked", done.meanwhile)
    assert.equal("proof", done.results[1].output)
  end)

  it("implements in the way it is told", function()
    local done = orun.analyze_then(function() return {3, 4} end, {
      implement = function(plan, options)
        return {{status = "completed", output = plan[1] * plan[2] * options.limit}, failed = {}}
      end,
      limit = 2,
    })
    assert.equal(24, done.results[1].output)
    assert.is_true(done.ok)
  end)

  it("plans nothing when the analysis fails", function()
    local planned = false
    local look = {description = "look", run = function() error("too big", 0) end}
    local done = orun.analyze_then(look, {
      plan = function() planned = true end,
    })
    assert.is_false(done.ok)
    assert.is_false(planned)
    assert.is_nil(done.plan)
    assert.same({}, done.results)
    assert.equal("too big", h.lines(done.failed[1].error)[1])
    assert.equal("look", done.analysis.description)
  end)

  it("gives failures of the implementation as data", function()
    local done = orun.analyze_then(function() return 1 end, {
      plan = function()
        return {function() return 1 end, function() error("no", 0) end}
      end,
    })
    assert.is_false(done.ok)
    assert.equal(1, #done.failed)
    assert.equal("no", h.lines(done.failed[1].error)[1])
  end)

  it("stops the analysis when the main work raises", function()
    -- An analysis that went on would keep the script from ending.
    local r = h.script([[
      local orun = require "orun"
      print(pcall(orun.analyze_then, function() orun.sleep("1h") end, {
        meanwhile = function() error("main broke", 0) end,
      }))
    ]])
    assert.equal("false\tmain broke\n", r.out)
    assert.equal(0, r.code, r.err)
  end)

  it("works inside a task", function()
    local result = orun.Task{run = function()
      return orun.analyze_then(function() return 5 end, {
        plan = function(n) return {{run = function(i) return i + 1 end, input = n}} end,
      }).results[1].output
    end}
    assert.equal(6, result.output)
  end)

  it("refuses wrong arguments, and says what the old ones are now", function()
    local function raised(...)
      return select(2, pcall(orun.analyze_then, ...))
    end
    assert.equal("orun.analyze_then: analyze = nil: expected a table of Task fields or a function",
      raised())
    assert.equal("orun.analyze_then: meanwhile = 1: expected a function",
      raised(print, {meanwhile = 1}))
    assert.equal("orun.analyze_then: unknown option \"plam\", did you mean 'plan'?",
      raised(print, {plam = 1}))
    assert.equal("orun.analyze_then: analyze is now the first argument: "
      .. "orun.analyze_then(analyze, {plan = ...})", raised{analyze = print})
    assert.is_truthy(raised{run = function() end, timeout = 0}
      :find("orun.analyze_then: analyze: Task: timeout = 0", 1, true))
  end)
end)
