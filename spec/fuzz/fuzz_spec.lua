-- The fuzz targets (spec/fuzz) in their short form: what is kept of the corpus,
-- and a few thousand inputs made of it, always the same ones. `make fuzz` goes
-- on from there.

local h = require "spec.support.helper"

local RUNS <const> = math.max(100, 5000 // h.slow) // 1 | 0
local CORPUS <const> = "spec/fuzz/corpus/"
local BUILT <const> = h.lib:match("^(.*)/") .. "/fuzz/"

local function targets()
  local all = {}
  for _, path in ipairs(h.find("spec/fuzz", "-maxdepth 1 -name '*.c'")) do
    local name = path:match("([%w_]+)%.c$")
    if name ~= "driver" then all[#all + 1] = name end
  end
  return all
end

describe("hostile bytes", function()
  for _, name in ipairs(targets()) do
    it("are withstood by " .. name, function()
      local files = h.find(CORPUS .. name, "-type f")
      assert.is_true(#files > 0)
      local count = #files
      table.insert(files, 1, tostring(RUNS))
      files.bin, files.limit = BUILT .. name, 120
      local r = h.orun(files)
      assert.equal(0, r.code, r.err)
      assert.equal(count .. " files\n", r.out)
    end)
  end

  it("are kept in few bytes", function()
    local kept = 0
    for _, path in ipairs(h.find("spec/fuzz/corpus", "-type f")) do kept = kept + #h.read(path) end
    assert.is_true(kept > 0 and kept < 300000, kept .. " bytes")
  end)

  it("are told, in hex, when they were too much", function()
    local dir = h.tmpdir()
    h.write(dir .. "/bad.c", [[
      #include "fuzz.h"
      FUZZ(data, n) { FUZZ_MUST(n != 3 || data[0] != 'x'); return 0; }]])
    h.write(dir .. "/input", "xyz")
    local r = h.sh(("cc -std=c11 -D_GNU_SOURCE -iquote runtime -iquote spec/fuzz "
      .. "$(pkg-config --cflags lua5.4) -o %s/bad %s/bad.c spec/fuzz/driver.c -llua5.4 && "
      .. "%s/bad 0 %s/input"):format(dir, dir, dir, dir))
    assert.is_true(r.code == 134, r.err)
    assert.matches("not so: n != 3", r.err, 1, true)
    assert.matches("the input: 78797a\n", r.err, 1, true)
  end)
end)
