-- A captured module of package.preload, of a searcher of the script's own, or set by hand in
-- package.loaded went by its name, which the task could not find.

local h = require "spec.support.helper"

describe("a captured module", function()
  it("goes as what it is when only the script can find it", function()
    assert.equal("preload 1\nsearcher 2\nhand 3\nmine 4\nnil\n", h.printed[[
      package.preload.a = function() return {name = "preload", n = function() return 1 end} end
      table.insert(package.searchers, 2, function(name)
        if name == "b" then
          return function() return {name = "searcher", n = function() return 2 end} end
        end
      end)
      package.loaded.c = {name = "hand", n = function() return 3 end}
      require "orun.list"
      package.loaded["orun.list"] = {name = "mine", n = function() return 4 end}
      for _, name in ipairs{"a", "b", "c", "orun.list"} do
        local m = require(name)
        local r = Task{run = function() return m.name .. " " .. m.n() end}
        print(r.output or r.error)
      end
      local m = require "a"
      print(Task{run = function() return type(m) end}.error)]])
  end)

  it("is refused at the call when it cannot go", function()
    assert.matches("captures 'm%.file', a userdata", (h.printed[[
      package.preload.a = function() return {file = io.stdout} end
      local m = require "a"
      print(select(2, pcall(Task, {run = function() return m end})))]]))
  end)

  it("goes by name when tasks find it", function()
    assert.equal("true true true\n", h.printed[[
      local json, math, cjson = require "orun.json", math, require "cjson"
      print(table.concat(Task{run = function()
        return {tostring(json == require "orun.json"), tostring(math == _G.math),
                tostring(cjson == require "cjson")}
      end}.output, " "))]])
  end)

  it("is required as ever", function()
    assert.equal("x\ty\ntrue\tnil\ntrue\t:preload:\ntrue\nfalse\n", h.printed[[
      package.preload.a = function(name, more) return {} end
      package.searchers[#package.searchers + 1] = function(name)
        if name == "x" then return function(...) print(...) end, "y" end
        return "\n\tnot mine"
      end
      print(require "x", (select(2, require "x")))
      print(type(require "a") == "table", select(2, require "a") or ":preload:")
      print(package.loaded.x)
      local ok, why = pcall(require, "nowhere.at.all")
      print(ok)
      assert(why:find("module 'nowhere.at.all' not found:", 1, true) and why:find("not mine"))]])
  end)
end)
