-- Waits, collectors, and waits that can never end (runtime/sched/wait.c).

local test = require "orun.test"
local support = require "spec.support.sim"

local new = support.new

describe("waiting for a task", function()
  it("is over when the task is final, however it ended", function()
    for _, how in ipairs { "completed", "failed", "cancelled" } do
      local sim = new { lua = 2 }
      local a, b = sim:add {}, sim:add {}
      assert.equal("pending", sim:wait(b, a))
      assert.is_true(sim:info(a).waiting)
      assert.same({ b }, sim:running())
      sim:finish(b, how)
      assert.equal("done", sim:outcome(a))
      assert.same({ a }, sim:running())
      assert.is_false(sim:info(a).waiting)
    end
  end)

  it("is needless when it is final already", function()
    local sim = new { lua = 2 }
    local a, b = sim:add {}, sim:add {}
    sim:finish(b)
    assert.equal("done", sim:wait(b, a))
    assert.equal("done", sim:wait(b, a, 0))
    assert.same({ a }, sim:running())
  end)

  it("may be done by many at once, who go on in the order they came", function()
    local sim = new { lua = 9 }
    local ids = {}
    for i = 1, 5 do ids[i] = sim:add {} end
    local last = sim:add {}
    for i = 1, 5 do sim:wait(last, ids[i]) end
    assert.equal("pending", sim:wait(last, 0))
    sim:finish(last)
    assert.same(ids, sim:running())
    assert.equal("done", sim:outcome(0))
  end)

  it("is over for one that is tried again only when it truly ends", function()
    local sim = new { lua = 2 }
    local a, b = sim:add {}, sim:add { retry = { max = 1, backoff = 1 } }
    sim:wait(b, a)
    sim:finish(b, "failed")
    assert.equal("pending", sim:outcome(a))
    sim:advance(1)
    sim:finish(b)
    assert.equal("done", sim:outcome(a))
  end)

  it("times out on time, and loses nothing", function()
    local sim = new { lua = 2 }
    local a, b = sim:add {}, sim:add {}
    assert.equal("pending", sim:wait(b, a, 1.5))
    sim:advance(1.4)
    assert.equal("pending", sim:outcome(a))
    sim:advance(0.1)
    assert.equal("timed_out", sim:outcome(a))
    assert.same({ b, a }, sim:running())
    assert.equal("pending", sim:wait(b, a, 10))
    sim:finish(b)
    assert.equal("done", sim:outcome(a))
    assert.equal(0, sim:figures().timers)
  end)

  it("with no time at all is over at once", function()
    local sim = new { lua = 2 }
    local a, b = sim:add {}, sim:add {}
    assert.equal("timed_out", sim:wait(b, a, 0))
    assert.equal("timed_out", sim:wait(b, a, -1))
    assert.same({ a, b }, sim:running())
  end)

  it("by a task that was stopped is over at once", function()
    local sim = new { lua = 2 }
    local a, b = sim:add {}, sim:add {}
    sim:wait(b, a, 100)
    sim:stop(a)
    assert.equal("stopped", sim:outcome(a))
    assert.equal(1, sim:figures().timers) -- the ladder's
    sim:finish(a)
    sim:finish(b)
  end)

  it("fires once when everything happens at one moment", function()
    local sim = new { lua = 2 }
    local a, b = sim:add { timeout = 1 }, sim:add { timeout = 1 }
    sim:wait(b, a, 1)
    sim:advance(1)
    local outcome = sim:outcome(a)
    assert.is_true(outcome == "timed_out" or outcome == "stopped")
    sim:finish(b)
    assert.equal(outcome, sim:outcome(a))
    sim:finish(a)
    assert.equal("timeout", sim:info(a).fault)
  end)

  it("by 10,000 tasks costs each one step", function()
    local sim = test.sim { lua = 1 }
    local last
    for _ = 1, 10000 do
      local id = sim:add {}
      if last then assert(sim:wait(id, last) == "pending") end
      last = id
    end
    assert.same({ 10000 }, sim:running())
    for id = 10000, 1, -1 do sim:finish(id) end
    assert.equal(0, sim:figures().live)
    assert.is_nil(sim:check())
  end)
end)

describe("waiting for time, work outside, or an idle run", function()
  it("sleeps as long as it was told", function()
    local sim = new { lua = 1 }
    local ids = {}
    for i = 1, 10 do
      ids[i] = sim:add {}
      assert.equal("pending", sim:wait("time", ids[i], i))
    end
    for i = 1, 10 do
      sim:advance(0.999)
      assert.equal("pending", sim:outcome(ids[i]))
      sim:advance(0.001)
      assert.equal("timed_out", sim:outcome(ids[i]))
    end
    assert.same(ids, sim:running())
  end)

  it("goes on when the work outside is done", function()
    local sim = new { lua = 2 }
    local a, b = sim:add {}, sim:add {}
    sim:wait("op", a)
    sim:wait("op", b, 1)
    sim:advance(1)
    assert.equal("timed_out", sim:outcome(b))
    sim:op_done()
    assert.equal("done", sim:outcome(a))
  end)

  it("is idle when every task is final, whatever items are open", function()
    local sim = new { lua = 1 }
    local a, b = sim:add {}, sim:add {}
    sim:add { kind = "item" }
    assert.equal("pending", sim:wait("idle", 0))
    sim:finish(a)
    assert.equal("pending", sim:outcome(0))
    sim:finish(b)
    assert.equal("done", sim:outcome(0))
    assert.equal("done", sim:wait("idle", 0))
  end)
end)

describe("a collector", function()
  it("gives tasks in the order they end", function()
    local sim = new { lua = 9 }
    local ids = {}
    for i = 1, 5 do ids[i] = sim:add {} end
    local c = sim:collector(ids)
    assert.same({ nil, 5 }, { c:next() })
    for _, i in ipairs { 3, 1, 5, 4, 2 } do sim:finish(ids[i]) end
    for left, i in ipairs { 3, 1, 5, 4, 2 } do
      assert.same({ ids[i], 5 - left }, { c:next() })
    end
    assert.same({ nil, 0 }, { c:next() })
  end)

  it("gives at once what was final before", function()
    local sim = new { lua = 9 }
    local a, b = sim:add {}, sim:add {}
    sim:finish(b)
    local c = sim:collector { a, b }
    assert.same({ b, 1 }, { c:next() })
    assert.same({ nil, 1 }, { c:next() })
    sim:finish(a)
    assert.same({ a, 0 }, { c:next() })
  end)

  it("lets one wait until something is there", function()
    local sim = new { lua = 9 }
    local a, b, waiter = sim:add {}, sim:add {}, sim:add {}
    local c = sim:collector { a, b }
    assert.equal("pending", sim:wait(c, waiter))
    assert.equal("pending", sim:wait(c, 0, 5))
    sim:finish(b)
    assert.equal("done", sim:outcome(waiter))
    assert.equal("done", sim:outcome(0))
    assert.equal("done", sim:wait(c, waiter), "it was not taken yet")
    c:next()
    assert.equal("pending", sim:wait(c, waiter, 2))
    sim:advance(2)
    assert.equal("timed_out", sim:outcome(waiter))
    sim:finish(a)
    c:next()
    assert.equal("done", sim:wait(c, waiter), "nothing is left to wait for")
  end)

  it("of nothing has nothing left", function()
    local sim = new { lua = 9 }
    local c = sim:collector {}
    assert.same({ nil, 0 }, { c:next() })
    assert.equal("done", sim:wait(c, 0))
  end)

  it("gives a task as often as it was asked for", function()
    local sim = new { lua = 9 }
    local a = sim:add {}
    local c = sim:collector { a, a }
    sim:finish(a)
    assert.same({ a, 1 }, { c:next() })
    assert.same({ a, 0 }, { c:next() })
  end)

  it("takes more tasks later, and wakes who waits", function()
    local sim = new { lua = 9 }
    local a, b, done, waiter = sim:add {}, sim:add {}, sim:add {}, sim:add {}
    sim:finish(done)
    local c = sim:collector { a }
    assert.equal("pending", sim:wait(c, waiter))
    assert.is_true(c:add(b))
    assert.equal("pending", sim:outcome(waiter))
    assert.is_true(c:add(done))
    assert.equal("done", sim:outcome(waiter))
    assert.same({ done, 2 }, { c:next() })
  end)

  it("of 100,000 tasks costs each one step", function()
    local sim = test.sim { lua = 1 }
    local ids = {}
    for i = 1, 100000 do ids[i] = sim:add {} end
    local c = sim:collector(ids)
    for i = 1, 100000 do
      sim:finish(ids[i])
      assert(c:next() == ids[i])
    end
  end)

  it("may go before its tasks end", function()
    local sim = new { lua = 9 }
    local a, b = sim:add {}, sim:add {}
    local c = sim:collector { a, b }
    sim:finish(a)
    c:free()
    sim:finish(b)
    assert.equal(0, sim:figures().live)
  end)

  it("is made whole or not at all when memory runs out", function()
    for n = 1, 6 do
      local sim = new { lua = 9 }
      local a, b = sim:add {}, sim:add {}
      test.fail_at(n)
      local c, why = sim:collector { a, b }
      if not c then assert.equal("ENOMEM", why) end
      sim:finish(a)
      sim:finish(b)
      if c then assert.same({ a, 1 }, { c:next() }) end
    end
  end)
end)

describe("a wait that can never end", function()
  it("of the script is ended when nothing runs and nothing is due", function()
    local sim = new { lua = 2 }
    local item = sim:add { kind = "item" }
    assert.equal("deadlock", sim:wait(item, 0))
  end)

  it("is found when the last task that runs has ended", function()
    local sim = new { lua = 2 }
    local a, item = sim:add {}, sim:add { kind = "item" }
    local blocked = sim:add { blockers = { item } }
    assert.equal("pending", sim:wait(blocked, 0))
    sim:finish(a)
    assert.equal("deadlock", sim:outcome(0))
    assert.equal("deadlock", sim:wait("idle", 0))
  end)

  it("is found when the last task that runs waits in vain itself", function()
    local sim = new { lua = 2 }
    local a, item = sim:add {}, sim:add { kind = "item" }
    assert.equal("pending", sim:wait(a, 0))
    assert.equal("pending", sim:wait(item, a))
    assert.equal("deadlock", sim:outcome(0))
    assert.equal("pending", sim:outcome(a))
    sim:cancel_all()
    sim:finish(a)
  end)

  it("is not one while something is due: a time-out, a delay, a deadline", function()
    local sim = new { lua = 2 }
    local item = sim:add { kind = "item" }
    local a = sim:add { retry = { max = 1, backoff = 1 } }
    sim:finish(a, "failed")
    assert.equal("pending", sim:wait(item, 0))
    sim:advance(1)
    assert.equal("pending", sim:outcome(0))
    assert.equal("pending", sim:wait(item, a, 3))
    assert.equal("pending", sim:outcome(0))
    sim:advance(3)
    assert.equal("timed_out", sim:outcome(a))
    sim:finish(a)
    assert.equal("deadlock", sim:outcome(0))
  end)

  it("is not one while work outside goes on", function()
    local sim = new { lua = 2 }
    local item, a = sim:add { kind = "item" }, sim:add {}
    assert.equal("pending", sim:wait("op", a))
    assert.equal("pending", sim:wait(item, 0))
    assert.equal("pending", sim:outcome(0))
    sim:op_done()
    sim:finish(a)
    assert.equal("deadlock", sim:outcome(0))
  end)

  it("is not one while a program runs", function()
    local sim = new { lua = 2, process = 1 }
    local item, a = sim:add { kind = "item" }, sim:add {}
    local program = sim:add { kind = "process" }
    sim:wait("op", a)
    assert.equal("pending", sim:wait(item, 0))
    sim:op_done()
    sim:finish(a)
    assert.equal("pending", sim:outcome(0))
    sim:finish(program)
    assert.equal("deadlock", sim:outcome(0))
  end)

  it("is not one with a deadline: that one ends by itself", function()
    local sim = new { lua = 2 }
    local item = sim:add { kind = "item" }
    assert.equal("pending", sim:wait(item, 0, 1))
    sim:advance(1)
    assert.equal("timed_out", sim:outcome(0))
  end)

  it("is refused before it begins when two would wait for each other", function()
    local sim = new { lua = 3 }
    local a, b, c = sim:add {}, sim:add {}, sim:add {}
    sim:wait(b, a)
    sim:wait(c, b)
    assert.equal("t1 -> t2 -> t3", sim:closes(c, a))
  end)

  it("is found although the two wait by collectors", function()
    local sim = new { lua = 3 }
    local a, b = sim:add {}, sim:add {}
    assert.equal("pending", sim:wait("idle", 0))
    assert.equal("pending", sim:wait(sim:collector { b }, a))
    assert.equal("pending", sim:wait(sim:collector { a }, b))
    assert.equal("deadlock", sim:outcome(0))
    sim:cancel_all()
    sim:finish(a)
    sim:finish(b)
  end)
end)

describe("active", function()
  it("counts the script and what is ready or runs, but not what rests", function()
    local sim = new { lua = 1 }
    local function active() return sim:figures().active end
    assert.equal(1, active())
    local a, b = sim:add {}, sim:add {}
    sim:add { kind = "item" }
    local blocked = sim:add { blockers = { b } }
    assert.equal(3, active())
    sim:wait(b, a)
    assert.equal(2, active())
    sim:wait("time", b, 1)
    assert.equal(2, active())
    sim:wait("idle", 0)
    assert.equal(1, active())
    sim:advance(1)
    sim:finish(b)
    assert.equal(2, active())
    sim:finish(a)
    sim:finish(blocked)
    assert.equal("done", sim:outcome(0))
    assert.equal(1, active())
  end)
end)

describe("memory running out", function()
  it("ends a wait before it begins, and nothing else", function()
    local sim = new { lua = 2 }
    local a, b = sim:add {}, sim:add {}
    test.fail_at(1)
    assert.equal("no_memory", sim:wait(b, a, 5))
    assert.same({ a, b }, sim:running())
    assert.equal("pending", sim:wait(b, a, 5))
  end)
end)
