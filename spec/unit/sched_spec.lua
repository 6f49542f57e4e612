-- What runs when (runtime/sched.c, settle.c), on a fake runner and a virtual
-- clock: see runtime/lib_test_sim.h.

local test = require "orun.test"
local h = require "spec.support.helper"

-- A sim whose invariants are checked when the test is over.
local function new(options)
  local sim = test.sim(options)
  finally(function() assert.is_nil(sim:check()) end)
  return sim
end

local function states(sim, ids)
  local all = {}
  for i, id in ipairs(ids) do all[i] = sim:info(id).state end
  return table.concat(all, " ")
end

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

describe("blockers", function()
  it("must all be final before a task is ready", function()
    local sim = new { lua = 5 }
    local a, b = sim:add {}, sim:add {}
    local c = sim:add { blockers = { a, b, a } }
    assert.equal(2, sim:info(c).unmet)
    sim:finish(b)
    assert.equal("WAITING", sim:info(c).state)
    sim:finish(a)
    assert.same({ c }, sim:running())
  end)

  it("that are final already do not count", function()
    local sim = new { lua = 5 }
    local a = sim:add {}
    sim:finish(a)
    local b = sim:add { blockers = { a } }
    assert.same({ b }, sim:running())
  end)

  it("make the diamond run each of its tasks once, in order", function()
    local sim = new { lua = 5 }
    local a = sim:add {}
    local b, c = sim:add { blockers = { a } }, sim:add { blockers = { a } }
    local d = sim:add { blockers = { b, c } }
    sim:finish(a)
    assert.same({ b, c }, sim:running())
    sim:finish(c)
    sim:finish(b)
    assert.same({ d }, sim:running())
    sim:finish(d)
    assert.same({ "start 1", "start 2", "start 3", "start 4" }, sim:log())
  end)

  it("that fail cancel what depends on them, and what depends on that", function()
    local sim = new { lua = 5 }
    local a = sim:add { description = "build" }
    local b = sim:add { blockers = { a } }
    local c = sim:add { blockers = { b } }
    local other = sim:add {}
    sim:finish(a, "failed", "exit", "exit code 3\nmore")
    assert.same({ other }, sim:running())
    for _, id in ipairs { b, c } do
      local info = sim:info(id)
      assert.equal("cancelled", info.status)
      assert.equal("blocked", info.fault)
      assert.equal(0, info.attempt)
    end
    assert.equal("blocked: t1 (build) failed: exit code 3", sim:info(b).error)
  end)

  it("that are cancelled count as failed", function()
    local sim = new { lua = 1 }
    sim:add {}
    local a = sim:add {}
    local b = sim:add { blockers = { a } }
    sim:stop(a)
    assert.equal("CANCELLED", sim:info(b).state)
    assert.equal("blocked", sim:info(b).fault)
  end)

  it("that have failed cancel a task that is added later", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    sim:finish(a, "failed")
    local b = sim:add { blockers = { a } }
    local c = sim:add { blockers = { b } }
    assert.equal("CANCELLED CANCELLED", states(sim, { b, c }))
  end)

  it("do not cancel a task twice when several fail", function()
    local sim = new { lua = 5 }
    local a, b = sim:add {}, sim:add {}
    local c = sim:add { blockers = { a, b } }
    sim:finish(a, "failed", "exit", "first")
    sim:finish(b, "failed", "exit", "second")
    assert.equal("blocked: t1 failed: first", sim:info(c).error)
  end)

  it("may fail for a task that runs despite failure", function()
    local sim = new { lua = 5 }
    local a, b = sim:add {}, sim:add {}
    local c = sim:add { blockers = { a, b }, despite_failure = true }
    sim:finish(a, "failed")
    assert.equal("WAITING", sim:info(c).state)
    sim:finish(b)
    assert.same({ c }, sim:running())
    local late = sim:add { blockers = { a }, despite_failure = true }
    assert.same({ c, late }, sim:running())
  end)

  it("release a chain of 100,000 one after the other", function()
    local sim = new { lua = 1 }
    local n <const> = 100000
    for id = 1, n do sim:add { blockers = { id > 1 and id - 1 or nil } } end
    for id = 1, n do sim:finish(id) end
    local figures = sim:figures()
    assert.equal(0, figures.live)
    assert.equal("COMPLETED", sim:info(n).state)
  end)

  -- In a process of its own: what grows too far takes only that one down.
  local function alone(code)
    local r = h.script('local test = require "orun.test"\n' .. code,
      { bin = h.test_bin, limit = 60 })
    assert.equal("", r.err)
    assert.equal("ok\n", r.out)
  end

  it("that fail cancel a chain of 100,000, in little stack and memory", function()
    alone [[
      local sim = test.sim { lua = 1 }
      for id = 1, 100000 do
        sim:add { blockers = { id > 1 and id - 1 or nil } }
        if id == 2000 then collectgarbage("stop") end
      end
      sim:finish(1, "failed", "exit", "no such file")
      local info = sim:info(100000)
      assert(info.state == "CANCELLED" and info.fault == "blocked")
      assert(#info.error < 500, "the reason has " .. #info.error .. " bytes")
      assert(sim:figures().live == 0)
      print("ok")]]
  end)

  it("hand a long error on in few bytes", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    local b = sim:add { blockers = { a } }
    sim:finish(a, "failed", "exit", ("x"):rep(1 << 20))
    assert.is_true(#sim:info(b).error < 4096)
  end)

  it("may be 10,000 that end at once", function()
    alone [[
      local sim, ids = test.sim { lua = 1 }, {}
      local first = sim:add {}
      for i = 1, 10000 do
        ids[i] = sim:add { blockers = { first }, instant = "completed" }
      end
      local last = sim:add { blockers = ids }
      sim:finish(first)
      assert(sim:info(last).state == "RUNNING")
      print("ok")]]
  end)

  it("may let 100,000 tasks end at once in little stack", function()
    alone [[
      local sim = test.sim { process = 1 }
      local first = sim:add { kind = "process" }
      for i = 1, 100000 do
        sim:add { kind = "process", instant = i % 2 == 0 and "completed" or "failed" }
      end
      sim:finish(first)
      assert(sim:figures().live == 0)
      print("ok")]]
  end)

  it("may let a chain of 100,000 end at once in little stack", function()
    alone [[
      local sim = test.sim { process = 1 }
      sim:add { kind = "process" }
      for id = 2, 100000 do
        sim:add { kind = "process", instant = "completed", blockers = { id - 1 } }
      end
      sim:finish(1)
      assert(sim:figures().live == 0)
      print("ok")]]
  end)
end)

describe("new edges", function()
  it("make a task that queues wait again", function()
    local sim = new { lua = 1 }
    local a, b, c = sim:add {}, sim:add {}, sim:add {}
    assert.is_true(sim:block { { b, c } })
    assert.equal("WAITING", sim:info(b).state)
    sim:finish(a)
    assert.same({ c }, sim:running())
    sim:finish(c)
    assert.same({ b }, sim:running())
  end)

  it("to what is completed change nothing", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    sim:finish(a)
    local b, c = sim:add {}, sim:add {}
    assert.is_true(sim:block { { c, a } })
    assert.equal("RUNNING READY", states(sim, { b, c }))
  end)

  it("to what has failed cancel the task", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    sim:finish(a, "failed")
    sim:add {}
    local c = sim:add {}
    local d = sim:add { blockers = { c } }
    assert.is_true(sim:block { { c, a } })
    assert.equal("CANCELLED CANCELLED", states(sim, { c, d }))
    assert.equal("blocked", sim:info(c).fault)
  end)

  it("given twice count once", function()
    local sim = new { lua = 1 }
    local a, b = sim:add {}, sim:add {}
    assert.is_true(sim:block { { b, a }, { b, a } })
    assert.equal(1, sim:info(b).unmet)
    assert.is_true(sim:block { { b, a } })
    assert.equal(1, sim:info(b).unmet)
    sim:finish(a)
    assert.same({ b }, sim:running())
  end)

  it("are refused for a task that has begun", function()
    local sim = new { lua = 2 }
    local a, b = sim:add { retry = { max = 1, backoff = 9 } }, sim:add {}
    assert.same({ nil, "ESTATE", "" }, { sim:block { { a, b } } })
    sim:finish(a, "failed")
    assert.same({ nil, "ESTATE", "" }, { sim:block { { a, b } } })
    sim:advance(9)
    sim:finish(a)
    assert.same({ nil, "ESTATE", "" }, { sim:block { { a, b } } })
    assert.same({}, sim:info(a).blockers)
  end)

  it("are refused to a task itself", function()
    local sim = new { lua = 1 }
    sim:add {}
    local b = sim:add {}
    local ok, why, path = sim:block { { b, b } }
    assert.is_nil(ok)
    assert.equal("ECYCLE", why)
    assert.is_truthy(path:find("t2"))
    assert.equal("READY", sim:info(b).state)
  end)

  it("that close a cycle are refused with the path, and nothing is changed", function()
    local sim = new { lua = 1 }
    sim:add {}
    local a = sim:add { description = "lint" }
    local b = sim:add { blockers = { a } }
    local c = sim:add { blockers = { b } }
    local before = { sim:info(a), sim:info(b), sim:info(c) }
    local ok, why, path = sim:block { { a, c } }
    assert.is_nil(ok)
    assert.equal("ECYCLE", why)
    assert.equal("t4 -> t3 -> t2 (lint)", path)
    assert.same(before, { sim:info(a), sim:info(b), sim:info(c) })
  end)

  it("are added all or none", function()
    local sim = new { lua = 1 }
    sim:add {}
    local a, b, c, d = sim:add {}, sim:add {}, sim:add {}, sim:add {}
    local before = { sim:info(a), sim:info(b), sim:info(c), sim:info(d) }
    -- a cycle that only the edges of one call close
    local ok, why, path = sim:block { { a, b }, { b, c }, { d, a }, { c, d } }
    assert.is_nil(ok)
    assert.equal("ECYCLE", why)
    assert.equal("t5 -> t2 -> t3 -> t4", path)
    -- the last one is refused because it runs
    assert.same({ nil, "ESTATE", "" }, { sim:block { { a, b }, { 1, a } } })
    assert.same(before, { sim:info(a), sim:info(b), sim:info(c), sim:info(d) })
    sim:finish(1)
    assert.same({ a }, sim:running())
  end)

  it("shorten the path of a cycle of 1,000", function()
    local sim = new { lua = 1 }
    sim:add {}
    for id = 2, 1001 do sim:add { blockers = { id > 2 and id - 1 or nil } } end
    local ok, why, path = sim:block { { 2, 1001 } }
    assert.is_nil(ok)
    assert.equal("ECYCLE", why)
    assert.is_true(#path < 300)
    assert.is_truthy(path:find("^t1001 %-> t1000 "))
    assert.is_truthy(path:find("%(988 more%)"))
    assert.is_truthy(path:find(" t3 %-> t2$"))
  end)

  it("are found through waits and claims", function()
    local sim = new { lua = 4 }
    local a, b = sim:add {}, sim:add {}
    local item = sim:add { kind = "item" }
    local queued = sim:add { blockers = { a } }
    assert.is_true(sim:claim(item, b))
    assert.equal("pending", sim:wait(item, a))
    -- queued waits for a, a for the item, the item for b
    assert.equal("t4 -> t1 -> t3 -> t2", sim:closes(b, queued))
    assert.is_nil(sim:closes(a, b))
  end)
end)

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
    sim:advance(0.05)
    assert.same({ "start 1", "stop 1 1", "stop 1 2" }, sim:log())
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

  it("lets a task that queues for its writes after a wait go on at once", function()
    local sim = new { lua = 4 }
    local a, b, c = sim:add { writes = { "f" } }, sim:add {}, sim:add { writes = { "f" } }
    sim:wait(b, a)
    assert.same({ b, c }, sim:running())
    sim:finish(b)
    assert.same({ c }, sim:running())
    sim:stop(a)
    assert.same({ c, a }, sim:running())
    sim:finish(a)
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
    sim:advance(100)
    assert.same({ a }, sim:granted())
    assert.equal("RUNNING", sim:info(a).state)
    sim:begin(a)
    sim:finish(a)
    assert.equal("CANCELLED", sim:info(a).state)
  end)

  it("says why, whether the task ran or not", function()
    local sim = new { lua = 1 }
    local running, queued = sim:add {}, sim:add {}
    sim:cancel_all()
    sim:finish(running)
    assert.equal("all cancelled", sim:info(queued).error)
    assert.equal("all cancelled", sim:info(running).error)
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
    assert.same({ 0, 0, 1 }, { figures.live, figures.open_items, figures.stirring })
  end)

  it("100,000 that queue starts none of them", function()
    local sim = new { lua = 1 }
    for _ = 1, 100000 do sim:add {} end
    sim:cancel_all()
    sim:finish(1)
    assert.same({ "start 1", "stop 1 1" }, sim:log())
    assert.equal(0, sim:figures().live)
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
    local sim = new { lua = 1 }
    local parent = sim:add {}
    for _ = 1, 100000 do sim:add { parent = parent } end
    sim:finish(parent)
    assert.equal(0, sim:figures().live)
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
