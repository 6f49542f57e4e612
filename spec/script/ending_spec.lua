--- How tasks and scripts end before their time: timeout, TaskStop, and what the
--- end of a script means for its tasks and its exit code.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local gate, open, background, held = shared.gate, shared.open, shared.background, shared.held
local output_of, status_of, journal = shared.output_of, shared.status_of, shared.journal

orun.agent{name = "p-sh", command = {"sh"}}

describe("timeout", function()
  local function timed_out(fields)
    local result = Task(fields)
    assert.equal("failed", result.status)
    assert.equal("timeout", result.error_kind)
    return result
  end

  it("ends a loop", function()
    local result = timed_out{run = function() while true do end end, timeout = 0.05}
    assert.matches("after 50 ms", result.error)
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
    h.in_time(function(timeout)
      timed_out{input = path, timeout = timeout, run = function(file)
        local _ <close> = setmetatable({}, {__close = function()
          local f <close> = io.open(file, "a")
          f:write("closed\n")
        end})
        orun.sleep("1h")
      end}
      return lines()[1]
    end)
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
      local begun = TaskCreate{description = "begun"}
      Task{run_in_background = true, input = begun.id, run = function(id)
        local _ <close> = setmetatable({}, {__close = function() print("closed") end})
        TaskUpdate{task_id = id, status = "completed"}
        orun.sleep("1h")
        print("done")
      end}
      TaskOutput(begun)]]}
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
      local r = h.script("local t = Task{run = error, run_in_background = true} local _ = "
        .. look .. ".status")
      assert.equal(0, r.code, look .. ": " .. r.err)
    end
    assert.equal(0, h.script("local _ = Task{run = error}.status").code)
  end)

  it("is 1 when another's failure was read, but not this one", function()
    local r = h.script[[
      local a = Task{run = error, run_in_background = true, description = "a"}
      Task{run = error, run_in_background = true, description = "b", blockedBy = {a},
           on_blocker_failure = "run"}
      local _ = TaskOutput(a).error]]
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
