--- The list: TaskCreate, TaskList, TaskGet, TaskUpdate, claims.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local gate, open, background = shared.gate, shared.open, shared.background
local held, error_of, status_of = shared.held, shared.error_of, shared.status_of

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

  it("blocks an item by the tasks whose outputs its input has", function()
    local item = TaskCreate{description = "source"}
    local sum = TaskCreate{description = "sum", input = {n = item}, priority = 10}
    assert.same({item.id}, TaskGet(sum).blockedBy)
    local _, _, reason = TaskUpdate{task_id = sum, status = "in_progress"}
    assert.equal("blocked", reason)
    assert.is_true(TaskUpdate{task_id = item, status = "completed", output = 42})
    local got = orun.claim{owner = "adder"}
    assert.same({sum.id, 42}, {got.id, got.input.n})
    TaskUpdate{task_id = sum, status = "completed"}
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
