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
end)
