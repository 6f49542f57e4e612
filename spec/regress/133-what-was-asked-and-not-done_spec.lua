--- `orun --record` in a home that cannot be written said nothing and recorded nothing: what an
--- option asks for and cannot be done is told.

local h = require "spec.support.helper"

local HOMELESS <const> = {HOME = "/proc/nohome", XDG_STATE_HOME = false, ORUN_PROGRESS = false}
local TASK <const> = "print(Task{run = function() return 1 end}.output)"

local function run(...)
  return h.orun{env = HOMELESS, ...}
end

describe("a record", function()
  it("that was asked for and cannot be kept is told, and the script runs", function()
    local r = run("-q", "--record", "-e", TASK)
    assert.equal("1\n", r.out)
    assert.equal(1, r.code)
    assert.equal("orun: the run is not recorded: /proc/nohome/.local/state/orun: "
      .. "No such file or directory\n", r.err)
    assert.equal(7, run("-q", "--record", "-e", TASK .. " os.exit(7)").code)
  end)

  it("is told of where its folder is nobody's, or its disk is full", function()
    local r = h.orun{"-q", "--record", "-e", TASK, env = {HOME = false, XDG_STATE_HOME = "x"}}
    assert.same({"1\n", 1}, {r.out, r.code})
    assert.matches("not recorded: neither XDG_STATE_HOME nor HOME is an absolute path", r.err, 1,
      true)
    local dir = h.tmpdir()
    os.execute("mkdir -p " .. h.quote(dir .. "/orun"))
    h.write(dir .. "/orun/runs", "no folder")
    r = h.orun{"-q", "--record", "-e", TASK, env = {XDG_STATE_HOME = dir}}
    assert.same({"1\n", 1}, {r.out, r.code})
    assert.matches("not recorded: " .. dir .. "/orun/runs", r.err, 1, true)
  end)

  it("that nobody asked for is missing without a word", function()
    local r = run("-q", "-e", TASK)
    assert.same({"1\n", "", 0}, {r.out, r.err, r.code})
  end)
end)

describe("orun report", function()
  it("says why it finds no records where it cannot look", function()
    assert.matches("orun report: no run is recorded", run("report").err, 1, true)
    local r = h.orun{"report", "--list", env = {HOME = false, XDG_STATE_HOME = "x"}}
    assert.equal(1, r.code)
    assert.matches("neither XDG_STATE_HOME nor HOME is an absolute path", r.err, 1, true)
    local dir = h.tmpdir()
    os.execute("mkdir -p " .. h.quote(dir .. "/orun"))
    h.write(dir .. "/orun/runs", "no folder")
    r = h.orun{"report", "--list", env = {XDG_STATE_HOME = dir}}
    assert.equal(1, r.code)
    assert.matches("runs: Not a directory", r.err, 1, true)
    r = h.orun{"report", "--list", env = {XDG_STATE_HOME = h.tmpdir()}}
    assert.same({0, "", ""}, {r.code, r.out, r.err}) -- none yet
  end)
end)
