--- A duration was "2.4s", "5.07 s" or "8 m 22 s", and a size "220 kB" or "215 KiB", depending on
--- who wrote it.

local h = require "spec.support.helper"
local figures = require "orun.util.format"
local report_text = require "orun.report.text"

local DURATIONS <const> = {
  {0, "0 s"}, {-1, "0 s"}, {0 / 0, "0 s"}, {4e-6, "4 µs"}, {0.0009994, "999 µs"},
  {0.0009996, "1 ms"}, {0.25, "250 ms"}, {0.9994, "999 ms"}, {0.9996, "1 s"}, {2, "2 s"},
  {2.5, "2.5 s"}, {3.14159, "3.14 s"}, {9.996, "10 s"}, {42.14, "42.1 s"}, {59.94, "59.9 s"},
  {59.96, "1 m 00 s"}, {100, "1 m 40 s"}, {184, "3 m 04 s"}, {3599.4, "59 m 59 s"},
  {3599.6, "1 h 00 m"}, {7530, "2 h 05 m"}, {360000, "100 h 00 m"},
}
local SIZES <const> = {
  {0, "0 bytes"}, {1, "1 byte"}, {1000, "1000 bytes"}, {1023, "1023 bytes"}, {1024, "1 KiB"},
  {1536, "1.5 KiB"}, {220007, "215 KiB"}, {(1 << 20) - 1, "1 MiB"}, {12897485, "12.3 MiB"},
  {5 << 30, "5 GiB"}, {3 << 40, "3 TiB"},
}

-- What the C code makes of the first of each pair.
local function of_c(name, pairs_)
  local words = {}
  for i, pair in ipairs(pairs_) do
    words[i] = math.type(pair[1]) == "integer" and ("%d"):format(pair[1])
      or pair[1] ~= pair[1] and "0/0" or ("%.17g"):format(pair[1])
  end
  local r = h.orun{"-e", ([[local f = require "orun.test".%s
    for _, n in ipairs{%s} do print(f(n)) end]]):format(name, table.concat(words, ",")),
    bin = h.test_bin}
  assert.equal("", r.err)
  return h.lines(r.out)
end

local function check(pairs_, of, name)
  local c = of_c(name, pairs_)
  for i, pair in ipairs(pairs_) do assert.same({pair[2], pair[2]}, {of(pair[1]), c[i]}) end
end

describe("a number", function()
  it("is written in one form by Lua and by C code", function()
    check(DURATIONS, figures.duration, "duration")
    check(SIZES, figures.bytes, "bytes")
  end)

  it("is never too large to be written", function()
    assert.equal("inf h 00 m", figures.duration(math.huge))
    assert.is_string(figures.duration(1e300))
    assert.is_string(figures.bytes(1e300))
    assert.is_string(figures.count(math.huge))
  end)

  it("has one writer for what goes on and for reports", function()
    for name, of in pairs{seconds = "duration", bytes = "bytes", count = "count", cost = "cost"} do
      assert.equal(figures[of], report_text[name])
    end
  end)

  it("is nowhere written by a form of its own", function()
    local found = {}
    local kinds <const> = "-type f -not -name '*.h' -not -name '*.md'"
    for _, path in ipairs(h.find("runtime lua stdlib", kinds)) do
      if not path:match("util/format%.lua$") and not path:match("/buf%.c$") then
        for line in (h.read(path)):gmatch("[^\n]+") do
          if line:find("%%%.?%d*[fg] ?m?s[%s,\")]") and not line:find("LOG(", 1, true) then
            found[#found + 1] = path .. ": " .. line
          end
        end
      end
    end
    assert.same({}, found)
  end)
end)
