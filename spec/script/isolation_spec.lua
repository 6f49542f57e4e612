--- isolation = "process": a Lua task in a process of its own, which may crash,
--- loop, leak, exit or be killed, and is all that does.

local h = require "spec.support.helper"
local crash = require "spec.support.crash"

package.cpath = crash.cpath() .. package.cpath

--- The result of a task in a process of its own.
local function isolated(run, fields)
  fields = fields or {}
  fields.run, fields.isolation = run, "process"
  return Task(fields)
end

local function background(run, fields)
  fields = fields or {}
  fields.run_in_background = true
  return isolated(run, fields)
end

--- What a task that must complete gives.
local function output_of(run, fields)
  local r = isolated(run, fields)
  assert.equal("completed", r.status, r.error)
  return r.output
end

--- A task that does what one function of the C module does.
local function crashing(name, fields)
  fields = fields or {}
  fields.input = {name, table.unpack(fields)}
  for i = #fields, 1, -1 do fields[i] = nil end
  return isolated(function(call)
    require "crashes"[call[1]](table.unpack(call, 2))
    return "went on"
  end, fields)
end

--- Asserts how it failed and gives the result.
local function failed(kind, r)
  assert.equal("failed", r.status)
  assert.equal(kind, r.error_kind, r.error)
  return r
end

local function alive(pid)
  local stat = h.read("/proc/" .. pid .. "/stat")
  return stat ~= nil and not stat:find("%) [ZX]")
end

local function gone(pid)
  return h.wait_for(function() return not alive(pid) end)
end

--- The process id that the task has written to the item.
local function pid_told(item, task)
  return h.wait_for(function()
    local told = TaskGet(item).metadata
    assert(told or TaskGet(task).status ~= "failed", "it failed before it told")
    return told and told.pid
  end)
end

describe("a task in a process", function()
  it("gives what its function returns", function()
    local values = {
      int = math.maxinteger, float = 0.1, zero = -0.0, text = "a\0b",
      list = {1, 2, {3}}, yes = true, inf = math.huge,
    }
    local r = isolated(function(v) return v end, {input = values})
    assert.equal("completed", r.status, r.error)
    assert.same(values, r.output)
    assert.equal("integer", math.type(r.output.int))
    assert.is_nil(output_of(function() end))
    assert.equal(2 ^ 20, #output_of(function(n) return ("x"):rep(n) end, {input = 2 ^ 20}))
  end)

  it("is another process, with its own descriptors and no standard input", function()
    local self = tonumber(h.read("/proc/self/stat"):match("^%d+"))
    local info = output_of(function()
      local c = require "crashes"
      local links = {}
      for fd = 0, 2 do
        links[fd + 1] = orun.exec("readlink", ("/proc/%d/fd/%d"):format(c.pid(), fd)).output
      end
      return {pid = c.pid(), descriptors = c.descriptors(), links = links}
    end)
    assert.are_not.equal(self, info.pid)
    assert.equal("/dev/null\n", info.links[1])
    -- 0 to 2, the socket, and an empty standard input of Lua's.
    assert.equal(5, info.descriptors)
    assert.is_true(gone(info.pid))
  end)

  it("takes its function's captured variables and functions along", function()
    local base, names = 10, {"a", "b"}
    local function add(x) return base + x end
    assert.same({15, "b", 5}, output_of(function(x)
      return {add(x), names[2], #require "orun".chunks({1, 2, 3, 4, 5}, 1)}
    end, {input = 5}))
  end)

  it("knows its task, and prints to orun's own output", function()
    local r = h.script([[
      local r = Task{
        description = "the title", prompt = "do it", isolation = "process",
        run = function(_, task)
          print(task.id, task.description, task.prompt, task.attempt)
          io.stderr:write("to stderr\n")
          io.write("no newline")
        end,
      }
      print(r.status)]])
    assert.equal("t1\tthe title\tdo it\t1\nno newlinecompleted\n", r.out)
    assert.equal("to stderr\n", r.err)
  end)

  it("finds modules where the script does, and its own globals only", function()
    local dir = h.tmpdir()
    h.write(dir .. "/beside.lua", "return {answer = 42}")
    local r = h.script([[
      leaked = 1
      print(Task{isolation = "process", run = function()
        return require "beside".answer .. tostring(leaked)
      end}.output)]], {cwd = dir})
    assert.equal("42nil\n", r.out, r.err)
  end)

  it("gets the outputs that handles in its input stand for", function()
    local a = Task{run = function() return {n = 40} end, run_in_background = true}
    local b = background(function() return 2 end)
    assert.equal(42, output_of(function(v) return v.a.n + v[1] end, {input = {a = a, b}}))
  end)

  it("tells its errors with file, line and traceback", function()
    local r = failed("lua", isolated(function()
      local function inner() error("no luck") end
      inner()
    end))
    assert.is_truthy(r.error:find("isolation_spec.lua:%d+: no luck$"), r.error)
    assert.is_truthy(r.traceback:find("in .*inner"), r.traceback)
    assert.same({code = 7}, failed("lua", isolated(function() error{code = 7} end)).error_value)
    r = failed("lua", isolated(function() return spec_unknown_thing.x end)) -- luacheck: ignore
    assert.is_truthy(r.error:find("does not see the script's globals", 1, true), r.error)
    r = failed("lua", isolated(function() return io.stdout end))
    assert.is_truthy(r.error:find("result: a userdata cannot be sent", 1, true), r.error)
    r = failed("lua", isolated(function() coroutine.yield(1) end))
    assert.is_truthy(r.error:find("outside a coroutine", 1, true), r.error)
  end)

  it("ends with os.exit as any task does", function()
    assert.equal(3, failed("exit", isolated(function() os.exit(3) end)).exit_code)
    assert.equal("completed", isolated(function() os.exit(0) end).status)
  end)

  it("is tried again in a new process", function()
    local r = isolated(function(_, task)
      if task.attempt < 3 then require "crashes".segv() end
      return task.attempt
    end, {retry = {max = 2, backoff = 0, on = {"signal"}}})
    assert.equal(3, r.output, r.error)
    assert.equal(3, r.attempts)
  end)

  it("can be what an agent type is", function()
    orun.agent{name = "isolated-type", isolation = "process",
      run = function() return require "crashes".pid() end}
    local pid = Task{subagent_type = "isolated-type", prompt = "x"}.output
    assert.are_not.equal(tonumber(h.read("/proc/self/stat"):match("^%d+")), pid)
  end)

  it("gives its slot back while it waits", function()
    -- One slot, and each of these waits for the next.
    local dir = h.tmpdir()
    h.write(dir .. "/nested.lua", [[
      local function waits(depth)
        if depth == 0 then return 0 end
        return Task{run = waits, input = depth - 1, isolation = "process"}.output + 1
      end
      print(waits(4))]])
    local r = h.orun{"--workers", "1", "nested.lua", cwd = dir}
    assert.equal("4\n", r.out, r.err)
  end)

  it("keeps its slot while it computes", function()
    local dir = h.tmpdir()
    h.write(dir .. "/one.lua", [[
      local handles = {}
      for i = 1, 6 do
        handles[i] = Task{isolation = "process", run_in_background = true, run = function()
          local function put(text)
            local file <close> = assert(io.open("running", "a"))
            file:write(text)
          end
          put("+")
          local spin = os.clock() + 0.02
          while os.clock() < spin do end
          put("-")
        end}
      end
      for _, handle in ipairs(handles) do assert(TaskOutput(handle).status == "completed") end
      print(io.open("running"):read("a"))]])
    local r = h.orun{"--workers", "1", "one.lua", cwd = dir}
    assert.equal("+-+-+-+-+-+-\n", r.out, r.err)
  end)
end)

describe("the primitives in a process", function()
  it("start, wait for and stop tasks, which belong to it", function()
    local seen = output_of(function()
      local child = Task{description = "child", run_in_background = true,
        run = function(n) return n + 1 end, input = 1}
      local never = Task{run = function() orun.sleep(3600) end, run_in_background = true}
      local early = TaskOutput{task_id = never, timeout = 0.01}
      local stopped = TaskStop(never)
      local next_one = Task{run = function(v) return v[1] * 2 end, input = {child}}
      return {id = child.id, title = child.description, output = TaskOutput(child).output,
        description = TaskOutput(child).description, timed_out = early.timed_out,
        stopped = stopped, ended = TaskOutput(never).status, next_one = next_one.output}
    end)
    assert.is_truthy(seen.id:find("^t%d+$"))
    seen.id = nil
    assert.same({title = "child", output = 2, description = "child", timed_out = true,
      stopped = true, ended = "cancelled", next_one = 4}, seen)
  end)

  it("cancel its children when it ends, and when it crashes", function()
    local orphan = output_of(function()
      return Task{run = function() orun.sleep(3600) end, run_in_background = true}.id
    end)
    assert.equal("cancelled", TaskOutput(orphan).status)
    local item = TaskCreate{description = "where"}
    failed("signal", isolated(function(id)
      local child = Task{run = function() orun.sleep(3600) end, run_in_background = true}
      TaskUpdate{task_id = id, metadata = {child = child.id}}
      require "crashes".segv()
    end, {input = item.id}))
    local child = TaskGet(item).metadata.child
    assert.equal("cancelled", TaskOutput(child).status)
    TaskUpdate{task_id = item, status = "completed"}
  end)

  it("share the list: lists are lists, claims are the task's", function()
    local one = TaskCreate{description = "one", input = {n = 1}, priority = 9}
    local two = TaskCreate{description = "two", blockedBy = {one}, priority = 9}
    local seen = output_of(function(ids)
      local first = orun.claim{owner = "me"}
      local list = TaskList{status = "pending"}
      local titles = list:filter(function(item) return item.id == ids[2] end)
        :map(function(item) return item.description end)
      local no, message, reason = TaskUpdate{task_id = ids[2], status = "in_progress"}
      TaskUpdate{task_id = first.id, status = "completed", output = {done = first.input.n}}
      local second = TaskList:claim{}
      return {first = first.id, titles = table.concat(titles, ","), no = no == nil,
        message = message, reason = reason, second = second and second.id}
    end, {input = {one.id, two.id}})
    assert.same({first = one.id, titles = "two", no = true, reason = "blocked",
      message = two.id .. " is blocked by unfinished tasks", second = two.id}, seen)
    assert.same({done = 1}, TaskOutput(one).output)
    -- It ended without finishing the second.
    assert.equal("pending", TaskGet(two).status)
    assert.equal(1, TaskGet(two).attempts)
    TaskUpdate{task_id = two, status = "deleted"}
  end)

  it("give a claim back when the process crashes", function()
    local item = TaskCreate{description = "claimed", priority = 10}
    failed("signal", isolated(function(id)
      assert(TaskUpdate{task_id = id, status = "in_progress"})
      require "crashes".abort()
    end, {input = item.id}))
    assert.equal("pending", TaskGet(item).status)
    TaskUpdate{task_id = item, status = "deleted"}
  end)

  it("raise the same errors, at the line that called", function()
    local messages = output_of(function()
      local all = {}
      local function try(fn) all[#all + 1] = select(2, pcall(fn)) end
      try(function() local _ = TaskOutput("t987654") end)
      try(function() local _ = Task{run = function() end, inptu = 1} end)
      try(function() local _ = Task{run = function() end, input = {f = io.stdout}} end)
      local captured = io.stdout
      try(function() local _ = Task{run = function() return captured end} end)
      try(function() orun.sleep("soon") end)
      try(function() local _ = TaskOutput(io.stdout) end)
      return all
    end)
    local wanted = {
      "^[^:]*isolation_spec.lua:%d+: TaskOutput: task_id = t987654: no such task",
      "isolation_spec.lua:%d+: Task: .*inptu.*input",
      "isolation_spec.lua:%d+: Task: input.f: a userdata cannot be sent$",
      "isolation_spec.lua:%d+: Task: run %(.-:%d+%) captures 'captured', a userdata",
      "isolation_spec.lua:%d+: sleep: duration = \"soon\"",
      "isolation_spec.lua:%d+: TaskOutput: argument 1: a userdata cannot be sent",
    }
    for i, pattern in ipairs(wanted) do
      assert.is_truthy(messages[i]:find(pattern), messages[i])
    end
  end)

  it("remember the line that started a task", function()
    local r = h.script([[
      Task{isolation = "process", run = function()
        Task{run = function() error("unseen", 0) end, run_in_background = true,
          detach = true}
      end}]])
    assert.equal(1, r.code)
    assert.is_truthy(r.err:find("script.lua:2: t2 failed and its result was never read: unseen",
      1, true), r.err)
  end)

  it("collect by the modules of the library", function()
    local seen = output_of(function()
      local handles = {}
      for i = 1, 20 do
        handles[i] = Task{run = function(n) return n end, input = i, run_in_background = true}
      end
      local sum, n = 0, 0
      for result in orun.as_completed(handles) do sum, n = sum + result.output, n + 1 end
      local squares = orun.map({1, 2, 3, 4}, function(x) return x * x end)
      local function letter(x) return {run = function() return x end} end
      local fan = orun.fan_out({letter "a", letter "b"}, {limit = 1})
      return {sum = sum, n = n, squares = squares, fan = fan[1].output .. fan[2].output,
        exec = orun.exec{command = {"cat"}, input = "through"}.output,
        clock = orun.now() > 0, version = orun.version}
    end)
    assert.same({sum = 210, n = 20, squares = {1, 4, 9, 16}, fan = "ab", exec = "through",
      clock = true, version = orun.version}, seen)
  end)

  it("let go of collectors in orun when they are let go of here", function()
    local r = isolated(function()
      for i = 1, 1500 do
        orun.collector()
        if i % 20 == 0 then collectgarbage() end
      end
    end, {memory_limit = "96KiB"})
    assert.equal("completed", r.status, r.error)
  end)

  it("sleep without a slot", function()
    local r = h.script([[
      local handles = {}
      for i = 1, 8 do
        handles[i] = Task{isolation = "process", run_in_background = true, run = function(id)
          TaskUpdate{task_id = id, metadata = {there = true}}
          -- All of them are here before the first goes on.
          while true do
            local n = 0
            for _, item in ipairs(TaskList()) do n = n + (item.metadata and 1 or 0) end
            if n == 8 then return n end
            orun.sleep(0.02)
          end
        end, input = TaskCreate{description = "seat"}.id}
      end
      local sum = 0
      for _, handle in ipairs(handles) do sum = sum + TaskOutput(handle).output end
      print(sum)]])
    assert.equal("64\n", r.out, r.err)
  end)
end)

describe("isolation names", function()
  for _, case in ipairs{{"segv", 11}, {"abort", 6}, {"fpe", 8}, {"stack", 11}} do
    it(("signal %d for %s in C code"):format(case[2], case[1]), function()
      local r = failed("signal", crashing(case[1]))
      assert.equal(case[2], r.signal)
      assert.is_truthy(r.error:find("killed by signal " .. case[2], 1, true), r.error)
    end)
  end

  it("timeout for C code that loops and takes no signal, on time", function()
    local r = failed("timeout", crashing("loop", {timeout = 0.2}))
    assert.equal("timed out after 200 ms", r.error)
  end)

  it("timeout for Lua code that catches everything, and lets it clean up", function()
    local item = TaskCreate{description = "cleaned"}
    h.in_time(function(timeout)
      failed("timeout", isolated(function(id)
        local _ <close> = setmetatable({}, {__close = function()
          TaskUpdate{task_id = id, metadata = {clean = true}}
        end})
        while true do end
      end, {timeout = timeout, input = item.id}))
      local noted = TaskGet(item).metadata
      return noted and noted.clean
    end)
    assert.same({clean = true}, TaskGet(item).metadata)
    TaskUpdate{task_id = item, status = "deleted"}
    failed("timeout", isolated(function()
      while true do pcall(function() while true do end end) end
    end, {timeout = 0.1}))
  end)

  it("memory for what a Lua state takes, in the words of a thread", function()
    local function eat()
      local t = {}
      for i = 1, math.huge do t[i] = ("x"):rep(1000) .. #t end
    end
    local fields = {run = eat, memory_limit = "8MiB"}
    local in_thread = failed("memory", Task(fields))
    fields.isolation = "process"
    assert.equal(in_thread.error, failed("memory", Task(fields)).error)
  end)

  -- There the limit is off: a sanitizer's own memory is beyond any.
  if h.variant == "" or h.variant == "ubsan" then
    it("memory for what C code takes", function()
      local r = failed("memory", crashing("leak", {memory_limit = "4MiB"}))
      assert.is_truthy(r.error:find("memory_limit = 4194304 allows 142606336", 1, true), r.error)
    end)
  end

  it("exit for C code that ends the process, even with 0", function()
    for _, code in ipairs{0, 1, 255} do
      local r = failed("exit", crashing("exit", {code}))
      assert.equal(code, r.exit_code)
      assert.equal(("its process ended with exit code %d before its function did"):format(code),
        r.error)
    end
  end)

  it("signal 9 for a process killed from outside, whatever it was doing", function()
    for _, where in ipairs{"computing", "sleeping", "waiting"} do
      local item = TaskCreate{description = "pid"}
      local task = background(function(v)
        TaskUpdate{task_id = v.id, metadata = {pid = require "crashes".pid()}}
        if v.where == "sleeping" then orun.sleep(3600) end
        if v.where == "waiting" then TaskOutput{task_id = v.id, timeout = 3600} end
        while true do end
      end, {input = {id = item.id, where = where}})
      local pid = pid_told(item, task)
      orun.exec("kill", "-9", tostring(pid))
      assert.equal(9, failed("signal", TaskOutput(task)).signal, where)
      TaskUpdate{task_id = item, status = "deleted"}
    end
  end)

  it("cancelled for what is stopped, wherever it is, and leaves no process", function()
    for _, where in ipairs{"computing", "sleeping", "in C"} do
      local item = TaskCreate{description = "pid"}
      local task = background(function(v)
        TaskUpdate{task_id = v.id, metadata = {pid = require "crashes".pid()}}
        if v.where == "sleeping" then orun.sleep(3600) end
        if v.where == "in C" then require "crashes".loop() end
        while true do end
      end, {input = {id = item.id, where = where}})
      local pid = pid_told(item, task)
      assert.is_true(TaskStop(task))
      local r = TaskOutput(task)
      assert.equal("cancelled", r.status, where)
      assert.equal("cancelled", r.error_kind)
      assert.is_true(gone(pid), where)
      TaskUpdate{task_id = item, status = "deleted"}
    end
  end)

  it("cancelled for the isolated child of a task that ends", function()
    local item = TaskCreate{description = "pid"}
    local child = output_of(function(id)
      local inner = Task{isolation = "process", run_in_background = true, run = function()
        TaskUpdate{task_id = id, metadata = {pid = require "crashes".pid()}}
        while true do end
      end}
      while not TaskGet(id).metadata do orun.sleep(0.01) end
      return inner.id
    end, {input = item.id})
    assert.equal("cancelled", TaskOutput(child).status)
    assert.is_true(gone(TaskGet(item).metadata.pid))
    TaskUpdate{task_id = item, status = "deleted"}
  end)
end)

describe("isolation", function()
  it("leaves a hundred healthy tasks alone beside the crashes", function()
    local bad, good = {}, {}
    local ways = {"segv", "abort", "exit", "stack"}
    for i = 1, 100 do
      good[i] = Task{run_in_background = true, input = i, run = function(n)
        orun.sleep(0.001 * (n % 10))
        return n * n
      end}
      if i % 10 == 0 then
        bad[#bad + 1] = crashing(ways[#bad % #ways + 1], {i, run_in_background = true})
      end
    end
    for i, handle in ipairs(good) do assert.equal(i * i, TaskOutput(handle).output) end
    for i, handle in ipairs(bad) do
      failed(ways[(i - 1) % #ways + 1] == "exit" and "exit" or "signal", TaskOutput(handle))
    end
  end)

  it("ends every process when orun is killed", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", ([[
      package.cpath = %q .. package.cpath
      for i = 1, 2 do
        Task{isolation = "process", run_in_background = true, run = function()
          local file <close> = assert(io.open(%q .. i, "w"))
          file:write(require "crashes".pid(), "\n")
          file:close()
          require "crashes".loop()
        end}
      end]]):format(crash.cpath(), dir .. "/pid"))
    local run = h.start{"--workers", "2", dir .. "/s.lua"}
    local pids = {}
    for i = 1, 2 do
      assert.is_truthy(h.wait_for(function()
        pids[i] = tonumber((h.read(dir .. "/pid" .. i) or ""):match("^(%d+)\n"))
        return pids[i]
      end))
    end
    run:kill("KILL")
    run:wait()
    for _, pid in ipairs(pids) do assert.is_true(gone(pid)) end
  end)

  it("cleans up its processes at Ctrl-C and at the end of a script", function()
    local r = h.script([[
      for i = 1, 3 do
        Task{isolation = "process", run_in_background = true,
          run = function() while true do end end}
      end
      os.exit(5)]])
    assert.equal(5, r.code)
  end)

  it("works in an embedding host, which names the program", function()
    local dir = h.tmpdir()
    h.write(dir .. "/host.c", [[
      #include "orun.h"
      #include <stdio.h>
      #include <string.h>
      int
      main(int argc, char **argv)
      {
          static const char code[] =
              "local r = Task{isolation = 'process', run = function()"
              "  return os.getenv('ORUN_TASK_ID') end}"
              "print(r.status, r.output or r.error)";
          orun_config config = ORUN_CONFIG_INIT;
          orun *o;
          config.program = argc > 1 ? argv[1] : NULL;
          if (orun_new(&config, &o) != 0)
              return 2;
          int e = orun_run_string(o, "=host", code, strlen(code));
          orun_free(o);
          return e != 0;
      }]])
    local built = h.sh(("cc %s -o %s/host -iquote %s %s/host.c %s $(pkg-config --cflags --libs "
      .. "lua5.4 libuv) -lm"):format(os.getenv("ORUN_SAN") or "", h.quote(dir),
      h.quote(h.root .. "/runtime"), h.quote(dir), h.quote(h.lib)))
    assert.equal(0, built.code, built.err)
    local function host(word) return h.sh(h.quote(dir .. "/host") .. " " .. word).out end
    assert.equal("completed\tt1\n", host(h.quote(h.bin)))
    assert.is_truthy(host("/nowhere/orun"):find("cannot start '/nowhere/orun'", 1, true))
    assert.is_truthy(h.sh("PATH=/nowhere " .. h.quote(dir .. "/host")).out
      :find("cannot start 'orun'", 1, true))
  end)

  it("is for Lua functions", function()
    local function refused(fields, text)
      local ok, message = pcall(Task, fields)
      assert.is_false(ok)
      assert.is_truthy(message:find(text, 1, true), message)
    end
    local function run() end
    refused({run = run, isolation = "thread"}, 'isolation = "thread": expected "process"')
    refused({run = run, isolation = true}, "isolation")
    refused({run = run, isolation = {"process", "thread"}}, 'isolation = "thread"')
    refused({run = run, isolation = {"process", "process", "process"}}, "isolation")
    orun.agent{name = "isolated-cat", command = {"cat"}}
    refused({subagent_type = "isolated-cat", prompt = "x", isolation = "process"},
      "it is for Lua functions")
    local ok, message = pcall(orun.agent, {name = "isolated-dog", command = {"cat"},
      isolation = "process"})
    assert.is_false(ok)
    assert.is_truthy(message:find("it is for Lua functions", 1, true), message)
  end)

  it("is not started by hand", function()
    local r = h.orun{"--isolated-task"}
    assert.equal(2, r.code)
    assert.is_truthy(r.err:find("is internal", 1, true), r.err)
  end)
end)
