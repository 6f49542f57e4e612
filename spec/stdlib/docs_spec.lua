--- The example at the head of each bundled module runs and prints what it says.

local h = require "spec.support.helper"

--- The indented lines of a file's head, up to its glossary, as a script, and
--- what its `-->` marks say it prints.
local function example_of(text)
  local code, expected = {}, {}
  for _, line in ipairs(h.lines(text)) do
    if not line:find("^%-%-") or line:find("^%-%- Glossary") then break end
    code[#code + 1] = line:match("^%-%-     (.*)$")
    expected[#expected + 1] = line:match("^%-%-     .*%-%-> (.*)$")
  end
  return table.concat(code, "\n"), expected
end

describe("the example at the head of", function()
  for _, path in ipairs(h.find("stdlib lua", "-name '*.lua'")) do
    local code, expected = example_of(h.read(path))
    if #expected > 0 and code:find("print(", 1, true) then
      it(path .. " prints what it says", function()
        local r = h.script(code)
        assert.equal(0, r.code, r.err)
        assert.same(expected, h.lines(r.out))
      end)
    end
  end

  it("every pattern is there", function()
    for _, path in ipairs(h.find("stdlib", "-name '*.lua'")) do
      local _, expected = example_of(h.read(path))
      assert.is_true(#expected > 0, path .. " has no example with output")
    end
  end)
end)
