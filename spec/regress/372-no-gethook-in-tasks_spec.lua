-- Modules that put a debug hook aside for a moment, as Penlight's pretty.read does for what it
-- reads, failed in tasks: debug.gethook was missing there. It says what it says in lua5.4 where
-- C code has the hook, which such modules leave alone.

local h = require "spec.support.helper"

-- As pl.pretty does it.
local READ <const> = [[
local function read(text)
  local hook, mask, count = debug.gethook()
  if hook ~= "external hook" then debug.sethook() end
  local value = load("return " .. text, "=(read)", "t", {})()
  if hook ~= "external hook" then debug.sethook(hook, mask, count) end
  return value
end
]]

describe("debug.gethook", function()
  it("is there in tasks, and in the script as ever", function()
    local r = h.script(READ .. [[
      print(read "{1, 2}"[2], debug.gethook())
      print(Task{run = function() return read "{1, 2}"[2] end}.output)
      print(Task{isolation = "process", run = function() return read "{1, 3}"[2] end}.output)
      print(table.unpack(Task{run = function() return {debug.gethook()} end}.output))
      print(Task{run = function() return tostring(debug.sethook) end}.output)]])
    assert.same({0, "2\tnil\n2\n3\nexternal hook\t\t0\nnil\n"}, {r.code, r.out}, r.err)
  end)
end)
