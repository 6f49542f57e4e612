--- The mutants (spec/mutants): the list is up to date, and two of them are
--- caught, one of which crashes. `make mutants` tries all.

local h = require "spec.support.helper"
local mutants = require "spec.mutants.list"

-- How often `text` stands in `all`.
local function count(all, text)
  local n, at = 0, 1
  while true do
    local from, to = all:find(text, at, true)
    if not from then return n end
    n, at = n + 1, to + 1
  end
end

describe("mutants", function()
  it("are many, with names of their own", function()
    local names = {}
    for _, mutant in ipairs(mutants) do
      assert.is_nil(names[mutant.name], mutant.name)
      assert.matches("^[a-z-]+$", mutant.name)
      names[mutant.name] = true
    end
    assert.is_true(#mutants >= 25)
  end)

  it("change what stands in the source, exactly once", function()
    local wrong = {}
    for _, mutant in ipairs(mutants) do
      local n = count(assert(h.read("runtime/" .. mutant.file)), mutant.old)
      if n ~= 1 then
        wrong[#wrong + 1] = ("%s: %d times in %s"):format(mutant.name, n, mutant.file)
      end
      assert.are_not.equal(mutant.old, mutant.new)
    end
    assert.equal("", table.concat(wrong, "\n"))
  end)

  -- What the specs catch they catch in every build: one build will do.
  if h.variant ~= "" then return end

  it("are caught, and what fails is made small", function()
    -- With another compiler all would be built anew, and other specs run what was built.
    local compiler = assert(h.read("build/.flags")):match("^(.-) %-std=")
    local r = h.sh(("make --no-print-directory CC=%s mutants SHORT=1 "
      .. "ONLY='no-broadcast blocked-claim'"):format(h.quote(compiler)),
      { limit = 240, env = { MAKEFLAGS = false, MAKELEVEL = false } })
    assert.equal(0, r.code, r.out .. r.err)
    assert.matches("# 2 of 2 mutants were caught", r.out, 1, true)
    local steps = r.out:match("no%-broadcast +graphs: seed %d+, (%d+) steps")
    assert.is_true(tonumber(steps) <= 8, r.out)
    assert.matches("blocked%-claim +graphs: seed %d+, %d+ steps", r.out)
    assert.matches("Assertion", r.out, 1, true)
    assert.matches("  local sim = new { lua = 1, process = 1 }\n", r.out, 1, true)
  end)
end)
