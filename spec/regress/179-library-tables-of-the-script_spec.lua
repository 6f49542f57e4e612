-- string.format = nil in a script broke orun.fan_out: bundled Lua used the script's library
-- tables, and its methods of strings.

local h = require "spec.support.helper"

describe("a script that changes its library tables", function()
  local spoil = [[
    local keep = {print = print, format = string.format, pcall = pcall, remove = table.remove}
    local function spoil()
      local orun = require "orun"
      for _, library in ipairs{"string", "table", "math", "io", "os", "utf8", "coroutine"} do
        local t = _G[library]
        for name, value in next, t do
          if type(value) == "function" then t[name] = HOW end
        end
      end
      getmetatable("").__index = HOW
      return orun
    end]]
  local ways = {
    nothing = "nil",
    ["functions that fail"] = "function() error('spoilt') end",
    ["functions of its own"] = "function(...) return ... end",
  }

  for what, how in pairs(ways) do
    it("to " .. what .. " keeps all of orun", function()
      local r = h.script(spoil:gsub("HOW", how) .. [[

        local orun = spoil()
        local print = keep.print
        local r = orun.fan_out{{run = function() return 1 end}, {run = function() return 2 end}}
        print(r[1].output, r[2].output)
        print(orun.map({1, 2}, function(x) return x * 2 end)[2])
        print(orun.json.encode(orun.json.decode('{"a":[1,2.5,"x\\n"]}')))
        print(keep.pcall(orun.fan_out, 5))
        print(keep.pcall(orun.map, {1}, "no"))
        print(orun.exec{command = {"sh", "-c", "echo ran"}}.output)
        orun.agent{name = "cat", command = {"cat"}}
        print(Task{subagent_type = "cat", prompt = "said"}.output)
        local item = TaskCreate{description = "x"}
        print(#TaskList():filter(function() return true end) > 0)
        print(Task{schema = {type = "number"}, run = function() return 1 end}.output)]])
      assert.equal(0, r.code, r.err)
      assert.matches("^1\t2\n4\n{\"a\":%[1,2.5,\"x\\n\"%]}\nfalse\t[^\n]*fan_out[^\n]*\n"
        .. "false\t[^\n]*map[^\n]*\nran\n\nsaid\ntrue\n1\n$", r.out)
    end)

    it("to " .. what .. " keeps it in tasks", function()
      local r = h.script(("local run = function()\n" .. spoil:gsub("HOW", how)) .. [[

        local orun = spoil()
        local r = orun.fan_out{{run = function() return 1 end}, {run = function() return 2 end}}
        return {r[1].output, r[2].output, orun.json.encode({"x"}),
                orun.map({1, 2}, function(x) return x * 2 end)[2]}
      end
      for _, isolation in ipairs{false, "process"} do
        local r = Task{run = run, isolation = isolation or nil}
        print(r.error or table.concat(r.output, " "))
      end]])
      assert.equal('1 2 ["x"] 4\n1 2 ["x"] 4\n', r.out, r.err)
    end)
  end

  it("has what it made of them", function()
    local r = h.script([[
      string.trim = function(s) return (s:gsub("^ +", "")) end
      string.upper = function() return "mine" end
      require("orun").map({1}, tostring)
      print(("  x"):trim(), ("x"):upper(), _string)]])
    assert.equal("x\tmine\tnil\n", r.out, r.err)
  end)
end)
