--- What signals do to orun, and that nothing outlives it, however it ends.

local h = require "spec.support.helper"
local orun = require "orun"
local strays = require "spec.support.strays"

-- Start a script with a mark; `started` waits until it and `n` processes are
-- there.
local function start(script, opts)
  local m = strays.mark()
  opts = opts or {}
  opts.cwd, opts.env = m.dir, m.env
  h.write(m.dir .. "/s.lua", script)
  local words = { "s.lua" }
  for key, value in pairs(opts) do words[key] = value end
  local p = h.start(words)
  p.m = m
  return p
end

local function started(p, n)
  return assert(strays.wait(p.m, n, p.pid), "its programs did not start")
end

-- Wait until `file` is in the folder of p.
local function appears(p, file)
  assert(h.wait_for(function() return h.exists(p.m.dir .. "/" .. file) end),
    file .. " did not appear")
end

local function ended(p, code)
  local r = assert(p:wait())
  assert.equal(code, r.code, r.err)
  assert.equal(0, strays.left(p.m), "processes were left")
  return r
end

-- Programs that do not end by themselves: two processes.
local POLITE <const> = [[
  orun.agent{name = "sh", command = {"sh", "-c", "eval \"$SCRIPT\""}}
  local function sh(text)
    return Task{subagent_type = "sh", prompt = "p", env = {SCRIPT = text},
      run_in_background = true}
  end
  sh("setsid sleep 1000 & exec sleep 1000")
]]

-- And one that does not even end when it is told (its own child comes and goes).
local PROGRAMS <const> = POLITE .. [[
  sh("trap '' TERM; while :; do sleep 0.1; done")
]]

local NUMBERS <const> = { HUP = 1, INT = 2, QUIT = 3, USR1 = 10, USR2 = 12, TERM = 15 }

describe("the first signal", function()
  for _, name in ipairs{ "INT", "TERM", "HUP", "USR1", "USR2" } do
    it("H16 ends the run in order when it is SIG" .. name, function()
      local programs, n = POLITE, 2
      if name == "INT" then programs, n = PROGRAMS, 3 end
      local p = start(programs .. [[
        Task{run_in_background = true, run = function()
          local _ <close> = setmetatable({}, {__close = function()
            io.open("task", "w"):close()
          end})
          io.open("ready", "w"):close()
          orun.sleep("1h")
        end}
        local _ <close> = setmetatable({}, {__close = function()
          io.open("script", "w"):close()
        end})
        orun.sleep("1h")]])
      started(p, n)
      appears(p, "ready")
      p:kill(name)
      local r = ended(p, 128 + NUMBERS[name])
      assert.matches("stopped: interrupted", r.err, 1, true)
      assert.is_true(h.exists(p.m.dir .. "/task"))
      assert.is_true(h.exists(p.m.dir .. "/script"))
    end)
  end

  it("H16 is how orun itself ends, so a shell's loop ends with it", function()
    for _, name in ipairs{ "INT", "USR1" } do
      local script = ([[
        local pid = io.open("/proc/self/stat"):read("n")
        os.execute("kill -%s " .. pid .. "; sleep 1000")]]):format(name)
      local _, how, code = os.execute(("exec %s -e %s 2>/dev/null"):format(h.quote(h.bin),
        h.quote(script)))
      assert.same({ "signal", NUMBERS[name] }, { how, code })
    end
  end)

  it("H16 stays ignored when it was ignored at the start", function()
    local p = start([[
      io.open("ready", "w"):close()
      while not io.open("go") do orun.sleep(0.02) end
      print("fine")]], { bin = "/usr/bin/env", "--ignore-signal=HUP,TSTP", h.bin, "s.lua" })
    appears(p, "ready")
    p:kill("HUP")
    p:kill("TSTP")
    h.write(p.m.dir .. "/go", "")
    assert.equal("fine\n", ended(p, 0).out)
  end)

  it("H16 does nothing when it is SIGWINCH or SIGCONT", function()
    local p = start([[
      io.open("ready", "w"):close()
      while not io.open("go") do orun.sleep(0.02) end
      print("fine")]])
    appears(p, "ready")
    p:kill("WINCH")
    p:kill("CONT")
    h.write(p.m.dir .. "/go", "")
    assert.equal("fine\n", ended(p, 0).out)
  end)

  it("H16 ends all at once when it is SIGQUIT", function()
    local p = start(PROGRAMS .. "orun.sleep('1h')")
    started(p, 3)
    p:kill("QUIT")
    ended(p, 128 + NUMBERS.QUIT)
  end)
end)

describe("the second signal", function()
  it("H16 skips the grace of programs", function()
    local p = start([[
      orun.agent{name = "deaf", command = {"sh", "-c",
        "trap ': > term' TERM; : > ready; while :; do sleep 0.1; done"}}
      Task{subagent_type = "deaf", prompt = "p"}]])
    started(p, 1)
    appears(p, "ready")
    p:kill("INT")
    appears(p, "term")
    p:kill("INT")
    -- A second later it would have ended without a word.
    assert.matches("stopped: interrupted", ended(p, 130).err, 1, true)
  end)

  it("H16 skips the clean-up of Lua code, in the script and in tasks", function()
    local p = start([[
      local function stay(name)
        local _ <close> = setmetatable({}, {__close = function()
          io.open(name, "w"):close()
          while true do end
        end})
        io.open(name .. "-ready", "w"):close()
        while true do end
      end
      Task{run = stay, input = "task", run_in_background = true}
      stay("script")]])
    appears(p, "task-ready")
    appears(p, "script-ready")
    p:kill("INT")
    appears(p, "script")
    p:kill("TERM")
    ended(p, 128 + NUMBERS.TERM)
  end)

  it("H16 ends even a script that sits in a C function, and the third one at once", function()
    for signals = 2, 3 do
      local p = start(PROGRAMS .. [[
        io.open("ready", "w"):close()
        local _ = ("a"):rep(1000):find((".-"):rep(30) .. "b")]])
      started(p, 3)
      appears(p, "ready")
      for _ = 1, signals do p:kill("INT") end
      -- Signals that come together may be one; the last ones make sure.
      assert.is_truthy(h.wait_for(function()
        p:kill("INT")
        return not p:state()
      end))
      ended(p, 130)
    end
  end)
end)

describe("SIGTSTP", function()
  if h.variant == "valgrind" then
    pending("does not stop what valgrind runs")
    return
  end

  -- Wait until all of its programs are stopped ("T") or run ("S").
  local function all_in(p, state, but)
    return h.wait_for(function()
      local all = strays.alive(p.m, p.pid)
      for _, one in ipairs(all) do
        if strays.stopped(one, all) ~= (state == "T") and one.pid ~= but then return false end
      end
      return true
    end)
  end

  local function stop(p)
    p:kill("TSTP")
    assert.is_truthy(h.wait_for(function() return p:state() == "T" end), "it did not stop")
  end

  it("H16 stops every tree and orun, and SIGCONT has them go on, again and again", function()
    local p = start(PROGRAMS .. "orun.sleep('1h')", { job = true })
    started(p, 3)
    for _ = 1, 3 do
      stop(p)
      assert.is_true(all_in(p, "T"))
      p:kill("CONT")
      assert.is_true(all_in(p, "S"))
    end
    p:kill("INT")
    p:kill("TERM")
    p:wait()
    assert.equal(0, strays.left(p.m))
  end)

  it("H16 leaves what had stopped by itself stopped", function()
    local p = start([[
      Task{run_in_background = true, run = function()
        orun.exec("sh", "-c", "echo $$ > pid.new; mv pid.new pid; kill -STOP $$")
      end}
      Task{run_in_background = true, run = function() orun.exec("sleep", "1000") end}
      orun.sleep("1h")]], { job = true })
    started(p, 2)
    appears(p, "pid")
    local own = tonumber(h.read(p.m.dir .. "/pid"))
    local function is_stopped()
      return (h.read(("/proc/%d/stat"):format(own)) or ""):match("%) T")
    end
    assert.is_truthy(h.wait_for(is_stopped))
    stop(p)
    assert.is_true(all_in(p, "T"))
    p:kill("CONT")
    assert.is_true(all_in(p, "S", own))
    assert.is_truthy(is_stopped())
    p:kill("TERM")
    ended(p, 143)
  end)

  it("H16 lets a program that wants to tidy up do so, an orun of its own included", function()
    local p = start(([[
      orun.agent{name = "orun", command = {%q, "-"}}
      Task{subagent_type = "orun", prompt = [=[
        local began = orun.now()
        io.open("ready", "w"):close()
        while not io.open("go") do orun.sleep(0.02) end
        io.open("took", "w"):write(orun.now() - began):close()]=]}]]):format(h.bin),
      { job = true })
    local before = orun.now()
    appears(p, "ready")
    stop(p)
    assert.is_true(all_in(p, "T"))
    local stood = orun.now()
    assert(h.wait_for(function() return orun.now() - stood > 1 end))
    h.write(p.m.dir .. "/go", "")
    stood = orun.now() - stood
    p:kill("CONT")
    ended(p, 0)
    local took = tonumber(h.read(p.m.dir .. "/took"))
    assert.is_true(took <= orun.now() - before - stood, took .. " of " .. stood)
  end)

  it("H16 makes the run's clock stand: nothing is early or late after it", function()
    local p = start([[
      orun.agent{name = "late", command = {"sh", "-c",
        "until [ -e go ]; do sleep 0.02; done"}}
      local began = orun.now()
      local slept = Task{run = function(f)
        local t = orun.now()
        io.open("ready", "w"):close()
        orun.sleep(2)
        return orun.now() - t
      end, run_in_background = true}
      local late = Task{subagent_type = "late", prompt = "p", timeout = 1e6,
        run_in_background = true}
      print(TaskOutput(slept).output >= 2, TaskOutput(late).status, orun.now() - began)]],
      { job = true })
    appears(p, "ready")
    stop(p)
    local stood = orun.now()
    assert(h.wait_for(function() return orun.now() - stood > 2.5 end))
    h.write(p.m.dir .. "/go", "")
    local before = orun.now()
    stood = before - stood
    p:kill("CONT")
    local r = ended(p, 0)
    local ok, status, took = r.out:match("(%a+)\t(%a+)\t([%d.]+)")
    assert.equal("true", ok, r.out .. r.err)
    assert.equal("completed", status)
    -- It slept on after SIGCONT: the two seconds of its sleep are not over.
    assert.is_true(tonumber(took) < 2 + stood + (orun.now() - before), took)
    assert.is_true(tonumber(took) >= 2)
  end)

  it("H16 does not let a time-out pass meanwhile", function()
    local p = start(([[
      orun.agent{name = "late", command = {"sh", "-c",
        ": > ready; until [ -e go ]; do sleep 0.02; done"}}
      print(Task{subagent_type = "late", prompt = "p", timeout = %d}.status)]])
      :format(2 * h.slow), { job = true })
    appears(p, "ready")
    stop(p)
    local stood = orun.now()
    assert(h.wait_for(function() return orun.now() - stood > 2.2 * h.slow end))
    h.write(p.m.dir .. "/go", "")
    p:kill("CONT")
    assert.equal("completed\n", ended(p, 0).out)
  end)

  it("H16 does not let a grace pass meanwhile", function()
    local p = start([[
      orun.agent{name = "tidy", command = {"sh", "-c", "trap '"
        .. ": > term; until [ -e go ]; do sleep 0.02; done; : > tidied; exit' TERM; "
        .. ": > ready; while :; do sleep 0.02; done"}}
      Task{subagent_type = "tidy", prompt = "p"}]], { job = true })
    appears(p, "ready")
    p:kill("INT")
    appears(p, "term")
    stop(p)
    local stood = orun.now()
    assert(h.wait_for(function() return orun.now() - stood > 2.2 end))
    h.write(p.m.dir .. "/go", "")
    p:kill("CONT")
    ended(p, 130)
    assert.is_true(h.exists(p.m.dir .. "/tidied"))
  end)

  it("H16 leaves nothing when orun is killed while it is stopped", function()
    local p = start(PROGRAMS .. "orun.sleep('1h')", { job = true })
    started(p, 3)
    stop(p)
    p:kill("KILL")
    ended(p, 137)
  end)

  it("H16 lets a signal that came meanwhile end the run once it goes on", function()
    local p = start(POLITE .. "orun.sleep('1h')", { job = true })
    started(p, 2)
    stop(p)
    p:kill("TERM")
    p:kill("CONT")
    ended(p, 143)
  end)

  it("H16 does not stop what nobody could tell to go on", function()
    local m = strays.mark()
    local r = h.sh("exec setsid -w " .. h.quote(h.bin) .. [[ -e '
      local pid = io.open("/proc/self/stat"):read("n")
      os.execute("kill -TSTP " .. pid)
      os.execute("true")
      print("fine")']], { cwd = m.dir, env = m.env })
    assert.equal("fine\n", r.out, r.err)
  end)
end)

describe("no process is left", function()
  -- A sanitizer would take the crash for orun's own.
  for _, name in ipairs{ "KILL", h.variant == "" and "SEGV" or "ABRT" } do
    it("when orun ends by SIG" .. name, function()
      local p = start(PROGRAMS .. "orun.sleep('1h')")
      started(p, 3)
      p:kill(name)
      p:wait()
      assert.equal(0, strays.left(p.m))
    end)
  end

  it("when the reader of its output goes, and then it ends", function()
    local m = strays.mark()
    local r = h.sh([[
      { "$ORUN" -e '
          os.execute("setsid sleep 1000 &")
          Task{run_in_background = true, run = function()
            require("orun").exec("sh", "-c", "trap \"\" PIPE; sleep 1000 & echo x; sleep 1000")
          end}
          for i = 1, 1e9 do print(i) end'
        echo $? > code; } | head -n 1
      cat code]], { cwd = m.dir, env = { ORUN = h.bin, ORUN_SPEC_MARK = m.mark } })
    assert.equal("1\n141\n", r.out, r.err)
    assert.equal(0, strays.left(m))
  end)

  it("when it was started without standard descriptors", function()
    local m = strays.mark()
    local r = h.sh([["$ORUN" -e '
      os.execute("echo out; setsid sleep 1000 &")
      local f = io.popen("cat; setsid sleep 1000 & echo read")
      io.open("result", "w"):write(f:read("l"), tostring(f:close())):close()
      ' 0<&- 1>&- 2>&-; cat result]],
      { cwd = m.dir, env = { ORUN = h.bin, ORUN_SPEC_MARK = m.mark } })
    assert.equal("readtrue", r.out, r.err)
    assert.equal(0, strays.left(m))
  end)

  it("when signals were blocked and ignored at its start", function()
    local p = start(POLITE .. "orun.sleep('1h')", { bin = "/usr/bin/env",
      "--block-signal=TERM,INT,CHLD,TSTP,CONT", "--ignore-signal=CHLD,PIPE", h.bin, "s.lua" })
    started(p, 2)
    p:kill("TERM")
    ended(p, 143)
  end)
end)

describe("a host", function()
  local dir

  setup(function()
    dir = h.tmpdir()
    h.write(dir .. "/host.c", [[
      #include "orun.h"
      #include <pthread.h>
      #include <stdio.h>
      #include <stdlib.h>
      #include <string.h>
      #include <sys/wait.h>
      #include <unistd.h>

      static orun *o;

      static void await(const char *file)
      {
          while (access(file, F_OK) != 0)
              usleep(10000);
      }

      static void *other(void *how)
      {
          await("ready");
          if (strcmp(how, "exit") == 0)
              exit(3);
          if (strcmp(how, "abort") == 0)
              abort();
          if (strcmp(how, "exec") == 0)
              execl("/bin/sh", "sh", "-c", "exit 4", (char *)NULL);
          if (strcmp(how, "fork") == 0 && fork() == 0) {
              while (access("end", F_OK) != 0)
                  usleep(10000);
              _exit(0);
          }
          if (strcmp(how, "fork") == 0)
              raise(SIGKILL);
          orun_suspend(o);
          orun_suspend(o);
          fclose(fopen("suspended", "w"));
          await("resume");
          orun_resume(o);
          orun_resume(o);
          fclose(fopen("resumed", "w"));
          await("interrupt");
          orun_suspend(o);
          orun_interrupt(o);
          return NULL;
      }

      int main(int argc, char **argv)
      {
          pthread_t thread;
          (void)argc;
          if (orun_new(NULL, &o) != 0)
              return 9;
          orun_suspend(o);
          orun_resume(o);
          pthread_create(&thread, NULL, other, argv[1]);
          int e = orun_run_file(o, "s.lua");
          pthread_join(thread, NULL);
          orun_suspend(o);
          orun_free(o);
          return e == ORUN_ESTOPPED ? 7 : 8;
      }
    ]])
    local r = h.sh(("cc %s -o %s/host -iquote runtime %s/host.c %s"
      .. " $(pkg-config --cflags --libs lua5.4 libuv) -lm"):format(
      os.getenv("ORUN_SAN") or "", h.quote(dir), h.quote(dir), h.quote(h.lib)))
    assert(r.code == 0, r.err)
  end)

  local function host(how, script)
    return start(script or (PROGRAMS .. [[
      os.execute("setsid sleep 1000 &")
      orun.exec("sh", "-c", ": > ready; sleep 1000")]]), { bin = dir .. "/host", how })
  end

  for how, code in pairs{ exit = 3, abort = 134, exec = 4, fork = 137 } do
    it("leaves no process by " .. how .. " without orun_free", function()
      local p = host(how)
      local r = assert(p:wait())
      assert.equal(code, r.code, r.err)
      if how == "fork" then -- the copy, which holds what orun held open, lives on
        assert.is_truthy(h.wait_for(function() return #strays.alive(p.m) == 1 end))
        h.write(p.m.dir .. "/end", "")
      end
      assert.equal(0, strays.left(p.m))
    end)
  end

  it("suspends and resumes a run from any thread, and interrupts a suspended one", function()
    local p = host("suspend", [[
      orun.agent{name = "deaf", command = {"sh", "-c",
        "trap '' TERM; : > begun; sleep 1000; sleep 1000"}}
      Task{run_in_background = true, run = function()
        orun.exec("sh", "-c", ": > ready; setsid sh -c 'while :; do sleep 0.02; done' & "
          .. "sleep 1000")
      end}
      Task{run_in_background = true, run = function()
        while not io.open("suspended") do end
        io.open("asked", "w"):close()
        Task{subagent_type = "deaf", prompt = "p"}
      end}
      orun.sleep("1h")]])
    appears(p, "asked")
    local function stopped()
      local all = strays.alive(p.m, p.pid)
      for _, one in ipairs(all) do
        if not strays.stopped(one, all) then return false end
      end
      return #all > 0
    end
    assert.is_true(h.wait_for(stopped))
    assert.is_false(h.exists(p.m.dir .. "/begun"))
    h.write(p.m.dir .. "/resume", "")
    appears(p, "resumed")
    appears(p, "begun")
    assert.is_true(h.wait_for(function() return not stopped() end))
    h.write(p.m.dir .. "/interrupt", "")
    ended(p, 7)
  end)
end)
