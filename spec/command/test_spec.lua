--- orun test: specs of scripts, run by busted in this orun.

local h = require "spec.support.helper"

local SPEC <const> = [[
describe("a script", function()
  it("has tasks", function()
    assert.equal(2, Task{run = function() return 2 end}.output)
  end)
  it("is tested", function()
    local run = require("orun.testing").run{code = "orun.sleep(60) print(...)", args = {"x"}}
    assert.equal("x\n", run.out)
    assert.equal(60, run.duration)
  end)
  %s
end)
]]

local function folder(more)
  local dir = h.tmpdir()
  h.sh("mkdir " .. h.quote(dir .. "/spec"))
  h.write(dir .. "/spec/plan_spec.lua", SPEC:format(more or ""))
  return dir
end

describe("orun test", function()
  it("runs the specs of the folder spec, and ends with 0 when all pass", function()
    local r = h.orun{"test", "-o", "TAP", cwd = folder()}
    assert.equal(0, r.code, r.out .. r.err)
    assert.matches("ok 1 - a script has tasks\n", r.out, 1, true)
    assert.matches("ok 2 - a script is tested\n", r.out, 1, true)
  end)

  it("ends with 1 when one fails, and says which", function()
    local r = h.orun{"test", "spec/plan_spec.lua", cwd = folder[[
      it("fails", function() assert.equal(1, 2) end)]]}
    assert.equal(1, r.code)
    assert.matches("a script fails", r.out, 1, true)
  end)

  it("passes options on", function()
    local r = h.orun{"test", "--filter=tested", "-o", "TAP", cwd = folder()}
    assert.equal(0, r.code, r.out .. r.err)
    assert.not_matches("has tasks", r.out, 1, true)
  end)

  it("has help of its own", function()
    local r = h.orun{"test", "--help"}
    assert.equal(0, r.code)
    assert.matches("^usage: orun test", r.out)
  end)

  it("names the package where busted is not installed", function()
    local r = h.orun{"test", env = {LUA_PATH = "/nowhere/?.lua", LUA_PATH_5_4 = "/nowhere/?.lua"},
      cwd = folder()}
    assert.equal(1, r.code)
    assert.matches("lua-busted", r.err, 1, true)
  end)
end)
