-- Trying again, and time-outs (runtime/sched/sched.c), on the virtual clock.

local test = require "orun.test"
local support = require "spec.support.sim"

local new, states = support.new, support.states

describe("retry", function()
  it("tries again after a failure, with a new attempt", function()
    local sim = new { lua = 1 }
    local id = sim:add { retry = { max = 2, backoff = 1 } }
    for attempt = 1, 3 do
      assert.same({ id }, sim:running())
      assert.equal(attempt, sim:info(id).attempt)
      sim:finish(id, "failed", "exit", "try " .. attempt)
      sim:advance(60)
    end
    assert.equal("FAILED", sim:info(id).state)
    assert.equal("try 3", sim:info(id).error)
    assert.same({ "start 1", "start 1 2", "start 1 3" }, sim:log())
  end)

  it("ends with the first success", function()
    local sim = new { lua = 1 }
    local id = sim:add { retry = { max = 5, backoff = 1 } }
    sim:finish(id, "failed")
    sim:advance(1)
    sim:finish(id)
    sim:advance(100)
    local info = sim:info(id)
    assert.equal("COMPLETED", info.state)
    assert.equal(2, info.attempt)
    assert.is_nil(info.fault)
    assert.is_nil(info.error)
  end)

  it("gives its slot to others while it waits", function()
    local sim = new { lua = 1 }
    local a = sim:add { retry = { max = 1, backoff = 4 } }
    local b = sim:add {}
    sim:finish(a, "failed")
    assert.same({ b }, sim:running())
    assert.equal("pending", sim:info(a).status)
    sim:advance(10)
    assert.same({ b }, sim:running())
    sim:finish(b)
    assert.same({ a }, sim:running())
  end)

  it("waits twice as long each time, from half of it to all of it", function()
    local seen = {}
    local sim = new { lua = 200 }
    for _ = 1, 200 do sim:add { retry = { max = 4, backoff = 0.5 } } end
    for attempt = 1, 4 do
      local full = 0.5 * 2 ^ (attempt - 1)
      local now, least, most = sim:figures().now, math.huge, 0
      for id = 1, 200 do
        sim:finish(id, "failed")
        local delay = sim:info(id).due - now
        least, most = math.min(least, delay), math.max(most, delay)
        seen[delay] = true
      end
      assert.is_true(least >= full / 2, "too early: " .. least)
      assert.is_true(most <= full, "too late: " .. most)
      assert.is_true(most - least > full / 4, "no jitter")
      sim:advance(full)
      assert.equal(200, #sim:running())
    end
    local different = 0
    for _ in pairs(seen) do different = different + 1 end
    assert.is_true(different > 700)
  end)

  it("never waits longer than a minute", function()
    local sim = new { lua = 1 }
    local id = sim:add { retry = { max = 1000, backoff = 100 } }
    for _ = 1, 100 do
      sim:finish(id, "failed")
      local delay = sim:info(id).due - sim:figures().now
      assert.is_true(delay >= 30 and delay <= 60)
      sim:advance(60)
      assert.same({ id }, sim:running())
    end
  end)

  it("without a backoff tries again as soon as the clock ticks", function()
    local sim = new { lua = 1 }
    local id = sim:add { retry = { max = 3, backoff = 0 } }
    for attempt = 2, 4 do
      sim:finish(id, "failed")
      sim:advance(0)
      assert.equal(attempt, sim:info(id).attempt)
      assert.same({ id }, sim:running())
    end
  end)

  it("is only for the faults it is for", function()
    local sim = new { lua = 3 }
    local options = { retry = { max = 9, backoff = 1, on = { "timeout", "rate" } },
                      timeout = 5 }
    local a, b = sim:add(options), sim:add(options)
    sim:finish(a, "failed", "lua")
    assert.equal("FAILED", sim:info(a).state)
    sim:finish(b, "failed", "rate")
    sim:advance(1)
    assert.equal(2, sim:info(b).attempt)
    sim:advance(5)
    sim:finish(b)
    assert.equal("READY", sim:info(b).state)
    sim:advance(2)
    assert.equal(3, sim:info(b).attempt)
  end)

  it("begins the stop ladder anew", function()
    local sim = new { lua = 1 }
    local id = sim:add { timeout = 10, retry = { max = 1, backoff = 1 } }
    sim:advance(10.25)
    sim:finish(id, "failed")
    sim:advance(1)
    assert.same({ "start 1", "stop 1 1", "stop 1 2", "start 1 2" }, sim:log())
    sim:advance(10)
    assert.equal("stop 1 1", sim:log()[1])
    assert.equal("timeout", sim:info(id).stopping)
    sim:finish(id)
  end)

  it("is not for a task that was stopped", function()
    local sim = new { lua = 1 }
    local id = sim:add { retry = { max = 9, backoff = 1 } }
    sim:stop(id)
    sim:finish(id, "failed", "exit")
    assert.equal("CANCELLED", sim:info(id).state)
    local delayed = sim:add { retry = { max = 9, backoff = 1 } }
    sim:finish(delayed, "failed")
    sim:stop(delayed)
    sim:advance(10)
    assert.equal("CANCELLED", sim:info(delayed).state)
    assert.equal(1, sim:info(delayed).attempt)
  end)

  it("is not for a task that was stopped while its time-out ended it", function()
    for _, stop in ipairs { "stop", "cancel_all" } do
      local sim = new { lua = 1 }
      local id = sim:add { timeout = 1, retry = { max = 9, backoff = 1 } }
      sim:advance(1)
      assert.equal("timeout", sim:info(id).stopping)
      sim[stop](sim, id)
      sim:finish(id, "failed")
      sim:advance(10)
      assert.equal("CANCELLED", sim:info(id).state)
    end
  end)

  it("cancels the children of the attempt and gives its claims back", function()
    local sim = new { lua = 2 }
    local a = sim:add { retry = { max = 1, backoff = 1 } }
    local child = sim:add { parent = a, blockers = { a } }
    local item = sim:add { kind = "item" }
    sim:claim(item, a)
    sim:finish(a, "failed")
    assert.equal("READY CANCELLED READY", states(sim, { a, child, item }))
    assert.equal(1, sim:info(item).attempt)
  end)

  it("is for every failure but blocked and cancelled ones when nothing is said", function()
    for _, fault in ipairs(test.faults()) do
      local sim = new { lua = 1 }
      local id = sim:add { retry = { max = 1, backoff = 1 } }
      sim:finish(id, "failed", fault)
      local expected = (fault == "blocked" or fault == "cancelled") and "FAILED" or "READY"
      assert.equal(expected, sim:info(id).state, fault)
    end
  end)
end)

describe("a time-out", function()
  it("stops the task on time, and is its reason", function()
    local sim = new { lua = 1 }
    local id = sim:add { timeout = 2.5 }
    sim:advance(2.4)
    assert.is_nil(sim:info(id).stopping)
    sim:advance(0.1)
    assert.equal("timeout", sim:info(id).stopping)
    sim:finish(id, "completed")
    local info = sim:info(id)
    assert.equal("failed", info.status)
    assert.equal("timeout", info.fault)
    assert.equal("timed out after 2.5 s", info.error)
  end)

  it("begins when the task begins, not when it queues", function()
    local sim = new { lua = 1 }
    sim:add {}
    local id = sim:add { timeout = 1 }
    sim:advance(5)
    assert.equal("READY", sim:info(id).state)
    sim:finish(1)
    sim:advance(0.9)
    assert.is_nil(sim:info(id).stopping)
    sim:advance(0.1)
    assert.equal("timeout", sim:info(id).stopping)
  end)

  it("goes on while the task waits", function()
    local sim = new { lua = 2 }
    local a, b = sim:add { timeout = 3 }, sim:add {}
    sim:wait(b, a)
    sim:advance(3)
    assert.equal("stopped", sim:outcome(a))
    assert.same({ b, a }, sim:running())
    sim:finish(a)
    assert.equal("timeout", sim:info(a).fault)
  end)

  it("is over when the task ends in time", function()
    local sim = new { lua = 1 }
    local id = sim:add { timeout = 3 }
    sim:finish(id)
    assert.equal(0, sim:figures().timers)
    sim:advance(100)
    assert.equal("COMPLETED", sim:info(id).state)
  end)

  it("is for each attempt anew", function()
    local sim = new { lua = 1 }
    local id = sim:add { timeout = 2, retry = { max = 1, backoff = 1 } }
    sim:advance(1.9)
    sim:finish(id, "failed")
    sim:advance(1)
    sim:advance(0.9)
    assert.is_nil(sim:info(id).stopping)
    sim:advance(1.1)
    assert.equal("timeout", sim:info(id).stopping)
  end)
end)
