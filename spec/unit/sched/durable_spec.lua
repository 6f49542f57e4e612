-- What the scheduler does for a run that is kept (runtime/sched/durable.h): a task is
-- looked up before it takes slots, and final once its outcome is kept.

local support = require "spec.support.sim"

local states = support.states

-- A sim of which this spec answers all that is asked.
local function new(options)
  options = options or {}
  options.durable = true
  return support.new(options)
end

-- Answer that there is no outcome, to each look.
local function miss(sim, ...)
  for _, id in ipairs { ... } do sim:looked(id) end
end

-- A task that runs.
local function run(sim, options)
  local id = sim:add(options or {})
  miss(sim, id)
  return id
end

describe("a look", function()
  it("is asked for once nothing blocks the task, and before it has a slot", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    local b = sim:add { blockers = { a } }
    assert.same({ "look 1" }, sim:asked())
    local info = sim:info(a)
    assert.same({ "READY", true, 0 }, { info.state, info.looking, info.attempt })
    assert.equal(0, sim:figures().lua.used)
    assert.equal("WAITING", sim:info(b).state)
    assert.same({}, sim:log())
  end)

  it("that finds nothing lets the task have its slots", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    sim:looked(a)
    assert.same({ a }, sim:running())
    assert.is_false(sim:info(a).cached)
    assert.is_false(sim:info(a).looking)
  end)

  it("lets tasks queue in the order of the answers", function()
    local sim = new { lua = 1 }
    for _ = 1, 3 do sim:add {} end
    miss(sim, 3, 1, 2)
    for _, id in ipairs { 3, 1, 2 } do
      assert.same({ id }, sim:running())
      sim:finish(id)
      sim:sealed(id)
    end
  end)

  it("that is refused lets the task go on at once", function()
    local sim = new { lua = 1 }
    sim:refuse("look", true)
    local a = sim:add {}
    assert.same({}, sim:asked())
    assert.same({ a }, sim:running())
    assert.is_false(sim:info(a).looking)
  end)

  it("is not asked for again by a retry", function()
    local sim = new { lua = 1 }
    local a = run(sim, { retry = { max = 1, backoff = 1 } })
    sim:finish(a, "failed")
    assert.same({}, sim:asked())
    sim:advance(1)
    assert.same({ a }, sim:running())
  end)
end)

describe("an outcome that is found", function()
  it("is the task's, without slots or an attempt", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    sim:looked(a, "completed")
    local info = sim:info(a)
    assert.same({ "completed", 0, true }, { info.status, info.attempt, info.cached })
    assert.is_nil(info.duration)
    assert.same({}, sim:log())
    assert.same({}, sim:asked())
  end)

  it("can be a failure, with its kind and its text", function()
    local sim = new { lua = 1 }
    local a = sim:add { retry = { max = 3 } }
    sim:looked(a, "failed", "exit", "it said no")
    local info = sim:info(a)
    assert.same({ "failed", "exit", "it said no" }, { info.status, info.fault, info.error })
    assert.is_true(info.cached)
    assert.equal(0, sim:figures().timers)
  end)

  it("needs no slot that others have", function()
    local sim = new { lua = 1 }
    sim:limit("p", 1)
    local busy = run(sim, { limit = "p", writes = { "/f" } })
    local a = sim:add { limit = "p", writes = { "/f" } }
    sim:looked(a, "completed")
    assert.equal("COMPLETED", sim:info(a).state)
    assert.same({ busy }, sim:running())
    local limits = sim:figures()
    assert.same({ 1, 1, 1 }, { limits.lua.used, limits.limits.p.used, limits.writing })
  end)

  it("is no start of a rate", function()
    local sim = new { lua = 9 }
    sim:limit("p", 9, { a_minute = true })
    local found = sim:add { limit = "p" }
    sim:looked(found, "completed")
    local first, second = run(sim, { limit = "p" }), run(sim, { limit = "p" })
    assert.equal("RUNNING READY", states(sim, { first, second }))
    local late = sim:add { limit = "p" }
    sim:looked(late, "completed")
    assert.equal("COMPLETED", sim:info(late).state)
    sim:advance(60)
    assert.equal("RUNNING RUNNING", states(sim, { first, second }))
  end)

  it("is nothing of a budget, used up or not", function()
    local sim = new { lua = 9 }
    sim:limit("p", 9, { tasks = 1 })
    local found = sim:add { limit = "p" }
    sim:looked(found, "completed")
    local first = run(sim, { limit = "p" })
    assert.equal("RUNNING", sim:info(first).state)
    local over = run(sim, { limit = "p" })
    assert.equal("budget", sim:info(over).fault)
    local late = sim:add { limit = "p" }
    sim:looked(late, "completed")
    assert.equal("COMPLETED", sim:info(late).state)
  end)

  it("releases dependents, and is told to who waits", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    local b = sim:add { blockers = { a } }
    sim:wait(a, 0)
    sim:looked(a, "completed")
    assert.equal("done", sim:outcome(0))
    assert.same({ "look 2" }, sim:asked())
    sim:looked(b, "completed")
    assert.equal("COMPLETED COMPLETED", states(sim, { a, b }))
  end)

  it("that is a failure cancels dependents", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    local b = sim:add { blockers = { a } }
    sim:looked(a, "failed")
    assert.equal("blocked", sim:info(b).fault)
    assert.same({}, sim:asked())
  end)

  it("is an item's, too", function()
    local sim = new { lua = 1 }
    local item = sim:add { kind = "item" }
    local blocked = sim:add { kind = "item", blockers = { item } }
    assert.equal("WAITING", sim:info(item).state)
    local worker = run(sim)
    assert.same({ nil, 2 }, { sim:claim_next(worker) })
    assert.same({ nil, "EBLOCKED" }, { sim:claim(item, worker) })
    sim:looked(item, "completed")
    assert.equal("COMPLETED WAITING", states(sim, { item, blocked }))
    miss(sim, blocked)
    assert.equal(blocked, (sim:claim_next(worker)))
  end)

  it("frees who waits for an item", function()
    local sim = new { lua = 1 }
    local worker = run(sim)
    local item = sim:add { kind = "item" }
    sim:wait("item", worker)
    miss(sim, item)
    assert.same({ worker }, sim:running())
    assert.equal(item, (sim:claim_next(worker)))
  end)
end)

describe("while it is looked up", function()
  -- A sim, a task that runs, and one that is looked up.
  local function looking(options)
    local sim = new { lua = 2 }
    local other = run(sim)
    return sim, sim:add(options or {}), other
  end

  -- Both answers come too late for the task, which stays as it is.
  local function too_late(sim, id)
    local before = sim:info(id).state
    assert.same({ "look " .. id }, sim:asked())
    sim:looked(id, "completed")
    assert.equal(before, sim:info(id).state)
    assert.is_false(sim:info(id).cached)
  end

  it("a task can be stopped", function()
    local sim, a = looking()
    local after = sim:add { blockers = { a } }
    assert.is_true(sim:stop(a))
    assert.equal("CANCELLED CANCELLED", states(sim, { a, after }))
    assert.equal("cancelled", sim:info(a).error)
    too_late(sim, a)
  end)

  it("a task is cancelled with the task that started it", function()
    local sim = new { lua = 2 }
    local parent = run(sim)
    local child = sim:add { parent = parent }
    sim:refuse("seal", true)
    sim:finish(parent)
    assert.equal("its parent task ended", sim:info(child).error)
    too_late(sim, child)
  end)

  it("a task has no time-out", function()
    local sim, a = looking { timeout = 3 }
    sim:advance(100)
    assert.equal("READY", sim:info(a).state)
    miss(sim, a)
    assert.equal(103, sim:info(a).due)
  end)

  it("a task is cancelled when the run is drained", function()
    local sim, a = looking()
    sim:drain()
    assert.matches("the run was drained", sim:info(a).error)
    too_late(sim, a)
    local late = sim:add {}
    assert.equal("CANCELLED", sim:info(late).state)
    assert.same({}, sim:asked())
  end)

  it("a task is cancelled when the script ends, or the run", function()
    for _, way in ipairs { "cancel_all", "close" } do
      local sim, a = looking()
      local item = sim:add { kind = "item" }
      sim[way](sim)
      assert.equal("CANCELLED", sim:info(a).state)
      assert.equal(way == "close" and "CANCELLED" or "WAITING", sim:info(item).state)
      sim:looked(item, "completed")
      too_late(sim, a)
    end
  end)

  it("a task may get a blocker, which takes it back", function()
    local sim, a, other = looking()
    assert.is_true(sim:block { { a, other } })
    assert.equal("WAITING", sim:info(a).state)
    too_late(sim, a)
    sim:finish(other)
    sim:sealed(other)
    assert.same({ "look " .. a }, sim:asked())
    sim:looked(a, "completed")
    assert.is_true(sim:info(a).cached)
  end)

  it("a task may get blockers twice, and only the last look counts", function()
    for _, kind in ipairs { "lua", "item" } do
      local sim, a, other = looking { kind = kind }
      local another = run(sim)
      sim:block { { a, other } }
      sim:finish(other)
      sim:sealed(other)
      assert.same({ "look " .. a }, sim:asked())
      sim:block { { a, another } }
      assert.equal("WAITING", sim:info(a).state)
      sim:finish(another)
      sim:sealed(another)
      assert.same({ "look " .. a }, sim:asked())
      sim:looked(a, "failed", "exit", "the last")
      assert.same({ "FAILED", "the last" }, { sim:info(a).state, sim:info(a).error })
    end
  end)

  it("a task may get a blocker that has failed", function()
    local sim, a = looking()
    local failed = run(sim)
    sim:finish(failed, "failed")
    sim:sealed(failed)
    sim:block { { a, failed } }
    assert.equal("blocked", sim:info(a).fault)
    too_late(sim, a)
  end)

  it("an item may get a blocker, and is free when its answer comes late", function()
    local sim, item, other = looking { kind = "item" }
    sim:block { { item, other } }
    sim:finish(other)
    sim:refuse("look", true)
    sim:sealed(other)
    assert.same({}, sim:asked())
    assert.equal("READY", sim:info(item).state)
    sim:refuse("look", false)
    local worker = run(sim)
    assert.equal(item, (sim:claim_next(worker)))
    assert.is_false(sim:info(item).sealed)
  end)

  it("a task takes a new priority, which counts when it queues", function()
    local sim = new { lua = 1 }
    local busy = run(sim)
    local a, b = sim:add {}, sim:add {}
    sim:priority(b, 5)
    assert.same({ "look 2", "look 3" }, sim:asked())
    miss(sim, a, b)
    sim:finish(busy)
    assert.same({ b }, sim:running())
  end)

  it("a task takes a new rank, which counts when it queues", function()
    local sim = new { lua = 1, history = "spec/graph/durations" }
    local busy = run(sim)
    local a, b = sim:add { key = "second" }, sim:add { key = "second" }
    local long = sim:add { key = "hour", blockers = { b } }
    assert.is_true(sim:info(b).rank > sim:info(a).rank)
    miss(sim, a, b)
    assert.same({ busy }, sim:running())
    sim:finish(busy)
    assert.same({ b }, sim:running())
    assert.equal("WAITING", sim:info(long).state)
  end)
end)

describe("a sealed task", function()
  -- A sim, a task that is sealed as told, and its options.
  local function sealed(options, how)
    local sim = new { lua = 1 }
    sim:limit("p", 1)
    local id = run(sim, options)
    sim:finish(id, how or "completed")
    return sim, id
  end

  it("is in progress until its outcome is kept", function()
    local sim, a = sealed()
    assert.same({ "seal 1" }, sim:asked())
    local info = sim:info(a)
    assert.same({ "in_progress", true }, { info.status, info.sealed })
    assert.same({ "completed" }, { sim:kept(a) })
    sim:sealed(a)
    assert.equal("COMPLETED", sim:info(a).state)
    assert.is_false(sim:info(a).cached)
    assert.same({}, sim:asked())
  end)

  it("is final at once when its outcome is not to be kept", function()
    local sim = new { lua = 1 }
    local a = run(sim)
    sim:refuse("seal", true)
    sim:finish(a, "failed", "exit", "so it was")
    assert.same({ "FAILED", "so it was" }, { sim:info(a).state, sim:info(a).error })
  end)

  it("keeps a failure with its kind and text", function()
    local sim = new { lua = 1 }
    local a = run(sim)
    sim:finish(a, "failed", "lua", "that it was")
    assert.same({ "failed", "lua", "that it was" }, { sim:kept(a) })
    sim:sealed(a)
    assert.same({ "FAILED", "lua" }, { sim:info(a).state, sim:info(a).fault })
  end)

  it("has nothing that others need", function()
    local sim, a = sealed { limit = "p", writes = { "/f" } }
    local figures = sim:figures()
    assert.same({ 0, 0, 0 }, { figures.lua.used, figures.limits.p.used, figures.writing })
    local b = run(sim, { limit = "p", writes = { "/f" } })
    assert.same({ b }, sim:running())
    sim:finish(b)
    sim:sealed(b)
    sim:sealed(a)
    assert.equal("COMPLETED COMPLETED", states(sim, { a, b }))
  end)

  it("gives its slots at its end to who queues", function()
    local sim = new { lua = 1 }
    local a = run(sim)
    local b = run(sim)
    sim:finish(a)
    assert.same({ b }, sim:running())
  end)

  it("gives its slot to the next in the same breath", function()
    local sim = new { lua = 1 }
    local a, b = run(sim), run(sim)
    assert.equal(b, sim:finish_next(a))
    assert.same({ "seal 1" }, sim:asked())
  end)

  it("took as long as it worked", function()
    local sim = new { lua = 1 }
    local a = run(sim)
    sim:advance(3)
    sim:finish(a)
    sim:advance(50)
    sim:sealed(a)
    assert.equal(3, sim:info(a).duration)
  end)

  it("releases its dependents only when it is final", function()
    local sim, a = sealed()
    local b = sim:add { blockers = { a } }
    assert.equal("WAITING", sim:info(b).state)
    sim:sealed(a)
    assert.same({ "look 2" }, sim:asked())
  end)

  it("cancels its children only when it is final", function()
    local sim = new { lua = 3 }
    local a = run(sim)
    local child, free = run(sim, { parent = a }), run(sim, { parent = a, detach = true })
    sim:finish(a)
    assert.is_false(sim:info(child).stopping == "cancelled")
    sim:sealed(a)
    assert.equal("cancelled", sim:info(child).stopping)
    assert.is_nil(sim:info(free).stopping)
  end)

  it("starts nothing more", function()
    local sim, a = sealed()
    assert.same({ nil, "EENDED" }, { sim:add { parent = a } })
  end)

  it("cannot be stopped, and ends as it ended", function()
    local sim, a = sealed()
    sim:stop(a)
    assert.is_nil(sim:info(a).stopping)
    assert.equal("RUNNING", sim:info(a).state)
    assert.same({ "start 1" }, sim:log())
    sim:sealed(a)
    assert.equal("COMPLETED", sim:info(a).state)
  end)

  it("has no time-out any longer", function()
    local sim, a = sealed { timeout = 3 }
    assert.equal(0, sim:figures().timers)
    sim:advance(100)
    sim:sealed(a)
    assert.equal("COMPLETED", sim:info(a).state)
  end)

  it("is stopped by the end of no parent", function()
    local sim = new { lua = 2 }
    local parent = run(sim)
    local child = run(sim, { parent = parent })
    sim:finish(child)
    sim:finish(parent)
    sim:sealed(parent)
    assert.equal("COMPLETED RUNNING", states(sim, { parent, child }))
    sim:sealed(child)
    assert.equal("COMPLETED", sim:info(child).state)
  end)

  it("is stopped by no budget that is overdrawn", function()
    local sim = new { lua = 2 }
    sim:limit("p", 2, { tokens = 100 })
    local a, b = run(sim, { limit = "p" }), run(sim, { limit = "p" })
    sim:finish(a)
    sim:spend(b, 200)
    assert.is_nil(sim:info(a).stopping)
    assert.equal("budget", sim:info(b).stopping)
    sim:sealed(a)
    assert.equal("COMPLETED", sim:info(a).state)
  end)

  it("is stopped by no end of the run", function()
    for _, way in ipairs { "cancel_all", "close", "drain" } do
      local sim, a = sealed()
      local item = sim:add { kind = "item" }
      miss(sim, item)
      sim:resolve(item, 0, "completed")
      sim[way](sim)
      assert.equal("RUNNING RUNNING", states(sim, { a, item }))
      sim:sealed(item)
      sim:sealed(a)
      assert.equal("COMPLETED COMPLETED", states(sim, { a, item }))
    end
  end)

  it("that was being stopped is left alone, in a hurry too", function()
    local sim = new { lua = 1 }
    local a = run(sim)
    sim:stop(a)
    sim:finish(a)
    assert.same({ "cancelled", "cancelled", "cancelled" }, { sim:kept(a) })
    sim:hurry(true)
    sim:advance(10)
    assert.same({ "start 1", "stop 1 1" }, sim:log())
    sim:sealed(a)
    assert.equal("CANCELLED", sim:info(a).state)
  end)

  it("that was given up is kept as that", function()
    local sim = new { lua = 1 }
    local a = run(sim)
    sim:stop(a)
    sim:advance(1.25)
    assert.same({ "seal 1" }, sim:asked())
    assert.matches("it is stuck in a C function", select(3, sim:kept(a)))
    sim:late(a, 1)
    sim:sealed(a)
    assert.equal("CANCELLED", sim:info(a).state)
  end)

  it("hears no second end of its attempt", function()
    local sim, a = sealed()
    sim:late(a, 1)
    assert.same({ "seal 1" }, sim:asked())
    sim:sealed(a)
    assert.equal("COMPLETED", sim:info(a).state)
  end)

  it("gets no blockers, and may be one", function()
    local sim, a = sealed()
    local b = sim:add {}
    assert.same({ nil, "ESTATE", "" }, { sim:block { { a, b } } })
    assert.is_true(sim:block { { b, a } })
    sim:sealed(a)
    miss(sim, b)
    assert.same({ b }, sim:running())
  end)

  it("is none that is to be tried again", function()
    local sim = new { lua = 1 }
    local a = run(sim, { retry = { max = 1, backoff = 1 } })
    sim:finish(a, "failed")
    assert.same({}, sim:asked())
    assert.equal("READY", sim:info(a).state)
    sim:advance(1)
    sim:finish(a, "failed")
    assert.same({ "seal 1" }, sim:asked())
    sim:sealed(a)
    assert.equal(2, sim:info(a).attempt)
  end)

  it("takes a new priority, of which nothing comes", function()
    local sim, a = sealed()
    sim:priority(a, 5)
    sim:sealed(a)
    assert.equal("COMPLETED", sim:info(a).state)
  end)

  it("is not tried again, though the run would allow it", function()
    local sim = new { lua = 1 }
    local a = run(sim, { retry = { max = 1, on = { "timeout" } } })
    sim:finish(a, "failed")
    sim:sealed(a)
    assert.equal("FAILED", sim:info(a).state)
  end)
end)

describe("items of a run that is kept", function()
  -- A sim, a worker that runs, and an item it has claimed.
  local function claimed()
    local sim = new { lua = 2 }
    local worker = run(sim)
    local item = sim:add { kind = "item" }
    miss(sim, item)
    sim:claim(item, worker)
    return sim, worker, item
  end

  it("are sealed by who ends them", function()
    local sim, worker, item = claimed()
    assert.is_true(sim:resolve(item, worker, "failed"))
    assert.same({ "seal 2" }, sim:asked())
    assert.equal("in_progress", sim:info(item).status)
    sim:sealed(item)
    assert.equal("FAILED", sim:info(item).state)
  end)

  it("that are sealed are nobody's to end, release or stop", function()
    local sim, worker, item = claimed()
    sim:resolve(item, worker, "completed")
    assert.same({ nil, "ECLAIMED" }, { sim:resolve(item, worker, "failed") })
    assert.same({ nil, "ECLAIMED" }, { sim:release(item, worker) })
    assert.same({ nil, "ECLAIMED" }, { sim:claim(item, worker) })
    sim:stop(item)
    assert.equal("RUNNING", sim:info(item).state)
    sim:sealed(item)
    assert.equal("COMPLETED", sim:info(item).state)
  end)

  it("that are sealed are not returned by the end of who had them", function()
    local sim, worker, item = claimed()
    sim:resolve(item, worker, "completed")
    sim:finish(worker)
    sim:sealed(worker)
    assert.equal("COMPLETED RUNNING", states(sim, { worker, item }))
    sim:sealed(item)
    assert.equal("COMPLETED", sim:info(item).state)
  end)

  it("stay claimed by a sealed task, and are returned when it is final", function()
    local sim, worker, item = claimed()
    sim:finish(worker)
    assert.equal("RUNNING", sim:info(item).state)
    sim:sealed(worker)
    assert.equal("READY", sim:info(item).state)
    assert.same({}, sim:asked(), "it is not looked up again")
  end)

  it("are not claimed by a sealed task", function()
    local sim = new { lua = 1 }
    local worker = run(sim)
    local item = sim:add { kind = "item" }
    miss(sim, item)
    sim:finish(worker)
    assert.same({ nil, "EENDED" }, { sim:claim(item, worker) })
    assert.equal("READY", sim:info(item).state)
  end)

  it("that nobody has claimed are sealed, too", function()
    local sim = new { lua = 1 }
    local item = sim:add { kind = "item" }
    miss(sim, item)
    assert.is_true(sim:resolve(item, 0, "completed"))
    local next_one = sim:add { kind = "item" }
    miss(sim, next_one)
    assert.equal(next_one, (sim:claim_next(0)))
    sim:sealed(item)
    assert.equal("COMPLETED", sim:info(item).state)
  end)

  it("can be waited for by who ended them", function()
    local sim, worker, item = claimed()
    assert.is_string(sim:closes(worker, item))
    sim:resolve(item, worker, "completed")
    assert.is_nil(sim:closes(worker, item))
    assert.equal("pending", (sim:wait(item, worker)))
    sim:sealed(item)
    assert.same({ worker }, sim:running())
  end)

  it("do not end who waits for them before they are final", function()
    local sim, worker, item = claimed()
    sim:wait(item, 0)
    local all = sim:add {}
    sim:resolve(item, worker, "completed")
    assert.equal("pending", sim:outcome(0))
    sim:sealed(item)
    assert.equal("done", sim:outcome(0))
    assert.is_true(sim:stop(all))
  end)
end)

describe("a wait in a run that is kept", function()
  it("for a task ends when that is final", function()
    local sim = new { lua = 1 }
    local a = run(sim)
    sim:wait(a, 0)
    sim:finish(a)
    assert.equal("pending", sim:outcome(0))
    sim:sealed(a)
    assert.equal("done", sim:outcome(0))
  end)

  it("for the end of all ends when all is final", function()
    local sim = new { lua = 2 }
    local a, b = run(sim), sim:add {}
    sim:wait("idle", 0)
    sim:finish(a)
    sim:looked(b, "completed")
    assert.equal("pending", sim:outcome(0))
    sim:sealed(a)
    assert.equal("done", sim:outcome(0))
  end)

  it("for several gets each when it is final", function()
    local sim = new { lua = 2 }
    local a, b = run(sim), run(sim)
    local c = sim:collector { a, b }
    sim:finish(a)
    sim:finish(b)
    assert.same({ nil, 2 }, { c:next() })
    sim:wait(c, 0)
    assert.equal("pending", sim:outcome(0))
    sim:sealed(b)
    assert.equal("done", sim:outcome(0))
    assert.same({ b, 1 }, { c:next() })
    sim:sealed(a)
    assert.same({ a, 0 }, { c:next() })
  end)

  it("of a task ends when what it waits for is final", function()
    local sim = new { lua = 2 }
    local a, b = run(sim), run(sim)
    sim:wait(a, b)
    sim:finish(a)
    assert.same({}, sim:running())
    sim:sealed(a)
    assert.same({ b }, sim:running())
  end)

  it("for the next item ends when the last one is final", function()
    local sim = new { lua = 2 }
    local worker, other = run(sim), run(sim)
    local item = sim:add { kind = "item" }
    miss(sim, item)
    sim:claim(item, other)
    sim:wait("item", worker)
    sim:resolve(item, other, "completed")
    assert.same({ other }, sim:running())
    sim:sealed(item)
    assert.same({ other, worker }, sim:running())
    assert.same({ nil, 0 }, { sim:claim_next(worker) })
  end)
end)

describe("a deadlock", function()
  -- The script waits for it: `id` is never to end.
  local function pending(sim, what)
    assert.equal("pending", (sim:wait(what, 0)))
    assert.equal("pending", sim:outcome(0))
  end

  it("is none while a task is looked up, and none while one is sealed", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    pending(sim, a)
    miss(sim, a)
    sim:finish(a)
    assert.equal("pending", sim:outcome(0))
    sim:sealed(a)
    assert.equal("done", sim:outcome(0))
  end)

  it("is none while an item is looked up", function()
    local sim = new { lua = 1 }
    local item = sim:add { kind = "item" }
    pending(sim, item)
    sim:looked(item, "completed")
    assert.equal("done", sim:outcome(0))
  end)

  it("is none while an item is sealed", function()
    local sim = new { lua = 1 }
    local item = sim:add { kind = "item" }
    miss(sim, item)
    sim:resolve(item, 0, "completed")
    pending(sim, item)
    sim:sealed(item)
    assert.equal("done", sim:outcome(0))
  end)

  it("is told when the look at an item finds nothing", function()
    local sim = new { lua = 1 }
    local item = sim:add { kind = "item" }
    pending(sim, item)
    miss(sim, item)
    assert.equal("deadlock", sim:outcome(0))
  end)

  it("is told when a look comes too late for what is blocked now", function()
    local sim = new { lua = 1 }
    local item, never = sim:add { kind = "item" }, sim:add { kind = "item" }
    miss(sim, never)
    sim:block { { item, never } }
    pending(sim, item)
    sim:looked(item, "completed")
    assert.equal("deadlock", sim:outcome(0))
  end)

  it("is told once what was sealed is final, and helps nobody", function()
    local sim = new { lua = 1 }
    local item, a = sim:add { kind = "item" }, run(sim)
    miss(sim, item)
    pending(sim, item)
    sim:finish(a)
    assert.equal("pending", sim:outcome(0))
    sim:sealed(a)
    assert.equal("deadlock", sim:outcome(0))
  end)

  it("is told when what was looked up is cancelled", function()
    local sim = new { lua = 1 }
    local item, a = sim:add { kind = "item" }, sim:add {}
    miss(sim, item)
    local b = run(sim)
    pending(sim, item)
    sim:finish(b)
    sim:sealed(b)
    assert.equal("pending", sim:outcome(0))
    sim:stop(a)
    assert.equal("deadlock", sim:outcome(0))
  end)
end)

describe("what is forgotten", function()
  it("is no sealed task, however few are to be kept", function()
    local sim = new { lua = 9, keep = 1 }
    local a = run(sim)
    sim:finish(a)
    for _ = 1, 5 do
      local other = run(sim)
      sim:finish(other)
      sim:sealed(other)
    end
    sim:sweep()
    assert.equal("in_progress", sim:info(a).status)
    sim:sealed(a)
    assert.equal("completed", sim:info(a).status)
  end)

  it("hears an answer that comes too late", function()
    local sim = new { lua = 1, keep = 1 }
    local a = sim:add {}
    sim:stop(a)
    for _ = 1, 200 do
      local id = sim:add {}
      sim:looked(id, "completed")
    end
    sim:sweep()
    assert.same({ nil, "ERESOLVED" }, { sim:stop(a) })
    assert.same({ "look 1" }, sim:asked())
    sim:looked(a, "completed")
    assert.same({}, sim:asked())
  end)

  it("is one with an outcome of an earlier run, like others", function()
    local sim = new { lua = 1, keep = 2 }
    for _ = 1, 5 do sim:looked(sim:add {}, "completed") end
    sim:sweep()
    assert.equal(2, sim:figures().ended)
  end)
end)
