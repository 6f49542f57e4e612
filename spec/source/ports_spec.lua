--- The ports in examples/ports are no longer than what they were, as the table of their README
--- counts both: lines of code, without `require`, schemas and texts in [[ ]], as the originals
--- were counted. (That they print what they say is in examples_spec.lua.)

local h = require "spec.support.helper"

local README <const> = "examples/ports/README.md"

-- Scripts that are many ports of a line or some, not one.
local CALLS <const> = {["parallel.lua"] = true}

-- How many lines of a script count.
local function lines_of(path)
  local text = assert(h.read(path)):gsub("%[%[.-%]%]", "[[]]")
  local n = 0
  for _, line in ipairs(h.lines(text)) do
    local code = line:match("%S") and not line:match("^%s*%-%-")
    if code and not line:match("require \"") and not line:match("<const> = {type = ") then
      n = n + 1
    end
  end
  return n
end

describe("examples/ports", function()
  local rows, modules = {}, {}
  for _, line in ipairs(h.lines(assert(h.read(README)))) do
    local script, original, here = line:match("^| %[([%w_]+%.lua)%].*| (%d+) | (%d+) |$")
    if script then rows[script] = {original = tonumber(original), here = tonumber(here)} end
  end
  for _, path in ipairs(h.find("examples/ports", "-name '*.lua'")) do
    modules[path:match("[^/]+$")] = h.read(path):match("\nreturn ") ~= nil
  end

  it("are in the table of their README", function()
    local counted = 0
    for script, is_module in pairs(modules) do
      assert.is_true(is_module or rows[script] ~= nil or CALLS[script], script
        .. " is not in " .. README)
      counted = counted + (rows[script] and 1 or 0)
    end
    assert.is_true(counted >= 9)
  end)

  it("are as long as it says, and no longer than what they were", function()
    local wrong = {}
    for script, row in pairs(rows) do
      local here = lines_of("examples/ports/" .. script)
      if here ~= row.here or here > row.original then
        wrong[#wrong + 1] = ("%s has %d lines: the table says %d, and the original had %d")
          :format(script, here, row.here, row.original)
      end
    end
    table.sort(wrong)
    assert.equal("", table.concat(wrong, "\n"))
  end)
end)
