--- The short form of `make fault`: in each scenario every so many-th allocation
--- fails.

local h = require "spec.support.helper"

describe("when allocations fail", function()
  it("no run crashes, hangs, leaks or lies", function()
    local r = h.orun{"spec/fault/fault.lua", "--stride", tostring(97 * h.slow // 1 | 0),
      limit = 1800}
    assert.equal(0, r.code, r.out .. r.err)
    assert.matches("# wrong runs in all: 0", r.out, 1, true)
    for _, name in ipairs{"start", "fan", "worktree"} do -- whole runs, and parts of one
      assert.matches("\n" .. name .. " ", r.out, 1, true)
    end
  end)

  -- What is shown is kept, or the run is ended, in words.
  local function each(scenario)
    local tally = h.tmpdir() .. "/count"
    local n, ended, failed = 0, 0
    repeat
      n = n + 1
      h.write(tally, "")
      local r = h.orun{bin = h.test_bin, "-q", "--no-history", "scenarios.lua", scenario,
        cwd = "spec/fault", env = {ORUN_FAULT_HERE = tostring(n), ORUN_FAULT_COUNT = tally}}
      if r.code == 74 then
        ended = ended + 1
        assert.matches("no memory ", r.err)
      else
        assert.equal(0, r.code, ("allocation %d: %s"):format(n, r.err))
      end
      failed = r.code == 0 and h.read(tally):match("%d+ (%d+)")
    until failed == "0"
    assert.is_true(n > 10, n) -- there are some that can fail
    return ended
  end

  it("shows no result that there was no memory to keep", function() each "kept" end)

  it("ends the run if there was no memory to look a task up", function()
    assert.is_true(each "looked" > 0)
  end)
end)
