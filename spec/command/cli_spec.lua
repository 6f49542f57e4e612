--- The command line: scripts of every form, options, streams, and a hostile
--- environment, row by row. Signals are in signals_spec.

local h = require "spec.support.helper"

-- Descriptors and folders are valgrind's first, in that build.
local valgrind_has_them <const> = h.variant == "valgrind"

--- Run a shell line in a folder of its own in which `orun` is the program under
--- test.
local function sh(line, opts)
  opts = opts or {}
  opts.cwd = opts.cwd or h.tmpdir()
  return h.sh(("orun() { %s %s \"$@\"; }\n%s"):format(os.getenv("ORUN_WRAP") or "",
    h.quote(h.bin), line), opts)
end

--- Run a file with this text (in a folder of its own).
local function file(text, name)
  local dir = h.tmpdir()
  h.write(dir .. "/" .. (name or "s.lua"), text)
  return h.orun{name or "s.lua", cwd = dir}
end

describe("orun's arguments", function()
  it("H1 are explained when there is none, and no script on standard input", function()
    local r = h.orun{"plan"}
    assert.equal(2, r.code)
    assert.equal("", r.out)
    assert.matches("^usage: orun ", r.err)
    assert.same({0, "", ""}, {h.orun{}.code, h.orun{}.out, h.orun{}.err})
  end)

  it("H1 name a script that can be read", function()
    local dir = h.tmpdir()
    for path, reason in pairs{[dir .. "/absent.lua"] = "No such file", [dir] = "it is a folder",
                              [dir .. "/absent/x.lua"] = "No such file",
                              ["/proc/self/mem"] = "cannot read"} do
      local r = h.orun{path}
      assert.equal(2, r.code)
      assert.matches("orun: cannot ", r.err, 1, true)
      assert.matches(path, r.err, 1, true)
      assert.matches(reason, r.err, 1, true)
    end
  end)

  it("H1 may name an empty file, a pipe or standard input", function()
    assert.same({0, "", ""}, (function(r) return {r.code, r.out, r.err} end)(file("")))
    local r = h.orun{"-", "a", "b", stdin = "print('in', ...)"}
    assert.equal("in\ta\tb\n", r.out)
    r = sh("mkfifo pipe; echo 'print(7)' > pipe & orun pipe")
    assert.equal("7\n", r.out, r.err)
    r = h.orun{"-", stdin = "error('x')"}
    assert.equal(1, r.code)
    assert.matches("stdin:1: x", r.err)
  end)

  it("H2 name a script with a syntax error: its line, and 2", function()
    local r = file("x = 1\ny = = 2\nTask{run = print}")
    assert.equal(2, r.code)
    assert.equal("orun: s.lua:2: unexpected symbol near '='\n", r.err)
    r = h.orun{"-e", "x ="}
    assert.equal(2, r.code)
    assert.matches("(command line):1:", r.err, 1, true)
  end)

  it("H3 name scripts of every line ending, with and without marks", function()
    local bom = "\xef\xbb\xbf"
    for _, text in ipairs{
      "#!/usr/bin/env orun\nprint(1)\nerror('here')",
      bom .. "\nprint(1)\nerror('here')",
      bom .. "#!/usr/bin/env orun\nprint(1)\nerror('here')\n",
      "\r\nprint(1)\r\nerror('here')\r\n",
      "#!/usr/bin/env orun\r\nprint(1)\r\nerror('here')\r\n",
      "\rprint(1)\rerror('here')",
      "\n\rprint(1)\n\rerror('here')",
    } do
      local r = file(text)
      assert.equal("1\n", r.out, r.err)
      assert.matches("s.lua:3: here", r.err, 1, true)
    end
    assert.equal(0, file("#!only a mark").code)
    assert.equal(0, file(bom).code)
  end)

  it("H3 run as a program with #!", function()
    local dir = h.tmpdir()
    h.write(dir .. "/tool", "#!" .. h.bin .. "\nprint('hi', ...)\n")
    local r = h.sh("chmod +x tool && ./tool a", {cwd = dir})
    assert.equal("hi\ta\n", r.out, r.err)
  end)

  it("H4 name scripts with any bytes", function()
    local r = file("io.write('a\0b', '\xff\xfe')")
    assert.equal("a\0b\xff\xfe", r.out)
    r = file("local \xff = 1")
    assert.equal(2, r.code)
    assert.matches("near '<\\255>'", r.err, 1, true)
    r = file("\0")
    assert.equal(2, r.code)
    assert.is_nil(r.err:find("\0", 1, true))
  end)

  it("H5 do not name programs or huge files", function()
    local r = sh([[
      orun /bin/true; echo $?
      truncate -s 17M big; orun big; echo $?]])
    assert.equal("2\n2\n", r.out, r.err)
    assert.matches("cannot read big: it has 17825792 bytes", r.err, 1, true)
  end)

  it("H6 name scripts with any name", function()
    for _, name in ipairs{"a b.lua", "n\nl.lua", "\xff.lua", "é.lua", "*.lua", "'\".lua", "$x"} do
      local r = file("print(arg[0])", name)
      assert.equal(name .. "\n", r.out, r.err)
    end
    local dir = h.tmpdir()
    h.write(dir .. "/-x.lua", "print(arg[0], ...)")
    assert.equal("-x.lua\t--\t-y\n", h.orun{"--", "-x.lua", "--", "-y", cwd = dir}.out)
    assert.equal("./-x.lua\n", h.orun{"./-x.lua", cwd = dir}.out)
    assert.equal(2, h.orun{"-x.lua", cwd = dir}.code)
  end)

  it("H7 may not be unknown or without sense", function()
    for _, option in ipairs{"--nope", "-x", "--timeout=abc", "--jobz=3", "-vx", "--no-wait=1",
                            "---", "--version=1"} do
      local r = h.orun{option, "x.lua"}
      assert.equal(2, r.code, option)
      assert.equal(("orun: unknown option '%s'\nTry 'orun --help'.\n"):format(option), r.err)
    end
    for _, option in ipairs{"-j", "--jobs", "--workers"} do
      for _, value in ipairs{"0", "-1", "1e9", "abc", "", "3x", " 3 ", "99999999999999999999"} do
        local r = h.orun{option, value, "-e", ""}
        assert.equal(2, r.code)
        assert.matches(("'%s' is not a number of slots"):format(value), r.err, 1, true)
      end
      local r = h.orun{option}
      assert.equal(2, r.code)
      assert.matches(("option '%s' needs a value"):format(option), r.err, 1, true)
    end
    assert.matches("option '-e' needs a value", h.orun{"-e"}.err, 1, true)
  end)

  it("H7 take values in each form", function()
    for _, words in ipairs{{"-j", "3"}, {"-j3"}, {"--jobs", "3"}, {"--jobs=3"}} do
      words[#words + 1] = "-e"
      words[#words + 1] = "print(orun.config().processes)"
      assert.equal("3\n", h.orun(words).out)
    end
    assert.equal("1\n2\n", h.orun{"-e", "print(1)", "-eprint(2)"}.out)
    assert.matches("^orun %d+%.%d+%.%d+\n$", h.orun{"--version"}.out)
    assert.equal(h.orun{"--version"}.out, h.orun{"-V"}.out)
    assert.matches("^usage: orun ", h.orun{"--help"}.out)
    assert.equal("", h.orun{"--help"}.err)
    assert.equal(0, h.orun{"-h"}.code)
  end)

  it("H8 reach the script exactly", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[
      io.write(#arg, "|", arg[0], "|", select("#", ...), "|", table.concat({...}, ","))]])
    local function run(...) return h.orun{"s.lua", cwd = dir, ...} end
    local words = {"s.lua", "", "-j", "--", "a b", "*", "\xff", "é\n", cwd = dir}
    assert.equal("7|s.lua|7|,-j,--,a b,*,\xff,é\n", h.orun(words).out)
    assert.equal("0|s.lua|0|", run().out)
    local many = {"s.lua", cwd = dir}
    for i = 1, 10000 do many[i + 1] = tostring(i) end
    local r = h.orun(many)
    assert.equal("10000|s.lua|10000|1,2,3,", r.out:sub(1, 24))
    assert.equal("9999,10000", r.out:sub(-10))
    assert.equal("-e\n", h.orun{"-e", "print(arg[1], ...)"}.out)
  end)
end)

describe("orun's streams", function()
  local script = [[
    orun.agent{name = "cat", command = {"cat"}}
    local a = Task{subagent_type = "cat", prompt = "agent"}
    local b = Task{run = function() io.stderr:write("task ") return "lua" end}
    local name = os.getenv("RESULT")
    local file = io.open(name, "w")
    file:write(a.output, " ", b.output, " ", tostring(io.read()))
    file:close()
    print("out")
    io.stderr:write("err\n")]]

  it("H9 may be closed at the start", function()
    if valgrind_has_them then return pending "valgrind takes closed descriptors for its log" end
    for closed, want in pairs{["0<&-"] = "out err 0", ["1>&-"] = "err 0", ["2>&-"] = "out 0",
                              ["0<&- 1>&- 2>&-"] = "0", ["0<&- 1>&-"] = "err 0"} do
      local dir = h.tmpdir()
      h.write(dir .. "/s.lua", script)
      local r = sh("orun s.lua " .. closed .. "; code=$?; cat result > /dev/null; echo $code",
        {cwd = dir, env = {RESULT = "result"}})
      assert.equal("agent lua nil", h.read(dir .. "/result"), closed .. r.err)
      for word in want:gmatch("%a+") do
        assert.matches(word, r.out .. r.err, 1, true)
      end
      assert.matches("0\n$", r.out)
    end
  end)

  it("H10 may lose their reader, which ends them as it ends other programs", function()
    local r = sh([[
      { orun -e 'for i = 1, 1e5 do print(i) end
                 orun.exec("sh", "-c", "echo done > mark")'; echo $? > code; } | head -n 1 > first
      cat code first; test -e mark || echo unmarked]])
    assert.equal("141\n1\nunmarked\n", r.out)
    assert.equal("", r.err)
  end)

  it("H11 may be full: a message, and 1", function()
    for _, code in ipairs{"print(1)", "io.write('x')", "Task{run = function() print(1) end}",
                          "print(('x'):rep(1e5)) io.stdout:flush() print(2)"} do
      local r = sh("orun -e " .. h.quote(code) .. " > /dev/full; echo $?")
      assert.equal("1\n", r.out)
      assert.matches("orun: cannot write to standard output", r.err, 1, true)
    end
    assert.equal("1\n", sh("orun --version > /dev/full; echo $?").out)
    assert.equal("1\n", sh("orun --help > /dev/full; echo $?").out)
    assert.equal("0\n", sh("orun -e '' > /dev/full; echo $?").out)
    -- A failure of its own is not hidden by it.
    assert.equal("7\n", sh("orun -e 'print(1) os.exit(7)' > /dev/full; echo $?").out)
  end)

  it("write what tasks print in whole lines", function()
    local r = h.script[[
      local tasks = {}
      for i = 1, 8 do
        tasks[i] = Task{run_in_background = true, input = i, run = function(n)
          for _ = 1, 200 do print(n, ("x"):rep(50), n) end
        end}
      end
      for i = 1, 8 do TaskOutput(tasks[i]) end]]
    local lines = h.lines(r.out)
    assert.equal(1600, #lines)
    for _, line in ipairs(lines) do
      local a, b = line:match("^(%d)\tx+\t(%d)$")
      assert.is_truthy(a, line)
      assert.equal(a, b)
      assert.equal(54, #line)
    end
  end)

  it("give tasks no standard input, and the script all of it", function()
    local r = h.script([[
      print(io.read())
      print(Task{run = function() return tostring(io.read()) .. tostring(io.read("a")) end}.output)
      print(orun.exec("cat").output == "")
      print(io.read("a"))]], {stdin = "one\ntwo\n"})
    assert.equal("one\nnil\ntrue\ntwo\n\n", r.out, r.err)
  end)
end)

describe("orun in a strange environment", function()
  local script = [[
    orun.agent{name = "cat", command = {"cat"}}
    orun.agent{name = "file", command = {"cat", "{prompt_file}"}}
    orun.agent{name = "flood", command = {"head", "-c", "200000", "/dev/zero"}}
    print(Task{subagent_type = "cat", prompt = "a"}.output,
          Task{run = function() return 1 + 1 end}.output,
          Task{run = function() while true do end end, timeout = "50ms"}.error_kind)
    local file = Task{subagent_type = "file", prompt = "f"}
    local flood = Task{subagent_type = "flood", prompt = "x"}
    print(file.output or file.error, flood.truncated or flood.error)]]
  local GOOD <const> = "a\t2\ttimeout\nf\ttrue\n"

  it("H12 resets signals that were blocked or ignored", function()
    local r = sh("env --ignore-signal=CHLD,PIPE,URG --block-signal=CHLD,TERM,URG,PIPE,USR1 " ..
      h.quote(h.bin) .. " -", {stdin = script})
    assert.equal(GOOD, r.out, r.err)
  end)

  it("H12 gives programs the signals of a login", function()
    local r = sh("env --ignore-signal=CHLD,PIPE,INT --block-signal=CHLD,TERM,USR1 " ..
      h.quote(h.bin) .. [[ -e '
        for line in orun.exec("cat", "/proc/self/status").output:gmatch("[^\n]+") do
          if line:match("^Sig[BIC]") then print(line) end
        end']])
    assert.matches("SigBlk:\t0000000000000000", r.out, 1, true)
    assert.matches("SigCgt:\t0000000000000000", r.out, 1, true)
  end)

  it("H12 opens no more than 0 to 2 in programs", function()
    local r = sh([[exec 7</dev/null
      orun -e 'local keep = io.open("/dev/null")
               io.write(orun.exec("sh", "-c", "ls /proc/$$/fd").output)']])
    assert.equal("0\n1\n2\n", r.out, r.err)
  end)

  it("H12 keeps prompts private whatever the umask", function()
    local r = sh([[umask 000
      orun -e 'orun.agent{name = "m", command = {"sh", "-c",
                 "stat -c %a \"$0\" \"${0%/*}\"", "{prompt_file}"}}
               io.write(Task{subagent_type = "m", prompt = "x"}.output)']])
    assert.equal("600\n700\n", r.out, r.err)
  end)

  it("H13 does not care about the language", function()
    for _, name in ipairs{"de_DE.UTF-8", "xx", "C", ""} do
      local r = h.orun{"-e", [[
        print(1.5, tonumber("1.5"), string.format("%.1f", 2.5))
        print(Task{run = function() return 0.5 end, timeout = "1.5s"}.output)
        print(orun.json.encode{1.5})]], env = {LC_ALL = name, LANG = name, TZ = "Nowhere/Here"}}
      assert.equal("1.5\t1.5\t2.5\n0.5\n[1.5]\n", r.out, r.err)
    end
  end)

  it("H14 can be started with no arguments at all, not even a name", function()
    local dir = h.tmpdir()
    h.write(dir .. "/start.c", [[
#include <unistd.h>
int main(int argc, char **argv)
{
    char *none[] = { 0 };
    (void)argc;
    execve(argv[1], none, none);
    return 99;
}
]])
    local r = h.sh("cc -o start start.c && ./start " .. h.quote(h.bin), {cwd = dir})
    assert.same({0, ""}, {r.code, r.err})
  end)

  it("H15 needs no variable", function()
    local r = sh("env -i " .. h.quote(h.bin) .. " -", {stdin = script})
    assert.equal(GOOD, r.out, r.err)
  end)

  it("H15 finds another place when TMPDIR is none", function()
    if valgrind_has_them then return pending "valgrind itself needs TMPDIR" end
    local dir = h.tmpdir()
    h.write(dir .. "/file", "")
    for _, value in ipairs{"/no/such/folder", "/proc", "", dir .. "/file", "a/b"} do
      local r = h.orun{"-", stdin = script, env = {TMPDIR = value}}
      assert.equal(GOOD, r.out, value .. r.err)
    end
  end)

  it("H15 leaves nothing in TMPDIR", function()
    local dir = h.tmpdir()
    local r = h.orun{"-", stdin = script, env = {TMPDIR = dir}}
    assert.equal(GOOD, r.out, r.err)
    assert.equal("", h.sh("ls -A " .. dir).out)
  end)

  it("runs when its folder is gone", function()
    local r = sh([[mkdir gone; cd gone; rmdir ../gone
      orun -e 'print(Task{run = function() return 1 end}.output, orun.exec("echo", "x").output)']])
    assert.equal("1\tx\n\n", r.out, r.err)
  end)

  it("runs with few descriptors", function()
    local r = sh([[ulimit -n 40
      orun -e '
        orun.agent{name = "cat", command = {"cat"}}
        local tasks = {}
        for i = 1, 50 do
          tasks[i] = Task{subagent_type = "cat", prompt = i .. "", run_in_background = true}
        end
        for i = 1, 50 do assert(TaskOutput(tasks[i]).output == i .. "") end
        print("fine")']])
    assert.equal("fine\n", r.out, r.err)
  end)

  it("H17 runs many times at once", function()
    local r = sh([[
      i=0; while [ $i -lt 40 ]; do i=$((i+1))
        orun -e 'io.write(Task{run = function(n) return n end, input = "x"}.output,
                          orun.exec("echo", "y").output)' &
      done; wait]])
    assert.equal(("xy\n"):rep(40), r.out, r.err)
  end)

  it("H18 refuses to run with rights that are not its user's", function()
    local dir = h.tmpdir()
    -- What the kernel says of a setuid program, without one.
    h.write(dir .. "/secure.c", [[
#include <dlfcn.h>
#include <sys/auxv.h>
unsigned long getauxval(unsigned long type)
{
    unsigned long (*real)(unsigned long);
    if (type == AT_SECURE)
        return 1;
    *(void **)&real = dlsym(RTLD_NEXT, "getauxval");
    return real(type);
}
]])
    local r = h.sh("cc -shared -fPIC -D_GNU_SOURCE -o secure.so secure.c", {cwd = dir})
    assert.equal(0, r.code, r.err)
    r = h.orun{"-e", "print(1)", cwd = dir, env = {
      LD_PRELOAD = dir .. "/secure.so",
      ASAN_OPTIONS = "verify_asan_link_order=0:detect_leaks=0",
    }}
    assert.equal(2, r.code)
    assert.same({"", "orun: refusing to run setuid or setgid\n"}, {r.out, r.err})
  end)

  it("tells its log when asked, and only then", function()
    local code = "Task{run = print}"
    assert.matches("t1 completed", h.orun{"-e", code, env = {ORUN_LOG = "sched"}}.err, 1, true)
    assert.equal("", h.orun{"-e", code, env = {ORUN_LOG = "supervisor"}}.err)
    assert.equal("", h.orun{"-e", code}.err)
  end)

  it("finds the supervisor's area by its earlier name, too", function()
    for _, name in ipairs{"supervisor", "keeper"} do
      local r = h.orun{"-e", "os.execute('true')", env = {ORUN_LOG = name}}
      assert.matches("orun +[%d.]+ supervisor: supervisor %d+ started\n", r.err)
    end
  end)
end)
