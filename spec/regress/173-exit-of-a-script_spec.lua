-- os.exit with a status that has more than 8 bits printed a line that lua does not; and a
-- script that called it with a finalizer that does not end hung.

local h = require "spec.support.helper"

describe("os.exit", function()
  it("takes any number in silence", function()
    for text, code in pairs{["-1"] = 255, ["256"] = 0, ["(1 << 40) + 1"] = 1} do
      local r = h.script("os.exit(" .. text .. ")")
      assert.same({code, "", ""}, {r.code, r.out, r.err})
      assert.equal(code, Task{input = text, run = function(t) load("os.exit(" .. t .. ")")() end}
        .exit_code or 0)
    end
  end)

  it("ends a script whose finalizers do not", function()
    if h.variant == "tsan" then return end -- it holds signals back
    for _, place in ipairs{"", "collectgarbage()"} do
      local r = h.script([[
        local n = 0
        for _ = 1, 3 do setmetatable({}, {__gc = function()
          if n == 0 then n = 1 os.exit(7) end
          while true do pcall(function() while true do end end) end
        end}) end
        ]] .. place .. " os.exit(7)")
      assert.same({7, ""}, {r.code, r.out}, r.err)
    end
  end)
end)
