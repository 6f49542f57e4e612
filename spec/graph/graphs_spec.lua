-- Seeded random graphs of tasks on the virtual clock: whatever is done to them,
-- in whatever order, what is promised holds after every step, and all ends.
--
-- The scheduler's own figures are recounted in C (lib_test_sim_check.c); what
-- users are promised is watched by a model that knows only what it asked for
-- and what it was told (spec/graph). A failure names its seed and the
-- shortest list of steps that fails so; ORUN_SEED=17 plays that one alone.

local h = require "spec.support.helper"
local choice = require "spec.graph.choice"
local graphs = require "spec.graph.graphs"
local shrink = require "spec.graph.shrink"
local support = require "spec.support.sim"
local watch = require "spec.graph.watch"

local GRAPHS <const> = math.max(20, 10000 // h.slow) // 1 | 0

-- What a promise that no task fails twice, which orun does not give, is to see.
local function never_twice(graph)
  for id, task in ipairs(graph.watch.tasks) do
    if task.ended >= 2 and task.told == "failed" then watch.broken("t%d failed twice", id) end
  end
end

-- The steps of the first graph that breaks it.
local function broken_steps()
  for seed = 1, 1000 do
    local graph = choice.play(seed)
    if shrink.play(graph.slots, graph.trace, never_twice) then return graph.slots, graph.trace end
  end
end

describe("a random graph", function()
  local only = tonumber(os.getenv("ORUN_SEED"))
  local report, seen = graphs.run(only or 1, only or GRAPHS)

  it("keeps every promise at every step, and ends", function()
    assert.is_nil(report, report)
  end)

  it("comes to all that can happen", function()
    local never = {}
    for _, what in ipairs { "completed", "failed", "cancelled", "retry", "stop", "abandon",
                            "refused", "claim returned", "block", "wait done",
                            "wait timed_out", "wait stopped", "script done",
                            "script timed_out", "script deadlock", "writes passed on",
                            "ring through writes", "ring of several", "kept",
                            "found" } do
      if seen and not seen[what] then never[#never + 1] = what end
    end
    assert.equal("", only and "" or table.concat(never, ", "))
  end)
end)

describe("a graph that fails", function()
  local slots, steps = broken_steps()
  local small, left, why = shrink.shrink(slots, steps, function(s, list)
    return shrink.play(s, list, never_twice)
  end)

  it("is made small, and fails for the same reason", function()
    assert.is_true(#steps > 40)
    assert.matches("^t1 failed twice$", why)
    assert.is_true(#left <= 6, table.concat(shrink.lines(small, left), "\n"))
    assert.matches("failed twice", shrink.play(small, left, never_twice))
    assert.is_nil(shrink.play(small, table.move(left, 1, #left - 1, 1, {})))
  end)

  it("is printed as lines of a spec, which run", function()
    local lines = shrink.lines(small, left)
    assert.matches("^local sim = new { lua = 1, process = 1 }", lines[1])
    local text = table.concat(lines, "\n") .. "\nreturn sim"
    local sim = assert(load(text, "lines", "t", { new = support.new }))()
    assert.equal(2, sim:info(1).attempt)
  end)

  it("can be told as data, and played again", function()
    for _, step in ipairs(steps) do
      assert.same(step, load(shrink.text(step))())
    end
  end)

  it("prints every kind of step", function()
    for seed = 1, 200 do
      local graph = choice.play(seed)
      local text = table.concat(shrink.lines(graph.slots, graph.trace), "\n")
      assert.is_nil(text:find("nil", 1, true), text)
      assert(load(text:gsub("local t", "t"), "lines", "t", {}))
    end
  end)
end)
