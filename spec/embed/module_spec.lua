--- `require "orun"` in a Lua that is not orun's: Debian's `lua5.4`, and programs
--- with Lua in them.

local h = require "spec.support.helper"

local own_lua = h.sh("pkg-config --libs lua5.4").out:find("%.a%s")
-- The thread sanitizer's library must be the program's own.
if own_lua or h.variant == "tsan" then
  it("is tried with Debian's Lua, and without the thread sanitizer", function() end)
  return
end

-- The library of a sanitizer must be the first of a program that has none. The
-- programs that it starts have it, too, and leaks of their own (lua_state.c
-- looks for ours).
local SANITIZER <const> = {asan = "libasan.so", ubsan = "libubsan.so"}
local preload = SANITIZER[h.variant]
  and h.sh("cc -print-file-name=" .. SANITIZER[h.variant]).out:match("[^\n]+")

local cpath <const> = h.lib:gsub("[^/]*$", "module/?.so;;")

--- What `h.orun` takes, for lua5.4.
local function options(opts)
  local env = {LUA_CPATH = cpath, LD_PRELOAD = preload}
  if preload then env.ASAN_OPTIONS = os.getenv("ASAN_OPTIONS") .. ":detect_leaks=0" end
  for name, value in pairs(opts and opts.env or {}) do env[name] = value end
  local all = {bin = h.sh("command -v lua5.4").out:match("[^\n]+")}
  for key, value in pairs(opts or {}) do all[key] = value end
  all.env = env
  return all
end

--- Run a script given as text in lua5.4.
local function lua(text, opts)
  return h.script(text, options(opts))
end

--- What it printed; it must end well, with nothing on standard error.
local function printed(text, opts)
  local r = lua(text, opts)
  assert.same({0, ""}, {r.code, r.err}, r.out .. r.err)
  return r.out
end

--- A line of Lua that starts a task whose program writes its id to the file
--- `pid`, and goes on when that is there.
local LONG <const> = [[
  local orun = require "orun"
  orun.Task{run_in_background = true, description = "long", run = function()
    orun.exec("sh", "-c", "echo $$ >pid.new; mv pid.new pid; exec sleep 1000")
  end}
  while not io.open("pid") do orun.sleep(0.01) end
]]

local function gone(dir)
  local pid = h.read(dir .. "/pid"):match("%d+")
  return h.wait_for(function() return not h.exists("/proc/" .. pid) end)
end

describe("the module in lua5.4", function()
  it("runs the example, which calls agents, functions and a pattern", function()
    local file = h.read(h.root .. "/examples/embed/module.lua")
    local expected = {}
    for line in file:gmatch("%-%-> ([^\n]+)") do expected[#expected + 1] = line .. "\n" end
    assert.equal(4, #expected)
    assert.equal(table.concat(expected), printed(file))
  end)

  it("sets no global, and replaces nothing", function()
    assert.equal("searchers 1\nloaded orun\nnothing else\n", printed[[
      local places = {_G = _G, string_meta = getmetatable(""), searchers = package.searchers,
                      loaded = package.loaded}
      for name, t in pairs(package.loaded) do
        if type(t) == "table" and t ~= _G then places[name] = t end
      end
      local before = {}
      for name, t in pairs(places) do
        before[name] = {}
        for key, value in pairs(t) do before[name][key] = value end
      end
      local hook = debug.gethook()
      local orun = require "orun"
      assert(orun.Task{run = function() return 1 end}.output == 1)
      print("searchers", #package.searchers - #before.searchers)
      before.searchers[#package.searchers] = package.searchers[#package.searchers]
      for name, t in pairs(places) do
        for key, value in pairs(t) do
          if before[name][key] ~= value and not tostring(key):find("^orun%.") then
            print(name, key)
            before[name][key] = value
          end
        end
        for key, value in pairs(before[name]) do assert(t[key] == value, key) end
      end
      assert(debug.gethook() == hook)
      print("nothing else")]]:gsub("\t", " "))
  end)

  it("sets the globals of scripts when it is asked to", function()
    assert.equal("1\ncompleted\n", printed[[
      require("orun").globals()
      print(Task{run = function() return 1 end}.output)
      print(#TaskList() == 0 and TaskGet("t1").status)
      orun.finish()]])
  end)

  it("runs the examples as the command does", function()
    local dir = h.tmpdir()
    h.sh("cp -r examples " .. h.quote(dir))
    local paths = h.find("examples", "-maxdepth 1 -name '[0-9]*.lua'")
    assert.is_true(#paths > 30)
    for i = 1, #paths, h.slow > 1 and 7 or 1 do
      local r = h.sh((os.getenv("ORUN_WRAP") or "") .. " " .. options().bin
        .. [[ -e 'require("orun").globals()' ]] .. paths[i],
        {cwd = dir, env = options{env = {PATH = h.bin:gsub("/[^/]*$", "") .. ":"
          .. os.getenv("PATH")}}.env})
      assert.equal(0, r.code, paths[i] .. ": " .. r.err)
      local printed_lines, n = h.lines(r.out), 0
      for line in h.read(paths[i]):gmatch("\n%-%-> ?([^\n]*)") do
        n = n + 1
        if line:sub(1, 2) ~= "~ " then assert.equal(line, printed_lines[n], paths[i]) end
      end
      assert.equal(n, #printed_lines, paths[i])
    end
  end)

  it("waits wherever it is called: in coroutines, comparators, iterators", function()
    assert.equal("7\n1 2 3\n12\n", printed[[
      local orun = require "orun"
      local function one(n) return orun.Task{run = function(n) return n end, input = n}.output end
      print(coroutine.wrap(function() coroutine.yield(one(7)) end)())
      local t = {3, 1, 2}
      table.sort(t, function(a, b) return one(a) < one(b) end)
      print(table.concat(t, " "))
      print((("ab"):gsub(".", function(c) return one(c:byte() - 96) end)))]])
  end)

  it("hands tasks its modules, and itself as a variable they capture", function()
    assert.equal("6\n49\n", printed[[
      local orun = require "orun"
      local Task = orun.Task
      print(Task{run = function()
        return Task{run = function() return 5 end}.output + 1
      end}.output)
      print(orun.Task{run = function()
        return orun.map({7}, function(n) return n * n end)[1]
      end}.output)]])
  end)

  it("has tasks find what package.path and cpath find", function()
    local dir = h.tmpdir()
    h.write(dir .. "/mine.lua", "return {answer = 42}")
    assert.equal("42\t42\n", printed(([[
      package.path = %q .. package.path
      local orun, mine = require "orun", require "mine"
      print(orun.Task{run = function() return mine.answer end}.output,
            orun.Task{run = function() return require("mine").answer end}.output)]]):format(
      dir .. "/?.lua;")))
  end)

  it("begins messages with the place in the script", function()
    local r = lua[[
      local orun = require "orun"
      orun.Task{promt = "x"}]]
    assert.equal(1, r.code)
    assert.matches("script.lua:2: Task: unknown field \"promt\"", r.err, 1, true)
  end)

  it("raises in finish what failed and was never read, once", function()
    local r = lua[[
      local orun = require "orun"
      orun.Task{run_in_background = true, run = function() error("lost", 0) end}
      print(pcall(orun.finish))
      orun.finish()]]
    assert.same({0, ""}, {r.code, r.err})
    assert.matches("^false\t[^\n]*script.lua:2: t1 failed and its result was never read: lost\n$",
      r.out)
  end)

  it("tells at the end what was cancelled, and what failed unread", function()
    local r = lua(LONG .. [[
      orun.Task{run_in_background = true, run = function() error("lost", 0) end,
                finally = function() io.open("over", "w"):close() end}
      while not io.open("over") do orun.sleep(0.01) end
      orun.exec("true")]])
    assert.equal(0, r.code)
    assert.matches("^orun: still running at the end, and cancelled: t1 %(long%) "
      .. "%(orun%.finish%(%) waits for tasks%)\n"
      .. "orun: [^\n]*t2 failed and its result was never read: lost\n$", r.err)
  end)

  it("is refused words about waits that nothing can end", function()
    local r = lua[[
      local orun = require "orun"
      orun.TaskCreate{subject = "never done"}
      print(pcall(orun.TaskOutput, "t1"))]]
    assert.matches("^false\t.*can never", r.out)
  end)

  it("ends when it is closed, and what there is of it stays usable", function()
    assert.equal("false\torun was closed\nfailed\tq\nfalse\torun was closed\n", printed[[
      local orun = require "orun"
      local failed = orun.Task{run = function() error("q", 0) end}
      local program = orun.exec("true")
      local all = orun.collector{}
      assert(failed.status == "failed")
      orun.close()
      orun.close()
      print(pcall(orun.Task, {run = function() end}))
      print(failed.status, failed.error)
      print(pcall(all.next, all))
      failed, program, all = nil
      collectgarbage()]])
  end)

  it("is closed before finalizers that are older, which are told so", function()
    assert.equal("false\torun was closed\n", printed[[
      local orun
      keep = setmetatable({}, {__gc = function()
        print(pcall(orun.Task, {run = function() end}))
      end})
      orun = require "orun"
      orun.Task{run = function() end}]])
  end)

  it("makes its runtime when it is first needed", function()
    assert.equal("1\nsame\n", printed[[
      local function threads()
        local n = 0
        for line in io.lines("/proc/self/status") do n = line:match("^Threads:%s+(%d+)") or n end
        return n
      end
      local orun = require "orun"
      print(threads())
      orun.finish()
      assert(threads() == "1")
      package.loaded.orun = nil
      local again = require "orun"
      orun.Task{run_in_background = true, run = function() end}
      print(again.TaskGet("t1") and "same")
      again.finish()]])
  end)

  it("lets the first call say how many workers there are", function()
    assert.equal("3 7\nfalse\t3\n", printed[[
      local orun = require "orun"
      local now = orun.config{workers = 3, processes = 7}
      print(now.workers .. " " .. now.processes)
      print(pcall(orun.config, {workers = 4}), orun.config().workers)]]:gsub("\t[^\n]*\t", "\t"))
    assert.matches("workers.*expected", lua[[require("orun").config{workers = 0}]].err)
  end)

  for how, case in pairs{
    ["its end"] = {"", 0},
    ["an error"] = {"error('x', 0)", 1},
    ["os.exit"] = {"os.exit(3)", 3},
    ["os.exit that closes the state"] = {"os.exit(4, true)", 4},
    ["a kill"] = {"local f = io.open('/proc/self/stat') "
      .. "os.execute('kill -KILL ' .. f:read('n')) orun.sleep(60)", 137},
    ["a signal"] = {"local f = io.open('/proc/self/stat') "
      .. "os.execute('kill -TERM ' .. f:read('n')) orun.sleep(60)", 143},
  } do
    it("leaves nothing behind at " .. how, function()
      local dir = h.tmpdir()
      local r = lua(LONG .. case[1], {cwd = dir})
      assert.equal(case[2], r.code, r.err)
      assert.is_true(gone(dir))
    end)
  end

  it("ends a wait at Ctrl-C, as an error of the place that waits", function()
    local dir = h.tmpdir()
    h.write(dir .. "/script.lua", "io.stdout:setvbuf 'no'\n" .. LONG .. [[
      io.open("ready", "w"):close()
      print(pcall(orun.TaskOutput, "t1"))
      orun.sleep(1000)]])
    local p = h.start(options{"script.lua", cwd = dir})
    assert.is_true(h.wait_for(function() return h.exists(dir .. "/ready") end))
    h.wait_for(function() return p:state() == "S" end)
    p:kill "INT"
    h.wait_for(function() return p:printed() ~= "" or p:state() == nil end)
    p:kill "INT"
    local r = p:wait()
    assert.is_truthy(r)
    -- A signal that comes before the wait begins is raised by the Lua code.
    assert.matches("interrupted!", r.out .. r.err)
    assert.is_true(gone(dir))
  end)

  it("ends orun.exec at Ctrl-C at once, whatever its program ignores",
    function()
      local dir = h.tmpdir()
      h.write(dir .. "/script.lua", [[
        require("orun").exec("sh", "-c",
          "trap '' INT TERM; echo $$ >pid.new; mv pid.new pid; while :; do sleep 1; done")]])
      local p = h.start(options{"script.lua", cwd = dir})
      assert.is_true(h.wait_for(function() return h.exists(dir .. "/pid") end))
      p:kill "INT"
      local r = p:wait()
      assert.equal(1, r.code, r.err)
      assert.matches("script.lua:1: interrupted!", r.err, 1, true)
      assert.is_true(gone(dir))
    end)

  it("is no more than a state that can be closed in a fork", function()
    local dir = h.tmpdir()
    local r = h.sh("cc -shared -fPIC $(pkg-config --cflags lua5.4) -o " .. h.quote(dir)
      .. "/forks.so " .. h.quote(h.root) .. "/spec/support/forks.c")
    assert.equal(0, r.code, r.err)
    r = lua(LONG .. [[
      local forks = require "forks"
      local pid = forks.fork()
      if pid == 0 then
        print(pcall(orun.Task, {run = function() end}))
        os.exit(7, true)
      end
      print(forks.wait(pid))
      print(orun.Task{run = function() return "well" end}.output)]],
      {cwd = dir, env = {LUA_CPATH = dir .. "/?.so;" .. cpath}})
    assert.equal(0, r.code, r.err)
    assert.matches("^false\t[^\n]*ORUN_EFORKED: [^\n]*\n7\nwell\n$", r.out)
    assert.is_true(gone(dir))
  end)

  it("is a runtime of its own in a fork that comes before it is used", function()
    local dir = h.tmpdir()
    h.sh("cc -shared -fPIC $(pkg-config --cflags lua5.4) -o " .. h.quote(dir)
      .. "/forks.so " .. h.quote(h.root) .. "/spec/support/forks.c")
    assert.equal("child\n0\nparent\n", printed([[
      local orun, forks = require "orun", require "forks"
      local pid = forks.fork()
      local who = pid == 0 and "child" or "parent"
      if pid ~= 0 then print(forks.wait(pid)) end
      print(orun.Task{run = function(who) return who end, input = who}.output)]],
      {env = {LUA_CPATH = dir .. "/?.so;" .. cpath}}))
  end)

  it("runs isolated tasks by the command of the same build", function()
    local dir = h.tmpdir()
    h.write(dir .. "/script.lua", [[
      local orun = require "orun"
      local r = orun.Task{isolation = "process", run = function() return 7 end}
      print(r.output or r.error)]])
    local function with(path)
      local r = h.sh(("PATH=%s %s %s script.lua"):format(h.quote(path),
        os.getenv("ORUN_WRAP") or "", options().bin), {cwd = dir, env = options().env})
      assert.same({0, ""}, {r.code, r.err})
      return r.out
    end
    assert.equal("7\n", with(h.bin:gsub("/[^/]*$", "")))
    assert.equal("cannot start 'orun': No such file or directory (ENOENT); is it installed, and "
      .. 'in PATH? A task with isolation = "process" runs in the command orun, of the same build ('
      .. require("orun").version .. ")\n", with "/nowhere")
  end)

  it("is what a spec uses that busted runs in lua5.4", function()
    local r = lua[[
      require "busted.runner"()
      describe("a program with tasks", function()
        local orun = require "orun"
        it("has their results", function()
          assert.equal(12, orun.Task{run = function() return 12 end}.output)
        end)
        it("sees their failures", function()
          assert.equal("no", orun.Task{run = function() error("no", 0) end}.error)
        end)
      end)]]
    assert.equal(0, r.code, r.out .. r.err)
    assert.matches("2 successes / 0 failures / 0 errors", r.out)
  end)
end)

describe("the module in a program", function()
  local dir

  --- Build lua_host.c with these flags.
  local function build(name, flags)
    local r = h.sh(("cc -std=c11 -g -Wall -Wextra -Werror $(pkg-config --cflags lua5.4) "
      .. "-o %s %s/spec/embed/lua_host.c %s -lm -ldl"):format(name, h.quote(h.root), flags),
      {cwd = dir})
    assert.equal(0, r.code, r.err)
  end

  local function run(line)
    return h.sh((os.getenv("ORUN_WRAP") or "") .. " ./" .. line,
      {cwd = dir, env = options().env})
  end

  setup(function()
    dir = h.tmpdir()
    h.write(dir .. "/example.lua", h.read(h.root .. "/examples/embed/module.lua"))
  end)

  for what, flags in pairs{
    ["a shared Lua"] = "$(pkg-config --libs lua5.4)",
    ["Lua in it, whose names it exports"] =
      "-Wl,-E -Wl,--whole-archive -l:liblua5.4.a -Wl,--no-whole-archive",
  } do
    it("with " .. what .. " works", function()
      build("host", flags)
      local r = run "host example.lua"
      assert.same({0, ""}, {r.code, r.err})
      assert.matches("^completed\tONE\ncompleted\t144\nfailed\ton purpose\n", r.out)
    end)
  end

  it("with Lua in it that it keeps to itself is refused, for there are two", function()
    build("alone", "-l:liblua5.4.a")
    local r = run "alone example.lua"
    assert.equal(1, r.code)
    assert.matches("two copies of Lua in this process: this state is of the one in [^\n]*alone, "
      .. "and orun uses the one in [^\n]*liblua5%.4%.so%.0", r.err)
  end)

  it("leaves nothing when state after state has used it", function()
    build("host", "$(pkg-config --libs lua5.4)")
    h.write(dir .. "/round.lua", [[
      local orun = require "orun"
      local r = orun.Task{run = function() return orun.exec("true").exit_code end}
      assert(r.output == 0, r.error)
      orun.Task{run_in_background = true, run = function() return 1 end}
      orun.finish()]])
    local r = run("host round.lua " .. math.max(10, 100 // h.slow // 1))
    assert.same({0, ""}, {r.code, r.err})
    assert.equal("files +0 threads +0\n", r.out)
  end)
end)

describe("the library in another language", function()
  it("is loaded by Python's ctypes, and its tasks find modules in C", function()
    if h.sh("command -v python3").code ~= 0 then return end
    local dir = h.tmpdir()
    local r = h.sh(("cc -shared -fPIC $(pkg-config --cflags lua5.4) -o forks.so %s")
      :format(h.quote(h.root .. "/spec/support/forks.c")), {cwd = dir})
    assert.equal(0, r.code, r.err)
    r = h.sh(("%s python3 %s %s"):format(os.getenv("ORUN_WRAP") or "",
      h.quote(h.root .. "/spec/embed/foreign.py"), h.quote((h.lib:gsub("%.a$", ".so.0")))),
      {cwd = dir, env = options{env = {LUA_CPATH = "./?.so"}}.env})
    assert.same({0, "from a program, with a module in C\n"}, {r.code, r.out}, r.err)
  end)
end)
