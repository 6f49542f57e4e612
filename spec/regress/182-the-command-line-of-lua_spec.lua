-- orun -e 'x=1' s.lua did not run s.lua; and -l, -i, -W, -E, LUA_INIT and a script on standard
-- input without "-" were not what they are to lua.

local h = require "spec.support.helper"

describe("the command line", function()
  local dir
  setup(function()
    dir = h.tmpdir()
    h.write(dir .. "/s.lua", "print('s', x, ...) print(arg[0], arg[1], arg[-1])")
    h.write(dir .. "/m.lua", "x = (x or 0) + 1 return {name = 'm'}")
    h.write(dir .. "/m-v2.lua", "return 'two'")
    h.write(dir .. "/bad.lua", "x = = 1")
  end)

  local function run(options)
    options.cwd = dir
    return h.orun(options)
  end
  local function prints(expected, options)
    local r = run(options)
    assert.equal(expected, r.out, r.err)
    assert.equal(0, r.code)
  end

  it("has -e, and then the script, run", function()
    prints("s\t1\ta\tb\ns.lua\ta\tx=1\n", {"-e", "x=1", "s.lua", "a", "b"})
    prints("1\ns\t2\ns.lua\tnil\tprint(x, ...) x=2\n",
      {"-e", "x=1", "-e", "print(x, ...) x=2", "s.lua"})
    prints("nil\n", {"-e", "local y=1", "-eprint(y)"})
    prints("-e\t0\n", {"-e", "print(arg[1], select('#', ...))"})
  end)

  it("has modules required", function()
    prints("m\t1\n", {"-l", "m", "-e", "print(m.name, x)"})
    prints("m\tnil\n", {"-lg=m", "-e", "print(g.name, m)"})
    prints("two\n", {"-l", "m-v2", "-e", "print(m)"})
    prints("s\t1\ns.lua\tnil\tm\n", {"-l", "m", "s.lua"})
    assert.matches("module 'none' not found", run{"-l", "none", "s.lua"}.err, 1, true)
  end)

  it("ends at what fails, and a script that is no Lua is 2", function()
    local r = run{"-e", "error('no')", "s.lua"}
    assert.same({1, ""}, {r.code, r.out})
    r = run{"-e", "os.exit(3)", "s.lua"}
    assert.same({3, ""}, {r.code, r.out})
    r = run{"-e", "print(1)", "bad.lua"}
    assert.same({2, "1\n"}, {r.code, r.out})
    r = run{"-e", "x = = 1"}
    assert.same({2, ""}, {r.code, r.out})
    r = run{"-e", "print(1)", "none.lua"}
    assert.same({2, "1\n"}, {r.code, r.out})
    assert.matches("cannot open none.lua", r.err, 1, true)
  end)

  it("says of what is no Lua what it is, and no more", function()
    local bad = "orun: bad.lua:1: unexpected symbol near '='\n"
    local line = "orun: (command line):1: unexpected symbol near '='\n"
    local none = "orun: cannot open none.lua: No such file or directory\n"
    for _, case in ipairs{
      {bad, "bad.lua"}, {bad, "-e", "x = 1", "bad.lua"}, {bad, "-i", "bad.lua"},
      {line, "-e", "x = = 1"}, {none, "-e", "x = 1", "none.lua"}, {none, "none.lua"},
    } do
      assert.equal(table.remove(case, 1), run(case).err)
    end
    assert.equal("orun: LUA_INIT:1: unexpected symbol near '='\n",
      run{"-e", "x = 1", env = {LUA_INIT = "x = = 1"}}.err)
    assert.matches("orun: (command line):1: no\nstack traceback:\n",
      run{"-e", "error('no')"}.err, 1, true)
  end)

  it("passes what arg holds when the script's turn comes", function()
    h.write(dir .. "/args.lua", "print(...)")
    prints("a\t9\tc\n", {"-e", "arg[2] = 9", "args.lua", "a", "b", "c"})
    prints("\n", {"-e", "arg[1], arg[2] = nil", "args.lua", "a", "b"})
    prints("7\t8\n", {"-e", "arg = {7, 8}", "-", "a", stdin = "print(...)"})
    prints("in\n", {"-l", "m", stdin = "print('in', ...)"})
    local r = run{"-e", "arg = nil", "args.lua", "a"}
    assert.same({1, ""}, {r.code, r.out})
    assert.matches("'arg' is not a table", r.err, 1, true)
  end)

  it("lets what -e starts go on while the script runs", function()
    h.write(dir .. "/t.lua", "print(TaskOutput(t).output)")
    prints("started\n", {"-e", "t = Task{run_in_background = true, run = function() return "
      .. "'started' end}", "t.lua"})
  end)

  it("takes a script from standard input", function()
    prints("in\tnil\n", {stdin = "print('in', x, ...)"})
    prints("in\t1\n", {"-l", "m", stdin = "print('in', x, ...)"})
    prints("in\ta\tb\n", {"-", "a", "b", stdin = "print('in', ...)"})
    prints("", {stdin = ""})
    prints("e\n", {"-e", "print('e')", stdin = "print('in')"})
  end)

  it("heeds LUA_INIT, but not with -E", function()
    local env = {LUA_INIT = "x = 'init'", LUA_PATH = dir .. "/mine/?.lua;;"}
    prints("s\tinit\ns.lua\tnil\t" .. h.bin .. "\n", {"s.lua", env = env})
    prints("init\n", {"-e", "print(x)", env = env})
    prints("5_4\n", {"-e", "print(x)", env = {LUA_INIT = "x=1", LUA_INIT_5_4 = "x='5_4'"}})
    prints("from\n", {"-e", "print(y)", env = {LUA_INIT = "@" .. h.write(dir .. "/init.lua",
      "y = 'from'")}})
    prints("nil\tnil\t" .. env.LUA_PATH .. "\n",
      {"-E", "-e", "print(x, package.path:match('/mine/'), os.getenv('LUA_PATH'))", env = env})
    assert.matches("LUA_INIT:1:", run{"-e", "print(x)", env = {LUA_INIT = "error('no')"}}.err, 1,
      true)
    assert.matches("LUA_INIT_5_4:1:",
      run{"-e", "print(x)", env = {LUA_INIT = "", LUA_INIT_5_4 = "error('no')"}}.err, 1, true)
  end)

  it("turns warnings on", function()
    assert.equal("", run{"-e", "warn('w')"}.err)
    assert.equal("Lua warning: w\n", run{"-W", "-e", "warn('w')"}.err)
  end)

  it("takes lines from standard input", function()
    local r = run{"-e", "x = 1", "-i", stdin = "x\n=x+1\nfor i = 1, 2 do\nprint(i)\nend\n"
      .. "error('no')\nx = = 1\n'a', nil\nTask{run = function() return 5 end}.output\n"}
    assert.equal(0, r.code, r.err)
    local shown = r.out:gsub("^[^\n]*\n", ""):gsub(">+ ", "")
    assert.equal("1\n2\n1\n2\na\tnil\n5\n\n", shown)
    assert.matches("stdin:1: no\nstack traceback:", r.err, 1, true)
    assert.matches("unexpected symbol near '='", r.err, 1, true)
  end)

  local function typed(text)
    local r = run{"-i", stdin = text}
    return r.out:gsub("^[^\n]*\n", ""):gsub(">+ ", ""), r
  end

  it("takes lines that go on as they are", function()
    assert.equal("4\n\n", (typed("x = [[\na\n\nb]]\n#x\n")))
    local _, r = typed("function f()\n  error('no')\nend\nf()\n")
    assert.equal("stdin:2: no\nstack traceback:\n\t[C]: in function 'error'\n"
      .. "\tstdin:2: in function 'f'\n\t(...tail calls...)\n\t[C]: in ?\n", r.err)
    _, r = typed("for i = 1, 2 do")
    assert.equal("stdin:1: 'end' expected near <eof>\n", r.err)
  end)

  it("goes on when a line's values cannot be shown", function()
    local shown, r = typed("show, print = print, nil\n1\nshow(2)\nprint = error\n3\nshow(4)\n")
    assert.equal("2\n4\n\n", shown)
    assert.equal("error calling 'print' (attempt to call a nil value)\n"
      .. "error calling 'print' (3)\n", r.err)
    assert.equal(0, r.code)
  end)

  it("takes no line after os.exit", function()
    local shown, r = typed("os.exit(3, true)\nprint('more')\n")
    assert.same({3, "", ""}, {r.code, shown, r.err})
  end)

  it("keeps orun's own options", function()
    prints("3\n", {"-j3", "-e", "print(orun.config().processes)"})
    assert.matches("^orun ", run{"-v"}.out)
    assert.matches("t1 completed", run{"-v", "--progress", "plain", "-e",
      "Task{run = function() end}"}.err)
  end)
end)
