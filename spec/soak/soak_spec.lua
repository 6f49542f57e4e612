--- Every promise of spec/soak in its short form, one test each.

local h = require "spec.support.helper"

local SCRIPT <const> = "spec/soak/soak.lua"

describe("soak", function()
  local list = h.orun{SCRIPT, "--list"}

  it("has measures", function()
    assert.equal(0, list.code, list.err)
    assert.is_truthy(list.out:find("\t"), list.out)
  end)

  for name, rounds, promise in list.out:gmatch("([^\t\n]+)\t(%d+)\t([^\n]+)") do
    it(("%s: %s"):format(name, promise), function()
      local r = h.orun{SCRIPT, "--alone", name, rounds, limit = 120}
      assert.equal(0, r.code, r.err .. r.out)
      assert.is_truthy(r.out:find("RESULT\t0\t", 1, true), r.out)
    end)
  end
end)
