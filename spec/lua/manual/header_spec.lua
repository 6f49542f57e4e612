--- orun.h and orun_lua.h as the manual of C: each function says what a caller has to know.

local h = require "spec.support.helper"

local READ <const> = [[
local header = require "orun.manual.header"
for _, path in ipairs(header.PATHS) do
  local all = header.read(path)
  for _, name in ipairs(all) do
    local d = all[name]
    local text = table.concat(d.lines or {}, " "):gsub("%s+", " ")
    print(name, d.kind, text, (d.code:gsub("%s+", " ")))
  end
end]]

describe("each function of the headers", function()
  it("has a summary, its thread rule, and its errors where it may fail", function()
    local problems, functions = {}, 0
    for line in h.orun{"-q", "-e", READ}.out:gmatch("[^\n]+") do
      local name, kind, text, code = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
      if kind == "function" then
        functions = functions + 1
        local fails = code:match("^int ") and not name:find("^luaopen")
        local told = text:find("Errors?:") or text:find("ORUN_E") or text:find("[Aa]s orun_%a")
          or text:find("same") or text:find("errno") or text:find("[Nn]ever fails")
          or text:find("status") or text:find("Returns")
        if #text < 15 then problems[#problems + 1] = name .. " says nothing" end
        -- The head of orun_call_…, and that of orun_lua.h, have it for all of theirs.
        local headed = name:find("^orun_call_") or name:find("^luaopen") or name:find("^orun_lua_")
        if not text:find("%[%l+%]") and not headed then
          problems[#problems + 1] = name .. ": which threads?"
        end
        if fails and not told then problems[#problems + 1] = name .. ": which errors?" end
      end
    end
    assert.is_true(functions > 30)
    assert.equal("", table.concat(problems, "\n"))
  end)
end)
