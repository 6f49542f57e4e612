--- "and more" was "…" in some messages and "..." in others. In words it is "...", which any
--- terminal and log shows; text that is cut to the width of a terminal ends in "…", one column.

local h = require "spec.support.helper"

local CUTS <const> = {["lib_terminal.c"] = true, ["view_screen.c"] = true}

-- The code of a line, without what is a comment.
local function code_of(path, line)
  if path:match("%.lua$") then return (line:gsub("%-%-.*$", "")) end
  return line:match("^%s*/?%*") and "" or (line:gsub("/[*/].*$", ""))
end

describe("dots", function()
  it("are three in all messages", function()
    local found = {}
    local kinds <const> = "-type f -not -name '*.h' -not -name '*.md'"
    for _, path in ipairs(h.find("runtime lua stdlib", kinds)) do
      local comment = false
      for line in (h.read(path)):gmatch("[^\n]*") do
        comment = comment or line:find("^%s*/%*") ~= nil
        local code = not comment and code_of(path, line) or ""
        if line:find("*/", 1, true) then comment = false end
        if code:find('"[^"]*…') and not CUTS[path:match("[^/]*$")] then
          found[#found + 1] = path .. ": " .. line
        end
      end
    end
    assert.same({}, found)
  end)
end)
