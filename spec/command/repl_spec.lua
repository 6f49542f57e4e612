--- `orun repl`, and `orun -i` on a terminal: lines that are typed, while tasks go on.

local h = require "spec.support.helper"
local screen = require "spec.support.screen"

local HELD <const> = [[
function held(after)
  return orun.start{description = "review a.c", run = function(input)
    orun.exec("sh", "-c", "until [ -e " .. input.gate .. " ]; do sleep 0.02; done")
    if input.after then load(input.after)() end
  end, input = {gate = os.getenv "GATE", after = after}}
end
]]

-- A prompt on a terminal, once it is there. In it held() starts a task that ends once the file
-- screen.gate is there.
-- @param opts  of screen.open; args=, shell words; state=, the state folder
local function repl(opts)
  opts = opts or {}
  opts.env = opts.env or {}
  opts.env.XDG_STATE_HOME = opts.state or h.tmpdir()
  opts.env.LUA_INIT, opts.env.GATE = HELD, h.tmpdir() .. "/gate"
  local s = screen.open(h.quote(h.bin) .. " " .. (opts.args or "repl"), opts)
  s.gate = opts.env.GATE
  s:shows(">$")
  return s
end

-- Type text, and wait until it (or `shows`, a pattern) stands at the end of the screen.
local function type_in(s, text, shows)
  s:types(text)
  return s:shows(shows or (text:gsub("%s+$", ""):gsub("%p", "%%%0") .. "$"))
end

-- Type a line, and wait for what it shows: a pattern of the screen's end.
local function line(s, text, shows)
  type_in(s, text)
  s:keys("Enter")
  return s:shows(shows)
end

-- A task, a, that ends when the file is there.
local function gated(s)
  line(s, "a = held()", "a = held%(%)\n>$")
  return s.gate
end

describe("orun repl", function()
  it("shows what lines give, tables as they are written", function()
    local s <close> = repl()
    assert.matches("^orun [%d.]+, Lua 5%.4\nA local lives for one line; ", s:text())
    line(s, "1 + 1, 'a'", "\n2 +a\n>$")
    line(s, "={1, 'a', {ok = true}, [\"end\"] = 2.5}",
      "\n{1, \"a\", {ok = true}, %[\"end\"%] = 2%.5}\n>$")
    line(s, "x = {} x.x = x", "x\n>$")
    line(s, "x", "\n{x = {%.%.%.}}\n>$")
    line(s, "Task{run = function(n) return n + 1 end, input = 41}.output", "\n42\n>$")
    line(s, "x = = 1", "\nstdin:1: unexpected symbol near '='\n>$")
    line(s, "error('no')", "\nstdin:1: no\nstack traceback:\n.*%[C%]: in %?\n>$")
    assert.is_nil(s:text():find("[orun]", 1, true)) -- a frame of the prompt
    s:keys("C-d")
    assert.matches("exit 0$", s:ended())
  end)

  it("is -i on a terminal", function()
    local s <close> = repl{args = "-e 'x = 5' -i"}
    line(s, "x", "\n5\n>$")
    assert.matches("A local lives for one line", s:text())
  end)

  it("goes on with a line that is not whole", function()
    local s <close> = repl()
    line(s, "for i = 1, 2 do", "\n>>$")
    line(s, "print(i)", "\n>>$")
    line(s, "end", "\n1\n2\n>$")
    line(s, "x = [[", "\n>>$")
    s:keys("C-c")
    s:shows("%^C\n>$")
    line(s, "x", "\nnil\n>$")
  end)

  it("tells above the line that is typed what has ended", function()
    local s <close> = repl()
    local gate = gated(s)
    type_in(s, "print('half")
    h.write(gate, "")
    s:shows("\nt1 completed in [^\n]*: review a%.c\n> print%('half$")
    type_in(s, " way')", "\n> print%('half way'%)$")
    s:keys("Enter")
    s:shows("\nhalf way\n>$")
    line(s, "b = orun.start{command = {'sh', '-c', 'exit 3'}}",
      "\nt2 failed in [^\n]*: sh %-c exit 3: exit code 3\n>$")
  end)

  it("keeps a long line whole, and a cursor in the middle of it", function()
    local s <close> = repl{columns = 40}
    local gate = gated(s)
    type_in(s, "x = '" .. ("ä"):rep(50),
      "\n> x = '" .. ("ä"):rep(33) .. "\n" .. ("ä"):rep(17) .. "$")
    s:keys("Left", "Left")
    h.write(gate, "")
    s:shows("\nt1 completed in [^\n]*: review a%.c\n> x = '" .. ("ä"):rep(33) .. "\n"
      .. ("ä"):rep(17) .. "$")
    type_in(s, "o", ("ä"):rep(33) .. "\n" .. ("ä"):rep(15) .. "oää$")
    s:keys("C-e")
    type_in(s, "'", "oää'$")
    s:keys("Enter")
    s:shows("\n>$")
    line(s, "utf8.len(x)", "\n51\n>$")
  end)

  it("prints above the line what tasks print", function()
    local s <close> = repl()
    line(s, [[a = held("print('from a task') io.write('without an end')")]], "\n>$")
    type_in(s, "b = ")
    h.write(s.gate, "")
    s:shows("\nfrom a task\nwithout an end\nt1 completed [^\n]*\n> b =$")
  end)

  it("draws the line anew on a terminal of another size", function()
    local s <close> = repl{columns = 60}
    local gate = gated(s)
    line(s, "'above'", "\nabove\n>$")
    local rows = "\n> x = '" .. ("a"):rep(53) .. "\n" .. ("a"):rep(24) .. "$"
    type_in(s, "x = '" .. ("a"):rep(77), rows)
    s:resize(40, 24)
    s:keys("b")
    s:shows("\nabove\n> x = '" .. ("a"):rep(33) .. "\n" .. ("a"):rep(40) .. "\naaaab$")
    s:resize(100, 24)
    h.write(gate, "") -- nobody types when this is told
    s:shows("\nabove\nt1 completed [^\n]*\n> x = '" .. ("a"):rep(77) .. "b$")
  end)

  it("stops on Ctrl-Z, and goes on with the line", function()
    local s <close> = screen.open("bash --norc -i", {
      env = {PS1 = "shell: ", XDG_STATE_HOME = h.tmpdir(), HISTFILE = ""}})
    s:shows("shell:$")
    line(s, h.quote(h.bin) .. " repl", "\n>$")
    type_in(s, "x = 'be", "\n> x = 'be$")
    s:keys("C-z")
    s:shows("Stopped[^\n]*\n.*shell:$")
    line(s, "echo out", "\nout\nshell:$")
    line(s, "fg", "\n> x = 'be$")
    type_in(s, "fore'", "\n> x = 'before'$")
    s:keys("Enter")
    line(s, "x", "\nbefore\n>$")
  end)

  it("goes on after Ctrl-C at an empty line, and ends on Ctrl-D", function()
    local s <close> = repl()
    s:keys("C-c")
    s:shows("\n> %^C\n>$")
    s:keys("C-d")
    assert.matches("exit 0$", s:ended())
  end)

  it("throws a line away on Ctrl-C", function()
    local s <close> = repl()
    type_in(s, "x = 5")
    s:keys("C-c")
    s:shows("\n> x = 5^C\n>$")
    line(s, "x", "\nnil\n>$")
  end)

  it("interrupts code and its tasks on Ctrl-C, and nothing else", function()
    local s <close> = repl()
    local gate = gated(s)
    -- What is printed says that the code runs: Ctrl-C before would be for the line.
    line(s, "print('go' .. 1) while true do end", "\ngo1")
    s:keys("C-c")
    s:shows("\n[%^C\n]*interrupted\n>$")
    line(s, "print('go' .. 2), orun.sleep(1000)", "\ngo2")
    s:keys("C-c")
    s:shows("go2\n[%^C\n]*interrupted\n>$")
    line(s, "print('go' .. 3), Task{command = {'sleep', '1000'}}", "\ngo3")
    s:keys("C-c")
    s:shows("\n[%^C\n]*[^\n]*\n*interrupted, and 1 task cancelled\n")
    s:shows("t2 cancelled [^\n]*\n") -- above or below, by which thread is first
    line(s, "print('go' .. 4), orun.exec('sleep', '1000')", "\ngo4")
    s:keys("C-c")
    s:shows("go4\n[%^C\n]*interrupted\n>$")
    line(s, "Task{run = function() return 'still works' end}.output", "\nstill works\n.*>$")
    line(s, "TaskOutput{task_id = a, block = false}.status", "\nin_progress\n>$")
    h.write(gate, "")
    s:shows("\nt1 completed [^\n]*\n>$")
  end)

  it("ends when code does not heed Ctrl-C", function()
    local s <close> = repl()
    line(s, "print('go' .. 1) while true do pcall(function() while true do end end) end", "\ngo1")
    s:keys("C-c", "C-c")
    assert.matches("exit 130$", s:ended())
  end)

  it("says on Ctrl-D what still runs, and waits for it", function()
    local s <close> = repl()
    local gate = gated(s)
    s:keys("C-d")
    s:shows("\n1 task still runs, until the end or Ctrl%-C: t1 %(review a%.c%)")
    h.write(gate, "")
    assert.matches("exit 0$", s:ended())
  end)

  it("cancels it then on Ctrl-C", function()
    local s <close> = repl()
    gated(s)
    s:keys("C-d")
    s:shows("1 task still runs")
    s:keys("C-c")
    assert.matches("exit 130$", s:ended())
  end)

  it("gives the terminal back when it is killed by a signal", function()
    local s <close> = repl{args = "repl; stty -a | grep -c -w -e '-icanon'"}
    line(s, "pid = io.open('/proc/self/stat'):read('n') print(pid)", "\n%d+\n>$")
    h.sh("kill " .. s:text():match("\n(%d+)\n>$"))
    s:shows("\n0\nexit 1$")
  end)

  it("completes names", function()
    local s <close> = repl()
    local function completes(text, shows)
      type_in(s, text)
      s:keys("Tab")
      s:shows(shows)
      s:keys("C-c")
      s:shows("%^C\n>$")
    end
    completes("orun.fan_", "> orun%.fan_out%($")
    completes("orun.json.enc", "> orun%.json%.encode%($")
    completes("TaskList:cl", "> TaskList:claim%($")
    completes("x = 'a\\\\' .. tostr", "tostring%($")
    completes("x = tostr", "> x = tostring%($")
    completes("Task{run_in", "> Task{run_in_background =$")
    completes("orun.start{command = {'a'}, descr", "}, description =$")
    completes("Task{subagent_type = \"gen", "\"general%-purpose\"$")
    completes("string.g", "gmatch +gsub\n> string%.g$")
    completes("orun.private_", "> orun%.private_$") -- not meant for scripts
    line(s, "orun.agent{name = 'my-checker', run = function() end}", "\nmy%-checker\n>$")
    completes("Task{prompt = 'x', subagent_type = 'my-", "'my%-checker'$")
    line(s, "t = setmetatable({known = 1}, {__index = function() error('called') end})", "\n>$")
    completes("t.kn", "> t%.known$")
    completes("t.other.", "> t%.other%.$")
  end)

  it("keeps the lines for the next session, the user's alone, without secrets", function()
    local state = h.tmpdir()
    local env = {MY_API_KEY = "sk-0123456789abcdef0123"}
    do
      local s <close> = repl{state = state, env = env}
      line(s, "first = 1", "\n>$")
      line(s, "k = 'sk-0123456789abcdef0123'", "\n>$")
      line(s, " hidden = 1", "\n>$")
      line(s, "last = 1", "last = 1\n>$")
      s:keys("C-d")
      s:ended()
    end
    local kept = h.read(state .. "/orun/lines")
    assert.equal("first = 1\nk = '[MY_API_KEY]'\nlast = 1\n", kept)
    assert.matches("^600", h.sh("stat -c %a " .. h.quote(state .. "/orun/lines")).out)
    local s <close> = repl{state = state, env = env}
    s:keys("Up")
    s:shows("> last = 1$")
    s:keys("Up", "Up")
    s:shows("> first = 1$")
  end)

  it("keeps the last thousand lines", function()
    local state, lines = h.tmpdir(), {}
    for i = 1, 1005 do lines[i] = "x = " .. i end
    h.sh("mkdir -p -m 700 " .. h.quote(state .. "/orun"))
    h.write(state .. "/orun/lines", table.concat(lines, "\n") .. "\n")
    local s <close> = repl{state = state}
    s:keys("Up")
    s:shows("> x = 1005$")
    local kept = h.read(state .. "/orun/lines")
    assert.equal("x = 6", kept:match("^[^\n]*"))
    local _, n = kept:gsub("\n", "")
    assert.equal(1000, n)
  end)

  it("works without libedit, and says what is missing", function()
    local none = h.tmpdir()
    for _, name in ipairs{"libedit.so.2", "libedit.so.0", "libedit.so"} do
      h.write(none .. "/" .. name, "")
    end
    local s <close> = repl{env = {LD_LIBRARY_PATH = none}}
    assert.matches("\nlibedit cannot be loaded, [^>]*libedit2", s:text())
    line(s, "1 + 1", "\n2\n>$")
    local gate = gated(s)
    h.write(gate, "")
    s:shows("\nt1 completed in [^\n]*: review a%.c\n>$")
    type_in(s, "x = 5")
    s:keys("C-c")
    s:shows("%^C\n>$")
    line(s, "x", "\nnil\n>$")
    s:keys("C-d")
    assert.matches("exit 0$", s:ended())
  end)

  it("takes lines of standard input where that is no terminal", function()
    local r = h.orun{"repl", stdin = "1 + 1\n{a = 1}\n"}
    assert.equal(0, r.code, r.err)
    assert.equal("> 2\n> {a = 1}\n> \n", (r.out:gsub("^[^\n]*\n", "")))
    r = h.orun{"repl", stdin = "os.exit(3)\n1 + 1\n"}
    assert.equal(3, r.code)
    assert.matches("> $", r.out)
  end)

  it("has help, and is completed by shells", function()
    for _, words in ipairs{{"repl", "--help"}, {"help", "repl"}} do
      local r = h.orun(words)
      assert.equal(0, r.code)
      assert.matches("orun repl [options] [script.lua]", r.out, 1, true)
    end
    assert.matches("^repl\t", h.orun{"complete", "--", "rep"}.out)
    assert.matches("^%-%-progress\t", h.orun{"complete", "--", "repl", "--prog"}.out)
  end)

  it("takes options, code and a script before the first line", function()
    local file = h.write(h.tmpdir() .. "/a.lua", "y = ...")
    local r = h.orun{"repl", "-e", "x = 1", file, "arg", stdin = "x, y\n"}
    assert.matches("> 1\targ\n", r.out, 1, true)
    r = h.orun{"-q", "repl", "--no-such", stdin = ""}
    assert.equal(2, r.code)
    assert.matches("unknown option '--no-such'", r.err, 1, true)
  end)
end)
