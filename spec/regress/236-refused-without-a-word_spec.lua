-- A stack too small killed orun without a word, and each of 16,000 names of limits was
-- looked for among all the others.

local h = require "spec.support.helper"

describe("orun", function()
  it("says that the stack is too small", function()
    -- With half of that even the loader of programs may have too little.
    local r = h.sh("ulimit -s 32 && exec " .. h.quote(h.bin) .. " -e 'print(1)'")
    if h.variant ~= "" then return end -- a sanitizer needs more to say anything
    assert.equal(2, r.code)
    assert.equal("orun: the stack limit (ulimit -s) is too low: at least 1024 KiB are needed\n",
      r.err)
  end)

  it("finds each of thousands of limits by its name", function()
    local r = h.script([[
      for i = 1, 16000 do orun.limit("n" .. i, i) end
      local wrong = 0
      for i = 1, 16000 do
        if orun.limit("n" .. i).slots ~= i then wrong = wrong + 1 end
      end
      print(wrong, orun.limit("n16001"))]])
    assert.equal("0\tnil\n", r.out, r.err)
  end)
end)
