--- The primitives as a script uses them: Task, TaskOutput, TaskCreate, TaskList,
--- TaskGet, TaskUpdate, TaskStop, and agent types.
---
--- What can be seen from within runs here, in the script that busted is. An
--- item of the list serves as a gate: tasks wait for it, and the test opens it
--- by completing it, so nothing depends on time. What concerns a whole run (its
--- end, its exit code, its list) runs as a script of its own.

local h = require "spec.support.helper"

--- An item that tasks can wait for, and what completes it.
local function gate() return TaskCreate{description = "gate"} end
local function open(item, output)
  assert.is_true(TaskUpdate{task_id = item, status = "completed", output = output})
end

--- A background task, one that waits for the gate of this id, and the output
--- of a task that must complete.
local function background(fields)
  fields.run_in_background = true
  return Task(fields)
end
local function held(item, fields)
  fields = fields or {}
  fields.run = function(id) return TaskOutput(id).output end
  fields.input = item.id
  return background(fields)
end
local function output_of(fields)
  local result = Task(fields)
  assert.equal("completed", result.status, result.error)
  return result.output
end

--- The error of a call that must raise.
local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local function status_of(task)
  return TaskOutput{task_id = task, block = false}.status
end

--- Lines that a task or a program adds to a file, one after the other.
local function journal()
  local path = h.tmpdir() .. "/journal"
  h.write(path, "")
  return path, function() return h.lines(h.read(path)) end
end

--- Two named pipes. A program that writes to its own and then reads the other
--- can only end when the program that does the opposite runs at the same time.
local function rendezvous()
  local dir = h.tmpdir()
  assert(orun.exec("mkfifo", dir .. "/a", dir .. "/b").code == 0)
  local line = "echo > %s/%s & read -r _ < %s/%s; wait"
  return {"sh", "-c", line:format(dir, "a", dir, "b")},
    {"sh", "-c", line:format(dir, "b", dir, "a")}
end

orun.agent{name = "p-echo", run = function(input, task) return task.prompt or input end}
orun.agent{name = "p-cat", command = {"cat"}}
orun.agent{name = "p-sh", command = {"sh"}}

describe("Task in the foreground", function()
  it("gives the result of a function", function()
    local result = Task{
      description = "Add",
      run = function(input) return input.a + input.b end,
      input = {a = 2, b = 3},
    }
    assert.equal("completed", result.status)
    assert.equal(5, result.output)
    assert.equal("Add", result.description)
    assert.equal(1, result.attempts)
    assert.matches("^t%d+$", result.task_id)
    assert.equal("float", math.type(result.duration))
    assert.is_true(result.duration >= 0)
    for _, name in ipairs{"error", "error_kind", "timed_out", "truncated", "output_file"} do
      assert.is_nil(result[name], name)
    end
  end)

  it("gives the function its input and the task", function()
    local seen = output_of{
      description = "Look",
      prompt = "what is there",
      input = {7},
      run = function(input, task)
        return {input = input, id = task.id, description = task.description,
                prompt = task.prompt, attempt = task.attempt}
      end,
    }
    assert.matches("^t%d+$", seen.id)
    seen.id = nil
    assert.same({input = {7}, description = "Look", prompt = "what is there", attempt = 1}, seen)
  end)

  it("asks an agent type of Lua", function()
    assert.equal("hello", output_of{subagent_type = "p-echo", prompt = "hello"})
  end)

  it("asks an agent type that is a program", function()
    assert.equal("hello", output_of{subagent_type = "p-cat", prompt = "hello"})
  end)

  it("takes general-purpose when neither run nor subagent_type is given", function()
    local message = error_of(Task, {prompt = "x"})
    assert.matches('"general%-purpose" is not defined', message)
    local r = h.script[[
      orun.agent{name = "general-purpose", run = function(_, task) return "did " .. task.prompt end}
      print(Task{prompt = "it"}.output)]]
    assert.equal("did it\n", r.out)
  end)

  it("gives a failure as data", function()
    local result = Task{run = function() error("no luck", 0) end}
    assert.equal("failed", result.status)
    assert.equal("no luck", result.error)
    assert.equal("lua", result.error_kind)
    assert.is_nil(result.output)
  end)

  it("keeps a table that was raised", function()
    local result = Task{run = function() error{code = 7} end}
    assert.equal("failed", result.status)
    assert.same({code = 7}, result.error_value)
  end)

  it("gives every task a state of its own", function()
    local first = output_of{run = function()
      local text = getmetatable("").__index
      _G.leftover, text.more = 1, 2
      return true
    end}
    assert.is_true(first)
    assert.same({}, output_of{run = function()
      return {_G.leftover, ("").more}
    end})
  end)
end)

describe("Task in the background", function()
  it("gives a handle at once", function()
    local wait = gate()
    local task = held(wait, {description = "Patient"})
    assert.matches("^t%d+$", task.id)
    assert.equal("Patient", task.description)
    assert.not_equal("completed", status_of(task))
    open(wait, "opened")
    assert.equal("opened", TaskOutput(task).output)
  end)

  it("takes the handle wherever an id is taken", function()
    local task = background{run = function() return "x" end}
    for _, result in ipairs{
      TaskOutput(task), TaskOutput(task.id), TaskOutput{task_id = task},
      TaskOutput{task_id = task.id}, TaskOutput(TaskGet(task)), TaskOutput(TaskOutput(task)),
    } do
      assert.equal("x", result.output)
    end
    assert.equal(task.id, TaskGet(task).id)
    assert.equal(task.id, TaskGet(task.id).id)
    assert.equal(task.id, TaskGet{task_id = task}.id)
    assert.equal("already_resolved", select(3, TaskStop(task)))
    assert.equal("already_resolved", select(3, TaskStop{task_id = task.id}))
    assert.equal("done", output_of{run = function() return "done" end, blockedBy = {task, task.id}})
  end)

  it("runs Lua tasks side by side", function()
    local mine, yours = gate(), gate()
    local function meet(ids)
      TaskUpdate{task_id = ids[1], status = "completed", output = "met"}
      return TaskOutput(ids[2]).output
    end
    local a = background{run = meet, input = {mine.id, yours.id}}
    local b = background{run = meet, input = {yours.id, mine.id}}
    assert.equal("met", TaskOutput(a).output)
    assert.equal("met", TaskOutput(b).output)
  end)

  it("runs programs side by side", function()
    local one, other = rendezvous()
    orun.agent{name = "p-one", command = one}
    orun.agent{name = "p-other", command = other}
    local a = background{subagent_type = "p-one", prompt = "x"}
    local b = background{subagent_type = "p-other", prompt = "x"}
    assert.equal("completed", TaskOutput(a).status)
    assert.equal("completed", TaskOutput(b).status)
  end)

  it("gives results in any order, any number of times", function()
    local tasks = {}
    for i = 1, 20 do tasks[i] = background{run = function(n) return n * n end, input = i} end
    for _ = 1, 2 do
      for i = 20, 1, -1 do assert.equal(i * i, TaskOutput(tasks[i]).output) end
    end
  end)

  it("lets any task collect any other", function()
    local wait = gate()
    local source = held(wait)
    local readers = {}
    for i = 1, 8 do
      readers[i] = background{run = function(id) return TaskOutput(id).output end,
                              input = source.id}
    end
    open(wait, "shared")
    for i = 1, 8 do assert.equal("shared", TaskOutput(readers[i]).output) end
  end)
end)

describe("functions of tasks", function()
  local function twice(n) return 2 * n end
  local function four_times(n) return twice(twice(n)) end

  it("take the locals they capture with them, as they are at the call", function()
    local factor = 3
    local task = background{run = function(n) return n * factor end, input = 5}
    factor = 100
    assert.equal(15, TaskOutput(task).output)
    assert.equal(100, factor)
  end)

  it("take helper functions with them, and theirs", function()
    assert.equal(20, output_of{run = function(n) return four_times(n) end, input = 5})
  end)

  it("may be recursive", function()
    local function sum(n) return n == 0 and 0 or n + sum(n - 1) end
    assert.equal(55, output_of{run = sum, input = 10})
  end)

  it("share a captured variable among themselves, not with the script", function()
    local count = 0
    local function up() count = count + 1 end
    assert.equal(2, output_of{run = function() up() up() return count end})
    assert.equal(0, count)
  end)

  it("find captured modules again", function()
    local r = h.script[[
      local orun = require "orun"
      local json = orun.json
      local word = require "word"
      local function run() return json.encode{word.upper("x")} .. type(orun.sleep) end
      print(Task{run = run}.output)]]
    assert.matches("module 'word' not found", r.err)
    local dir = h.tmpdir()
    h.write(dir .. "/word.lua", 'local M = {} M.up = string.upper\n'
      .. 'function M.upper(s) return M.up(s) end\nreturn M\n')
    r = h.script([[
      local orun = require "orun"
      local word = require "word"
      local rep = string.rep
      local function run() return rep(word.upper("x"), 2) .. type(orun.sleep) end
      print(Task{run = run}.output)]], {cwd = dir})
    assert.equal("XXfunction\n", r.out, r.err)
  end)

  it("may require what the script may, wherever the script stands", function()
    local dir = h.tmpdir()
    h.write(dir .. "/word.lua", 'return {n = 42}\n')
    h.write(dir .. "/main.lua",
      'print(Task{run = function() return require("word").n end}.output)\n')
    assert.equal("42\n", h.orun{dir .. "/main.lua", cwd = "/"}.out)
  end)

  it("follow a path the script has set", function()
    local dir = h.tmpdir()
    os.execute("mkdir " .. dir .. "/more")
    h.write(dir .. "/more/word.lua", 'return {n = 43}\n')
    local r = h.script([[
      package.path = ... .. "/more/?.lua;" .. package.path
      print(Task{run = function() return require("word").n end}.output)]], {dir})
    assert.equal("43\n", r.out, r.err)
  end)

  it("are told that a global of the script is not theirs", function()
    local result = Task{run = function() return SOME_GLOBAL.field end} -- luacheck: ignore
    assert.equal("failed", result.status)
    assert.matches("global 'SOME_GLOBAL'", result.error)
    assert.matches("a task does not see the script's globals", result.error)
  end)

  it("fail with the script's file and line", function()
    local r = h.script[[
local function inner()
  error("deep down")
end
local result = Task{run = function()
  inner()
end}
print(result.error)
print(result.traceback)
]]
    local lines = h.lines(r.out)
    assert.equal("script.lua:2: deep down", lines[1])
    assert.matches("script.lua:2: in upvalue 'inner'", r.out)
    assert.matches("script.lua:5: in function <script.lua:4>", r.out)
  end)
end)

describe("blockedBy", function()
  it("keeps a task pending until its blockers have completed", function()
    local wait = gate()
    local first = held(wait)
    local second = background{
      run = function(id) return TaskOutput{task_id = id, block = false}.status end,
      input = first.id,
      blockedBy = {first},
    }
    assert.equal("pending", status_of(second))
    assert.same({first.id}, TaskGet(second).blockedBy)
    open(wait)
    assert.equal("completed", TaskOutput(second).output)
    assert.same({}, TaskGet(second).blockedBy)
  end)

  it("waits for all of them", function()
    local one, two = gate(), gate()
    local task = background{run = function() return "ran" end, blockedBy = {one, two}}
    open(one)
    assert.equal("pending", status_of(task))
    assert.same({two.id}, TaskGet(task).blockedBy)
    open(two)
    assert.equal("ran", TaskOutput(task).output)
  end)

  it("takes blockers that have completed already", function()
    local done = background{run = function() end}
    TaskOutput(done)
    assert.equal(1, output_of{run = function() return 1 end, blockedBy = {done}})
  end)

  it("cancels what waits for a failure, with its cause, all the way down", function()
    local broken = background{description = "Parse", run = function() error("bad comma", 0) end}
    local second = background{description = "Compile", run = function() end, blockedBy = {broken}}
    local third = background{run = function() end, blockedBy = {second}}
    local result = TaskOutput(second)
    assert.equal("cancelled", result.status)
    assert.equal("blocked", result.error_kind)
    assert.matches("Parse.* failed: bad comma", result.error)
    assert.equal(0, result.attempts)
    result = TaskOutput(third)
    assert.equal("blocked", result.error_kind)
    assert.matches("Parse.* failed: bad comma", result.error)
    assert.equal("failed", TaskOutput(broken).status)
  end)

  it("cancels at the first failure, though other blockers are not done", function()
    local wait = gate()
    local slow = held(wait)
    local broken = background{run = function() error("x", 0) end}
    local task = background{run = function() end, blockedBy = {slow, broken}}
    assert.equal("blocked", TaskOutput(task).error_kind)
    assert.not_equal("completed", status_of(slow))
    TaskOutput(broken)
    open(wait)
    TaskOutput(slow)
  end)

  it("runs despite failures when on_blocker_failure is run", function()
    local broken = background{run = function() error("x", 0) end}
    local stopped = held(gate())
    TaskStop(stopped)
    assert.equal("swept", output_of{
      run = function() return "swept" end,
      blockedBy = {broken, stopped},
      on_blocker_failure = "run",
    })
    TaskOutput(broken)
  end)

  it("runs each of a diamond of thousands of edges once", function()
    local layer = {background{run = function() return 1 end}}
    for _ = 1, 3 do
      local next_layer = {}
      for i = 1, 50 do
        next_layer[i] = background{run = function(_, task) return task.attempt end,
                                   blockedBy = layer}
      end
      layer = next_layer
    end
    for _, task in ipairs(layer) do assert.equal(1, TaskOutput(task).output) end
  end)
end)

describe("a handle inside input", function()
  it("becomes the output of its task, wherever it stands", function()
    local wait = gate()
    local words = held(wait)
    local count = background{
      run = function(input) return {#input.a[1].text, input.a[2], input.b == input.a[1].text} end,
      input = {a = {{text = words}, "plain"}, b = words},
    }
    assert.equal("pending", status_of(count))
    open(wait, "hello")
    assert.same({5, "plain", true}, TaskOutput(count).output)
  end)

  it("may be the input", function()
    local source = background{run = function() return {deep = {1, 2}} end}
    assert.equal(2, output_of{run = function(input) return #input.deep end, input = source})
  end)

  it("may be an item of the list", function()
    local item = gate()
    local task = background{run = function(input) return input end, input = item}
    open(item, "by hand")
    assert.equal("by hand", TaskOutput(task).output)
  end)

  it("blocks as blockedBy does, when its task fails", function()
    local broken = background{run = function() error("x", 0) end}
    assert.equal("blocked", Task{run = function() end, input = {broken}}.error_kind)
    assert.equal("nil", output_of{
      run = function(input) return type(input.from) end,
      input = {from = broken},
      on_blocker_failure = "run",
    })
    TaskOutput(broken)
  end)

  it("is nil when the task gave nothing", function()
    local nothing = background{run = function() end}
    assert.same({type = "nil", last = 2}, output_of{
      run = function(input) return {type = type(input.from), last = input[2]} end,
      input = {nothing, 2, from = nothing},
    })
  end)

  it("reaches programs as text", function()
    local source = background{run = function() return "from Lua" end}
    assert.equal("from Lua", output_of{subagent_type = "p-cat", input = source})
    assert.equal('say this\n\n{"from":"from Lua"}', output_of{
      subagent_type = "p-cat", prompt = "say this", input = {from = source}})
  end)

  it("stays a handle in what a function captures", function()
    local source = background{run = function() return 5 end}
    assert.equal(5, output_of{run = function() return TaskOutput(source).output end})
  end)
end)

describe("timeout", function()
  local function timed_out(fields)
    local result = Task(fields)
    assert.equal("failed", result.status)
    assert.equal("timeout", result.error_kind)
    return result
  end

  it("ends a loop", function()
    local result = timed_out{run = function() while true do end end, timeout = 0.05}
    assert.matches("0%.05 s", result.error)
  end)

  it("ends a loop that catches its errors", function()
    timed_out{timeout = "50ms", run = function()
      while true do pcall(function() while true do end end) end
    end}
  end)

  it("ends a loop in a coroutine in a coroutine", function()
    timed_out{timeout = "50ms", run = function()
      coroutine.wrap(function()
        coroutine.wrap(function() while true do end end)()
      end)()
    end}
  end)

  it("ends a sleep, a wait and a program", function()
    timed_out{run = function() orun.sleep("1h") end, timeout = "20ms"}
    local never = gate()
    timed_out{run = function(id) TaskOutput(id) end, input = never.id, timeout = "20ms"}
    timed_out{run = function() orun.exec("sleep", "1000") end, timeout = "20ms"}
    orun.agent{name = "p-sleep", command = {"sleep", "1000"}}
    timed_out{subagent_type = "p-sleep", prompt = "x", timeout = "20ms"}
    open(never)
  end)

  it("lets clean-up run", function()
    local path, lines = journal()
    timed_out{input = path, timeout = "50ms", run = function(file)
      local _ <close> = setmetatable({}, {__close = function()
        local f <close> = io.open(file, "a")
        f:write("closed\n")
      end})
      orun.sleep("1h")
    end}
    assert.same({"closed"}, lines())
  end)

  it("counts from the start of the task, not from the call", function()
    local wait = gate()
    local task = background{run = function() end, blockedBy = {wait}, timeout = "10ms"}
    local result = TaskOutput{task_id = task, timeout = "100ms"}
    assert.equal("pending", result.status)
    assert.is_true(result.timed_out)
    open(wait)
    TaskOutput(task)
  end)

  it("is not needed for inf", function()
    assert.equal(1, output_of{run = function() return 1 end, timeout = math.huge})
  end)
end)

describe("retry", function()
  it("tries again until it succeeds", function()
    local result = Task{
      run = function(_, task)
        if task.attempt < 3 then error("not yet", 0) end
        return task.attempt
      end,
      retry = {max = 5, backoff = 0},
    }
    assert.equal(3, result.output)
    assert.equal(3, result.attempts)
  end)

  it("gives the last error when no try is left", function()
    local result = Task{
      run = function(_, task) error("failure " .. task.attempt, 0) end,
      retry = {max = 2, backoff = 0},
    }
    assert.equal("failed", result.status)
    assert.equal("failure 3", result.error)
    assert.equal(3, result.attempts)
  end)

  it("may be a number", function()
    assert.equal(1, Task{run = function() error("x", 0) end, retry = 0}.attempts)
  end)

  it("tries again for the kinds in `on` only", function()
    local retry = {max = 3, backoff = 0, on = {"timeout", "exit"}}
    assert.equal(1, Task{run = function() error("x", 0) end, retry = retry}.attempts)
    assert.equal(4, Task{run = function() os.exit(1) end, retry = retry}.attempts)
  end)

  it("tries programs again, with the same prompt", function()
    local path, lines = journal()
    orun.agent{name = "p-third", command = {"sh", "-c",
      'cat >> "$0"; [ $(wc -l < "$0") = 3 ] || exit 9; echo fine', path}}
    local result = Task{subagent_type = "p-third", prompt = "asked\n",
                        retry = {max = 5, backoff = 0}}
    assert.equal("fine\n", result.output)
    assert.equal(3, result.attempts)
    assert.same({"asked", "asked", "asked"}, lines())
  end)

  it("cancels the children of a failed try", function()
    local result = Task{
      run = function(_, task)
        if task.attempt == 2 then return true end
        Task{run = function() orun.sleep("1h") end, run_in_background = true}
        error("x", 0)
      end,
      retry = {max = 1, backoff = 0},
    }
    assert.equal("completed", result.status)
  end)

  it("does not try a stopped task again", function()
    local task = background{run = function() orun.sleep("1h") end, retry = {max = 9, backoff = 0}}
    TaskStop(task)
    local result = TaskOutput(task)
    assert.equal("cancelled", result.status)
    assert.is_true(result.attempts <= 1)
  end)
end)

describe("limit", function()
  it("lets so many run at once and no more", function()
    local path, lines = journal()
    orun.limit("p-two", 2)
    local tasks = {}
    for i = 1, 8 do
      -- A task that sleeps keeps its named slot.
      tasks[i] = background{input = path, limit = "p-two", run = function(file)
        local function say(word)
          local f <close> = io.open(file, "a")
          f:write(word, "\n")
        end
        say("start")
        orun.sleep("5ms")
        say("end")
      end}
    end
    for i = 1, 8 do assert.equal("completed", TaskOutput(tasks[i]).status) end
    local now, most = 0, 0
    for _, line in ipairs(lines()) do
      now = now + (line == "start" and 1 or -1)
      most = math.max(most, now)
    end
    assert.equal(16, #lines())
    assert.is_true(most <= 2)
  end)

  it("is 1 for a name nobody has sized", function()
    local path, lines = journal()
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = background{input = path, limit = "p-single", run = function(file)
        local f <close> = io.open(file, "a")
        f:setvbuf("no")
        f:write("start\n")
        orun.sleep("2ms")
        f:write("end\n")
      end}
    end
    for i = 1, 5 do TaskOutput(tasks[i]) end
    for i, line in ipairs(lines()) do assert.equal(i % 2 == 1 and "start" or "end", line) end
  end)

  it("grows at once when it is set higher", function()
    orun.limit("p-grows", 1)
    local one, other = rendezvous()
    local function run(command) return orun.exec{command = command}.code end
    local a = background{run = run, input = one, limit = "p-grows"}
    local b = background{run = run, input = other, limit = "p-grows"}
    orun.limit("p-grows", 2)
    assert.equal(0, TaskOutput(a).output)
    assert.equal(0, TaskOutput(b).output)
  end)

  it("is given back by a task that waits for others", function()
    local function nest(n)
      if n == 0 then return "bottom" end
      return Task{run = nest, input = n - 1, limit = "p-nest"}.output
    end
    assert.equal("bottom", output_of{run = nest, input = 10, limit = "p-nest"})
  end)

  it("belongs to an agent type too", function()
    local path, lines = journal()
    orun.agent{name = "p-one-at-a-time", limit = 1, command = {"sh", "-c",
      'echo start >> "$0"; cat > /dev/null; echo end >> "$0"', path}}
    local tasks = {}
    for i = 1, 5 do tasks[i] = background{subagent_type = "p-one-at-a-time", prompt = "x"} end
    for i = 1, 5 do assert.equal("completed", TaskOutput(tasks[i]).status) end
    for i, line in ipairs(lines()) do assert.equal(i % 2 == 1 and "start" or "end", line) end
  end)

  it("of programs is -j", function()
    local script = [[
      local log = ...
      orun.agent{name = "a", command = {"sh", "-c", 'echo s >> "$0"; cat; echo e >> "$0"', log}}
      local tasks = {}
      for i = 1, 6 do
        tasks[i] = Task{subagent_type = "a", prompt = "x", run_in_background = true}
      end
      for i = 1, 6 do TaskOutput(tasks[i]) end]]
    local path, lines = journal()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", script)
    assert.equal(0, h.orun{"-j", "1", dir .. "/s.lua", path}.code)
    assert.equal("sesesesesese", table.concat(lines()))
  end)
end)

describe("priority", function()
  it("decides who is next where tasks queue", function()
    local path, lines = journal()
    local wait = gate()
    local function say(input)
      local f <close> = io.open(input[1], "a")
      f:write(input[2], "\n")
    end
    local tasks = {}
    -- The first to become ready gets the only slot; the others queue.
    for i, priority in ipairs{0, -5, 0, 10, 0, 3} do
      tasks[i] = background{run = say, input = {path, i .. ":" .. priority}, limit = "p-queue",
                            priority = priority, blockedBy = {wait}}
    end
    open(wait)
    for _, task in ipairs(tasks) do TaskOutput(task) end
    assert.same({"1:0", "4:10", "6:3", "3:0", "5:0", "2:-5"}, lines())
  end)
end)

describe("writes", function()
  -- Each says when it starts and ends; those that overlap may not interleave.
  local function order_of(first, second)
    local path, lines = journal()
    local function run(input)
      for _, word in ipairs{"start", "end"} do
        local f <close> = io.open(input[1], "a")
        f:write(word, " ", input[2], "\n")
        f:close()
        orun.sleep("5ms")
      end
    end
    local a = background{run = run, input = {path, "a"}, writes = first}
    local b = background{run = run, input = {path, "b"}, writes = second}
    TaskOutput(a)
    TaskOutput(b)
    return table.concat(lines(), ", ")
  end
  local ONE_BY_ONE <const> = "start a, end a, start b, end b"

  it("keeps tasks apart that change the same file", function()
    assert.equal(ONE_BY_ONE, order_of({"src/a.c"}, {"src/a.c", "src/b.c"}))
    assert.equal(ONE_BY_ONE, order_of({"./src//a.c"}, {"src/x/../a.c"}))
  end)

  it("keeps a folder and what is in it apart", function()
    assert.equal(ONE_BY_ONE, order_of({"src"}, {"src/deep/a.c"}))
    assert.equal(ONE_BY_ONE, order_of({"src/deep/a.c"}, {"src/"}))
    assert.equal(ONE_BY_ONE, order_of({"/"}, {"x"}))
  end)

  it("lets tasks run at once that change different files", function()
    local one, other = rendezvous()
    local function run(command) return orun.exec{command = command}.code end
    local a = background{run = run, input = one, writes = {"src/a"}}
    local b = background{run = run, input = other, writes = {"src/ab"}}
    assert.equal(0, TaskOutput(a).output)
    assert.equal(0, TaskOutput(b).output)
  end)
end)

describe("max_output", function()
  orun.agent{name = "p-lines", command = {"sh", "-c",
    "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done"}}

  it("gives up to that much exactly", function()
    orun.agent{name = "p-exact", command = {"printf", "%s", ("x"):rep(100)}}
    local result = Task{subagent_type = "p-exact", prompt = "x", max_output = 100}
    assert.equal(("x"):rep(100), result.output)
    assert.is_nil(result.truncated)
  end)

  it("cuts what is longer at a line and says where the whole is", function()
    local result = Task{subagent_type = "p-lines", prompt = "x", max_output = 1000}
    assert.is_true(result.truncated)
    local kept, noted = result.output:match("^(.*\n)([^\n]+)\n?$")
    assert.is_true(#kept <= 1000)
    for i, line in ipairs(h.lines(kept)) do assert.equal("line " .. i, line) end
    assert.matches(result.output_file, noted, 1, true)
    local whole = h.lines(h.read(result.output_file))
    assert.equal(2000, #whole)
    assert.equal("line 2000", whole[2000])
  end)

  it("is 32 KiB unless told", function()
    orun.agent{name = "p-flood", command = {"head", "-c", "100000", "/dev/zero"}}
    local result = Task{subagent_type = "p-flood", prompt = "x"}
    assert.is_true(result.truncated)
    assert.equal(100000, #h.read(result.output_file))
    assert.is_true(#result.output >= 32768 and #result.output < 34000)
    assert.is_nil(Task{subagent_type = "p-flood", prompt = "x", max_output = "1MiB"}.truncated)
  end)

  it("may belong to the agent type", function()
    orun.agent{name = "p-brief", max_output = 10, command = {"cat"}}
    local text = "123456789\nabcdefghi\n"
    assert.is_true(Task{subagent_type = "p-brief", prompt = text}.truncated)
    assert.equal(text, output_of{subagent_type = "p-brief", prompt = text, max_output = 1000})
  end)

  it("holds whole files no longer than the run", function()
    local r = h.script[[
      orun.agent{name = "a", command = {"head", "-c", "100000", "/dev/zero"}}
      print(Task{subagent_type = "a", prompt = "x"}.output_file)]]
    local path = r.out:match("^(/.*)\n$")
    assert.is_truthy(path)
    assert.is_false(h.exists(path))
  end)
end)

describe("agent types that are programs", function()
  it("get the prompt on stdin and give stdout, byte for byte", function()
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    local text = table.concat(bytes) .. "\r\n\xff no newline at the end"
    assert.equal(text, output_of{subagent_type = "p-cat", prompt = text})
  end)

  it("get the prompt in a file that only the user can read", function()
    orun.agent{name = "p-file", command = {"sh", "-c",
      'echo "$0"; stat -c %a "$0"; cat "$0"; cat', "{prompt_file}"}}
    local result = Task{subagent_type = "p-file", prompt = "in a file"}
    local path, mode, text = result.output:match("^([^\n]*)\n([^\n]*)\n(.*)$")
    assert.matches("^/", path)
    assert.equal("600", mode)
    assert.equal("in a file", text) -- and nothing on stdin
    assert.is_false(h.exists(path))
  end)

  it("get the file's name in the middle of an argument too", function()
    orun.agent{name = "p-middle", command = {"sh", "-c", 'cat "${0#--prompt=}"',
                                           "--prompt={prompt_file}"}}
    assert.equal("x", output_of{subagent_type = "p-middle", prompt = "x"})
  end)

  it("never see a prompt in their arguments or environment", function()
    orun.agent{name = "p-look", command = {"sh", "-c",
      "tr '\\0' '\\n' < /proc/$$/cmdline; tr '\\0' '\\n' < /proc/$$/environ"}}
    assert.is_nil(output_of{subagent_type = "p-look", prompt = "very secret",
                            max_output = "1MiB"}:find("very secret"))
  end)

  it("get an empty prompt when that is allowed", function()
    assert.equal("", output_of{subagent_type = "p-cat", prompt = "", allow_empty = true})
    assert.equal("", output_of{subagent_type = "p-cat", allow_empty = true})
  end)

  it("fail with their exit code and the end of their stderr", function()
    local result = Task{subagent_type = "p-sh", prompt = "echo partial; echo cannot >&2; exit 3"}
    assert.equal("failed", result.status)
    assert.equal("exit", result.error_kind)
    assert.equal(3, result.exit_code)
    assert.is_nil(result.signal)
    assert.matches("exit code 3", result.error)
    assert.matches("cannot$", result.error)
    assert.equal("partial\n", result.output)
  end)

  it("fail with the last of a long stderr", function()
    local result = Task{subagent_type = "p-sh", prompt = [[
      i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo noise $i >&2; done
      echo the reason >&2; exit 1]]}
    assert.matches("the reason$", result.error)
    assert.is_true(#result.error < 10000)
  end)

  it("fail with their signal", function()
    local result = Task{subagent_type = "p-sh", prompt = "kill -KILL $$"}
    assert.equal("signal", result.error_kind)
    assert.equal(9, result.signal)
    assert.is_nil(result.exit_code)
    assert.matches("SIGKILL", result.error)
  end)

  it("fail with the reason why they could not be started", function()
    orun.agent{name = "p-absent", command = {"no-such-program-anywhere"}}
    local result = Task{subagent_type = "p-absent", prompt = "x"}
    assert.equal("spawn", result.error_kind)
    assert.matches("no%-such%-program%-anywhere", result.error)
    assert.matches("ENOENT", result.error)
  end)

  it("keep stdout and stderr apart", function()
    local result = Task{subagent_type = "p-sh", prompt = "echo one; echo two >&2; echo three"}
    assert.equal("one\nthree\n", result.output)
  end)

  it("run in cwd", function()
    local dir = h.tmpdir()
    assert.equal(dir .. "\n", output_of{subagent_type = "p-sh", prompt = "pwd -P", cwd = dir})
    orun.agent{name = "p-there", command = {"pwd", "-P"}, cwd = dir}
    assert.equal(dir .. "\n", output_of{subagent_type = "p-there", prompt = "x"})
    assert.equal("/\n", output_of{subagent_type = "p-there", prompt = "x", cwd = "/"})
  end)

  it("have the script's environment, the type's, and the task's, in that order", function()
    local script = [[
      orun.agent{name = "a", command = {"sh"}, env = {ONE = "type", TWO = "type"}}
      local ask = 'echo "$ZERO $ONE $TWO"'
      io.write(Task{subagent_type = "a", prompt = ask, env = {TWO = "task"}}.output)]]
    local r = h.script(script, {env = {ZERO = "script", ONE = "script", TWO = "script"}})
    assert.equal("script type task\n", r.out)
  end)

  it("know their task's id", function()
    local result = Task{subagent_type = "p-sh", prompt = "echo $ORUN_TASK_ID"}
    assert.equal(result.task_id .. "\n", result.output)
  end)

  it("may be defined again; the last one counts", function()
    orun.agent{name = "p-again", run = function() return "old" end}
    orun.agent{name = "p-again", run = function() return "new" end}
    assert.equal("new", output_of{subagent_type = "p-again", prompt = "x"})
  end)

  it("show what they have printed so far to who does not wait", function()
    local dir = h.tmpdir()
    assert(orun.exec("mkfifo", dir .. "/go").code == 0)
    local task = background{subagent_type = "p-sh",
                            prompt = "echo so far; read -r _ < " .. dir .. "/go; echo done"}
    assert.is_truthy(h.wait_for(function()
      local now = TaskOutput{task_id = task, block = false}
      return now.status == "in_progress" and now.output == "so far\n"
    end))
    assert.equal(0, orun.exec("sh", "-c", "echo > " .. dir .. "/go").code)
    assert.equal("so far\ndone\n", TaskOutput(task).output)
  end)
end)

describe("TaskOutput", function()
  it("gives the present state with block = false", function()
    local wait = gate()
    local task = held(wait)
    local now = TaskOutput{task_id = task, block = false}
    assert.is_true(now.status == "pending" or now.status == "in_progress")
    assert.is_nil(now.timed_out)
    open(wait, 1)
    assert.equal(1, TaskOutput(task).output)
    assert.equal(1, TaskOutput{task_id = task, block = false}.output)
  end)

  it("says timed_out when the wait runs out, and loses nothing", function()
    local wait = gate()
    local task = held(wait)
    for _, timeout in ipairs{0, 0.01, "10ms"} do
      local result = TaskOutput{task_id = task, timeout = timeout}
      assert.is_true(result.timed_out)
      assert.not_equal("completed", result.status)
    end
    open(wait, "kept")
    local result = TaskOutput{task_id = task, timeout = "1h"}
    assert.equal("kept", result.output)
    assert.is_nil(result.timed_out)
  end)

  it("waits anywhere Lua code runs, in the script and in tasks", function()
    local function everywhere()
      local function value()
        return TaskOutput(Task{run = function() return 7 end, run_in_background = true}).output
      end
      local mt = {
        __index = value, __concat = value, __len = value,
        __lt = function() return value() == 7 end,
        __eq = function() return value() == 7 end,
        __tostring = function() return tostring(value()) end,
      }
      local a, b = setmetatable({}, mt), setmetatable({}, mt)
      local sorted = {3, 1, 2}
      table.sort(sorted, function(x, y) return value() == 7 and x < y end)
      local _, handled = xpcall(error, function() return value() end)
      local pieces = {"return ", function() return tostring(value()) end}
      local at = 0
      local chunk = load(function()
        at = at + 1
        return type(pieces[at]) == "function" and pieces[at]() or pieces[at]
      end)
      return table.concat({
        coroutine.wrap(value)(), a.x, a .. 1, #a, tostring(a < b), tostring(a == b), tostring(a),
        table.concat(sorted), (("x"):gsub("x", value)), handled, chunk(),
      }, " ")
    end
    assert.equal("7 7 7 7 true true 7 123 7 7 7", everywhere())
    assert.equal("7 7 7 7 true true 7 123 7 7 7", output_of{run = everywhere})
  end)

  it("does not yield to the user's own coroutine", function()
    local wait = gate()
    local task = held(wait)
    local steps = coroutine.wrap(function()
      coroutine.yield("mine")
      open(wait, "theirs")
      coroutine.yield(TaskOutput(task).output)
    end)
    assert.equal("mine", steps())
    assert.equal("theirs", steps())
  end)
end)

describe("TaskStop", function()
  local function stopped(task)
    assert.is_true((TaskStop(task)))
    local result = TaskOutput(task)
    assert.equal("cancelled", result.status)
    assert.equal("cancelled", result.error_kind)
    return result
  end

  it("ends a loop, a sleep, a wait and a program", function()
    local loop = background{run = function() while true do end end}
    assert.is_truthy(h.wait_for(function() return status_of(loop) == "in_progress" end))
    stopped(loop)
    stopped(background{run = function() orun.sleep("1h") end})
    local wait = gate()
    stopped(held(wait))
    open(wait)
    stopped(background{subagent_type = "p-sh", prompt = "exec sleep 1000"})
  end)

  it("ends a program that ignores SIGTERM, and its children", function()
    local path, lines = journal()
    local task = background{subagent_type = "p-sh", prompt =
      "trap '' TERM; sleep 1000 & echo $! > " .. path .. "; wait; wait"}
    assert.is_truthy(h.wait_for(function() return lines()[1] end))
    stopped(task)
    local pid = lines()[1]
    assert.is_truthy(h.wait_for(function() return not h.exists("/proc/" .. pid .. "/stat") end))
  end)

  it("cancels what has not begun, and what waits for it", function()
    local wait = gate()
    local first = background{run = function() end, blockedBy = {wait}}
    local second = background{run = function() end, blockedBy = {first}}
    assert.equal(0, stopped(first).attempts)
    assert.equal("blocked", TaskOutput(second).error_kind)
    open(wait)
  end)

  it("takes the children along", function()
    local path, lines = journal()
    local task = background{input = path, run = function(file)
      local child = Task{run = function() orun.sleep("1h") end, run_in_background = true}
      local f <close> = io.open(file, "a")
      f:write(child.id, "\n")
      f:close()
      TaskOutput(child)
    end}
    local child = h.wait_for(function() return lines()[1] end)
    stopped(task)
    assert.equal("cancelled", TaskOutput(child).status)
  end)

  it("says when there is nothing left to stop", function()
    local task = background{run = function() end}
    TaskOutput(task)
    local ok, message, reason = TaskStop(task)
    assert.is_nil(ok)
    assert.matches("completed", message)
    assert.equal("already_resolved", reason)
    assert.equal("completed", TaskOutput(task).status)
  end)
end)

describe("nesting", function()
  it("lets tasks start tasks", function()
    assert.equal(6, output_of{run = function()
      local sum, tasks = 0, {}
      for i = 1, 3 do
        tasks[i] = Task{run = function(n) return n end, input = i, run_in_background = true}
      end
      for i = 1, 3 do sum = sum + TaskOutput(tasks[i]).output end
      return sum
    end})
  end)

  it("cancels children that are not done when their parent ends", function()
    local child = output_of{run = function()
      return Task{run = function() orun.sleep("1h") end, run_in_background = true}.id
    end}
    local result = TaskOutput(child)
    assert.equal("cancelled", result.status)
    assert.equal("cancelled", result.error_kind)
  end)

  it("leaves detached children alone", function()
    local wait = gate()
    local child = output_of{input = wait.id, run = function(id)
      return Task{run = function(at) return TaskOutput(at).output end, input = id,
                  detach = true, run_in_background = true}.id
    end}
    open(wait, "outlived it")
    assert.equal("outlived it", TaskOutput(child).output)
  end)

  it("ends at a depth that is an error, not a crash", function()
    local function deeper(n)
      local result = Task{run = deeper, input = n + 1}
      return result.output or (n .. " " .. result.error)
    end
    assert.matches("^31 .*nested 32 deep", output_of{run = deeper, input = 1})
  end)

  it("works with one worker", function()
    local r = h.orun{"--workers", "1", "-e", [[
      local function tree(n)
        if n == 0 then return 1 end
        local a = Task{run = tree, input = n - 1, run_in_background = true}
        local b = Task{run = tree, input = n - 1, run_in_background = true}
        return TaskOutput(a).output + TaskOutput(b).output
      end
      print(tree(6))]]}
    assert.equal("64\n", r.out, r.err)
  end)
end)

describe("the list", function()
  it("holds items until somebody claims them", function()
    local r = h.script[[
      local a = TaskCreate{description = "a", metadata = {size = 3}, prompt = "do a"}
      local b = TaskCreate{description = "b", blockedBy = {a}}
      for _, item in ipairs(TaskList()) do
        print(item.id, item.description, item.status, item.owner, table.concat(item.blockedBy, ","))
      end
      print(TaskGet(a).metadata.size, TaskGet("t99"))
      local item = orun.claim{owner = "me"}
      print(item.id == a.id, item.status, item.owner, item.prompt, orun.claim())
      print(TaskUpdate{task_id = item.id, status = "completed", output = {7}})
      print(TaskOutput(a).output[1], #TaskGet(b).blockedBy)
      item = TaskList:claim{owner = "you"}
      print(item.id == b.id, item.owner)]]
    assert.equal(table.concat({
      "t1\ta\tpending\tnil\t", "t2\tb\tpending\tnil\tt1", "3\tnil",
      "true\tin_progress\tme\tdo a\tnil", "true", "7\t0", "true\tyou", "",
    }, "\n"), r.out, r.err)
  end)

  it("filters", function()
    local r = h.script[[
      local a = TaskCreate{description = "a"}
      TaskCreate{description = "b", blockedBy = {a}}
      TaskCreate{description = "c"}
      TaskUpdate{task_id = a, status = "in_progress", owner = "me"}
      local function show(list)
        print(table.concat(list:map(function(item) return item.description end), " "))
      end
      show(TaskList())
      show(TaskList{status = "pending"})
      show(TaskList{status = "pending", unblocked = true})
      show(TaskList{unblocked = false})
      show(TaskList{owner = "me"})
      show(TaskList():filter(function(item) return item.description > "a" end))]]
    assert.equal("a b c\nb c\nc\nb\na\nb c\n", r.out, r.err)
  end)

  it("shows tasks that run when asked", function()
    local r = h.script[[
      TaskCreate{description = "item"}
      Task{description = "task", run = function() end}
      for _, kind in ipairs{"item", "task", "all"} do
        for _, entry in ipairs(TaskList{kind = kind}) do print(kind, entry.description) end
      end]]
    assert.equal("item\titem\ntask\ttask\nall\titem\nall\ttask\n", r.out, r.err)
  end)

  it("shows the present state of a task", function()
    local wait = gate()
    local task = held(wait, {description = "shown"})
    assert.is_truthy(h.wait_for(function() return TaskGet(task).status == "in_progress" end))
    open(wait)
    TaskOutput(task)
    assert.equal("completed", TaskGet(task).status)
  end)

  it("gives an item to exactly one of many claimers", function()
    local item = gate()
    local claimers = {}
    for i = 1, 30 do
      claimers[i] = background{input = item.id, run = function(id)
        local won, _, reason = TaskUpdate{task_id = id, status = "in_progress"}
        if won then TaskUpdate{task_id = id, status = "completed"} end
        return won and "won" or reason
      end}
    end
    local won = 0
    for _, task in ipairs(claimers) do
      local said = TaskOutput(task).output
      won = won + (said == "won" and 1 or 0)
      assert.is_true(said == "won" or said == "already_claimed" or said == "already_resolved", said)
    end
    assert.equal(1, won)
  end)

  it("shares items out so that each is done once", function()
    local r = h.script[[
      for i = 1, 100 do TaskCreate{description = "item " .. i} end
      local workers = {}
      for i = 1, 8 do
        workers[i] = Task{run_in_background = true, run = function(_, task)
          local done = 0
          for item in function() return orun.claim{owner = task.id} end do
            done = done + 1
            TaskUpdate{task_id = item.id, status = "completed", output = task.id}
          end
          return done
        end}
      end
      local sum = 0
      for i = 1, 8 do sum = sum + TaskOutput(workers[i]).output end
      print(sum, #TaskList{status = "completed"})]]
    assert.equal("100\t100\n", r.out, r.err)
  end)

  it("takes an item back when its claimer ends without finishing it", function()
    local r = h.script[[
      local item = TaskCreate{description = "hard"}
      for i = 1, 3 do
        Task{description = "w" .. i, run = function()
          assert(orun.claim{owner = "w"})
          error("died")
        end}
        local now = TaskGet(item)
        print(now.status, now.owner, now.attempts)
      end
      local won = orun.claim()
      print(won.id == item.id, won.attempts)]]
    assert.equal("pending\tnil\t1\npending\tnil\t2\npending\tnil\t3\ntrue\t4\n", r.out, r.err)
  end)

  it("lets the claimer give an item back", function()
    local item = gate()
    assert.is_true(TaskUpdate{task_id = item, status = "in_progress", owner = "me"})
    assert.is_true(TaskUpdate{task_id = item, status = "pending"})
    assert.equal("pending", TaskGet(item).status)
    assert.is_nil(TaskGet(item).owner)
    open(item)
  end)

  it("takes the most urgent item first, then the oldest", function()
    local r = h.script[[
      for i, priority in ipairs{0, 5, 0, -1, 5} do
        TaskCreate{description = i .. "", priority = priority}
      end
      TaskUpdate{task_id = "t4", priority = 9}
      local order = {}
      for item in function() return orun.claim() end do order[#order + 1] = item.description end
      print(table.concat(order, " "))]]
    assert.equal("4 2 5 1 3\n", r.out, r.err)
  end)

  it("lets a claimer wait for an item that others still block", function()
    local r = h.script[[
      local a = TaskCreate{description = "a"}
      TaskCreate{description = "b", blockedBy = {a}}
      assert(orun.claim().id == a.id)
      local other = Task{run_in_background = true, run = function()
        local item = orun.claim{wait = true}
        TaskUpdate{task_id = item.id, status = "completed"}
        return item.description .. tostring(orun.claim{wait = true})
      end}
      assert(TaskOutput{task_id = other, timeout = "20ms"}.timed_out)
      TaskUpdate{task_id = a, status = "completed"}
      print(TaskOutput(other).output)]]
    assert.equal("bnil\n", r.out, r.err)
  end)

  it("merges metadata", function()
    local item = TaskCreate{description = "m", metadata = {a = 1, b = {c = 2}}}
    TaskUpdate{task_id = item, metadata = {b = 3, d = 4}}
    assert.same({a = 1, b = 3, d = 4}, TaskGet(item).metadata)
    open(item)
  end)

  it("keeps the reason of an item that failed", function()
    local item = gate()
    assert.is_true(TaskUpdate{task_id = item, status = "failed", error = "too hard"})
    local result = TaskOutput(item)
    assert.equal("failed", result.status)
    assert.equal("too hard", result.error)
  end)

  it("forgets what is deleted", function()
    local item = gate()
    local dependent = background{run = function() end, blockedBy = {item}}
    assert.is_true(TaskUpdate{task_id = item, status = "deleted"})
    assert.is_nil(TaskGet(item))
    assert.equal(0, #TaskList():filter(function(other) return other.id == item.id end))
    assert.equal("blocked", TaskOutput(dependent).error_kind)
  end)

  it("refuses cycles, and shows them", function()
    local a, b, c = gate(), gate(), gate()
    assert.is_true(TaskUpdate{task_id = b, addBlockedBy = {a}})
    assert.is_true(TaskUpdate{task_id = b, addBlocks = {c}})
    local message = error_of(TaskUpdate, {task_id = a, addBlockedBy = {c}})
    for _, item in ipairs{a, b, c} do assert.matches(item.id .. " (gate)", message, 1, true) end
    assert.same({}, TaskGet(a).blockedBy)
    open(a)
    open(b)
    open(c)
  end)

  it("adds blockers to tasks that have not begun", function()
    local first, second = gate(), gate()
    local task = background{run = function() return "ran" end, blockedBy = {first}}
    assert.is_true(TaskUpdate{task_id = task, addBlockedBy = {second}})
    open(first)
    assert.equal("pending", status_of(task))
    open(second)
    assert.equal("ran", TaskOutput(task).output)
    assert.matches("begun or ended", error_of(TaskUpdate, {task_id = task, addBlockedBy = {first}}))
  end)
end)

describe("waits that could never end", function()
  it("are refused: a task for itself", function()
    local result = Task{run = function(_, task) return TaskOutput(task.id) end}
    assert.matches("deadlock", result.error)
  end)

  it("are refused: a task for what it blocks", function()
    local result = Task{run = function(_, task)
      local after = Task{run = function() end, blockedBy = {task.id}, run_in_background = true,
                         description = "after"}
      TaskOutput(after)
    end}
    assert.matches("deadlock: .*after", result.error)
  end)

  it("are refused in the one that closes a ring", function()
    local ids = gate()
    local ring = {}
    for i = 1, 10 do
      ring[i] = background{input = {ids.id, i}, run = function(input)
        local all = TaskOutput(input[1]).output
        local result = TaskOutput(all[input[2] % #all + 1])
        return result.error or result.output
      end}
    end
    local all = {}
    for i = 1, 10 do all[i] = ring[i].id end
    open(ids, all)
    local failed = 0
    for i = 1, 10 do
      local result = TaskOutput(ring[i])
      failed = failed + (result.status == "failed" and 1 or 0)
      if result.error then assert.matches("deadlock", result.error) end
    end
    assert.equal(1, failed)
  end)

  it("raise in the script when nothing is left that could end them", function()
    local r = h.script[[
      local item = TaskCreate{description = "nobody's"}
      print(pcall(TaskOutput, item))
      local stuck = Task{run = print, blockedBy = {item}, run_in_background = true}
      print(pcall(TaskOutput, stuck))
      TaskStop(item)]]
    assert.matches("^false\tTaskOutput: t1 can never end", r.out)
    assert.matches("\nfalse\tTaskOutput: t2 can never end", r.out)
  end)
end)

describe("the end of a script", function()
  it("waits for tasks that still run", function()
    local r = h.script[[
      Task{run_in_background = true, run = function()
        orun.sleep("50ms")
        print("done")
      end}
      print("end of script")]]
    assert.equal("end of script\ndone\n", r.out)
    assert.equal(0, r.code)
  end)

  it("cancels them with --no-wait", function()
    local r = h.orun{"--no-wait", "-e", [[
      Task{run_in_background = true, run = function()
        local _ <close> = setmetatable({}, {__close = function() print("closed") end})
        orun.sleep("1h")
        print("done")
      end}
      orun.sleep("50ms")]]}
    assert.equal("closed\n", r.out)
    assert.equal(0, r.code)
  end)

  it("names a failure that nobody read, with its line, and is 1", function()
    local r = h.script[[

      Task{description = "Forgotten", run_in_background = true, run = function()
        error("nobody saw this", 0)
      end}]]
    assert.equal(1, r.code)
    assert.matches("script.lua:2: t1 %(Forgotten%).*nobody saw this", r.err)
  end)

  it("is 0 when the failure was read", function()
    for _, look in ipairs{"TaskOutput(t)", "TaskOutput{task_id = t, timeout = 9}",
                          "orun.collector{t}:next()", "orun.wait_any{t}"} do
      local r = h.script("local t = Task{run = error, run_in_background = true} " .. look)
      assert.equal(0, r.code, look .. ": " .. r.err)
    end
    assert.equal(0, h.script("Task{run = error}").code)
  end)

  it("is 1 when another's failure was read, but not this one", function()
    local r = h.script[[
      local a = Task{run = error, run_in_background = true, description = "a"}
      Task{run = error, run_in_background = true, description = "b", blockedBy = {a},
           on_blocker_failure = "run"}
      TaskOutput(a)]]
    assert.equal(1, r.code)
    assert.matches("%(b%)", r.err)
    assert.not_matches("%(a%)", r.err)
  end)

  it("is 0 for a task that was only cancelled", function()
    assert.equal(0, h.script[[
      local t = Task{run = function() orun.sleep("1h") end, run_in_background = true}
      TaskStop(t)]].code)
  end)

  it("names a task that could never end, and is 1", function()
    local r = h.script[[
      local item = TaskCreate{description = "nobody's"}
      Task{description = "Stuck", run = print, blockedBy = {item}, run_in_background = true}]]
    assert.equal(1, r.code)
    assert.matches("script.lua:2: t2 %(Stuck%) can never end.* t1 %(nobody's%)", r.err)
  end)

  it("is 1 with a traceback when the script raises, and its tasks are cancelled", function()
    local r = h.script[[
      Task{run = function() orun.sleep("1h") end, run_in_background = true}
      local function inner() error("oh") end
      inner()]]
    assert.equal(1, r.code)
    assert.matches("script.lua:2: oh\nstack traceback:", r.err)
    assert.matches("script.lua:3: in main chunk", r.err)
  end)

  it("is what os.exit says", function()
    local r = h.script[[
      Task{run = function() orun.sleep("1h") end, run_in_background = true}
      print("before")
      os.exit(7)]]
    assert.equal(7, r.code)
    assert.equal("before\n", r.out)
    assert.equal(0, h.script("os.exit(true)").code)
    assert.equal(1, h.script("os.exit(false)").code)
    assert.equal(3, h.script("coroutine.wrap(function() pcall(os.exit, 3) end)()").code)
  end)
end)

describe("orun.exec", function()
  it("gives what a program printed and how it ended", function()
    local run = orun.exec{command = {"sh", "-c", "cat; echo bad >&2; exit 4"}, input = "in\0put"}
    assert.equal("in\0put", run.stdout)
    assert.equal("bad\n", run.stderr)
    assert.equal(4, run.code)
    assert.equal("exit", run.error_kind)
    assert.equal("float", math.type(run.duration))
    assert.is_nil(orun.exec("true").error)
    assert.equal("a b\n", orun.exec("echo", "a b").stdout)
  end)

  it("tells a signal, a failed start and a timeout apart, and never raises for them", function()
    assert.equal("signal", orun.exec("sh", "-c", "kill -9 $$").error_kind)
    assert.equal("spawn", orun.exec("no-such-program-anywhere").error_kind)
    assert.equal("spawn", orun.exec{command = {"true"}, cwd = "/no/such/folder"}.error_kind)
    assert.equal("timeout", orun.exec{command = {"sleep", "1000"}, timeout = "20ms"}.error_kind)
  end)

  it("takes cwd and env", function()
    assert.equal("/\n", orun.exec{command = {"pwd"}, cwd = "/"}.stdout)
    local run = orun.exec{command = {"sh", "-c", "echo $P_VAR"}, env = {P_VAR = "v"}}
    assert.equal("v\n", run.stdout)
  end)

  it("keeps the whole of a long output in a file", function()
    local run = orun.exec{command = {"head", "-c", "5000", "/dev/zero"}, max_output = 1000}
    assert.is_true(run.truncated)
    assert.is_true(#run.stdout < 5000)
    assert.equal(5000, #h.read(run.output_file))
  end)

  it("works in tasks, and ends with the task", function()
    local path, lines = journal()
    local task = background{input = path, run = function(file)
      return orun.exec("sh", "-c", "echo $$ > " .. file .. "; exec sleep 1000")
    end}
    local pid = h.wait_for(function() return lines()[1] end)
    TaskStop(task)
    assert.equal("cancelled", TaskOutput(task).status)
    assert.is_truthy(h.wait_for(function() return not h.exists("/proc/" .. pid .. "/stat") end))
  end)
end)

describe("orun.collector", function()
  it("gives results in the order of their ends", function()
    local gates, tasks = {}, {}
    for i = 1, 3 do
      gates[i] = gate()
      tasks[i] = held(gates[i])
    end
    local results = orun.collector(tasks)
    local nothing, why = results:next(0)
    assert.is_nil(nothing)
    assert.equal("timeout", why)
    for _, i in ipairs{2, 3, 1} do
      open(gates[i], i)
      assert.equal(i, results:next().output)
    end
    assert.is_nil(results:next())
  end)

  it("takes more tasks, ended ones too", function()
    local task = background{run = function() return 1 end}
    TaskOutput(task)
    local results = orun.collector{}
    assert.is_nil(results:next())
    assert.equal(1, results:add(task):next().output)
    assert.is_nil(results:next())
  end)
end)

describe("the small ones", function()
  it("sleep at least as long as told", function()
    local before = orun.now()
    orun.sleep("20ms")
    orun.sleep(0)
    assert.is_true(orun.now() - before >= 0.02)
  end)

  it("log a line on stderr, in one piece", function()
    local r = h.script[[orun.log("a", 1, nil, {} ~= nil) orun.log()]]
    assert.equal("a\t1\tnil\ttrue\n\n", r.err)
    assert.equal("", r.out)
  end)

  it("tell the version and the limits", function()
    assert.matches("^%d+%.%d+%.%d+$", orun.version)
    local r = h.orun{"-j", "3", "--workers", "4", "-e", [[
      local c = orun.config()
      print(c.processes, c.workers, orun.config{processes = 9}.processes)]]}
    assert.equal("3\t4\t9\n", r.out, r.err)
  end)
end)
