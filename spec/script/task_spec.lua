--- Task as a script uses it: in the foreground and in the background, what its
--- function takes along, and trying again.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local gate, open, background = shared.gate, shared.open, shared.background
local held, output_of = shared.held, shared.output_of
local status_of = shared.status_of
local journal, rendezvous = shared.journal, shared.rendezvous

orun.agent{name = "p-echo", run = function(input, task) return task.prompt or input end}
orun.agent{name = "p-cat", command = {"cat"}}

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
    local r = h.script('Task{prompt = "x"}', {env = {ORUN_BACKEND = "nobody"}})
    assert.matches('script.lua:1: Task: subagent_type "general-purpose" (built in): ORUN_BACKEND '
      .. 'says "nobody", which is not a backend', r.err, 1, true)
    r = h.script[[
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
