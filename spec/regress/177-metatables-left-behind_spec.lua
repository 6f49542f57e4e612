-- A captured class was copied without its metatable in silence, and the task failed at what
-- then was no function: "attempt to call a table value".

local h = require "spec.support.helper"

describe("a table that is copied without its metatable", function()
  local function told(text) return select(2, h.printed(text)) end

  it("is told at the call when that had __call or __index", function()
    local text = told[[
      local Class = setmetatable({}, {__call = function() end, __index = {}})
      local object = setmetatable({}, {__index = {}})
      Task{run = function() return type(Class) end}
      Task{run = type, input = {list = {object}}}
      TaskCreate{description = "x", input = object}
      orun.agent{name = "a", run = function() return Class end}]]
    assert.equal(
      "orun: Task: run (script.lua:3) captures 'Class', a table whose metatable, which has "
      .. "__call, stays behind: a copy is a plain table; pass what it needs in input\n"
      .. "orun: Task: input.list[1]: its metatable, which has __index, stays behind: a copy is "
      .. "a plain table\n"
      .. "orun: TaskCreate: input: its metatable, which has __index, stays behind: a copy is a "
      .. "plain table\n"
      .. "orun: agent: run (script.lua:6) captures 'Class', a table whose metatable, which has "
      .. "__call, stays behind: a copy is a plain table; pass what it needs in input\n", text)
  end)

  it("is told once", function()
    local text = told[[
      local Class = setmetatable({}, {__call = print})
      for _ = 1, 3 do Task{run = function() return type(Class) end} end]]
    assert.equal(1, select(2, text:gsub("stays behind", "")))
  end)

  it("is not told of others, nor of a module, which is not copied", function()
    assert.equal("", told[[
      local plain = setmetatable({}, {__name = "plain", __tostring = tostring, __eq = rawequal})
      local json, list = require("orun").json, TaskList()
      Task{run = function() return type(plain), json.array() end,
           input = {list, json.array(), Task{run = type, run_in_background = true, input = 1}}}]])
  end)
end)
