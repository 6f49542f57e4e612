--- What orun remembers between runs is in a folder of the user's alone.

local h = require "spec.support.helper"

local function state(code, dir, env)
  env = env or {XDG_STATE_HOME = dir .. "/state"}
  code = "local state_dir = require 'orun.util.state_dir' " .. code
  return h.script(code, {cwd = dir, env = env})
end

local function mode(path)
  return h.sh("stat -c %a " .. h.quote(path)).out:match("%d+")
end

describe("the state folder", function()
  it("is made with what is above it, and nobody else may enter", function()
    local dir = h.tmpdir()
    local r = state("print(state_dir.folder('runs'))", dir)
    assert.equal(dir .. "/state/orun/runs\tnil\n", r.out)
    assert.same({"700", "700"}, {mode(dir .. "/state/orun"), mode(dir .. "/state/orun/runs")})
  end)

  it("is in the home folder when no variable says where", function()
    local dir = h.tmpdir()
    local r = state("print(state_dir.folder())", dir, {XDG_STATE_HOME = false, HOME = dir})
    assert.equal(dir .. "/.local/state/orun\tnil\n", r.out)
    r = state("print(state_dir.folder())", dir, {XDG_STATE_HOME = "not/absolute", HOME = dir})
    assert.equal(dir .. "/.local/state/orun\tnil\n", r.out)
  end)

  it("is nowhere when nobody says where", function()
    local r = state("print(state_dir.folder())", h.tmpdir(),
      {XDG_STATE_HOME = false, HOME = false})
    assert.equal("nil\tneither XDG_STATE_HOME nor HOME is an absolute path\n", r.out)
  end)

  it("is closed to others when it was open to them", function()
    local dir = h.tmpdir()
    h.sh(("mkdir -p %s/state/orun && chmod 755 %s/state/orun"):format(dir, dir))
    state("assert(state_dir.folder())", dir)
    assert.equal("700", mode(dir .. "/state/orun"))
  end)

  it("is no link, and no file", function()
    local dir = h.tmpdir()
    h.sh(("mkdir -p %s/state %s/other && ln -s ../other %s/state/orun"):format(dir, dir, dir))
    local r = state("print(state_dir.folder())", dir)
    assert.matches("^nil\t.*/state/orun: Not a directory\n$", r.out)
    dir = h.tmpdir()
    h.write(dir .. "/state", "a file")
    r = state("print(state_dir.folder())", dir)
    assert.matches("^nil\t.*/state/orun: Not a directory\n$", r.out)
  end)

  it("is told by its path without being made", function()
    local dir = h.tmpdir()
    assert.equal(dir .. "/state/orun/x\n", state("print(state_dir.path('x'))", dir).out)
    assert.is_false(h.exists(dir .. "/state"))
  end)
end)

describe("private_file", function()
  it("makes a new file that only the user reads, and no second one", function()
    local dir = h.tmpdir()
    local r = state([[
      local path = state_dir.folder() .. "/f"
      local f = orun.private_file(path)
      print(f:write("text"), f:close())
      print(orun.private_file(path))
      os.execute("ln -s elsewhere " .. path .. "2")
      print(orun.private_file(path .. "2"))
      print(pcall(orun.private_file, "relative"))]], dir)
    local lines = h.lines(r.out)
    assert.equal("600", mode(dir .. "/state/orun/f"))
    assert.equal("text", h.read(dir .. "/state/orun/f"))
    assert.matches("^nil\t.*/f: File exists\t17$", lines[2])
    assert.matches("^nil\t.*/f2: File exists\t17$", lines[3])
    assert.matches("private_file: path = \"relative\": expected an absolute path", lines[4], 1,
      true)
  end)
end)
