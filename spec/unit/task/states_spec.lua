-- The states of a task and their legal moves (runtime/task/task.c).

local test = require "orun.test"

-- The picture in task.h, as a table.
local LEGAL <const> = {
  WAITING = { READY = true, CANCELLED = true },
  READY = { RUNNING = true, WAITING = true, FAILED = true, CANCELLED = true },
  RUNNING = { READY = true, COMPLETED = true, FAILED = true, CANCELLED = true },
  COMPLETED = {}, FAILED = {}, CANCELLED = {},
}

local WORD <const> = {
  WAITING = "pending", READY = "pending", RUNNING = "in_progress",
  COMPLETED = "completed", FAILED = "failed", CANCELLED = "cancelled",
}

describe("states", function()
  local states = test.states()

  it("are the six of the picture, with the words scripts see", function()
    local names = {}
    for _, state in ipairs(states) do
      names[#names + 1] = state.name
      assert.equal(WORD[state.name], state.word)
    end
    assert.same({ "WAITING", "READY", "RUNNING", "COMPLETED", "FAILED",
                  "CANCELLED" }, names)
  end)

  it("end in three that are final", function()
    for _, state in ipairs(states) do
      assert.equal(next(LEGAL[state.name]) == nil, state.final, state.name)
    end
  end)

  for _, from in ipairs(states) do
    for _, to in ipairs(states) do
      local legal = LEGAL[from.name][to.name] or false
      it(("%s the move from %s to %s"):format(legal and "allow" or "refuse",
        from.name, to.name), function()
        assert.equal(legal, test.may_move(from.name, to.name))
        if legal then assert.equal(to.name, test.move(from.name, to.name)) end
      end)
    end
  end
end)

describe("faults", function()
  it("are found by their words, and only by these", function()
    local faults = test.faults()
    assert.equal(14, #faults)
    for number, word in ipairs(faults) do
      assert.equal(number, test.fault(word), word)
    end
    for _, word in ipairs { "", "none", "Timeout", "timeout ", "time" } do
      assert.is_nil(test.fault(word), word)
    end
  end)

  it("are those of the design", function()
    local words = table.concat(test.faults(), " ")
    for _, word in ipairs { "lua", "exit", "signal", "timeout", "memory",
      "blocked", "cancelled", "schema", "spawn", "http", "rate", "budget",
      "conflict", "lost" } do
      assert.is_truthy(words:find(word, 1, true), word)
    end
  end)
end)

describe("a task", function()
  -- Every way to its end that the scheduler has, and the state it ends in.
  local ENDS <const> = {
    { "completed", function(sim, id) sim:finish(id, "completed") end },
    { "failed", function(sim, id) sim:finish(id, "failed") end },
    { "cancelled", function(sim, id) sim:stop(id) sim:finish(id) end },
    { "failed", function(sim) sim:advance(10) sim:advance(2) end }, -- time-out
  }

  it("reaches its final state once, whatever comes later", function()
    for _, case in ipairs(ENDS) do
      local sim = test.sim { lua = 1 }
      local id = sim:add { timeout = 10, retry = { max = 0 } }
      case[2](sim, id)
      local before = sim:info(id)
      assert.equal(case[1], before.status)
      sim:late(id, before.attempt)
      local again, why = sim:stop(id)
      assert.is_nil(again)
      assert.equal("ERESOLVED", why)
      sim:cancel_all()
      sim:advance(100)
      sim:close()
      assert.same(before, sim:info(id))
      assert.is_nil(sim:check())
    end
  end)

  it("is waiting, ready, running, completed in turn", function()
    local sim = test.sim { lua = 1 }
    local first = sim:add {}
    local second, third = sim:add { blockers = { first } }, sim:add {}
    local function states()
      return sim:info(second).state .. " " .. sim:info(third).state
    end
    assert.equal("WAITING READY", states())
    sim:finish(first)
    assert.equal("READY RUNNING", states())
    sim:finish(third)
    assert.equal("RUNNING COMPLETED", states())
    sim:finish(second)
    assert.equal("COMPLETED COMPLETED", states())
  end)
end)
