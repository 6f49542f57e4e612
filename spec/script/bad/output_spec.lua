--- Careless and hostile use of TaskOutput, row by row.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

orun.agent{name = "out-sh", command = {"sh"}}

local gate, open, background = shared.gate, shared.open, shared.background

local function message_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

describe("TaskOutput with careless arguments", function()
  it("B1 refuses what can be no id", function()
    for _, value in ipairs{"1", "1 ", "t1 ", " t1", "t01", "T1", "t", "", "t-1", "t1.0", "t0",
                           "t1\0", "t18446744073709551616", 1, 1.0, -1, 2^63, true, print} do
      for _, call in ipairs{
        function() return TaskOutput(value) end,
        function() return TaskOutput{task_id = value} end,
        function() return TaskGet(value) end,
        function() return TaskStop(value) end,
        function() return TaskUpdate{task_id = value} end,
      } do
        assert.matches("a task is named by its handle or its id", message_of(call), 1, true)
      end
    end
    assert.matches("task_id = a table: a task is named", message_of(TaskOutput, {task_id = {}}), 1,
      true)
  end)

  it("B1 tells an id that never was, and which there are", function()
    local r = h.script[[
      print(pcall(TaskOutput, "t1"))
      for _ = 1, 3 do TaskCreate{description = "x"} end
      for _, call in ipairs{TaskOutput, TaskStop} do print(pcall(call, "t4")) end
      print(pcall(TaskOutput, {task_id = "t999"}))
      print(TaskGet("t4"), TaskGet{task_id = "t4"})]]
    local lines = h.lines(r.out)
    assert.equal("false\tTaskOutput: task_id = t1: no such task; none was started in this run",
      lines[1])
    assert.matches("TaskOutput: task_id = t4: no such task; the ids of this run are t1 to t3",
      lines[2], 1, true)
    assert.matches("TaskStop: task_id = t4: no such task", lines[3], 1, true)
    assert.matches("t999: no such task", lines[4], 1, true)
    assert.equal("nil\tnil", lines[5])
  end)

  it("B1 wants a task, and options by their names", function()
    local task = background{run = function() return 1 end}
    assert.matches("task_id is missing", message_of(TaskOutput, {}), 1, true)
    assert.matches("task_id is missing", message_of(TaskOutput, {block = false}), 1, true)
    assert.matches("expected one task, got 0 arguments", message_of(TaskOutput), 1, true)
    assert.matches("task_id = nil", message_of(TaskOutput, nil), 1, true)
    assert.matches("got 2 arguments", message_of(TaskOutput, task, 5), 1, true)
    assert.matches("unknown field \"blok\", did you mean 'block'?",
      message_of(TaskOutput, {task_id = task, blok = false}), 1, true)
    -- The id of a task with options beside it is no handle.
    local function message(fields) return message_of(TaskOutput, fields) end
    assert.matches('unknown field "id"', message{id = task.id, block = false}, 1, true)
    assert.matches("the field [1] has no meaning", message{task}, 1, true)
    assert.matches('block = "no"', message{task_id = task, block = "no"}, 1, true)
    assert.equal(1, TaskOutput(task).output)
  end)

  it("B2 refuses a task that would wait for itself", function()
    local result = Task{run = function(_, task) return TaskOutput(task.id) end}
    assert.equal("failed", result.status)
    assert.matches("TaskOutput: deadlock: the task would wait for itself", result.error, 1, true)
  end)

  it("B3 refuses the wait that closes a ring of a hundred", function()
    local ids = gate()
    local ring, all = {}, {}
    for i = 1, 100 do
      ring[i] = background{input = {ids.id, i}, run = function(input)
        local others = TaskOutput(input[1]).output
        local _, message = pcall(TaskOutput, others[input[2] % #others + 1])
        return message
      end}
      all[i] = ring[i].id
    end
    open(ids, all)
    local refused = 0
    for i = 1, 100 do
      local output = TaskOutput(ring[i]).output
      if type(output) == "string" then
        refused = refused + 1
        assert.matches("deadlock: ", output, 1, true)
        assert.matches(ring[i].id .. " would wait for each other", output, 1, true)
      end
    end
    assert.equal(1, refused)
  end)

  it("B4 gives the same bytes each time, to whoever asks", function()
    local source = background{run = function() return {("x"):rep(1000), 7} end}
    local readers = {}
    for i = 1, 8 do
      readers[i] = background{input = source.id, run = function(id)
        for _ = 1, 1000 do
          local output = TaskOutput(id).output
          if output[1] ~= ("x"):rep(1000) or output[2] ~= 7 then return "different" end
          output[1] = "changed here"
        end
        return "same"
      end}
    end
    for i = 1, 8 do assert.equal("same", TaskOutput(readers[i]).output) end
  end)

  it("B5 tells the state of a task that waits, without waiting", function()
    local wait = gate()
    local task = background{run = function() end, blockedBy = {wait}}
    for _ = 1, 1000 do
      assert.equal("pending", TaskOutput{task_id = task, block = false}.status)
    end
    assert.equal(0, TaskOutput{task_id = task, block = false}.attempts)
    open(wait)
    TaskOutput(task)
  end)

  it("B6 takes 0 for a look, and refuses times that are none", function()
    local wait = gate()
    local task = background{run = function() return "went on" end, blockedBy = {wait}}
    local result = TaskOutput{task_id = task, timeout = 0}
    assert.equal("pending", result.status)
    assert.is_true(result.timed_out)
    for _, value in ipairs{-1, 0 / 0, "x", true, {}} do
      assert.matches("TaskOutput: timeout = ", message_of(TaskOutput,
        {task_id = task, timeout = value}), 1, true)
    end
    open(wait)
    assert.equal("went on", TaskOutput{task_id = task, timeout = math.huge}.output)
  end)

  it("B7 to B10 wait wherever Lua code may be, in the script and in tasks", function()
    local function everywhere()
      local function value()
        return TaskOutput(Task{run = function() return 7 end, run_in_background = true}).output
      end
      local closed
      local mt = {
        __index = value, __concat = value, __len = value,
        __lt = function() return value() == 7 end,
        __eq = function() return value() == 7 end,
        __tostring = function() return tostring(value()) end,
        __close = function() closed = value() end,
      }
      local a, b = setmetatable({}, mt), setmetatable({}, mt)
      do local _ <close> = a end
      local sorted = {3, 1, 2}
      table.sort(sorted, function(x, y) return value() == 7 and x < y end)
      local _, caught = pcall(value)
      local _, handled = xpcall(error, function() return value() end)
      local pieces = {"return ", function() return tostring(value()) end}
      local at = 0
      local chunk = load(function()
        at = at + 1
        return type(pieces[at]) == "function" and pieces[at]() or pieces[at]
      end)
      return table.concat({
        coroutine.wrap(value)(), caught, handled, a.x, a .. 1, #a, tostring(a < b),
        tostring(a == b), tostring(a), closed, table.concat(sorted), (("x"):gsub("x", value)),
        chunk(),
      }, " ")
    end
    local seven <const> = "7 7 7 7 7 7 true true 7 7 123 7 7"
    assert.equal(seven, everywhere())
    assert.equal(seven, Task{run = everywhere}.output)
  end)

  it("B7 does not yield to the user's own coroutine", function()
    local wait = gate()
    local task = background{run = function(id) return TaskOutput(id).output end, input = wait.id}
    local steps = coroutine.wrap(function()
      coroutine.yield("mine")
      open(wait, "theirs")
      coroutine.yield(TaskOutput(task).output)
    end)
    assert.equal("mine", steps())
    assert.equal("theirs", steps())
  end)

  it("B8 does not let pcall swallow a stop", function()
    local wait = gate()
    local task = background{input = wait.id, run = function(id)
      while true do pcall(TaskOutput, id) end
    end}
    assert.is_truthy(h.wait_for(function() return TaskGet(task).status == "in_progress" end))
    TaskStop(task)
    assert.equal("cancelled", TaskOutput(task).status)
    open(wait)
  end)

  it("B11 refuses to wait in a finalizer, at the end of the script too", function()
    local r = h.script[[
      local item = TaskCreate{description = "never"}
      local calls = {
        function() return TaskOutput(item) end,
        function() return Task{run = print} end,
        function() return orun.sleep(1) end,
        function() return orun.exec("true") end,
        function() return orun.collector{item}:next() end,
      }
      local function all()
        for _, call in ipairs(calls) do print(pcall(call)) end
        return Task{run = function() return "started" end, run_in_background = true}
      end
      setmetatable({}, {__gc = function() return all() end})
      collectgarbage()
      print("between")
      setmetatable({}, {__gc = all})]]
    assert.equal(0, r.code, r.err)
    local early, late = r.out:match("^(.*)between\n(.*)$")
    local pattern = "false\t[^\n]*not allowed in a finalizer"
    assert.equal(5, select(2, early:gsub(pattern, "")), r.out)
    -- The item was cancelled at the end of the script: no need to wait for it.
    assert.equal(4, select(2, late:gsub(pattern, "")), r.out)
  end)

  it("B13 raises \"interrupted\" at Ctrl-C, in the script and in its tasks", function()
    local p = h.start{"-e", [[
      local long = Task{run_in_background = true, run = function() orun.sleep("1h") end}
      local function wait(id)
        local _ <close> = setmetatable({}, {__close = function() print("closed " .. id) end})
        print("waiting")
        print(select(2, pcall(TaskOutput, id)))
        print(select(2, pcall(TaskOutput, id)))
      end
      local task = Task{run_in_background = true, run = wait, input = long.id}
      wait(task.id)]]}
    assert.is_truthy(h.wait_for(function()
      return select(2, p:printed():gsub("waiting", "")) == 2
    end))
    p:kill("INT")
    local r = assert(p:wait())
    assert.equal(130, r.code)
    assert.equal(2, select(2, r.out:gsub("stopped: interrupted\n", "")), r.out)
    assert.matches("stopped: cancelled", r.out, 1, true)
    assert.matches("closed t1", r.out, 1, true)
    assert.matches("closed t2", r.out, 1, true)
  end)

  it("B14 says that an item was removed", function()
    local item = gate()
    assert.is_true(TaskUpdate{task_id = item, status = "deleted"})
    assert.is_nil(TaskGet(item))
    for _, result in ipairs{
      {TaskOutput(item)}, {TaskOutput(item.id)}, {TaskOutput{task_id = item}},
      {TaskOutput{task_id = item, block = false}},
    } do
      assert.is_nil(result[1])
      assert.equal("removed", result[2])
    end
  end)

  it("B14 ends waits for an item that is removed", function()
    local item = gate()
    local task = background{input = item.id, run = function(id) return TaskOutput(id).status end}
    assert.is_truthy(h.wait_for(function() return TaskGet(task).status == "in_progress" end))
    TaskUpdate{task_id = item, status = "deleted"}
    local result = TaskOutput(task)
    assert.is_true(result.output == "cancelled" or result.status == "failed", result.error)
  end)

  it("B15 keeps a flood out of memory, and all of it in a file", function()
    local r = h.script[[
      orun.agent{name = "flood", command = {"head", "-c", "300000000", "/dev/zero"}}
      local result = Task{subagent_type = "flood", prompt = "x"}
      print(result.status, result.truncated, #result.output < 40000)
      local file = io.open(result.output_file)
      print(file:seek("end"))
      for line in io.lines("/proc/self/status") do
        local peak = line:match("^VmHWM:%s*(%d+) kB")
        if peak then print(tonumber(peak) < 100000) end
      end]]
    local lines = h.lines(r.out)
    assert.equal("completed\ttrue\ttrue", lines[1], r.err)
    assert.equal("300000000", lines[2])
    if h.variant == "" then assert.equal("true", lines[3]) end
  end)

  it("B15 gives what comes first, cut at a line, and names the file", function()
    local r = Task{subagent_type = "out-sh", prompt = "seq 1 200000", max_output = 1000}
    assert.is_true(r.truncated)
    assert.is_true(#r.output < 1200)
    local whole = h.read(r.output_file)
    assert.equal(1288895, #whole)
    local kept = r.output:match("^(.*\n)%[cut: ")
    assert.equal(whole:sub(1, #kept), kept)
  end)

  it("B16 gives the exact bytes of a program's output", function()
    local cases = {
      [""] = "exit 0", ["\0"] = "printf '\\000'", ["a\0b"] = "printf 'a\\000b'",
      ["no end"] = "printf 'no end'", ["a\r\n\r"] = "printf 'a\\r\\n\\r'",
      ["\xff\xfe"] = "printf '\\377\\376'",
    }
    for output, line in pairs(cases) do
      local result = Task{subagent_type = "out-sh", prompt = line}
      assert.equal(output, result.output)
      assert.equal("completed", result.status)
    end
  end)

  it("B17 cuts at a line; a line that is too long at a byte, and says so", function()
    local function print_of(text, max)
      return Task{subagent_type = "out-sh", max_output = max, prompt = "printf " .. text}
    end
    local result = print_of("'abc\\ndefghijklm\\n'", 10)
    assert.is_true(result.truncated)
    assert.equal("abc\n", result.output:sub(1, 4))
    assert.is_nil(result.output:find("defg", 1, true))
    result = print_of("'ab\\303\\251\\303\\251\\n'", 5)
    assert.is_true(result.truncated)
    assert.equal("ab\xc3\xa9", result.output:sub(1, 4))
    assert.matches(result.output_file, result.output, 1, true)
  end)

  it("keeps each result its own", function()
    local task = background{run = function() return {list = {1}} end}
    local first = TaskOutput(task)
    first.output.list[1], first.status = 2, "changed"
    local second = TaskOutput(task)
    assert.equal(1, second.output.list[1])
    assert.equal("completed", second.status)
  end)
end)

describe("TaskStop with careless arguments", function()
  it("wants a task", function()
    assert.matches("task_id is missing", message_of(TaskStop, {}), 1, true)
    assert.matches("task_id = nil", message_of(TaskStop), 1, true)
    assert.matches("unknown field", message_of(TaskStop, {task = "t1"}), 1, true)
  end)
end)

describe("orun.collector with careless arguments", function()
  it("refuses what is no array of tasks", function()
    for _, value in ipairs{7, "t1", {a = 1}, {7}, {{}}, {"t999999999"}} do
      assert.matches("^collector: ", message_of(orun.collector, value))
    end
    local results = orun.collector{}
    assert.matches("timeout = ", message_of(results.next, results, -1), 1, true)
    assert.is_truthy(message_of(results.next, {}))
    assert.is_truthy(message_of(results.add, results, "x"))
  end)

  it("gives a task named twice twice", function()
    local task = background{run = function() return 1 end}
    local results = orun.collector{task, task}
    assert.equal(1, results:next().output)
    assert.equal(1, results:next().output)
    assert.is_nil(results:next())
  end)
end)

describe("orun.exec with careless arguments", function()
  it("refuses what is no command", function()
    for _, value in ipairs{{}, {command = "ls -l"}, {command = {}}, {command = {{}}},
                           {command = {"a\0"}}, {command = {""}}, {commnd = {"x"}}, {"ls"}} do
      assert.matches("exec", message_of(orun.exec, value))
    end
    assert.matches("exec", message_of(orun.exec))
    assert.matches("exec", message_of(orun.exec, "a", {}))
  end)

  it("refuses options that make no sense", function()
    for name, value in pairs{cwd = 1, env = "x", input = 7, timeout = 0, max_output = 0} do
      assert.matches("exec: " .. name, message_of(orun.exec, {command = {"true"}, [name] = value}),
        1, true)
    end
  end)

  it("gives input of any size, to programs that do not read it too", function()
    local input = ("0123456789"):rep(1 << 18)
    assert.equal(#input .. "\n", orun.exec{command = {"sh", "-c", "wc -c"}, input = input}.output)
    assert.equal(0, orun.exec{command = {"true"}, input = input}.exit_code)
    assert.equal("", orun.exec{command = {"cat"}, input = ""}.output)
  end)

  it("lets no shell see the arguments", function()
    for _, word in ipairs{"$(id)", "; id", "`id`", "*", "-n", "a b", "", "'\"\\", "\n"} do
      assert.equal(word, orun.exec("printf", "%s", word).output)
    end
  end)
end)

describe("sleep, limit, config and log with careless arguments", function()
  it("refuse them", function()
    assert.matches("sleep: a duration is missing", message_of(orun.sleep), 1, true)
    for _, value in ipairs{-1, 0 / 0, "x", true, {}} do
      assert.matches("sleep: duration = ", message_of(orun.sleep, value), 1, true)
    end
    assert.matches("limit: the name of the pool is missing", message_of(orun.limit, nil), 1, true)
    assert.matches("unknown field", message_of(orun.limit, "x", {slot = 1}), 1, true)
    for _, value in ipairs{0, -1, 1.5, "1", 1e9} do
      assert.matches("limit: slots = ", message_of(orun.limit, "x", value), 1, true)
    end
    assert.matches("config", message_of(orun.config, {processes = 0}))
    assert.matches("only be read", message_of(orun.config, {workers = 4}))
    assert.matches("unknown field", message_of(orun.config, {jobs = 4}))
  end)
end)
