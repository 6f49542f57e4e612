-- Runs that are kept, crash at any step and go on (spec/graph/crash.lua). A failure
-- names its seed; ORUN_SEED=17 plays that one alone.

local h = require "spec.support.helper"
local crash = require "spec.graph.crash"

local SEEDS <const> = math.max(100, 3000 // h.slow) // 1 | 0

describe("a run that crashes and goes on", function()
  local only = tonumber(os.getenv("ORUN_SEED"))
  local seed, what, kept = crash.run(only or 1, only or SEEDS)

  it("loses nothing, does nothing twice, and ends as if it never had", function()
    assert.is_nil(seed, ("seed %s: %s"):format(seed, what))
  end)

  it("crashes, and keeps outcomes", function()
    if only or seed then return end
    assert.is_true(what > SEEDS // 2, what)
    assert.is_true(kept > 2 * SEEDS, kept)
  end)
end)

describe("a worse store", function()
  -- Which promise it breaks, before long.
  local function breaks(flaw)
    local seed, why = crash.run(1, 300, { [flaw] = true })
    return seed and why or "none"
  end

  it("that tells what is not synced is found out", function()
    assert.matches("was shown, and is lost$", breaks "early")
  end)

  it("that takes equals for one is found out", function()
    assert.matches("has two outcomes$", breaks "no_numbers")
  end)

  it("that loses an outcome is found out", function()
    assert.matches("was shown, and is lost$", breaks "forgets")
  end)
end)
