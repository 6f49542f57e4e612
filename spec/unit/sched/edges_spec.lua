-- Blockers: who waits for whom (runtime/task/board.c, edge.c, lifecycle.c).

local test = require "orun.test"
local h = require "spec.support.helper"
local support = require "spec.support.sim"

local new, states = support.new, support.states

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
    local d = sim:add { blockers = { c } }
    local other = sim:add {}
    sim:finish(a, "failed", "exit", "exit code 3\nmore")
    assert.same({ other }, sim:running())
    local root = "blocked: t1 (build) failed: exit code 3"
    for id, error in pairs { [b] = root, [c] = "blocked: t2 cancelled, " .. root,
      [d] = "blocked: t3 cancelled, " .. root } do
      local info = sim:info(id)
      assert.equal("cancelled", info.status)
      assert.equal("blocked", info.fault)
      assert.equal(0, info.attempt)
      assert.equal(error, info.error)
    end
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
    local sim = test.sim { lua = 1 }
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

  it("given together hold all of their tasks before anybody is served", function()
    local sim = new { lua = 1 }
    local busy = sim:add { kind = "process", writes = { "/d" } }
    local first = sim:add { writes = { "/d/f", "/f" } }
    local second = sim:add { writes = { "/f" } }
    assert(sim:block { { first, second }, { second, busy } })
    assert.equal("WAITING WAITING", states(sim, { first, second }))
    assert.same({ busy }, sim:running())
    for _, id in ipairs { busy, second, first } do
      assert.same({ id }, sim:running())
      sim:finish(id)
    end
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
