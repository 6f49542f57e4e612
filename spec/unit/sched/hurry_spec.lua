-- Stopping without any grace: the second Ctrl-C (runtime/sched/sched.c).

local support = require "spec.support.sim"

local new = support.new

describe("hurrying", function()
  it("climbs at once to the last rung of what is being stopped", function()
    local sim = new { lua = 2 }
    local id, other = sim:add {}, sim:add {}
    sim:stop(id)
    sim:hurry(true)
    assert.same({ "start 1", "start 2", "stop 1 1", "stop 1 2" }, sim:log())
    assert.equal("in_progress", sim:info(other).status)
    sim:advance(1)
    assert.same({ "abandon 1" }, sim:log())
  end)

  it("begins with the last rung what is stopped later", function()
    local sim = new { lua = 1 }
    local id = sim:add {}
    sim:hurry(true)
    sim:stop(id)
    assert.same({ "start 1", "stop 1 2" }, sim:log())
  end)

  it("does not climb the last rung twice", function()
    local sim = new { lua = 1 }
    sim:stop(sim:add {})
    sim:advance(0.25)
    sim:hurry(true)
    sim:hurry(true)
    assert.same({ "start 1", "stop 1 1", "stop 1 2" }, sim:log())
  end)

  it("is over when it is taken back", function()
    local sim = new { lua = 1 }
    sim:hurry(true)
    sim:hurry(false)
    sim:stop(sim:add {})
    assert.same({ "start 1", "stop 1 1" }, sim:log())
  end)
end)
