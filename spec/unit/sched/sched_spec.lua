-- What runs when (runtime/sched/sched.c, lifecycle.c), on a fake runner and a virtual
-- clock: see spec/native/lib_test_sim.h.

local test = require "orun.test"
local support = require "spec.support.sim"

local new, states = support.new, support.states

describe("sched", function()
  it("starts a task at once when nothing is in its way", function()
    local sim = new { lua = 1 }
    local id = sim:add {}
    assert.same({ id }, sim:running())
    assert.same({ "start 1" }, sim:log())
    local info = sim:info(id)
    assert.equal("in_progress", info.status)
    assert.equal(1, info.attempt)
  end)

  it("numbers tasks from one", function()
    local sim = new {}
    assert.equal(1, sim:add {})
    assert.equal(2, sim:add { kind = "item" })
    assert.equal(3, sim:add {})
  end)

  it("starts tasks in the order they came", function()
    local sim = new { lua = 1 }
    for _ = 1, 5 do sim:add {} end
    for id = 1, 5 do
      assert.same({ id }, sim:running())
      sim:finish(id)
    end
    assert.same({ "start 1", "start 2", "start 3", "start 4", "start 5" }, sim:log())
  end)

  it("starts the higher priority first, and equals in order", function()
    local sim = new { lua = 1 }
    local busy = sim:add {}
    local low = sim:add { priority = -3 }
    local a, high, b = sim:add {}, sim:add { priority = 10 }, sim:add {}
    local order = { busy, high, a, b, low }
    for _, id in ipairs(order) do
      assert.same({ id }, sim:running())
      sim:finish(id)
    end
  end)

  it("puts a task in its new place when its priority changes", function()
    local sim = new { lua = 1 }
    local busy = sim:add {}
    local a, b, c = sim:add {}, sim:add {}, sim:add {}
    sim:priority(c, 5)
    sim:priority(a, -5)
    for _, id in ipairs { busy, c, b, a } do
      assert.same({ id }, sim:running())
      sim:finish(id)
    end
  end)

  it("leaves running, blocked, delayed and final tasks where they are when "
    .. "their priority changes", function()
    local sim = new { lua = 1 }
    local running = sim:add { retry = { max = 1, backoff = 4 } }
    local blocked = sim:add { blockers = { running } }
    sim:priority(running, 3)
    sim:priority(blocked, 4)
    assert.equal("RUNNING WAITING", states(sim, { running, blocked }))
    sim:finish(running, "failed")
    sim:priority(running, 5)
    assert.same({}, sim:running())
    assert.is_nil(sim:check())
    sim:advance(4)
    assert.same({ running }, sim:running())
    sim:finish(running)
    sim:priority(running, 6)
    assert.equal(4, sim:info(blocked).priority)
    assert.same({ blocked }, sim:running())
  end)

  it("keeps the kinds apart: a full one does not hold up the other", function()
    local sim = new { lua = 1, process = 2 }
    local lua1, lua2 = sim:add {}, sim:add {}
    local p1 = sim:add { kind = "process" }
    local p2, p3 = sim:add { kind = "process" }, sim:add { kind = "process" }
    assert.same({ lua1, p1, p2 }, sim:running())
    sim:finish(p2)
    assert.same({ lua1, p1, p3 }, sim:running())
    sim:finish(lua1)
    assert.same({ p1, p3, lua2 }, sim:running())
  end)

  it("starts more when there are more slots, and lets the surplus end when "
    .. "there are less", function()
    local sim = new { lua = 1 }
    for _ = 1, 6 do sim:add {} end
    sim:slots("lua", 3)
    assert.same({ 1, 2, 3 }, sim:running())
    sim:slots("lua", 1)
    sim:finish(1)
    sim:finish(2)
    assert.same({ 3 }, sim:running())
    sim:finish(3)
    assert.same({ 4 }, sim:running())
  end)

  it("begins the next task in the same breath as it ends one", function()
    local sim = new { lua = 2 }
    local a = sim:add {}
    sim:add {}
    local c = sim:add {}
    local process = sim:add { kind = "process", blockers = { a } }
    assert.equal(c, sim:finish_next(a))
    assert.same({ "start 1", "start 2", "start 4", "start 3" }, sim:log())
    assert.equal("COMPLETED RUNNING RUNNING", states(sim, { a, c, process }))
    assert.is_nil(sim:finish_next(process))
  end)

  it("begins only a task of the same kind in that breath", function()
    local sim = new { lua = 1, process = 1 }
    local a = sim:add { limit = "a" }
    local process = sim:add { kind = "process", limit = "a" }
    assert.is_nil(sim:finish_next(a))
    assert.same({ process }, sim:running())
  end)

  it("does not begin in that breath what goes on after a wait", function()
    local sim = new { lua = 2 }
    local a, b = sim:add {}, sim:add {}
    sim:wait(b, a)
    assert.is_nil(sim:finish_next(b))
    assert.same({ a }, sim:running())
    assert.same({ "start 1", "start 2", "resume 1" }, sim:log())
  end)

  it("passes over a stopped task when it begins the next one", function()
    local sim = new { lua = 1 }
    local a, b, c = sim:add {}, sim:add {}, sim:add {}
    sim:stop(b)
    assert.equal(c, sim:finish_next(a))
    assert.equal("CANCELLED", sim:info(b).state)
  end)

  it("drops the end of an attempt that is not the current one", function()
    local sim = new { lua = 1 }
    local id = sim:add { retry = { max = 1, backoff = 1 } }
    sim:finish(id, "failed")
    sim:late(id, 1)
    assert.equal("READY", sim:info(id).state)
    sim:advance(1)
    sim:late(id, 1)
    assert.equal("RUNNING", sim:info(id).state)
    sim:finish(id)
    sim:late(id, 2)
    assert.equal("COMPLETED", sim:info(id).state)
  end)

  it("measures the time of the last attempt", function()
    local sim = new {}
    local id = sim:add { retry = { max = 1, backoff = 1 } }
    sim:advance(10)
    sim:finish(id, "failed")
    sim:advance(1)
    local started = sim:figures().now
    sim:advance(2.5)
    sim:finish(id)
    assert.is_true(sim:info(id).duration >= 2.5)
    assert.is_true(sim:info(id).duration <= 3.5 and started >= 11)
  end)

  it("refuses nesting that is too deep, and new tasks at the end", function()
    local sim = new { lua = 100 }
    local id = 0
    for depth = 1, 32 do
      id = sim:add { parent = id }
      assert.equal(depth, sim:info(id).depth)
    end
    assert.same({ nil, "EDEPTH" }, { sim:add { parent = id } })
    sim:close()
    assert.same({ nil, "ESHUTDOWN" }, { sim:add {} })
    assert.equal(32, sim:figures().count)
  end)
end)

describe("a parent's end", function()
  it("cancels its unfinished children, and theirs", function()
    local sim = new { lua = 3 }
    local parent = sim:add {}
    local running = sim:add { parent = parent }
    local grandchild = sim:add { parent = running }
    local queued = sim:add { parent = parent }
    local blocked = sim:add { parent = parent, blockers = { queued } }
    sim:finish(parent)
    assert.equal("COMPLETED CANCELLED CANCELLED", states(sim, { parent, queued, blocked }))
    assert.equal("cancelled", sim:info(running).stopping)
    assert.is_nil(sim:info(grandchild).stopping)
    sim:finish(running)
    assert.equal("cancelled", sim:info(grandchild).stopping)
    sim:finish(grandchild)
    assert.equal("CANCELLED CANCELLED", states(sim, { running, grandchild }))
  end)

  it("leaves children that are finished or detached", function()
    local sim = new { lua = 3 }
    local parent = sim:add {}
    local done = sim:add { parent = parent }
    local free = sim:add { parent = parent, detach = true }
    sim:finish(done)
    sim:finish(parent, "failed")
    assert.equal("COMPLETED RUNNING", states(sim, { done, free }))
    sim:finish(free)
    assert.equal("COMPLETED", sim:info(free).state)
  end)

  it("is the same when it is cancelled or given up", function()
    local sim = new { lua = 3 }
    local parent = sim:add {}
    local child = sim:add { parent = parent }
    sim:stop(parent)
    assert.is_nil(sim:info(child).stopping)
    sim:advance(1.25)
    assert.equal("CANCELLED", sim:info(parent).state)
    assert.equal("cancelled", sim:info(child).stopping)
    sim:finish(child)
  end)

  it("cancels 100,000 children", function()
    local sim = test.sim { lua = 1 }
    local parent = sim:add {}
    for _ = 1, 100000 do sim:add { parent = parent } end
    sim:finish(parent)
    assert.equal(0, sim:figures().live)
    assert.is_nil(sim:check())
  end)
end)

describe("memory running out", function()
  -- Make each allocation of a call fail in turn: `call` gives true, or nil and
  -- the error; `check` must hold after each failure.
  local function sweep(make, call, check)
    for n = 1, 50 do
      local sim = make()
      test.fail_at(n)
      local ok, why = call(sim)
      assert.is_nil(sim:check())
      if ok then
        -- Nothing failed any more, or it did not matter.
        if n > 1 then return n end
      else
        assert.equal("ENOMEM", why)
        if check then check(sim) end
        assert.is_true(call(sim) ~= nil, "it does not work afterwards")
      end
    end
    error("it never succeeded")
  end

  it("adds a task whole or not at all", function()
    sweep(function()
      local sim = test.sim { lua = 1 }
      sim:add {}
      sim:add {}
      return sim
    end, function(sim) return sim:add { blockers = { 1, 2 } } end,
    function(sim)
      assert.equal(2, sim:figures().count)
      assert.equal(2, sim:figures().live)
    end)
  end)

  it("adds edges all or none", function()
    sweep(function()
      local sim = test.sim { lua = 1 }
      for _ = 1, 4 do sim:add {} end
      return sim
    end, function(sim) return sim:block { { 2, 1 }, { 3, 1 }, { 4, 3 } } end,
    function(sim)
      for id = 2, 4 do assert.same({}, sim:info(id).blockers) end
    end)
  end)

  it("never lets a cycle through", function()
    for n = 1, 20 do
      local sim = test.sim { lua = 1 }
      sim:add {}
      local a = sim:add {}
      local b = sim:add { blockers = { a } }
      local c = sim:add { blockers = { b } }
      test.fail_at(n)
      assert.is_nil((sim:block { { a, c } }))
      assert.is_nil(sim:check())
    end
  end)

  it("makes the scheduler itself or nothing", function()
    for n = 1, 20 do
      test.fail_at(n)
      local sim, why = test.sim { lua = 1 }
      if sim then return assert.is_true(n > 3) end
      assert.equal("ENOMEM", why)
    end
    error("it never succeeded")
  end)

  it("ends tasks all the same", function()
    for n = 1, 12 do
      local sim = new { lua = 1 }
      local a = sim:add { timeout = 5, retry = { max = 1, backoff = 1 } }
      local b = sim:add { blockers = { a } }
      test.fail_at(n)
      sim:stop(a)
      test.fail_at(n)
      sim:finish(a)
      assert.equal("CANCELLED CANCELLED", states(sim, { a, b }))
    end
  end)
end)
