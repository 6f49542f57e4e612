--- Programs that misbehave in every way they can, as agents and behind
--- os.execute and io.popen: each harms only its own task, and nothing of it stays.

local h = require "spec.support.helper"
local strays = require "spec.support.strays"

-- Run a script whose programs are marked; what it printed, and how many
-- processes it left.
local function run(script, opts)
  local m = strays.mark()
  opts = opts or {}
  opts.cwd = opts.cwd or m.dir
  opts.env = opts.env or {}
  for name, value in pairs(m.env) do opts.env[name] = value end
  local r = h.script([[
    orun.agent{name = "sh", command = {"sh", "-c", "eval \"$SCRIPT\""}}
    -- The result of a shell script run as an agent.
    function sh(text, more)
      local fields = {subagent_type = "sh", prompt = "p", env = {SCRIPT = text}}
      for name, value in pairs(more or {}) do fields[name] = value end
      return Task(fields)
    end
  ]] .. script, opts)
  r.left = strays.left(m)
  return r
end

local function prints(want, script, opts)
  local r = run(script, opts)
  assert.equal(want, r.out, r.err)
  assert.equal(0, r.left, "processes were left")
  return r
end

describe("an agent that is a program", function()
  it("F1 is killed when it ignores SIGTERM", function()
    prints("failed\ttimeout\n", [[
      local r = sh("trap '' TERM; sleep 1000 & wait; wait", {timeout = 0.5})
      print(r.status, r.error_kind)]])
  end)

  it("F2 takes what it double-forked with it", function()
    prints("completed\tmain ends\n\n", [[
      local r = sh("(setsid sleep 1000 &); "
        .. "setsid sh -c 'trap \"\" TERM; sleep 1000' & echo main ends")
      print(r.status, r.output)]])
  end)

  it("F3 does not wait for a grandchild that holds the pipe", function()
    prints("completed\tdone\n\n", [[
      local r = sh("sleep 1000 & echo done")
      print(r.status, r.output)]])
  end)

  it("F4 goes on when it has closed its outputs", function()
    prints("in_progress\nfailed\t3\n", [[
      local t = sh("exec >&- 2>&-; : > closed; until [ -e go ]; do sleep 0.02; done; exit 3",
        {run_in_background = true})
      while not io.open("closed") do orun.sleep(0.02) end
      print(TaskOutput{task_id = t, block = false}.status)
      io.open("go", "w"):close()
      local r = TaskOutput(t)
      print(r.status, r.exit_code)]])
  end)

  it("F5 may leave a prompt of 10 MB unread", function()
    prints("completed\tnot read\n\nSigIgn:\t0000000000000000\n", [[
      local r = sh("sleep 0.1; echo not read", {prompt = ("x"):rep(10 << 20)})
      print(r.status, r.output)
      io.write(sh("grep SigIgn /proc/self/status").output)]])
  end)

  it("F6 is judged by its exit code when it ends before reading", function()
    prints("completed\t0\nfailed\t5\n", [[
      for _, code in ipairs{0, 5} do
        local r = sh("exit " .. code, {prompt = ("x"):rep(10 << 20)})
        print(r.status, r.exit_code or 0)
      end]])
  end)

  it("F7 fails with the signal that killed it", function()
    prints("signal\t9\tnil\nsignal\t11\tnil\nsignal\t6\tnil\n", [[
      for _, name in ipairs{"KILL", "SEGV", "ABRT"} do
        local r = sh("ulimit -c 0; kill -" .. name .. " $$")
        print(r.error_kind, r.signal, r.exit_code)
      end]])
  end)

  it("F8 may say nothing, and has an exit code of eight bits", function()
    local r = prints("completed\t\ncompleted\t\nexit\t1\nexit\t127\n", [[
      local named
      for _, code in ipairs{"exit 0", "exit 256", "exit 257", "no-such-program-here"} do
        local r = sh(code)
        if r.status == "completed" then print(r.status, r.output)
        else print(r.error_kind, r.exit_code) end
        named = r.error
      end
      io.stderr:write(named)]])
    assert.matches("command not found?", r.err, 1, true)
  end)

  it("F9 is ended by its time-out when it has stopped itself", function()
    prints("timeout\ntimeout\n", [[
      print(sh("kill -STOP $$", {timeout = 0.3}).error_kind)
      print(sh("sh -c 'kill -STOP $$' & kill -TSTP 0; wait", {timeout = 0.3}).error_kind)]])
  end)

  it("F9 never reads from a terminal", function()
    prints("no terminal\n\n0\n\n", [[
      print(sh("[ -t 0 ] || echo no terminal").output)
      print(sh("sh -c 'exec 3</dev/tty' 2>/dev/null || echo 0").output)]])
  end)

  it("may print anything, much of it and in one line", function()
    prints("8388608\ttrue\n19\ttrue\n", [[
      local function whole(r)
        local f <close> = assert(io.open(r.output_file or "none", "rb"))
        return f:read("a")
      end
      local long = whole(sh("head -c 8388608 /dev/zero | tr '\\0' x"))
      print(#long, long == ("x"):rep(8388608))
      local odd = sh("printf 'a\\r\\n\\0\\377\\376\\200b\\r\\033[2J\\303(end\\n'").output
      print(#odd, odd == "a\r\n\0\xff\xfe\x80b\r\27[2J\xc3(end\n")]])
  end)

  it("F11 has its two outputs kept apart", function()
    prints("o1\no2\no3\n|e1\ne2\ne3\n|\n", [[
      local r = orun.exec("sh", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; done")
      print(r.output .. "|" .. r.stderr .. "|")]])
  end)

  it("F14 fails with the reason when it cannot be executed", function()
    local r = prints("spawn\nspawn\nspawn\nspawn\n", [[
      local busy = assert(io.open("busy", "w"))
      busy:write("#!/bin/sh\n") busy:flush()
      io.open("lost", "w"):write("#!/no/such/interpreter\n"):close()
      io.open("plain", "w"):write("#!/bin/sh\n"):close()
      os.execute("chmod 755 busy lost")
      for _, name in ipairs{"busy", "lost", "plain", "."} do
        orun.agent{name = "odd", command = {"./" .. name}}
        local r = Task{subagent_type = "odd", prompt = "p"}
        print(r.error_kind)
        io.stderr:write(r.error, "\n")
      end]])
    assert.matches("ETXTBSY.*interpreter.*ENOENT.*EACCES.*EACCES", r.err)
  end)

  it("F15 may be orun itself, and ends with all of its own", function()
    prints("completed\tinner\n\ntimeout\n", ([[
      local bin = %q
      orun.agent{name = "orun", command = {bin, "-"}}
      local r = Task{subagent_type = "orun", prompt =
        "print(orun.exec('sh', '-c', 'setsid sleep 1000 & echo inner').output)"}
      print(r.status, (r.output:gsub("\n\n", "\n")))
      print(Task{subagent_type = "orun", timeout = 0.5, prompt =
        "orun.exec('sh', '-c', 'trap \"\" TERM; setsid sleep 1000 & while :; do sleep 1; done')"
      }.error_kind)]]):format(h.bin))
  end)

  it("F16 finds nothing open but 0 to 2", function()
    prints(("0\n1\n2\n"):rep(3), [[
      local keep = io.open("/dev/null")
      local pipe = io.popen("cat", "w")
      local list = "ls /proc/$$/fd; :"
      io.write(sh(list).output, io.popen(list):read("a"))
      os.execute(list)
      pipe:close()]])
  end)

  it("F17 ends itself only when it kills its group", function()
    prints("signal\t9\ncompleted\n", [[
      local other = sh("until [ -e go ]; do sleep 0.02; done", {run_in_background = true})
      local r = sh("kill -9 0")
      print(r.error_kind, r.signal)
      io.open("go", "w"):close()
      print(TaskOutput(other).status)]])
  end)

  it("F18 may kill the supervisor or its guard: its task is lost, the next one works", function()
    prints("lost\nfine\nlost\nfine\n", [[
      for _, target in ipairs{"$PPID", "$(cut -d ' ' -f 4 /proc/$PPID/stat)"} do
        print(sh("setsid sleep 1000 & kill -9 " .. target .. "; sleep 1000").error_kind)
        io.write(sh("echo fine").output)
      end]])
  end)

  it("F18 may kill orun: nothing stays", function()
    local r = run([[
      sh("setsid sleep 1000 & trap '' TERM; guard=$(cut -d ' ' -f 4 /proc/$PPID/stat); "
        .. "kill -9 $(cut -d ' ' -f 4 /proc/$guard/stat); sleep 1000")
      print("not reached")]])
    assert.equal("", r.out)
    assert.equal(0, r.left)
  end)
end)

describe("os.execute", function()
  it("E11 gives what Lua's own gives", function()
    local script = [[
      local function show()
        print(os.execute())
        print(os.execute("exit 3"))
        print(os.execute("kill -9 $$"))
        print(os.execute("true"))
        print(os.execute("no-such-program-here 2>/dev/null"))
        print(pcall(os.execute, {}))
      end
      show()
      local task = Task{run = show}
      if task.status ~= "completed" then print(task.error) end]]
    local once = "true\nnil\texit\t3\nnil\tsignal\t9\ntrue\texit\t0\nnil\texit\t127\n"
      .. "false\tbad argument #1 to 'os.execute' (string expected, got table)\n"
    prints(once .. once, script)
  end)

  it("E11 hands the script's input on, and a task's is empty", function()
    prints("line\nnothing\n", [[
      os.execute("read x; echo $x")
      Task{run = function() os.execute("read x || echo nothing") end}]], { stdin = "line\n" })
  end)

  it("E11 gives its worker to others meanwhile, and waits where Lua cannot yield", function()
    local m = strays.mark()
    local r = h.orun{ "--workers", "1", "-e", [[
      local waits = Task{run = function()
        local t = {2, 1}
        table.sort(t, function(a, b)
          os.execute("until [ -e go ]; do sleep 0.02; done")
          return a < b
        end)
        os.execute("until [ -e go2 ]; do sleep 0.02; done")
        return t[1]
      end, run_in_background = true}
      Task{run = function() io.open("go", "w"):close() end}
      Task{run = function() io.open("go2", "w"):close() end}
      print(TaskOutput(waits).output)]], cwd = m.dir, env = m.env }
    assert.equal("1\n", r.out, r.err)
  end)

  it("E11 ends with its task, however it ignores that", function()
    prints("timeout\n", [[
      print(Task{timeout = 0.3, run = function()
        os.execute("trap '' TERM; setsid sleep 1000 & sleep 1000; sleep 1000")
      end}.error_kind)]])
  end)

  it("E11 leaves what goes on in the background alone until its task is over", function()
    prints("true\ttrue\nfalse\n", [[
      local function alive(file)
        return os.execute("kill -0 $(cat " .. file .. ") 2>/dev/null") == true
      end
      os.execute("setsid sleep 1000 & echo $! > mine")
      orun.exec("true")
      local inside = Task{run = function()
        os.execute("sleep 1000 & echo $! > its")
        os.execute("true")
        return os.execute("kill -0 $(cat its)") == true
      end}.output
      print(alive("mine"), inside)
      for _ = 1, 1000 do
        if not alive("its") then break end
        orun.sleep(0.02)
      end
      print(alive("its"))]])
  end)
end)

describe("a task in a process of its own", function()
  it("E11 has both, and nothing of them stays", function()
    prints("nil\texit\t3\nhi\tnil\texit\t4\ntimeout\n", [[
      Task{isolation = "process", run = function()
        os.execute("setsid sleep 1000 &")
        print(os.execute("exit 3"))
        local f = io.popen("echo hi; exit 4")
        print(f:read("l"), f:close())
      end}
      print(Task{isolation = "process", timeout = 0.3, run = function()
        os.execute("trap '' TERM; setsid sleep 1000 & sleep 1000; sleep 1000")
      end}.error_kind)]])
  end)
end)

describe("io.popen", function()
  it("E11 gives what Lua's own gives", function()
    local script = [[
      local function show()
        local f = io.popen("echo one; echo two; exit 4")
        print(io.type(f), f:read("l"), f:read("n"), f:read("a"))
        print(f:close())
        print(io.type(f), pcall(f.read, f))
        f = io.popen("cat >&2; exit 2", "w")
        print(f:write("written\n") == f, f:close())
        f = io.popen("kill -TERM $$")
        print(f:read("l"), f:close())
        for line in io.popen("echo a; echo b"):lines() do print(line) end
        do local g <close> = io.popen("echo closed") print(g:read("l")) end
        print(pcall(io.popen, "true", "rw"))
        print(io.close(io.popen("exit 9")))
      end
      show()
      local task = Task{run = show}
      if task.status ~= "completed" then print(task.error) end]]
    local once = "file\tone\tnil\ttwo\n\nnil\texit\t4\nclosed file\tfalse\tattempt to use a "
      .. "closed file\ntrue\tnil\texit\t2\nnil\tnil\tsignal\t15\na\nb\nclosed\n"
      .. "false\tbad argument #2 to 'io.popen' (invalid mode)\nnil\texit\t9\n"
    local r = prints(once .. once, script)
    assert.equal("written\nwritten\n", r.err)
  end)

  it("E11 comes back from a read or a write when its task is stopped", function()
    local r = prints("timeout\ntimeout\ntimeout\ntimeout\n", [[
      local function stopped(run)
        print(Task{run = run, timeout = 0.3}.error_kind)
      end
      stopped(function() io.popen("sleep 1000"):read("a") end)
      stopped(function() io.popen("trap '' TERM; sleep 1000; sleep 1000"):read("a") end)
      stopped(function()
        local f = io.popen("sleep 1000", "w")
        while true do f:write(("x"):rep(1 << 20)) end
      end)
      stopped(function() io.popen("sleep 1000"):close() end)]],
      { env = { ORUN_LOG = "sched" } })
    assert.matches("stop t1", r.err, 1, true)
    assert.is_nil(r.err:find("stuck", 1, true), r.err)
  end)

  it("E11 ends what a task has not closed, and waits for what the script has not", function()
    prints("completed\nended\nb\na\nlate\n", [[
      print(Task{run = function()
        local _ = io.popen("echo $$ >new; mv new pid; exec sleep 1000")
        while not io.open("pid") do orun.sleep(0.02) end
      end}.status)
      while os.execute("kill -0 $(cat pid) 2>/dev/null") do orun.sleep(0.02) end
      print("ended")
      io.popen("cat; sleep 0.2; echo late", "w"):write("b\na\n")]], {})
  end)

  it("E11 ends when the script is interrupted in a read of it", function()
    local m = strays.mark()
    local p = h.start{ "-e", [[io.popen("sleep 1000"):read("a") print("read")]],
      cwd = m.dir, env = m.env }
    assert.is_truthy(strays.wait(m, 1, p.pid))
    p:kill("INT")
    local r = p:wait()
    assert.equal(130, r.code)
    assert.matches("interrupted", r.err, 1, true)
    assert.equal(0, strays.left(m))
  end)
end)
