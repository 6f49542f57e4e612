-- load(string.dump(f)) was refused in the script, whose code is the user's own, and so were
-- scripts and modules that luac had compiled.

local h = require "spec.support.helper"

describe("bytecode", function()
  it("is loaded in the script as by lua", function()
    local dir = h.tmpdir()
    h.write(dir .. "/compiled.lua", string.dump(load("return 'module', ...")))
    local r = h.script([[
      local code = string.dump(function() return "ran" end)
      print(load(code)(), load(code, "x", "b")(), load(function() local c = code code = nil
        return c end, "x", "bt")())
      print(load(string.dump(print == print and function() end), "x", "t"))
      package.path = ... .. "/?.lua"
      print(loadfile(... .. "/compiled.lua")(1))
      print(dofile(... .. "/compiled.lua"))
      print((require "compiled"))
      print(Task{run = load(string.dump(function() return "in a task" end))}.output)]], {dir})
    assert.equal("ran\tran\tran\nnil\tattempt to load a binary chunk (mode is 't')\n"
      .. "module\t1\nmodule\nmodule\nin a task\n", r.out .. r.err)
  end)

  it("is run as a script, from a file and from standard input", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.luac", string.dump(load("print('ran', ...)")))
    local r = h.orun{"s.luac", "a", cwd = dir}
    assert.equal("ran\ta\n", r.out, r.err)
    r = h.orun{"-", "b", cwd = dir, stdin = h.read(dir .. "/s.luac")}
    assert.equal("ran\tb\n", r.out, r.err)
  end)

  it("is refused in tasks", function()
    local r = Task{input = string.dump(function() end), run = function(code)
      return {load(code)}
    end}
    assert.matches("bytecode is refused", r.output[2], 1, true)
  end)
end)
