-- A million tasks started and collected in a loop grew the program by 265 bytes each, and nothing
-- let a script that runs for weeks give results back.

local h = require "spec.support.helper"

local function background(fields)
  fields.run_in_background = true
  return Task(fields)
end

local function ended(fn, input)
  local handle = background{run = fn, input = input}
  TaskOutput(handle)
  return handle
end

-- The error of a call, without its place.
local function refusal(fn, ...)
  local ok, why = pcall(fn, ...)
  assert.is_false(ok)
  return (why:gsub("^[^:]*:%d+: ", ""))
end

local function forgotten(call, field, handle)
  return ("%s: %s = %s: %s was forgotten (orun.forget), and its result released; keep what you "
    .. "need of a result before"):format(call, field, handle.id, handle.id)
end

describe("orun.forget", function()
  it("takes a handle, an id, a result, or an array, and counts", function()
    local a, b, c, d = ended(print), ended(print), ended(print), ended(print)
    assert.equal(1, orun.forget(a))
    assert.equal(1, orun.forget(b.id))
    assert.equal(1, orun.forget(TaskOutput(c)))
    assert.equal(1, orun.forget{a, b.id, d, d}) -- one that is forgotten stays so
    assert.equal(0, orun.forget(a))
    assert.equal(0, orun.forget{})
  end)

  it("leaves nothing that could be asked for", function()
    local t = ended(function() return 1 end)
    orun.forget(t)
    assert.equal(forgotten("TaskOutput", "task_id", t), refusal(TaskOutput, t))
    assert.equal(forgotten("TaskOutput", "task_id", t), refusal(TaskOutput, {task_id = t.id,
      block = false}))
    assert.equal(forgotten("TaskStop", "task_id", t), refusal(TaskStop, t))
    local entry, why = TaskGet(t)
    assert.is_nil(entry)
    assert.equal(t.id .. " was forgotten (orun.forget)", why)
    assert.equal(forgotten("Task", "blockedBy", t), refusal(Task, {run = print, blockedBy = {t}}))
    assert.equal(forgotten("TaskUpdate", "task_id", t), refusal(TaskUpdate, {task_id = t.id,
      priority = 1}))
    assert.is_truthy(refusal(Task, {run = print, input = {of = t}}):find("was forgotten", 1, true))
    assert.is_truthy(refusal(TaskCreate, {description = "x", input = t})
      :find("was forgotten", 1, true))
    assert.is_truthy(refusal(function() return orun.output(t):tail() end)
      :find("was forgotten", 1, true))
    for _, each in ipairs(TaskList{kind = "all"}) do assert.not_equal(t.id, each.id) end
  end)

  it("never uses an id again", function()
    local t = ended(print)
    orun.forget(t)
    assert.equal(tonumber(t.id:sub(2)) + 1, tonumber(ended(print).id:sub(2)))
  end)

  it("refuses what has not ended, and forgets none of an array then", function()
    local gate = TaskCreate{description = "a gate"}
    local done, t = ended(print), background{run = print, blockedBy = {gate}, description = "later"}
    assert.equal(("forget: %s (later) is pending, and only a task that has ended can be forgotten: "
      .. "wait for it with TaskOutput, or end it with TaskStop"):format(t.id),
      refusal(orun.forget, {done, t}))
    assert.equal("completed", TaskOutput(done).status)
    assert.is_truthy(refusal(orun.forget, gate):find("(a gate) is pending", 1, true))
    TaskUpdate{task_id = gate.id, status = "completed"}
    TaskOutput(t)
    assert.equal(3, orun.forget{done, t, gate})
  end)

  it("says what it expects", function()
    assert.equal("forget: expected a task (its handle, id or result) or an array of tasks, got nil",
      refusal(orun.forget, nil))
    assert.is_truthy(refusal(orun.forget, 12):find('forget: task = 12: a task is named', 1, true))
    assert.is_truthy(refusal(orun.forget, {"t999999999"}):find("no such task", 1, true))
  end)

  it("keeps a result for those that were given its handle before", function()
    local gate = TaskCreate{description = "gate"}
    local source = ended(function() return {"kept"} end)
    local heir = background{run = function(input) return input.of[1] end, input = {of = source},
      blockedBy = {gate}}
    orun.forget(source)
    for i = 1, 200 do orun.forget(ended(print, i)) end
    TaskUpdate{task_id = gate.id, status = "completed"}
    assert.equal("kept", TaskOutput(heir).output)
    assert.equal(2, orun.forget{heir, gate})
  end)

  it("leaves the children of a forgotten task as they are", function()
    local gate = TaskCreate{description = "gate"}
    local parent = ended(function(id)
      return Task{run = function() return "alive" end, blockedBy = {id}, detach = true,
        run_in_background = true}.id
    end, gate.id)
    local child = TaskOutput(parent).output
    orun.forget(parent)
    for i = 1, 200 do orun.forget(ended(print, i)) end
    TaskUpdate{task_id = gate.id, status = "completed"}
    assert.equal("alive", TaskOutput(child).output)
  end)

  it("may be called by a task for what it started, not for what others did", function()
    local t = ended(print)
    local r = Task{run = function(id)
      local mine = Task{run = print, run_in_background = true}
      TaskOutput(mine)
      local count = orun.forget(mine.id)
      return {count, select(2, pcall(orun.forget, id))}
    end, input = t.id}
    assert.equal(1, r.output[1])
    assert.is_truthy(r.output[2]:find("is not a task of", 1, true))
    r = Task{isolation = "process", run = function()
      local mine = Task{run = print, run_in_background = true}
      TaskOutput(mine)
      return {orun.forget(mine), select(2, pcall(TaskOutput, mine))}
    end}
    assert.equal(1, r.output[1], r.error)
    assert.is_truthy(r.output[2]:find("was forgotten", 1, true))
  end)

  it("counts a failure as read", function()
    local r = h.script([[
      local t = Task{run = function() error("nobody looks") end, run_in_background = true}
      TaskOutput(t)
      orun.forget(t)]])
    assert.equal("", r.err)
    assert.equal(0, r.code)
  end)

  it("says so to a collector that had not handed it out", function()
    local t = ended(print)
    local all = orun.collector{t}
    orun.forget(t)
    assert.is_truthy(refusal(all.next, all):find("was forgotten", 1, true))
  end)

  it("gives pages back, while others read and forget", function()
    local r = h.script([[
      local function double(x) return {2 * x, ("x"):rep(x % 100)} end
      local function resident()
        for line in io.lines("/proc/self/status") do
          local kib = line:match("^VmRSS:%s*(%d+) kB")
          if kib then return tonumber(kib) end
        end
      end
      local function round(n)
        local all = {}
        for i = 1, n do all[i] = Task{run = double, input = i, run_in_background = true} end
        for i = 1, n do assert(TaskOutput(all[i]).output[1] == 2 * i) end
        return orun.forget(all)
      end
      local other = Task{run_in_background = true, run = function()
        for _ = 1, 20 do
          local all = {}
          for i = 1, 100 do
            all[i] = Task{run = function(x) return x end, input = i, run_in_background = true}
          end
          for i = 1, 100 do assert(TaskOutput(all[i]).output == i) end
          TaskList{kind = "all"}
          assert(orun.forget(all) == 100)
        end
        return "fine"
      end}
      round(5000)
      local before = resident()
      for _ = 1, 4 do assert(round(5000) == 5000) end
      print(TaskOutput(other).output, resident() - before < 2048 or resident() - before)]],
      {}, {limit = 100})
    assert.equal("", r.err)
    if h.variant == "" then assert.equal("fine\ttrue\n", r.out) end
    assert.is_truthy(r.out:find("^fine"))
  end)
end)

describe("orun.config{keep=}", function()
  it("keeps the newest, and a failure that nobody has read", function()
    local r = h.script([[
      print(orun.config().keep, orun.config{keep = 10}.keep)
      local failed = Task{run = function() error("unread", 0) end, run_in_background = true}
      local all = {}
      for i = 1, 300 do
        all[i] = Task{run = function(x) return x end, input = i, run_in_background = true}
        TaskOutput(all[i])
      end
      print(#TaskList{kind = "all"}, TaskOutput(all[291]).output, pcall(TaskOutput, all[290]))
      orun.config{keep = 0}
      for _ = 1, 20 do Task{run = function() end, run_in_background = true} end]])
    assert.equal("0\t10\n11\t291\tfalse\tTaskOutput: task_id = t291: t291 was forgotten "
      .. "(orun.config{keep =}: newer ones have ended), and its result released; keep what you "
      .. "need of a result before\n",
      (r.out:gsub("\n\n+", "\n")))
    assert.equal(1, r.code)
    assert.is_truthy(r.err:find("unread", 1, true), r.err)
  end)

  it("is a count", function()
    assert.is_truthy(refusal(orun.config, {keep = "all"}):find("config: keep = \"all\"", 1, true))
    assert.is_truthy(refusal(orun.config, {keep = -1}):find("config: keep = -1", 1, true))
  end)
end)
