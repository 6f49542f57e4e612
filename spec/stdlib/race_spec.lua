--- orun.race: the first success wins, the rest is stopped.

local h = require "spec.support.helper"
local orun = require "orun"

local function forever() orun.sleep("1h") end

describe("race", function()
  it("returns the first success with its place", function()
    local winner = orun.race{
      forever,
      {description = "fast", run = function() return "won" end},
    }
    assert.equal("completed", winner.status)
    assert.equal("won", winner.output)
    assert.equal("fast", winner.description)
    assert.equal(2, winner.index)
  end)

  it("does not let a failure win", function()
    -- The success comes only when the failure is known to have happened.
    local gate = orun.TaskCreate{description = "failed"}.id
    local winner = orun.race{
      function()
        orun.TaskUpdate{task_id = gate, status = "completed"}
        error("fell", 0)
      end,
      {run = function(id) orun.TaskOutput{task_id = id} return "came in" end, input = gate},
    }
    assert.equal("came in", winner.output)
    assert.equal(2, winner.index)
  end)

  it("stops the others", function()
    -- One that went on would keep the script from ending.
    local r = h.script[[
      local orun = require "orun"
      local winner = orun.race{
        function() orun.sleep("1h") end,
        function() while true do end end,
        function() return "hare" end,
      }
      print(winner.output)
    ]]
    assert.equal("hare\n", r.out)
    assert.equal(0, r.code, r.err)
  end)

  it("is a failed result when all fail", function()
    local lost = orun.race{
      function() error("one", 0) end,
      function() error("two", 0) end,
    }
    assert.equal("failed", lost.status)
    assert.equal("lua", lost.error_kind)
    assert.equal(2, #lost.failed)
    assert.is_truthy(lost.error:match("^all 2 failed, the last with: %a%a%a$"))
  end)

  it("is a failed result when the time runs out", function()
    local lost = orun.race({forever, forever}, {timeout = "20ms"})
    assert.equal("failed", lost.status)
    assert.equal("timeout", lost.error_kind)
    assert.same({}, lost.failed)
  end)

  it("works inside a task", function()
    local result = orun.Task{run = function()
      return orun.race{function() orun.sleep("1h") end, function() return 7 end}.output
    end}
    assert.equal(7, result.output)
  end)

  it("refuses an empty race and wrong arguments", function()
    local function raised(...)
      return select(2, pcall(orun.race, ...))
    end
    assert.equal("orun.race: specs is empty; a race needs one at least", raised{})
    assert.equal("orun.race: specs = nil: expected an array", raised())
    assert.equal("orun.race: specs[1] = 1: expected a table of Task fields or a function",
      raised{1})
    assert.is_truthy(raised{{run = forever, timeot = 1}}:find(
      "orun.race: specs[1]: Task: unknown field", 1, true))
    assert.equal("orun.race: timeout = \"soon\": expected a number of seconds, or \"250ms\", "
      .. "\"30s\", \"5m\", \"2h\"", raised({forever}, {timeout = "soon"}))
  end)
end)
