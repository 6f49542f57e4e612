--- Careless and hostile use of the primitives, one test a kind of input: the
--- message names the function, the argument, the value and what to do, and
--- nothing is started. Busted runs inside orun, so these call it directly.

local h = require "spec.support.helper"
local orun = require "orun"

local nan, inf = 0 / 0, 1 / 0

local function count()
  return #TaskList{kind = "all"}
end

-- fn(...) raises, its message has every one of the words, nothing is created.
local function refuses(words, fn, ...)
  local before = count()
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "it was accepted")
  for _, word in ipairs(words) do
    assert.is_truthy(tostring(message):find(word, 1, true), tostring(message))
  end
  assert.equal(before, count())
end

local function fn() return "done" end

orun.agent{name = "rows-cat", command = {"cat"}}

describe("Task (A)", function()
  it("A1 refuses what is no table", function()
    refuses({"Task: argument 1 is missing"}, Task)
    refuses({"Task: argument 1 is nil"}, Task, nil)
    refuses({'Task: argument 1 is "x"', "Task{...}"}, Task, "x")
    refuses({"Task: argument 1 is 7"}, Task, 7)
  end)

  it("A2 refuses an unknown field and names the nearest", function()
    refuses({'unknown field "promt"', "did you mean 'prompt'?"}, Task, {promt = "x"})
    refuses({"[1]"}, Task, {fn})
  end)

  it("A3 wants a prompt for an agent", function()
    refuses({"prompt is missing", "rows-cat"}, Task, {subagent_type = "rows-cat"})
    refuses({"prompt is empty"}, Task, {subagent_type = "rows-cat", prompt = ""})
    assert.equal("", Task{subagent_type = "rows-cat", allow_empty = true}.output)
  end)

  it("A4 does not turn other values into a prompt", function()
    for _, value in ipairs{7, {}, fn, true} do
      refuses({"Task: prompt = ", "a string is wanted"}, Task,
        {subagent_type = "rows-cat", prompt = value})
    end
  end)

  it("A5 takes a prompt longer than an argument may be", function()
    local prompt = ("0123456789"):rep(20000)
    assert.equal(prompt, Task{subagent_type = "rows-cat", prompt = prompt,
      max_output = "1MiB"}.output)
  end)

  it("A6 refuses a prompt over the limit", function()
    refuses({"prompt is", "16777216"}, Task,
      {subagent_type = "rows-cat", prompt = ("x"):rep((16 << 20) + 1)})
  end)

  it("A7 hands every byte on", function()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    local prompt = table.concat(bytes) .. "\r\n\237\160\128"
    assert.equal(prompt, Task{subagent_type = "rows-cat", prompt = prompt}.output)
  end)

  it("A8 hands what looks like shell, options or formats on as it is", function()
    for _, prompt in ipairs{'"; rm -rf ~ #', "`id`", "$(id)", "--help", "-",
                            "@/etc/passwd", "%s%n"} do
      assert.equal(prompt, Task{subagent_type = "rows-cat", prompt = prompt}.output)
    end
  end)

  it("A9 refuses names that are no names", function()
    for _, name in ipairs{"../../etc/passwd", "a/b", ".hidden", "", ("x"):rep(300),
                          "a\0b", "Ехplore"} do
      refuses({"Task: subagent_type = ", "a name has"}, Task,
        {subagent_type = name, prompt = "x"})
    end
  end)

  it("A10 lists the known types for an unknown one", function()
    refuses({'"nobody" is not defined', "rows-cat"}, Task,
      {subagent_type = "nobody", prompt = "x"})
  end)

  it("A11 checks a timeout", function()
    for _, value in ipairs{-1, nan, "5", "5 s", {}, true} do
      refuses({"Task: timeout = ", "duration"}, Task, {run = fn, timeout = value})
    end
    refuses({"use nil for none"}, Task, {run = fn, timeout = 0})
    for _, value in ipairs{inf, 1e300, "250ms", "2h", 0.5} do
      assert.equal("completed", Task{run = fn, timeout = value}.status)
    end
  end)

  it("A12 wants booleans, not strings", function()
    refuses({"run_in_background", "true or false"}, Task,
      {run = fn, run_in_background = "false"})
  end)

  it("A13 checks the environment", function()
    for _, env in ipairs{{PATH = 1}, {["A=B"] = "x"}, {[1] = "x"}, {A = "x\0y"}, "A=1"} do
      refuses({"Task: env"}, Task,
        {subagent_type = "rows-cat", prompt = "x", env = env})
    end
  end)

  it("A14 fails the task for a cwd that cannot be used", function()
    for _, cwd in ipairs{"/nonexistent", "/etc/passwd"} do
      local r = Task{subagent_type = "rows-cat", prompt = "x", cwd = cwd}
      assert.equal("failed spawn", r.status .. " " .. r.error_kind)
      assert.is_truthy(r.error:find("cwd: ", 1, true), r.error)
    end
  end)

  it("A15 fails the task for a program that cannot be started", function()
    local dir = h.tmpdir()
    h.write(dir .. "/plain", "just text\n")
    h.sh("chmod +x " .. dir .. "/plain")
    h.write(dir .. "/locked", "#!/bin/sh\n")
    local cases = {{"no-such-program", "ENOENT", 127}, {dir, "EACCES", 126},
                   {dir .. "/locked", "EACCES", 126}, {dir .. "/plain", "ENOEXEC", 126}}
    for i, case in ipairs(cases) do
      orun.agent{name = "rows-bad" .. i, command = {case[1]}}
      local r = Task{subagent_type = "rows-bad" .. i, prompt = "x"}
      assert.equal("failed spawn " .. case[3],
        r.status .. " " .. r.error_kind .. " " .. r.exit_code)
      assert.is_truthy(r.error:find(case[2], 1, true), r.error)
    end
  end)

  it("A16 reads fields raw", function()
    local spec = setmetatable({run = fn}, {
      __index = function() error "asked" end,
      __pairs = function() error "asked" end,
    })
    assert.equal("completed", Task(spec).status)
  end)

  it("A17 keeps what a table held when it was called", function()
    local spec, handles = {run = function(n) return n end, run_in_background = true}, {}
    for i = 1, 1000 do
      spec.input = i
      handles[i] = Task(spec)
    end
    for i = 1, 1000 do assert.equal(i, TaskOutput(handles[i]).output) end
  end)

  it("A18 queues ten thousand in the order they came", function()
    local r = h.script([[
      local n = 0
      for i = 1, 10000 do
        Task{run = function() end, run_in_background = true, limit = "one"}
      end
      print(#TaskList{kind = "task"})]])
    assert.equal("10000\n", r.out)
    assert.equal(0, r.code)
  end)

  it("A19 limits nesting", function()
    local r = h.script([[
      local function deeper(n)
        local ok, r = pcall(Task, {run = deeper, input = n + 1})
        if not ok then return {n, r} end
        return r.output or {n, r.error}
      end
      -- each level is a task that starts the next
      local orun = require "orun"
      orun.agent{name = "down", run = function(n)
        local ok, r = pcall(Task, {subagent_type = "down", input = n + 1})
        if not ok then return {n, r} end
        return r.output
      end}
      local out = Task{subagent_type = "down", input = 1}.output
      print(out[1], (out[2]:match("nested 32 deep")))]])
    assert.equal("32\tnested 32 deep\n", r.out, r.err)
  end)

  it("A21 runs a task whose id was lost, and waits for it", function()
    local r = h.script([[
      Task{run = function() print("it ran") end, run_in_background = true}]])
    assert.equal("it ran\n", r.out)
    assert.equal(0, r.code)
  end)

  it("refuses fields this version gives no meaning, rather than ignore them", function()
    for _, field in ipairs{"isolation", "schema", "model", "key"} do
      refuses({"Task: " .. field .. " = ", "does not offer"}, Task,
        {run = fn, [field] = "x"})
    end
  end)
end)

describe("TaskOutput (B)", function()
  it("B1 refuses ids that are none", function()
    for _, id in ipairs{"t1 ", "1", 1.0, -1, 2 ^ 63, {}, "t0", "t01", "", true} do
      refuses({"TaskOutput"}, TaskOutput, {task_id = id})
    end
    refuses({"t999999", "no such task"}, TaskOutput, {task_id = "t999999"})
    assert.is_nil(TaskGet("t999999"))
  end)

  it("B2 refuses a task that waits for itself", function()
    local r = Task{run = function(_, task) return TaskOutput(task.id) end}
    assert.equal("failed", r.status)
    assert.is_truthy(r.error:find("deadlock: the task would wait for itself", 1, true))
  end)

  it("B3 refuses the wait that closes a ring", function()
    local r = h.script([[
      local item = TaskCreate{description = "ids"}
      local function run(_, task)
        local ids = TaskOutput(item.id).output
        local other = ids[1] == task.id and ids[2] or ids[1]
        return TaskOutput(other).output
      end
      local a = Task{run = run, run_in_background = true}
      local b = Task{run = run, run_in_background = true}
      TaskUpdate{task_id = item, status = "completed", output = {a.id, b.id}}
      local ra, rb = TaskOutput(a), TaskOutput(b)
      local failed = ra.status == "failed" and ra or rb
      print(ra.status ~= rb.status, (failed.error:match("deadlock")))]],
      {args = {}})
    assert.equal("true\tdeadlock\n", r.out, r.err)
  end)

  it("B4 gives the same each time, to everybody", function()
    local handle = Task{run = function() return "bytes" end, run_in_background = true}
    local askers = {}
    for i = 1, 8 do
      askers[i] = Task{run = function(id)
        for _ = 1, 100 do assert(TaskOutput(id).output == "bytes") end
        return true
      end, input = handle.id, run_in_background = true}
    end
    for i = 1, 8 do assert.is_true(TaskOutput(askers[i]).output) end
    assert.equal("bytes", TaskOutput(handle).output)
  end)

  it("B5 and B6 poll, time out, and lose nothing", function()
    local item = TaskCreate{description = "slow"}
    local handle = Task{run = function() return 5 end, blockedBy = {item},
      run_in_background = true}
    assert.equal("pending", TaskOutput{task_id = handle, block = false}.status)
    local r = TaskOutput{task_id = handle, timeout = 0}
    assert.same({"pending", true}, {r.status, r.timed_out})
    refuses({"TaskOutput: timeout = -1"}, TaskOutput, {task_id = handle, timeout = -1})
    TaskUpdate{task_id = item, status = "completed"}
    assert.equal(5, TaskOutput(handle).output)
  end)

  it("B7 to B10 waits wherever Lua code may be", function()
    local r = Task{run = function()
      local n = 0
      local function ask()
        n = n + 1
        return Task{run = function(i) return i end, input = n}.output
      end
      local got = {}
      got[1] = coroutine.wrap(function() return ask() end)()
      got[2] = select(2, pcall(ask))
      got[3] = select(2, xpcall(error, function() return ask() end))
      local mt = {__index = ask, __eq = ask, __lt = ask, __concat = ask,
                  __tostring = function() return tostring(ask()) end,
                  __close = function() got[9] = ask() end}
      local t, u = setmetatable({}, mt), setmetatable({}, mt)
      got[4] = t.x
      got[5] = t == u
      got[6] = t < u
      got[7] = t .. "x"
      got[8] = tostring(t)
      do local _ <close> = t end
      table.sort({2, 1}, function(a, b) ask() return a < b end)
      got[10] = ("x"):gsub("x", function() return tostring(ask()) end)
      got[11] = load(function() ask() return nil end) ~= nil
      return got
    end}
    assert.equal("completed", r.status, r.error)
    assert.same({1, 2, 3, 4, true, true, 7, "8", 9}, {table.unpack(r.output, 1, 9)})
    assert.is_true(r.output[11])
  end)

  it("B11 does not wait in a finalizer", function()
    local r = h.script([[
      local why
      setmetatable({}, {__gc = function()
        why = select(2, pcall(Task, {run = function() end}))
      end})
      collectgarbage()
      print((why:match("finalizer")))]])
    assert.equal("finalizer\n", r.out, r.err)
  end)

  it("B14 says that an item was removed", function()
    local item = TaskCreate{description = "gone"}
    assert.is_true(TaskUpdate{task_id = item, status = "deleted"})
    assert.same({nil, "removed"}, {TaskOutput{task_id = item}})
    assert.is_nil(TaskGet(item))
  end)

  it("B15 hands big output on by file, cut at a line", function()
    orun.agent{name = "rows-seq", command = {"seq", "1", "200000"}}
    local r = Task{subagent_type = "rows-seq", allow_empty = true, max_output = 1000}
    assert.is_true(r.truncated)
    assert.is_true(#r.output < 1200)
    local file <close> = assert(io.open(r.output_file))
    local whole = file:read("a")
    assert.equal(1288895, #whole)
    local kept = r.output:match("^(.*\n)%[cut: ")
    assert.equal(whole:sub(1, #kept), kept)
  end)

  it("B16 keeps the exact bytes of output", function()
    orun.agent{name = "rows-bytes", command = {"printf", "a\\000b\\377"}}
    assert.equal("a\0b\255", Task{subagent_type = "rows-bytes", allow_empty = true}.output)
    orun.agent{name = "rows-none", command = {"true"}}
    assert.equal("", Task{subagent_type = "rows-none", allow_empty = true}.output)
  end)
end)

describe("the list (C)", function()
  it("C1 refuses a status that is none", function()
    local item = TaskCreate{description = "c1"}
    for _, status in ipairs{"done", "Completed", "", 7} do
      refuses({"TaskUpdate: status = "}, TaskUpdate, {task_id = item, status = status})
    end
    refuses({'TaskList: status = "done"', '"pending"'}, TaskList, {status = "done"})
  end)

  it("C2 refuses to move a final item", function()
    local item = TaskCreate{description = "c2"}
    assert.is_true(TaskUpdate{task_id = item, status = "completed"})
    for _, status in ipairs{"in_progress", "pending", "failed", "completed"} do
      local ok, message, reason = TaskUpdate{task_id = item, status = status}
      assert.same({nil, "already_resolved"}, {ok, reason})
      assert.is_truthy(message:find("completed", 1, true))
    end
    assert.equal("completed", TaskGet(item).status)
  end)

  it("C3 and C4 give an item to one claimer, who alone may end it", function()
    local item = TaskCreate{description = "c3"}
    local function claim(id)
      local ok, _, reason = TaskUpdate{task_id = id, status = "in_progress"}
      if not ok then return reason end
      local blocker = orun.claim{} -- hold it until the other has tried
      return blocker == nil or "won"
    end
    assert.is_true(TaskUpdate{task_id = item, status = "in_progress", owner = "me"})
    local r = Task{run = claim, input = item.id}
    assert.equal("already_claimed", r.output)
    local other = Task{run = function(id)
      return {TaskUpdate{task_id = id, status = "completed"}}
    end, input = item.id}
    assert.equal("already_claimed", other.output[3])
    assert.is_truthy(other.output[2]:find("me", 1, true))
    assert.is_true(TaskUpdate{task_id = item, status = "completed"})
  end)

  it("C5 and C6 refuse cycles, print them, and change nothing", function()
    local a = TaskCreate{description = "a"}
    refuses({"cycle"}, TaskUpdate, {task_id = a, addBlockedBy = {a}})
    local first, last = a, a
    for i = 2, 1000 do
      last = TaskCreate{description = "n" .. i, blockedBy = {last}}
    end
    refuses({"cycle", first.id, last.id, " -> "}, TaskUpdate,
      {task_id = first, addBlockedBy = {last}})
    assert.same({}, TaskGet(first).blockedBy)
  end)

  it("C7 refuses unknown blockers", function()
    refuses({"blockedBy", "no such task"}, Task, {run = fn, blockedBy = {"t999999"}})
  end)

  it("C8 cancels what waits for a failure, with the reason", function()
    local bad = Task{run = function() error("no", 0) end, run_in_background = true}
    local after = Task{run = fn, blockedBy = {bad}, run_in_background = true}
    local anyway = Task{run = fn, blockedBy = {bad}, on_blocker_failure = "run",
      run_in_background = true}
    local r = TaskOutput(after)
    assert.equal("cancelled blocked", r.status .. " " .. r.error_kind)
    assert.is_truthy(r.error:find("failed: no", 1, true), r.error)
    assert.equal("completed", TaskOutput(anyway).status)
    TaskOutput(bad)
  end)

  it("C9 checks the array of blockers", function()
    local a = Task{run = fn, run_in_background = true}
    assert.equal("completed", Task{run = fn, blockedBy = {a, a, a.id}}.status)
    refuses({"holes"}, Task, {run = fn, blockedBy = {[1] = a, [3] = a}})
    refuses({"blockedBy"}, Task, {run = fn, blockedBy = {n = 3}})
    refuses({"blockedBy"}, Task, {run = fn, blockedBy = "t1"})
  end)

  it("C14 keeps a description exactly, and limits it", function()
    local item = TaskCreate{description = "two\nlines \27[31m"}
    assert.equal("two\nlines \27[31m", TaskGet(item).description)
    refuses({"description", "65536"}, TaskCreate, {description = ("x"):rep(65537)})
  end)
end)

describe("the command (H)", function()
  local function run(...) return h.orun{...} end

  it("H1 exits 2 without a script, or with one that cannot be read", function()
    assert.equal(2, run().code)
    assert.equal(2, run("no-such-file.lua").code)
    local r = run("/")
    assert.equal(2, r.code)
    assert.is_truthy(r.err:find("it is a folder", 1, true), r.err)
    assert.equal(0, h.script("").code)
    assert.equal("in\n", h.orun{"-", stdin = 'print "in"'}.out)
  end)

  it("H2 names file and line of a syntax error", function()
    local r = h.script("x = = 1", {name = "bad.lua"})
    assert.equal(2, r.code)
    assert.is_truthy(r.err:find(":1: unexpected symbol", 1, true), r.err)
  end)

  it("H3 reads a byte order mark, a first line for the shell, and CRLF", function()
    assert.equal("2\n", h.script("\239\187\191#!/usr/bin/env orun\nprint(2)").out)
    assert.equal("3\n", h.script("#!/usr/bin/env orun\r\nprint(3)\r\n").out)
  end)

  it("H5 refuses bytecode", function()
    local r = h.script(string.dump(fn))
    assert.equal(2, r.code)
    assert.is_truthy(r.err:find("bytecode", 1, true), r.err)
  end)

  it("H7 refuses unknown options and wrong numbers, with a hint", function()
    for _, args in ipairs{{"--nonsense"}, {"--jobs=0", "x"}, {"-j", "-1", "x"},
                          {"--jobs=1e9", "x"}, {"-j"}} do
      local r = h.orun(args)
      assert.equal(2, r.code)
      assert.is_truthy(r.err:find("orun --help", 1, true), r.err)
    end
  end)

  it("H8 hands arguments on exactly", function()
    local r = h.script([[print(#arg, ("%q %q"):format(arg[1], arg[2]), select("#", ...))]],
      {"", "-x y"})
    assert.equal('2\t"" "-x y"\t2\n', r.out)
  end)

  it("H11 says that its output could not be written", function()
    local r = h.sh(h.quote(h.bin) .. " -e 'print(1)' >/dev/full")
    assert.equal(1, r.code)
    assert.is_truthy(r.err:find("cannot write to standard output", 1, true), r.err)
  end)
end)
