--- Stopping what does not end by itself, beside healthy tasks that none of it
--- may harm. (The scheduler's side of it is in unit/stopping_spec.)

local h = require "spec.support.helper"
local endless = require "spec.support.endless"

local function background(fields)
  fields.run_in_background = true
  return Task(fields)
end

local function gate() return TaskCreate{description = "gate"} end
local function open(item) assert.is_true(TaskUpdate{task_id = item, status = "completed"}) end

local function status_of(task)
  return TaskOutput{task_id = task, block = false}.status
end
local function runs(task)
  return h.wait_for(function() return status_of(task) == "in_progress" end)
end

--- Tasks that compute, wait, sleep and fail, and what checks their results.
local function healthy(n)
  local item, tasks = gate(), {}
  for i = 1, n do
    tasks[i] = background{
      run = function(input)
        local sum = 0
        for k = 1, 1000 do sum = sum + k % input.i end
        TaskOutput(input.item)
        orun.sleep(0)
        if input.i % 5 == 0 then error(input.i, 0) end
        return sum
      end,
      input = {i = i, item = item.id},
    }
  end
  return function()
    open(item)
    for i = 1, n do
      local sum, result = 0, TaskOutput(tasks[i])
      for k = 1, 1000 do sum = sum + k % i end
      assert.equal(i % 5 == 0 and "failed" or "completed", result.status)
      if i % 5 == 0 then assert.equal(tostring(i), result.error:match("^%d+"))
      else assert.equal(sum, result.output) end
    end
  end
end

local function is_cancelled(result)
  assert.equal("cancelled", result.status)
  assert.equal("cancelled", result.error_kind)
end

local function is_timed_out(result)
  assert.equal("failed", result.status)
  assert.equal("timeout", result.error_kind)
end

-- A parent that ends as soon as its child runs; the child's result.
local function orphan(run, input)
  local id = Task{
    run = function(given)
      local child = Task{run = given.run, input = given.input, run_in_background = true}
      while TaskGet(child.id).status == "pending" do orun.sleep(0.001) end
      return child.id
    end,
    input = {run = run, input = input},
  }
  assert.equal("completed", id.status, id.error)
  return TaskOutput(id.output)
end

describe("a task that", function()
  for _, one in ipairs(endless.lua) do
    it(one.name .. " ends by its time, by TaskStop and with its parent", function()
      local never, all_well = gate(), healthy(10)
      local late = background{run = one.run, input = never.id, timeout = 0.05}
      local stopped = background{run = one.run, input = never.id}
      local more_well = healthy(10)
      is_timed_out(TaskOutput(late))
      assert.is_truthy(runs(stopped))
      TaskStop(stopped)
      is_cancelled(TaskOutput(stopped))
      local child = orphan(one.run, never.id)
      is_cancelled(child)
      assert.equal("its parent task ended", child.error)
      if h.slow == 1 then
        for _, task in ipairs{late, stopped} do
          assert.is_nil(TaskOutput(task).error:find("stuck", 1, true))
        end
      end
      all_well()
      more_well()
      open(never)
    end)
  end
end)

--- What the scripts below share. `stick{...}` starts a task and gives it when its
--- thread is stuck for sure: inside the one call that writes more to a pipe than
--- goes in, of which the script has read the first byte. `unstick()` reads the
--- rest.
local PRELUDE <const> = [[
local h, endless = require "spec.support.helper", require "spec.support.endless"
ends = {} -- a global: while they are open the writers stay stuck
local dir = h.tmpdir()
local function pipe()
  local path = ("%s/%d"):format(dir, #ends + 1)
  assert(orun.exec("mkfifo", path).exit_code == 0)
  ends[#ends + 1] = assert(io.open(path, "r+"))
  ends[#ends]:setvbuf("no")
  return path, ends[#ends]
end
local function stuck(path)
  local f <close> = io.open(path, "w")
  f:setvbuf("no")
  f:write(("x"):rep(1 << 20))
end
local function unstick()
  for _, out in ipairs(ends) do out:read((1 << 20) - 1) end
end
local function start(fields) fields.run_in_background = true return Task(fields) end
local function stick(fields)
  local path, out = pipe()
  fields.run, fields.input = stuck, path
  local task = start(fields)
  out:read(1)
  return task
end
-- Wait until so few are stuck that a task can begin.
local function come_back()
  unstick()
  orun.config{max_stuck = 1}
  assert(Task{run = function() end, retry = {max = 1000, backoff = 0.01}}.status == "completed")
end
local function item() return TaskCreate{description = "item"} end
local function all_well(n)
  for i = 1, n do
    local r = Task{run = function(k) orun.sleep(0) return k * k end, input = i}
    assert(r.output == i * i, r.error)
  end
end
]]


-- Run it with so many workers.
local function script(workers, text)
  local path = h.write(h.tmpdir() .. "/script.lua", PRELUDE .. text)
  return h.orun{"--workers", tostring(workers), path}
end

local function printed(expected, r)
  assert.equal(expected, r.out, r.err)
  assert.equal(0, r.code, r.err)
  return r.err
end

local function prints(expected, workers, text)
  return printed(expected, script(workers, text))
end

-- The same with the number SECONDS, in which tasks get stuck before they time out.
local function prints_in_time(expected, workers, text)
  local r
  pcall(h.in_time, function(seconds)
    r = script(workers, (text:gsub("SECONDS", seconds)))
    return r.out == expected
  end)
  return printed(expected, r)
end

-- The message about stuck tasks names these, by their descriptions.
local function names(err, ...)
  local line = err:match("^orun: still stuck in C functions, and given up: ([^\n]+)\n")
  assert.is_truthy(line, err)
  for _, description in ipairs{...} do
    assert.matches("script%.lua:%d+: t%d+ %(" .. description .. "%)", line)
  end
  assert.equal(select("#", ...), select(2, line:gsub("script%.lua:", "")))
  assert.is_truthy(err:find('isolation = "process"', 1, true))
end

describe("a task stuck in a C function", function()
  it("is told as timed out, harms no other, and is named at the end", function()
    local err = prints_in_time(("failed timeout\n"):rep(4), 6, [[
      local tasks = {}
      for i, one in ipairs(endless.c) do
        tasks[i] = start{run = one.run, timeout = SECONDS, description = one.name}
      end
      all_well(50)
      for _, task in ipairs(tasks) do
        local r = TaskOutput(task)
        assert(r.error:find("stuck in a C function", 1, true), r.error)
        print(r.status .. " " .. r.error_kind)
      end
      all_well(50)
    ]])
    names(err, "pattern bomb", "table%.move", "table%.insert", "string%.rep")
  end)

  it("is told as cancelled by TaskStop, and with its parent", function()
    local err = prints("cancelled\ncancelled\n", 2, [[
      local task = stick{description = "one"}
      TaskStop(task)
      print(TaskOutput(task).status)
      local path, out = pipe()
      local ended = item()
      local parent = start{run = function(given)
        local child = Task{run = given.stuck, input = given.path, description = "two",
                           run_in_background = true}
        TaskOutput(given.ended)
        return child.id
      end, input = {stuck = stuck, path = path, ended = ended.id}}
      out:read(1)
      TaskUpdate{task_id = ended, status = "completed"}
      print(TaskOutput(TaskOutput(parent).output).status)
      all_well(20)
    ]])
    names(err, "one", "two")
  end)

  it("is not named when it has come back", function()
    local err = prints("cancelled\n", 1, [[
      local task = stick{}
      TaskStop(task)
      print(TaskOutput(task).status)
      come_back()
    ]])
    assert.equal("", err)
  end)

  it("does nothing more when it comes back, but its clean-up neither", function()
    prints("cancelled\npending\npending\n", 1, [[
      local a, b = item(), item()
      local path, out = pipe()
      local task = start{run = function(given)
        local _ <close> = setmetatable({}, {__close = function()
          TaskUpdate{task_id = given.a, status = "completed"}
        end})
        given.stuck(given.path)
        TaskUpdate{task_id = given.b, status = "completed"}
      end, input = {stuck = stuck, path = path, a = a.id, b = b.id}}
      out:read(1)
      TaskStop(task)
      print(TaskOutput(task).status)
      come_back()
      print(TaskGet(a).status)
      print(TaskGet(b).status)
    ]])
  end)

  it("is tried again, and what comes back of the first try changes nothing", function()
    prints_in_time("completed second 2\ncompleted second\n", 1, [[
      local path = pipe()
      local task = start{run = function(given, task)
        if task.attempt == 2 then return "second" end
        return given.stuck(given.path)
      end, input = {stuck = stuck, path = path}, timeout = SECONDS,
        retry = {max = 1, backoff = 0, on = {"timeout"}}}
      local r = TaskOutput(task)
      print(r.status .. " " .. r.output .. " " .. r.attempts)
      come_back()
      print(TaskOutput(task).status .. " " .. TaskOutput(task).output)
    ]])
  end)

  it("may be so in the middle of closing its state", function()
    local err = prints("cancelled\n", 1, [[
      local path, out = pipe()
      local task = start{run = function(given)
        local f = io.open(given, "w")
        f:setvbuf("full", 1 << 21)
        f:write(("x"):rep(1 << 20))
      end, input = path, description = "flush"}
      out:read(1)
      TaskStop(task)
      print(TaskOutput(task).status)
      all_well(20)
    ]])
    names(err, "flush")
  end)

  it("keeps others from beginning when there are too many, which names them", function()
    prints("failed spawn\ncompleted\n", 2, [[
      orun.config{max_stuck = 3}
      local gate = item()
      local early = start{run = function(id) TaskOutput(id) return "went on" end, input = gate.id}
      while TaskGet(early.id).status == "pending" do orun.sleep(0.001) end
      for i = 1, 3 do
        local task = stick{description = "bomb " .. i}
        TaskStop(task)
        TaskOutput(task)
      end
      local r = Task{run = function() end}
      print(r.status .. " " .. r.error_kind)
      assert(r.error:find("3 are stuck in C functions", 1, true), r.error)
      for i = 1, 3 do
        assert(r.error:find("script%.lua:%d+: t%d+ %(bomb " .. i .. "%)"), r.error)
      end
      assert(r.error:find('isolation = "process"', 1, true), r.error)
      -- What has begun goes on, and programs start as ever.
      TaskUpdate{task_id = gate, status = "completed"}
      assert(TaskOutput(early).output == "went on")
      assert(orun.exec("true").exit_code == 0)
      assert(Task{run = function() return 7 end, isolation = "process"}.output == 7)
      -- A task that may be tried again waits until there is room.
      local patient = start{run = function() end, retry = {max = 1000, backoff = 0.01}}
      unstick()
      print(TaskOutput(patient).status)
    ]])
  end)

  it("leaves a worker less beyond that, and the run ends even without any", function()
    local err = prints("cancelled\ncancelled\ncancelled\nfailed lost\nfailed spawn\n", 2, [[
      orun.config{max_stuck = 1}
      local gate, outs, tasks = item(), {}, {}
      for i = 1, 4 do
        local path, out = pipe()
        outs[i] = out
        tasks[i] = start{run = function(given)
          TaskOutput(given.gate)
          given.stuck(given.path)
        end, input = {gate = gate.id, path = path, stuck = stuck}, description = "t" .. i}
        while TaskGet(tasks[i].id).status == "pending" do orun.sleep(0.001) end
      end
      TaskUpdate{task_id = gate, status = "completed"}
      for i = 1, 3 do
        outs[i]:read(1)
        TaskStop(tasks[i])
        print(TaskOutput(tasks[i]).status)
      end
      local r = TaskOutput(tasks[4])
      print(r.status .. " " .. r.error_kind)
      assert(r.error:find("3 are stuck", 1, true), r.error)
      r = Task{run = function() end}
      print(r.status .. " " .. r.error_kind)
    ]])
    names(err, "t1", "t2", "t3")
  end)

  it("leaves the exit code what it is", function()
    local STUCK <const> = [[
      local task = stick{description = "one"}
      TaskStop(task)
      TaskOutput(task)
    ]]
    for _, case in ipairs{{0, ""}, {1, "start{run = error}"}} do
      local r = script(1, STUCK .. case[2])
      assert.equal(case[1], r.code)
      names(r.err:match("orun: still.*"), "one")
    end
  end)
end)

describe("orun.config", function()
  it("tells and sets how many threads may be stuck", function()
    assert.equal(8, orun.config().max_stuck)
    orun.config{max_stuck = 9}
    assert.equal(9, orun.config().max_stuck)
    orun.config{max_stuck = 8}
    for _, bad in ipairs{0, -1, 1.5, "x", 10001} do
      local ok, message = pcall(orun.config, {max_stuck = bad})
      assert.is_false(ok)
      assert.is_truthy(message:find("config: max_stuck", 1, true), message)
    end
  end)
end)

describe("a stop reaches a task", function()
  it("that queues to begin", function()
    orun.limit("stops-a", 1)
    local holder = background{run = function() orun.sleep("1h") end, pool = "stops-a"}
    assert.is_truthy(runs(holder))
    local queued = background{run = function() end, pool = "stops-a"}
    TaskStop(queued)
    local r = TaskOutput(queued)
    is_cancelled(r)
    assert.equal(0, r.attempts)
    TaskStop(holder)
  end)

  it("that queues to go on after its wait", function()
    orun.limit("stops-b", 1)
    local item = gate()
    local first = background{run = function(id) TaskOutput(id) return "went on" end,
                             input = item.id, pool = "stops-b"}
    assert.is_truthy(runs(first))
    local second = background{run = function() orun.sleep("1h") end, pool = "stops-b"}
    assert.is_truthy(runs(second))
    open(item)
    assert.equal("in_progress", status_of(first))
    TaskStop(first)
    is_cancelled(TaskOutput(first))
    TaskStop(second)
  end)

  it("that waits while every worker is busy", function()
    local r = h.script([[
      local orun = require "orun"
      local sleeper = Task{run = function() orun.sleep("1h") end, run_in_background = true,
                           timeout = 0.05}
      while TaskGet(sleeper.id).status == "pending" do orun.sleep(0.001) end
      local busy = Task{run = function() while true do end end, run_in_background = true}
      while TaskGet(busy.id).status == "pending" do orun.sleep(0.001) end
      print(TaskOutput(sleeper).error_kind, TaskGet(busy.id).status)
      TaskStop(busy)]], {limit = 30})
    assert.equal("timeout\tin_progress\n", r.out, r.err)
  end)

  it("and those it started, but for the detached", function()
    local item, ids = gate(), gate()
    local parent = background{run = function(given)
      local all = {}
      for i, detach in ipairs{false, true} do
        all[i] = Task{run = function(id) TaskOutput(id) return "lived" end, input = given.item,
                      detach = detach, run_in_background = true}.id
      end
      TaskUpdate{task_id = given.ids, status = "completed", output = all}
      while true do end
    end, input = {item = item.id, ids = ids.id}}
    local children = TaskOutput(ids).output
    TaskStop(parent)
    is_cancelled(TaskOutput(parent))
    is_cancelled(TaskOutput(children[1]))
    open(item)
    assert.equal("lived", TaskOutput(children[2]).output)
  end)
end)

-- Each place calls `wait` where Lua cannot yield, and gives what it gave.
local PLACES <const> = [[
local orun = require "orun"
local places = {
  function(wait)
    local v
    table.sort({1, 2}, function(a, b) v = v or wait() return a < b end)
    return v
  end,
  function(wait) return (string.gsub("x", ".", wait)) end,
  function(wait) return coroutine.wrap(wait)() end,
  function(wait) return tostring(setmetatable({}, {__tostring = wait})) end,
  function(wait) return setmetatable({}, {__index = wait}).x end,
  function(wait)
    local v
    load(function() v = wait() return nil end)
    return v
  end,
  function(wait)
    local v
    do local _ <close> = setmetatable({}, {__close = function() v = wait() end}) end
    return v
  end,
}
local function start(fields) fields.run_in_background = true return Task(fields) end
]]

local function with_one_worker(text)
  return h.orun{"--workers", "1", "-e", PLACES .. text}
end

describe("where Lua cannot yield", function()
  it("waiting blocks one of the threads, and a spare does the work", function()
    local r = with_one_worker[[
      local all = {}
      for i = 1, 3 * #places do
        all[i] = start{run = function(i)
          return places[(i - 1) % #places + 1](function()
            orun.sleep(0.001)
            return Task{run = function() orun.sleep(0.001) return "v" .. i end}.output
          end)
        end, input = i}
      end
      for i = 1, #all do
        local r = TaskOutput(all[i])
        assert(r.output == "v" .. i, r.error)
      end
      print("all of them")]]
    assert.equal("all of them\n", r.out, r.err)
  end)

  it("thirty nested tasks of one slot and one worker wait for each other", function()
    local r = with_one_worker[[
      orun.limit("one", 1)
      local function nest(n)
        if n == 0 then return "bottom" end
        local function wait()
          return Task{run = nest, input = n - 1, pool = "one"}.output
        end
        return (n % 2 == 0 and wait or function() return places[n % #places + 1](wait) end)()
      end
      local r = Task{run = nest, input = 29, pool = "one"}
      print(r.output, r.error)]]
    assert.equal("bottom\tnil\n", r.out, r.err)
  end)

  it("a ring of waits is refused, and printed", function()
    local r = with_one_worker[[
      local ids, all = TaskCreate{description = "ids"}, {}
      for i = 1, 3 do
        all[i] = start{run = function(given)
          local ids = TaskOutput(given.ids).output
          return places[given.i](function() return TaskOutput(ids[given.i % 3 + 1]).output end)
        end, input = {i = i, ids = ids.id}, description = "n" .. i}
      end
      TaskUpdate{task_id = ids, status = "completed",
                 output = {all[1].id, all[2].id, all[3].id}}
      local refused
      for i = 1, 3 do
        local r = TaskOutput(all[i])
        if r.error then refused = r.error end
      end
      for n in refused:gmatch("%((n%d)%)") do io.write(n, " ") end
      print(refused:find("deadlock", 1, true) and "deadlock")]]
    local seen = {}
    for n in r.out:gmatch("n(%d) ") do seen[#seen + 1] = n end
    table.sort(seen)
    assert.equal("123", table.concat(seen))
    assert.matches("deadlock\n$", r.out, r.err)
  end)

  it("a stop ends the wait", function()
    local r = with_one_worker[[
      local never, all = TaskCreate{description = "never"}, {}
      for i, place in ipairs(places) do
        all[i] = start{run = function(id) return place(function() TaskOutput(id) end) end,
                       input = never.id}
      end
      for i = 1, #places do
        while TaskGet(all[i].id).status == "pending" do orun.sleep(0.001) end
        TaskStop(all[i])
        assert(TaskOutput(all[i]).status == "cancelled")
      end
      print(Task{run = function() return "free" end}.output)]]
    assert.equal("free\n", r.out, r.err)
  end)
end)

describe("retry", function()
  it("waits for other times in each run", function()
    local seen, distinct = {}, 0
    for _ = 1, 4 do
      local r = h.orun{"-e", "Task{run = error, retry = {max = 1, backoff = 0.001}}",
        env = {ORUN_LOG = "sched"}}
      local delay = r.err:match("try again in ([%d.e-]+) s")
      assert.is_truthy(delay, r.err)
      distinct = distinct + (seen[delay] and 0 or 1)
      seen[delay] = true
    end
    assert.is_true(distinct > 1, "the same delay four times")
  end)
end)

--- Rows about loops, stops and overflow.
describe("a Lua task", function()
  local function of(run, fields)
    fields = fields or {}
    fields.run = run
    return Task(fields)
  end

  it("E3 closes in order when __close raises, and the last error wins", function()
    local r = of(function()
      local order = {}
      local function closing(name, err)
        return setmetatable({}, {__close = function()
          order[#order + 1] = name
          if err then error(err, 0) end
        end})
      end
      local ok, e = pcall(function()
        local _ <close> = closing("a")
        local _ <close> = closing("b", "from b")
        local _ <close> = closing("c", "from c")
        error("from the body", 0)
      end)
      return {ok, e, table.concat(order)}
    end)
    assert.same({false, "from b", "cba"}, r.output)
    r = of(function()
      local _ <close> = setmetatable({}, {__close = function() error("last", 0) end})
      error("first", 0)
    end)
    assert.equal("failed", r.status)
    assert.equal("last", r.error:match("^[^\n]*"))
  end)

  it("E8 fails on a stack overflow, of Lua or of C", function()
    local all_well = healthy(10)
    local r = of(function()
      local function deep(n) return 1 + deep(n + 1) end
      return deep(1)
    end)
    assert.equal("lua", r.error_kind)
    assert.matches("stack overflow", r.error)
    r = of(function()
      local function deep(s) return (s:gsub(".", deep)) end
      return deep("x")
    end)
    assert.equal("lua", r.error_kind)
    assert.matches("stack overflow", r.error)
    r = of(function()
      local t = setmetatable({}, {})
      getmetatable(t).__index = function(self, k) return self[k + 1] end
      return t[1]
    end)
    assert.equal("lua", r.error_kind)
    assert.matches("overflow", r.error)
    all_well()
  end)

  it("E13 is refused a string that is too large", function()
    for _, run in ipairs{
      function() return #("x"):rep(1 << 40) end,
      function() return #("x"):rep(1e9, ",") end,
      function() return #("x"):rep(math.maxinteger, "y") end,
      function()
        local s = ("x"):rep(1 << 20)
        while true do s = s .. s end
      end,
    } do
      local r = of(run, {memory_limit = "64MiB"})
      assert.equal("failed", r.status)
      assert.is_true(r.error_kind == "memory" or r.error:find("too large", 1, true) ~= nil, r.error)
    end
  end)

  it("E14 is stopped at its deadline in a pattern bomb; absurd arguments are errors", function()
    local r = h.orun{"-e", [[
      local bomb = function() return ("a"):rep(40):find(("a*"):rep(12) .. "c") end
      print(Task{run = bomb, timeout = 0.1}.error_kind)
      print(Task{run = function() return utf8.char(table.unpack({}, 1, 1e6)) end}.error_kind)
      print(Task{run = function() return string.format("%99999d", 1) end}.error_kind)]]}
    assert.equal("timeout\nlua\nlua\n", r.out, r.err)
    assert.equal(0, r.code)
  end)

  it("E17 survives 200,000 coroutines that close each other", function()
    local all_well = healthy(10)
    local r = of(function()
      local function closer(n)
        local co = coroutine.create(function()
          local _ <close> = setmetatable({}, {__close = function()
            if n < 200000 then coroutine.close(closer(n + 1)) end
          end})
          coroutine.yield()
        end)
        coroutine.resume(co)
        return co
      end
      return coroutine.close(closer(1))
    end)
    assert.is_true(r.status == "completed" or r.error:find("overflow", 1, true) ~= nil, r.error)
    r = of(function()
      local co
      for _ = 1, 200000 do
        local inner = co
        co = coroutine.create(function()
          local _ <close> = setmetatable({}, {__close = function()
            if inner then assert(coroutine.close(inner)) end
          end})
          coroutine.yield()
        end)
        coroutine.resume(co)
      end
      return (coroutine.close(co))
    end)
    assert.is_true(r.status == "completed" or r.error:find("overflow", 1, true) ~= nil, r.error)
    all_well()
  end)

  it("E18 fails when it yields with nobody to yield to", function()
    local r = of(function() coroutine.yield(1) end)
    assert.equal("lua", r.error_kind)
    assert.matches("attempt to yield from outside a coroutine", r.error)
    r = of(function() return (pcall(coroutine.yield)) end)
    assert.is_false(r.output)
  end)
end)
