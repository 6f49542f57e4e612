-- Items of the list: who has which, and how they end (runtime/sched/claim.c).

local test = require "orun.test"
local support = require "spec.support.sim"

local new, states = support.new, support.states

-- A sim with `n` items and two running tasks, whose ids come first.
local function with_items(n, options)
  local sim = new(options or { lua = 5 })
  local ids = { sim, sim:add {}, sim:add {} }
  for _ = 1, n do ids[#ids + 1] = sim:add { kind = "item" } end
  return table.unpack(ids)
end

describe("claiming", function()
  it("moves an item to in_progress, for its claimer", function()
    local sim, a, _, item = with_items(1)
    assert.equal("pending", sim:info(item).status)
    assert.is_true(sim:claim(item, a, "worker 1"))
    local info = sim:info(item)
    assert.equal("in_progress", info.status)
    assert.equal(a, info.claimer)
    assert.equal("worker 1", info.owner)
    assert.equal(1, info.attempt)
  end)

  it("is won once; the others are told why not", function()
    local sim, a, b, item = with_items(1)
    assert.is_true(sim:claim(item, a, "first"))
    assert.same({ nil, "ECLAIMED" }, { sim:claim(item, b, "second") })
    assert.same({ nil, "ECLAIMED" }, { sim:claim(item, a, "again") })
    assert.equal("first", sim:info(item).owner)
    sim:resolve(item, a)
    assert.same({ nil, "ERESOLVED" }, { sim:claim(item, b) })
  end)

  it("is refused for what is blocked, and for what is no item", function()
    local sim, a, b, first = with_items(1)
    local second = sim:add { kind = "item", blockers = { first } }
    assert.same({ nil, "EBLOCKED" }, { sim:claim(second, a) })
    assert.same({ nil, "ESTATE" }, { sim:claim(b, a) })
    assert.same({ nil, "ESTATE" }, { sim:resolve(b, a) })
    assert.same({ nil, "ESTATE" }, { sim:release(b, a) })
    sim:resolve(first, a)
    assert.is_true(sim:claim(second, a))
  end)

  it("can be done by the script itself", function()
    local sim, a, _, item = with_items(1)
    assert.is_true(sim:claim(item, 0))
    assert.same({ nil, "ECLAIMED" }, { sim:claim(item, a) })
    assert.is_true(sim:resolve(item, 0))
  end)

  it("the next one gives them in order, the higher priority first", function()
    local sim, a, _, one, two, three = with_items(3)
    local urgent = sim:add { kind = "item", priority = 5 }
    sim:priority(three, 1)
    for _, expected in ipairs { urgent, three, one, two } do
      assert.equal(expected, (sim:claim_next(a)))
    end
    assert.same({ nil, 4 }, { sim:claim_next(a) })
  end)

  it("the next one passes over what is blocked, claimed or resolved", function()
    local sim, a, b, one, two, three = with_items(3)
    local blocked = sim:add { kind = "item", blockers = { one }, priority = 9 }
    sim:claim(two, b)
    sim:resolve(three, b)
    assert.same({ one, 3 }, { sim:claim_next(a) })
    assert.same({ nil, 3 }, { sim:claim_next(a) })
    sim:resolve(one, a)
    assert.same({ blocked, 2 }, { sim:claim_next(a) })
  end)

  it("says when no item is left open", function()
    local sim, a, _, item = with_items(1)
    sim:claim_next(a)
    assert.same({ nil, 1 }, { sim:claim_next(a) })
    sim:resolve(item, a)
    assert.same({ nil, 0 }, { sim:claim_next(a) })
  end)

  it("takes no slot and starts nothing", function()
    local sim = new { lua = 1 }
    for _ = 1, 3 do sim:add { kind = "item" } end
    assert.same({}, sim:log())
    sim:claim(1, 0)
    local figures = sim:figures()
    assert.same({ 0, 3, 0, 1 }, { figures.live, figures.open_items,
      figures.lua.used, figures.active })
  end)
end)

describe("resolving", function()
  it("ends an item as the claimer says", function()
    for word, state in pairs { completed = "COMPLETED", failed = "FAILED",
      cancelled = "CANCELLED" } do
      local sim, a, _, item = with_items(1)
      sim:claim(item, a)
      assert.is_true(sim:resolve(item, a, word))
      assert.equal(state, sim:info(item).state)
      assert.equal(0, sim:figures().open_items)
      assert.same({ nil, "ERESOLVED" }, { sim:resolve(item, a) })
      assert.same({ nil, "ERESOLVED" }, { sim:release(item, a) })
    end
  end)

  it("is refused while another has it", function()
    local sim, a, b, item = with_items(1)
    sim:claim(item, a)
    assert.same({ nil, "ECLAIMED" }, { sim:resolve(item, b) })
    assert.same({ nil, "ECLAIMED" }, { sim:release(item, b) })
    assert.equal("RUNNING", sim:info(item).state)
    assert.is_true(sim:resolve(item, a))
  end)

  it("needs no claim when nobody has it, and counts as an attempt", function()
    local sim, a, _, item = with_items(1)
    assert.is_true(sim:resolve(item, a))
    assert.equal("COMPLETED", sim:info(item).state)
    assert.equal(1, sim:info(item).attempt)
  end)

  it("is refused for what is blocked", function()
    local sim, a, _, first = with_items(1)
    local second = sim:add { kind = "item", blockers = { first } }
    assert.same({ nil, "EBLOCKED" }, { sim:resolve(second, a) })
  end)

  it("releases or cancels what depends on the item, tasks and items alike", function()
    local sim, a, _, one, two = with_items(2)
    local item = sim:add { kind = "item", blockers = { one } }
    local task = sim:add { blockers = { one } }
    local other = sim:add { kind = "item", blockers = { two } }
    local last = sim:add { blockers = { other } }
    sim:resolve(one, a)
    assert.equal("READY RUNNING", states(sim, { item, task }))
    sim:resolve(two, a, "failed")
    assert.equal("CANCELLED CANCELLED", states(sim, { other, last }))
    assert.equal("blocked", sim:info(last).fault)
  end)

  it("leaves the claimer's other claims as they are", function()
    local sim, a, _, one, two, three = with_items(3)
    for _, item in ipairs { one, two, three } do sim:claim(item, a) end
    sim:resolve(two, a)
    sim:resolve(three, a)
    sim:finish(a)
    assert.equal("READY COMPLETED COMPLETED", states(sim, { one, two, three }))
  end)
end)

describe("releasing", function()
  it("puts the item back as the next one, with its attempts", function()
    local sim, a, b, one = with_items(2)
    sim:claim(one, a, "me")
    assert.is_true(sim:release(one, a))
    assert.equal("pending", sim:info(one).status)
    assert.is_nil(sim:info(one).claimer)
    assert.equal(one, (sim:claim_next(b)))
    assert.equal(2, sim:info(one).attempt)
  end)

  it("takes the name of the last owner off", function()
    local sim, a, b, item = with_items(1)
    sim:claim(item, a, "me")
    sim:release(item, a)
    assert.is_nil(sim:info(item).owner)
    sim:claim(item, b, "other")
    sim:finish(b)
    assert.is_nil(sim:info(item).owner)
  end)

  it("is refused for what nobody has", function()
    local sim, a, _, item = with_items(1)
    assert.same({ nil, "ESTATE" }, { sim:release(item, a) })
  end)
end)

describe("a claimer's end", function()
  local ENDS <const> = {
    completed = function(sim, id) sim:finish(id) end,
    failed = function(sim, id) sim:finish(id, "failed") end,
    stopped = function(sim, id) sim:stop(id) sim:finish(id) end,
    ["given up"] = function(sim, id) sim:stop(id) sim:advance(2) end,
  }

  for how, finish in pairs(ENDS) do
    it("gives its items back when it is " .. how, function()
      local sim, a, b, one, two, done = with_items(3)
      for _, item in ipairs { one, two, done } do sim:claim(item, a) end
      sim:resolve(done, a)
      finish(sim, a)
      assert.equal("READY READY COMPLETED", states(sim, { one, two, done }))
      assert.equal(1, sim:info(one).attempt)
      assert.is_true(sim:claim(one, b))
      assert.equal(2, sim:info(one).attempt)
    end)
  end

  it("wakes those who wait for an item", function()
    local sim, a, b, item = with_items(1)
    sim:claim(item, a)
    assert.equal("pending", sim:wait("item", b))
    sim:finish(a)
    assert.equal("done", sim:outcome(b))
    assert.equal(item, (sim:claim_next(b)))
  end)

  it("does not give back what was cancelled meanwhile", function()
    local sim, a, _, item = with_items(1)
    sim:claim(item, a)
    sim:stop(item)
    assert.equal("CANCELLED", sim:info(item).state)
    assert.same({ nil, "ERESOLVED" }, { sim:resolve(item, a) })
    sim:finish(a)
    assert.equal("CANCELLED", sim:info(item).state)
  end)

  it("is what its wait for its own item would wait for", function()
    local sim, a, b, item = with_items(1)
    sim:claim(item, a)
    assert.is_truthy(sim:closes(a, item))
    assert.is_nil(sim:closes(b, item))
  end)
end)

describe("waiting for an item", function()
  it("is over when one becomes ready", function()
    local sim, a, b, item = with_items(1)
    sim:claim(item, a)
    sim:wait("item", b)
    local new_item = sim:add { kind = "item" }
    assert.equal("done", sim:outcome(b))
    assert.equal(new_item, (sim:claim_next(b)))
  end)

  it("is over when one is no longer blocked", function()
    local sim, a, b, first = with_items(1)
    local second = sim:add { kind = "item", blockers = { first } }
    sim:claim(first, a)
    sim:wait("item", b)
    sim:resolve(first, a)
    assert.equal("done", sim:outcome(b))
    assert.equal(second, (sim:claim_next(b)))
  end)

  it("is over when none is left open", function()
    local sim, a, b, item = with_items(1)
    sim:claim(item, a)
    assert.equal("pending", sim:wait("item", b))
    sim:resolve(item, a)
    assert.equal("done", sim:outcome(b))
    assert.equal("done", sim:wait("item", a))
  end)

  it("is needless when one is ready", function()
    local sim, a = with_items(1)
    assert.equal("done", sim:wait("item", a))
  end)
end)

describe("threads that claim at once", function()
  it("win each item once", function()
    for _ = 1, 20 do
      local wins, both = test.race { threads = 4, items = 500 }
      for i = 1, 500 do assert(wins[i] == 1, "item won " .. wins[i] .. " times") end
      assert.equal(0, both)
    end
  end)

  it("never hold one item together, however often it is given back", function()
    for _ = 1, 10 do
      local wins, both = test.race { threads = 8, items = 500, next = true }
      for i = 1, 500 do assert(wins[i] == 1, "item ended " .. wins[i] .. " times") end
      assert.equal(0, both)
    end
  end)
end)

describe("memory running out", function()
  it("claims nothing, or truly", function()
    for n = 1, 4 do
      local sim, a = with_items(0)
      local item = sim:add { kind = "item", plain = true }
      test.fail_at(n)
      local claimed, why = sim:claim(item, a, "me")
      assert.equal(claimed and "RUNNING" or "READY", sim:info(item).state)
      if not claimed then assert.equal("ENOMEM", why) end

      if claimed then sim:resolve(item, a) end
      local second = sim:add { kind = "item", plain = true }
      test.fail_at(n)
      local got = sim:claim_next(a)
      if got then
        assert.equal("RUNNING", sim:info(got).state)
        assert.equal(a, sim:info(got).claimer)
      else
        assert.equal("READY", sim:info(second).state)
      end
    end
  end)
end)
