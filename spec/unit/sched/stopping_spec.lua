-- Cancelling, and the stop ladder (runtime/sched/sched.c, lifecycle.c).

local test = require "orun.test"
local support = require "spec.support.sim"

local new, states = support.new, support.states

describe("stopping", function()
  it("cancels what has not begun at once", function()
    local sim = new { lua = 1 }
    sim:add {}
    local queued, blocked = sim:add {}, sim:add { blockers = { 1 } }
    assert.is_true(sim:stop(queued))
    assert.is_true(sim:stop(blocked))
    for _, id in ipairs { queued, blocked } do
      local info = sim:info(id)
      assert.equal("cancelled", info.status)
      assert.equal("cancelled", info.fault)
      assert.equal(0, info.attempt)
    end
    sim:finish(1)
    assert.same({ "start 1" }, sim:log())
  end)

  it("is refused for what is final", function()
    local sim = new { lua = 1 }
    local id = sim:add {}
    sim:finish(id)
    assert.same({ nil, "ERESOLVED" }, { sim:stop(id) })
  end)

  it("climbs the ladder at 0.25 s and 1 s, then gives the task up", function()
    local sim = new { lua = 1 }
    local id, queued = sim:add {}, sim:add {}
    sim:stop(id)
    assert.same({ "start 1", "stop 1 1" }, sim:log())
    sim:advance(0.249)
    assert.same({}, sim:log())
    sim:advance(0.001)
    assert.same({ "stop 1 2" }, sim:log())
    sim:advance(0.999)
    assert.same({}, sim:log())
    assert.equal("in_progress", sim:info(id).status)
    sim:advance(0.001)
    assert.same({ "abandon 1", "start 2" }, sim:log())
    local info = sim:info(id)
    assert.equal("cancelled", info.status)
    assert.equal("cancelled", info.fault)
    sim:late(id, 1)
    assert.equal("cancelled", sim:info(id).status)
    assert.same({ queued }, sim:running())
  end)

  it("says of a task it has given up that it is stuck", function()
    local sim = new { lua = 1 }
    local cancelled, late = sim:add {}, sim:add { timeout = 3 }
    sim:stop(cancelled)
    sim:advance(1.25)
    assert.matches("^cancelled; it is stuck in a C function", sim:info(cancelled).error)
    sim:advance(3 + 1.25)
    assert.matches("^timed out after 3 s; it is stuck", sim:info(late).error)
    assert.equal("FAILED", sim:info(late).state)
  end)

  it("tries a task again that was given up, and forgets its first try", function()
    local sim = new { lua = 1 }
    local id = sim:add { timeout = 1, retry = { max = 1, backoff = 1 } }
    sim:advance(1 + 1.25)
    assert.equal("READY", sim:info(id).state)
    sim:late(id, 1)
    assert.equal("READY", sim:info(id).state)
    sim:advance(1)
    assert.same({ "start 1", "stop 1 1", "stop 1 2", "abandon 1", "start 1 2" }, sim:log())
    sim:late(id, 1)
    assert.equal("RUNNING", sim:info(id).state)
    assert.is_nil(sim:info(id).stopping)
    sim:finish(id)
    assert.equal("COMPLETED", sim:info(id).state)
  end)

  it("does not try a cancelled task again that was given up", function()
    local sim = new { lua = 1 }
    local id = sim:add { retry = { max = 9, backoff = 0 } }
    sim:stop(id)
    sim:advance(10)
    assert.equal("CANCELLED", sim:info(id).state)
  end)

  it("fails a task for memory when its time-out cannot be set", function()
    local seen
    for n = 1, 20 do
      local sim = new { lua = 1 }
      test.fail_at(n)
      local id = sim:add { timeout = 5 }
      test.fail_at(0)
      if id and sim:info(id).stopping == "memory" then
        sim:finish(id, "cancelled")
        local info = sim:info(id)
        assert.same({ "FAILED", "memory" }, { info.state, info.fault })
        assert.matches("its time%-out could not be set", info.error)
        seen = true
      end
    end
    assert.is_true(seen, "no allocation was the timer's")
  end)

  it("gives no grace when there is no memory for a timer", function()
    local sim = new { lua = 1 }
    local id = sim:add {}
    test.fail_at(1)
    sim:stop(id)
    test.fail_at(0)
    assert.same({ "start 1", "stop 1 1", "stop 1 2" }, sim:log())
    sim:finish(id)
    assert.equal("CANCELLED", sim:info(id).state)
  end)

  it("ends the ladder as soon as the task ends", function()
    local sim = new { lua = 1 }
    local id = sim:add {}
    sim:stop(id)
    sim:advance(0.3)
    sim:finish(id, "completed")
    assert.equal("CANCELLED", sim:info(id).state)
    assert.equal(0, sim:figures().timers)
    sim:advance(10)
    assert.same({ "start 1", "stop 1 1", "stop 1 2" }, sim:log())
  end)

  it("does not begin the ladder again when it is asked for again", function()
    local sim = new { lua = 1 }
    local id = sim:add {}
    sim:stop(id)
    sim:advance(0.2)
    sim:stop(id)
    assert.same({ "start 1", "stop 1 1" }, sim:log())
    sim:advance(0.05)
    assert.same({ "stop 1 2" }, sim:log())
  end)

  it("has no ladder when the runner says there is none", function()
    local sim = new { lua = 1, no_ladder = true }
    local id = sim:add { timeout = 1 }
    sim:advance(1)
    assert.equal(0, sim:figures().timers)
    sim:advance(100)
    assert.same({ "start 1", "stop 1 1" }, sim:log())
    assert.equal("RUNNING", sim:info(id).state)
    sim:finish(id, "failed")
    assert.equal("timeout", sim:info(id).fault)
  end)

  it("replaces the time-out of the task by the ladder", function()
    local sim = new { lua = 1 }
    local id = sim:add { timeout = 0.3 }
    sim:advance(0.2)
    sim:stop(id)
    sim:advance(0.2)
    assert.equal("cancelled", sim:info(id).stopping)
    assert.same({ "start 1", "stop 1 1" }, sim:log())
    sim:advance(0.05)
    assert.same({ "stop 1 2" }, sim:log())
  end)

  it("wakes a task that waits, and it goes on at once", function()
    local sim = new { lua = 1 }
    local a, b = sim:add {}, sim:add {}
    sim:wait(b, a)
    assert.same({ b }, sim:running())
    sim:stop(a)
    assert.equal("stopped", sim:outcome(a))
    assert.same({ b, a }, sim:running())
    assert.equal("stopped", sim:wait(b, a), "a stopped task waits no more")
    sim:finish(a)
    assert.equal("CANCELLED", sim:info(a).state)
  end)

  it("lets a task that queues for its slot after a wait go on at once", function()
    local sim = new { lua = 4 }
    local a, b, c = sim:add { limit = "api" }, sim:add {}, sim:add { limit = "api" }
    sim:wait(b, a)
    assert.same({ b, c }, sim:running())
    sim:finish(b)
    assert.same({ c }, sim:running())
    sim:stop(a)
    assert.same({ c, a }, sim:running())
    sim:finish(a)
    assert.equal("CANCELLED", sim:info(a).state)
  end)

  it("leaves its writes to a task that waits, until it has ended", function()
    local sim = new { lua = 4 }
    local a, b, c = sim:add { writes = { "f" } }, sim:add {}, sim:add { writes = { "f" } }
    sim:wait(b, a)
    assert.same({ b }, sim:running())
    sim:stop(a)
    assert.same({ b, a }, sim:running())
    sim:finish(a)
    assert.same({ b, c }, sim:running())
  end)

  it("frees the writes of a task that is given up while it waits", function()
    local sim = new { lua = 4 }
    local a, b, c = sim:add { writes = { "f" } }, sim:add {}, sim:add { writes = { "f" } }
    sim:wait(b, a)
    sim:stop(a)
    sim:advance(2)
    assert.same({ b, c }, sim:running())
  end)

  it("settles a granted task when it is about to begin", function()
    local sim = test.sim { lua = 1, manual = true }
    local a = sim:add {}
    assert.same({ a }, sim:granted())
    sim:stop(a)
    assert.equal("READY", sim:info(a).state)
    assert.is_false(sim:begin(a))
    assert.equal("CANCELLED", sim:info(a).state)
    assert.same({ "refused 1" }, sim:log())
    local b = sim:add {}
    assert.is_true(sim:begin(b))
  end)

  it("does not give up a task that is still to go on after its wait", function()
    -- It was woken and waits for a worker: its code never had the chance to
    -- hear of the stop, and its job is in the runner's queue.
    local sim = test.sim { lua = 2, manual = true }
    local a, b = sim:add {}, sim:add {}
    sim:begin(a)
    sim:begin(b)
    sim:wait(b, a)
    sim:stop(a)
    assert.same({ a }, sim:granted())
    sim:advance(1000)
    assert.same({ a }, sim:granted())
    assert.equal("RUNNING", sim:info(a).state)
    assert.equal(2, sim:info(a).rung)
    for i, line in ipairs(sim:log()) do
      assert.equal(i <= 2 and "start" or i == 3 and "stop 1 1" or "stop 1 2",
        i <= 2 and line:sub(1, 5) or line)
    end
    sim:begin(a)
    sim:finish(a)
    assert.equal("CANCELLED", sim:info(a).state)
  end)

  it("says why, whether the task ran or not", function()
    local sim = new { lua = 1 }
    local running, queued = sim:add {}, sim:add {}
    sim:cancel_all()
    sim:finish(running)
    assert.equal("the script ended", sim:info(queued).error)
    assert.equal("the script ended", sim:info(running).error)
  end)

  it("all at once leaves items, stopping everything does not", function()
    local sim = new { lua = 1 }
    local running, queued, item = sim:add {}, sim:add {}, sim:add { kind = "item" }
    sim:cancel_all()
    sim:finish(running)
    assert.equal("CANCELLED CANCELLED READY", states(sim, { running, queued, item }))
    local more = sim:add {}
    sim:close()
    sim:finish(more)
    assert.equal("CANCELLED CANCELLED", states(sim, { item, more }))
    local figures = sim:figures()
    assert.same({ 0, 0, 1 }, { figures.live, figures.open_items, figures.active })
  end)

  it("100,000 that queue starts none of them", function()
    local sim = test.sim { lua = 1 }
    for _ = 1, 100000 do sim:add {} end
    sim:cancel_all()
    sim:finish(1)
    assert.same({ "start 1", "stop 1 1" }, sim:log())
    assert.equal(0, sim:figures().live)
    assert.is_nil(sim:check())
  end)
end)
