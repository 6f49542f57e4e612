--- Careless and hostile use of TaskOutput, the list and the command, one test a
--- kind of input (Task's are in bad_task_spec): the message names the function,
--- the argument, the value and what to do, and nothing is started. Busted runs
--- inside orun, so these call it directly.

local h = require "spec.support.helper"
local orun = require "orun"

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
