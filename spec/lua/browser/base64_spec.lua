--- orun.browser.base64: bytes from base64.

local base64 = require "orun.browser.base64"
local h = require "spec.support.helper"

describe("base64.decode", function()
  it("gives the bytes, of all lengths and values", function()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    local all = table.concat(bytes)
    for _, text in ipairs{"", "a", "ab", "abc", "abcd", all, all .. "x", all .. "xy"} do
      local path = h.write(h.tmpdir() .. "/bytes", text)
      local coded = h.sh("base64 -w 0 " .. path).out
      assert.equal(text, base64.decode(coded))
      assert.equal(text, base64.decode((coded:gsub("=", ""))))
    end
  end)

  it("refuses what is none", function()
    assert.same({nil, "no base64 near byte 5"}, {base64.decode("b3J1b*==")})
    assert.is_nil(base64.decode("a b="))
  end)
end)
