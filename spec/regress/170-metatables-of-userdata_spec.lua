-- getmetatable of a userdata with a finalizer was a string in tasks: LPeg's `re` and all else
-- that looks into the metatable of a C module's object failed there.

local h = require "spec.support.helper"

local output_of = function(run)
  local r = Task{run = run, timeout = 100 * h.slow}
  return r.status == "completed" and r.output or r.error
end

describe("the metatable of a userdata", function()
  it("is a table in tasks, as in the script", function()
    local function look()
      local meta = getmetatable(io.stdout)
      meta.__concat = function(_, other) return "file " .. other end
      return {meta.__name, type(meta.__index.write), type(meta.__gc), io.stdout .. "x",
              rawequal(meta, getmetatable(io.stderr))}
    end
    assert.same({"FILE*", "function", "function", "file x", true}, output_of(look))
  end)

  it("hides the finalizers of orun's own, here and there", function()
    local function look()
      local own = require("orun").collector{}
      local meta = getmetatable(own)
      local again = rawequal(meta, getmetatable(own))
      return {type(meta), type(meta.__index), type(meta.__gc), meta.__name, again}
    end
    local seen = {"table", "table", "nil", "orun.collector", true}
    assert.same(seen, output_of(look))
    assert.same(seen, look())
  end)

  it("lets LPeg's re work in tasks", function()
    if not pcall(require, "re") then return pending("lua-lpeg is not installed") end
    assert.equal("ab", output_of(function() return require("re").match("ab", "{%w+}") end))
  end)

  it("lets no finalizer keep a task past its time", function()
    if h.variant == "tsan" then return end -- it holds signals back
    local r = Task{timeout = 0.05, run = function()
      getmetatable(io.stdout).__gc = function() while true do end end
      for _ = 1, 3 do io.open("/dev/null") end
      collectgarbage()
    end}
    assert.equal("timeout", r.error_kind)
    assert.equal("well", output_of(function() return "well" end))
  end)

  it("lets no finalizer wait", function()
    assert.matches("sleep.*not allowed in a finalizer", output_of(function()
      local said
      getmetatable(io.stdout).__gc = function()
        said = select(2, pcall(require("orun").sleep, 1))
      end
      io.open("/dev/null")
      collectgarbage()
      return said and "sleep: " .. said
    end))
  end)
end)
