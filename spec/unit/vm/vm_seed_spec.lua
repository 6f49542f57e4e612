-- The order in which `pairs` gives fields (runtime/vm/vm_seed): one for all
-- states of a process, and for whoever is given its seed.

local h = require "spec.support.helper"
local seeded = require("orun.test").memory.seeded

-- The fields of a table, as pairs gives them.
local ORDER <const> = [[
local t, all = {}, {}
for i = 1, 40 do t["field " .. i] = i end
for name in pairs(t) do all[#all + 1] = name end
return table.concat(all, ",")
]]

local function order()
  local t, all = {}, {}
  for i = 1, 40 do t["field " .. i] = i end
  for name in pairs(t) do all[#all + 1] = name end
  return table.concat(all, ",")
end

describe("the order of fields", function()
  it("is asked of the seed by the Lua that orun's program has", function()
    local _, asked = seeded(nil, ORDER)
    assert.is_true(asked)
  end)

  it("is the same in states with one seed, and another with another", function()
    assert.equal((seeded(1, ORDER)), (seeded(1, ORDER)))
    assert.equal((seeded(0, ORDER)), (seeded(0, ORDER)))
    assert.are_not.equal((seeded(1, ORDER)), (seeded(2, ORDER)))
    assert.equal((seeded(nil, ORDER)), (seeded(nil, ORDER)))
  end)

  it("is the same in the script, its tasks and those in processes of their own", function()
    local mine = order()
    assert.equal((seeded(nil, ORDER)), mine)
    for _ = 1, 3 do assert.equal(mine, Task{run = order}.output) end
    local alone = Task{run = order, isolation = "process"}
    assert.equal(mine, alone.output, alone.error)
  end)

  it("is another one in another run", function()
    local seen, n = {}, 0
    for _ = 1, 4 do
      local r = h.orun{"-e", (ORDER:gsub("return (.*)$", "print(%1)"))}
      assert.equal(0, r.code, r.err)
      n, seen[r.out] = seen[r.out] and n or n + 1, true
    end
    assert.is_true(n > 1)
  end)
end)
