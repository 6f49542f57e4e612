-- What was raised but was not a string came without a traceback.

local h = require "spec.support.helper"

describe("an error that is not a string", function()
  local values = {
    ["{}"] = "(error object is a table value)",
    ["nil"] = "(error object is a nil value)",
    ["print"] = "(error object is a function value)",
    ["42"] = "42",
    ["setmetatable({}, {__tostring = function() return 'obj' end})"] = "obj",
    ["setmetatable({}, {__tostring = error})"] = "(error object is a table value)",
    ["setmetatable({}, {__tostring = function() return 1 end})"] =
      "(error object is a table value)",
  }
  for value, text in pairs(values) do
    it("ends a script with a traceback: " .. value, function()
      local r = h.script("local function fails() error(" .. value .. ") end\nfails()")
      assert.equal(1, r.code)
      assert.matches("orun: " .. text .. "\nstack traceback:\n", r.err, 1, true)
      assert.matches("script.lua:2: in main chunk", r.err, 1, true)
    end)
  end

  it("ends a task with one", function()
    for value, text in pairs(values) do
      for _, isolation in ipairs{false, "process"} do
        local r = Task{input = value, isolation = isolation or nil,
                       run = function(v) load("error(" .. v .. ")")() end}
        assert.equal(text, r.error)
        assert.matches("^stack traceback:\n", r.traceback)
      end
    end
  end)
end)
