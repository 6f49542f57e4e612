--- With -q a task that failed was told in five lines, of which the first one mattered.

local h = require "spec.support.helper"

describe("a failure that nobody read", function()
  local function told(option)
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[Task{run = function() error("no luck") end, description = "x"}]])
    local r = h.orun{option, "s.lua", cwd = dir}
    assert.same({1, ""}, {r.code, r.out})
    return r.err
  end

  it("is told in one line", function()
    assert.equal("orun: s.lua:1: t1 (x) failed and its result was never read: s.lua:1: no luck\n",
      told "-q")
  end)

  it("has its traceback with -v", function()
    assert.matches("never read: s.lua:1: no luck\nstack traceback:\n", told "-v")
  end)
end)
