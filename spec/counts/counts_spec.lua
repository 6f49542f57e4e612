--- What each operation costs, in instructions and allocations, is as stored: `make perfcheck`.

local h = require "spec.support.helper"

describe("what an operation costs", function()
  it("is within 3 % of what is stored for this compiler", function()
    if h.variant ~= "" then return pending("only the program that people get is counted") end
    if h.sh("command -v valgrind").code ~= 0 then return pending("valgrind is not installed") end
    local r = h.orun{"--no-history", "spec/counts/counts.lua", limit = 600}
    assert.equal(0, r.code, r.out .. r.err)
    assert.matches("\nspawn +%d+", r.out)
  end)
end)
