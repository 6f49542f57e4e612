--- Careless and hostile use of the list (TaskCreate, TaskList, TaskGet,
--- TaskUpdate, claims, dependencies), row by row.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local function item(description, fields)
  fields = fields or {}
  fields.description = description or "item"
  return TaskCreate(fields)
end
local function update(task, fields)
  fields.task_id = task
  return TaskUpdate(fields)
end
local function done(task) assert.is_true(update(task, {status = "completed"})) end
local background = shared.background

local function message_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end
local function update_error(task, fields) return message_of(update, task, fields) end

--- nil, message and reason of an update that must be refused, and the state it
--- must leave.
local function refused(task, fields, reason, status)
  local ok, message, why = update(task, fields)
  assert.is_nil(ok)
  assert.equal(reason, why)
  assert.matches(task.id, message, 1, true)
  assert.equal(status, TaskGet(task).status)
  return message
end

local STATUSES <const> = {"pending", "in_progress", "completed", "failed", "cancelled"}

describe("the list with careless arguments", function()
  it("C1 refuses a status that is none, and names those there are", function()
    local task = item()
    for _, value in ipairs{"done", "Completed", "", "in_progress\0", ("x"):rep(1000), 7, true,
                           {}} do
      local message = update_error(task, {status = value})
      assert.matches("TaskUpdate: status = ", message, 1, true)
      message = message_of(TaskList, {status = value})
      assert.matches("TaskList: status = ", message, 1, true)
    end
    for _, name in ipairs(STATUSES) do
      assert.matches(('"%s"'):format(name), update_error(task, {status = "done"}), 1, true)
      assert.matches(('"%s"'):format(name), message_of(TaskList, {status = "done"}), 1, true)
    end
    assert.equal("pending", TaskGet(task).status)
    done(task)
  end)

  it("C1 changes nothing when one field of the update is wrong", function()
    local a, b = item("a", {metadata = {v = 1}}), item("b")
    update_error(a, {status = "done", addBlockedBy = {b}, priority = 3, metadata = {v = 2}})
    update_error(a, {addBlockedBy = {b, "x"}})
    update_error(a, {addBlockedBy = {b, a}, metadata = {v = 2}})
    update_error(a, {addBlockedBy = {b}, metadata = {v = 2, f = io.stdout}})
    update_error(a, {status = "completed", output = io.stdout, addBlockedBy = {b}, priority = 3})
    update_error(a, {addBlockedBy = {b}, output = 1})
    update_error(a, {status = "failed", error = {}, addBlockedBy = {b}})
    update_error(a, {status = "in_progress", owner = 7, addBlockedBy = {b}})
    local entry = TaskGet(a)
    assert.same({}, entry.blockedBy)
    assert.equal(0, entry.priority)
    assert.equal(1, entry.metadata.v)
    done(a)
    done(b)
  end)

  it("C2 refuses every move from a final state", function()
    for _, final in ipairs{"completed", "failed", "cancelled"} do
      local task = item()
      assert.is_true(update(task, {status = final}))
      for _, status in ipairs(STATUSES) do
        local message = refused(task, {status = status}, "already_resolved", final)
        assert.matches("is already resolved: it is " .. final, message, 1, true)
      end
      TaskOutput(task)
    end
  end)

  it("C2 refuses every move of a task that orun runs itself", function()
    local wait = item()
    local task = background{run = function(id) TaskOutput(id) end, input = wait.id}
    for _, status in ipairs(STATUSES) do
      local before = TaskGet(task).status
      local ok, message, reason = update(task, {status = status})
      assert.is_nil(ok)
      assert.equal("already_claimed", reason)
      assert.matches("orun, which runs it", message, 1, true)
      assert.is_true(before == "pending" or TaskGet(task).status == "in_progress")
    end
    assert.matches("a task that has not ended cannot be deleted",
      update_error(task, {status = "deleted"}), 1, true)
    done(wait)
    TaskOutput(task)
    refused(task, {status = "in_progress"}, "already_resolved", "completed")
  end)

  it("C2 refuses every update of a deleted item", function()
    local task = item()
    update(task, {status = "deleted"})
    for _, fields in ipairs{{status = "pending"}, {status = "completed"}, {status = "deleted"},
                            {metadata = {}}, {priority = 1}} do
      local ok, message, reason = update(task, fields)
      assert.is_nil(ok)
      assert.equal("removed", reason)
      assert.matches("was removed", message, 1, true)
    end
  end)

  it("C2 refuses to give back what nobody has", function()
    local task = item()
    refused(task, {status = "pending"}, "illegal", "pending")
    done(task)
  end)

  it("C3 lets one of many claim, and tells the others who has it", function()
    local task = item()
    assert.is_true(update(task, {status = "in_progress", owner = "ann"}))
    assert.matches("already claimed by ann", refused(task, {status = "in_progress", owner = "bob"},
      "already_claimed", "in_progress"), 1, true)
    assert.equal("ann", TaskGet(task).owner)
    local other = item()
    assert.is_true(update(other, {status = "in_progress"}))
    assert.matches("claimed by the script", refused(other, {status = "in_progress"},
      "already_claimed", "in_progress"), 1, true)
    done(task)
    done(other)
  end)

  it("C3 gives an item to exactly one of thirty tasks", function()
    local task = item()
    local claimers = {}
    for i = 1, 30 do
      claimers[i] = background{input = task.id, run = function(id)
        local won, _, reason = TaskUpdate{task_id = id, status = "in_progress"}
        if won then TaskUpdate{task_id = id, status = "completed"} end
        return won and "won" or reason
      end}
    end
    local won = 0
    for _, claimer in ipairs(claimers) do
      local said = TaskOutput(claimer).output
      won = won + (said == "won" and 1 or 0)
      assert.is_true(said == "won" or said == "already_claimed" or said == "already_resolved", said)
    end
    assert.equal(1, won)
  end)

  it("C4 refuses to finish, fail or give back what another has claimed", function()
    local task = item()
    assert.is_true(update(task, {status = "in_progress"}))
    for _, status in ipairs{"completed", "failed", "cancelled", "pending"} do
      local result = Task{input = {task.id, status}, run = function(input)
        return {TaskUpdate{task_id = input[1], status = input[2]}}
      end}
      assert.is_nil(result.output[1])
      assert.equal("already_claimed", result.output[3])
      assert.equal("in_progress", TaskGet(task).status)
    end
    done(task)
  end)

  it("C4 refuses the late word of a worker that has lost its claim", function()
    local r = h.script[[
      local item = TaskCreate{description = "x"}
      local go = TaskCreate{description = "go", priority = -1}
      local lost = TaskCreate{description = "lost", priority = -1}
      local ids = {item.id, go.id, lost.id}
      local slow = Task{run_in_background = true, input = ids, run = function(input)
        assert(TaskUpdate{task_id = input[1], status = "in_progress", owner = "slow"})
        assert(TaskUpdate{task_id = input[1], status = "pending"})
        assert(TaskUpdate{task_id = input[3], status = "completed"})
        TaskOutput(input[2])
        return {TaskUpdate{task_id = input[1], status = "completed", output = "slow"}}
      end}
      TaskOutput(lost)
      assert(orun.claim{owner = "fast"}.id == item.id)
      TaskUpdate{task_id = go, status = "completed"}
      print(TaskOutput(slow).output[3])
      print(TaskUpdate{task_id = item, status = "completed", output = "fast"})
      print(TaskOutput(item).output)]]
    assert.equal("already_claimed\ntrue\nfast\n", r.out, r.err)
  end)

  it("C5 refuses an item that would wait for itself", function()
    local task = item("self")
    for _, field in ipairs{"addBlockedBy", "addBlocks"} do
      local message = update_error(task, {[field] = {task}})
      assert.matches("a dependency cycle would close", message, 1, true)
      assert.matches(task.id .. " (self)", message, 1, true)
    end
    assert.same({}, TaskGet(task).blockedBy)
    done(task)
  end)

  it("C6 refuses the update that closes a cycle, with the way around", function()
    local a, b, c = item("a"), item("b"), item("c")
    assert.is_true(update(b, {addBlockedBy = {a}}))
    local message = update_error(a, {addBlockedBy = {b}})
    assert.matches(("%s (b) -> %s (a)"):format(b.id, a.id), message, 1, true)
    assert.is_true(update(b, {addBlocks = {c}}))
    message = update_error(a, {addBlockedBy = {c}})
    for _, one in ipairs{a, b, c} do assert.matches(one.id .. " (", message, 1, true) end
    assert.same({}, TaskGet(a).blockedBy)
    done(a)
    done(b)
    done(c)
    local items = {item("c0")}
    for i = 1, 1000 do
      items[i + 1] = item("c" .. i)
      assert.is_true(update(items[i + 1], {addBlockedBy = {items[i]}}))
    end
    message = update_error(items[1], {addBlockedBy = {items[1001]}})
    local last = ("%s (c1000) -> %s (c999)"):format(items[1001].id, items[1000].id)
    assert.matches(last, message, 1, true)
    assert.matches("more)", message, 1, true)
    assert.is_true(#message < 600)
    for i = 1, 1001 do done(items[i]) end
  end)

  it("C6 adds all edges of an update or none", function()
    local a, b, c = item("a"), item("b"), item("c")
    assert.is_true(update(b, {addBlockedBy = {a}}))
    update_error(a, {addBlockedBy = {c, b}})
    assert.same({}, TaskGet(a).blockedBy)
    update_error(a, {addBlocks = {c}, addBlockedBy = {b}})
    assert.same({}, TaskGet(c).blockedBy)
    done(a)
    done(b)
    done(c)
  end)

  it("C7 refuses a blocker that does not exist", function()
    local task = item()
    for _, call in ipairs{
      function() Task{run = print, blockedBy = {"t999999999"}} end,
      function() item("x", {blockedBy = {"t999999999"}}) end,
      function() update(task, {addBlockedBy = {"t999999999"}}) end,
      function() update(task, {addBlocks = {"t999999999"}}) end,
    } do
      assert.matches("lock.*t999999999: no such task", message_of(call))
    end
    done(task)
  end)

  it("C8 never leaves what waits for a failure waiting", function()
    for _, final in ipairs{"failed", "cancelled", "deleted"} do
      local blocker = item("blocker")
      local before = item("before", {blockedBy = {blocker}})
      local task = background{run = function() end, blockedBy = {blocker}}
      local anyway = item("anyway", {blockedBy = {blocker}, on_blocker_failure = "run"})
      assert.is_true(update(blocker, {status = final, error = final == "failed" and "bad" or nil}))
      for _, waiting in ipairs{before, task} do
        local result = TaskOutput(waiting)
        assert.equal("cancelled", result.status)
        assert.equal("blocked", result.error_kind)
        assert.matches("blocker", result.error, 1, true)
      end
      assert.is_true(update(anyway, {status = "in_progress"}))
      done(anyway)
      if final ~= "deleted" then
        -- One that comes later is not better off.
        assert.equal("blocked", Task{run = function() end, blockedBy = {blocker}}.error_kind)
        TaskOutput(blocker)
      else
        local message = message_of(Task, {run = print, blockedBy = {blocker}})
        assert.matches("was removed", message, 1, true)
      end
    end
  end)

  it("C8 adds a failed blocker to a task with the same effect", function()
    local failed, task = item("failed"), item("task")
    update(failed, {status = "failed"})
    TaskOutput(failed)
    assert.is_true(update(task, {addBlockedBy = {failed}}))
    assert.equal("blocked", TaskOutput(task).error_kind)
  end)

  it("C9 takes a blocker named often for one", function()
    local blocker = item()
    local task = item("x", {blockedBy = {blocker, blocker.id, blocker}})
    assert.same({blocker.id}, TaskGet(task).blockedBy)
    assert.is_true(update(task, {addBlockedBy = {blocker}}))
    assert.same({blocker.id}, TaskGet(task).blockedBy)
    done(blocker)
    done(task)
  end)

  it("C9 refuses blockers that are no array", function()
    local a = item()
    local cases = {
      {"t1", "expected an array"}, {7, "expected an array"}, {a, "{handle}"},
      {{n = 3}, 'has the key "n"'}, {{[1] = a, [3] = a}, "holes"}, {{nil, a}, "holes"},
      {{[0] = a}, "keys from 1"}, {{[1.5] = a}, "1.5"}, {{"x"}, "a task is named"},
      {{{a}}, "a task is named"}, {{false}, "a task is named"},
    }
    for _, case in ipairs(cases) do
      for _, call in ipairs{
        function() Task{run = print, blockedBy = case[1]} end,
        function() item("x", {blockedBy = case[1]}) end,
        function() update(a, {addBlockedBy = case[1]}) end,
        function() update(a, {addBlocks = case[1]}) end,
      } do
        assert.matches(case[2], message_of(call), 1, true)
      end
    end
    done(a)
  end)

  it("C9 takes ten thousand blockers and no more", function()
    local blocker = item()
    local many = {}
    for i = 1, 10000 do many[i] = blocker.id end
    assert.same({blocker.id}, TaskGet(item("x", {blockedBy = many})).blockedBy)
    many[10001] = blocker.id
    assert.matches("from 1 to 10000", message_of(item, "x", {blockedBy = many}), 1, true)
    done(blocker)
  end)

  it("C10 runs each of a diamond of a hundred thousand edges once", function()
    local first = background{run = function() return 1 end}
    local layer = {first}
    for _ = 1, 10 do
      local after = {}
      for i = 1, 100 do
        after[i] = background{run = function(_, task) return task.attempt end, blockedBy = layer}
      end
      layer = after
    end
    for i = 1, 100 do
      local result = TaskOutput(layer[i])
      assert.equal("completed", result.status)
      assert.equal(1, result.output)
    end
  end)

  it("C12 lists a hundred thousand items", function()
    local r = h.script[[
      for i = 1, 100000 do TaskCreate{description = "x"} end
      TaskUpdate{task_id = "t99999", status = "in_progress", owner = "me"}
      print(#TaskList(), #TaskList{owner = "me"}, TaskList{status = "in_progress"}[1].id)]]
    assert.equal("100000\t1\tt99999\n", r.out, r.err)
  end)

  it("C13 takes a filter for what it says, nothing else", function()
    for _, owner in ipairs{"' OR 1=1", "", "%", ".*", "\27[2J"} do
      assert.equal(0, #TaskList{owner = owner})
    end
    assert.matches("NUL", message_of(TaskList, {owner = "a\0b"}), 1, true)
    assert.matches("unknown field \"stats\", did you mean 'status'?",
      message_of(TaskList, {stats = "x"}), 1, true)
    assert.matches('unblocked = "yes"', message_of(TaskList, {unblocked = "yes"}), 1, true)
    assert.matches("kind = ", message_of(TaskList, {kind = "tasks"}), 1, true)
    assert.matches("not a table", message_of(TaskList, 7), 1, true)
  end)

  it("C14 keeps a description as it is, up to 64 KiB", function()
    local text = "a\nb\t\27[31m\xff" .. ("x"):rep(65000)
    local task = item(text)
    assert.equal(text, TaskGet(task).description)
    assert.equal(text, task.description)
    assert.matches("65537 bytes", message_of(item, ("x"):rep(65537)), 1, true)
    assert.matches("NUL", message_of(item, "a\0b"), 1, true)
    for _, value in ipairs{"", 7, {}} do
      assert.matches("TaskCreate: description", message_of(item, value), 1, true)
    end
    done(task)
  end)

  it("C15 lets the list be changed while one goes through it", function()
    local r = h.script[[
      for i = 1, 50 do TaskCreate{description = "x" .. i} end
      local seen = 0
      for i, entry in ipairs(TaskList()) do
        seen = seen + 1
        if i % 3 == 0 then TaskUpdate{task_id = entry.id, status = "deleted"} end
        if i % 3 == 1 then TaskUpdate{task_id = entry.id, status = "completed"} end
        TaskCreate{description = "new"}
      end
      print(seen, #TaskList(), #TaskList{status = "completed"})]]
    assert.equal("50\t84\t17\n", r.out, r.err)
  end)

  it("C16 refuses metadata that cannot be kept, with the path", function()
    local task = item("x", {metadata = {a = 1}})
    local nothing <const> = "a function is not data and cannot be kept"
    for text, value in pairs{
      ["metadata.a.b[2]: a userdata cannot be sent"] = {b = {1, io.stdout}},
      ["metadata.a.b: a coroutine cannot be sent"] = {b = coroutine.create(print)},
      ["metadata.a.b: " .. nothing] = {b = function() end},
      ["metadata.a.b: a function is"] = setmetatable({b = print}, {__index = {}}),
      ["metadata.a.m.byte: a function is"] = {m = {byte = string.byte}},
      ["metadata.a: a key of type table"] = {[{}] = 1},
    } do
      assert.matches(text, message_of(item, "x", {metadata = {a = value}}), 1, true)
      assert.matches(text, message_of(Task, {run = print, metadata = {a = value}}), 1, true)
      assert.matches(text, update_error(task, {metadata = {a = value}}), 1, true)
    end
    assert.matches(nothing, message_of(item, "x", {metadata = {string}}), 1, true)
    assert.equal(1, TaskGet(task).metadata.a)
    for _, value in ipairs{7, "x", true} do
      assert.matches("metadata = ", message_of(item, "x", {metadata = value}), 1, true)
      assert.matches("metadata = ", update_error(task, {metadata = value}), 1, true)
    end
    done(task)
  end)

  it("C16 refuses metadata with cycles, which programs could not read", function()
    local loop = {name = "loop"}
    loop.self = loop
    assert.matches("metadata.loop.self: a table that contains itself",
      message_of(item, "x", {metadata = {loop = loop}}), 1, true)
  end)

  it("refuses unknown fields, with the nearest that there is", function()
    assert.matches("did you mean 'blockedBy'?", message_of(TaskCreate, {description = "x",
      blockedby = {}}), 1, true)
    assert.matches("did you mean 'addBlockedBy'?", message_of(TaskUpdate, {task_id = "t1",
      addBlockBy = {}}), 1, true)
    assert.matches("did you mean 'owner'?", message_of(orun.claim, {ownr = "x"}), 1, true)
    assert.matches("description is missing", message_of(TaskCreate, {}), 1, true)
    assert.matches("task_id is missing", message_of(TaskUpdate, {status = "completed"}), 1, true)
    assert.matches("not a table", message_of(TaskCreate, "x"), 1, true)
    assert.matches("not a table", message_of(TaskUpdate), 1, true)
    assert.matches("owner = 7", message_of(orun.claim, {owner = 7}), 1, true)
    assert.matches("wait = 1", message_of(orun.claim, {wait = 1}), 1, true)
  end)

  it("takes an owner only with a claim", function()
    local task = item()
    for _, status in ipairs{"pending", "completed", false} do
      assert.matches("owner comes with", update_error(task, {owner = "me",
        status = status or nil}), 1, true)
    end
    assert.matches("owner is 256 bytes", update_error(task, {status = "in_progress",
      owner = ("x"):rep(256)}), 1, true)
    assert.equal("pending", TaskGet(task).status)
    done(task)
  end)

  it("takes an output only with an end", function()
    local task = item()
    for _, fields in ipairs{{output = 1}, {error = "x"}} do
      assert.matches("output and error come with", update_error(task, fields), 1, true)
    end
    assert.matches("output.f: a userdata cannot be sent",
      update_error(task, {status = "completed", output = {f = io.stdout}}), 1, true)
    assert.equal("pending", TaskGet(task).status)
    done(task)
  end)

  it("gives no new blockers to what has begun or ended", function()
    local wait, more = item(), item()
    local task = background{run = function(id) TaskOutput(id) end, input = wait.id}
    assert.is_truthy(h.wait_for(function() return TaskGet(task).status == "in_progress" end))
    assert.matches("begun or ended", update_error(task, {addBlockedBy = {more}}), 1, true)
    done(wait)
    TaskOutput(task)
    assert.matches("begun or ended", update_error(task, {addBlockedBy = {more}}), 1, true)
    done(more)
    assert.matches("begun or ended", update_error(more, {addBlockedBy = {wait}}), 1, true)
  end)

  it("lets a claim be lost without harm to who had it", function()
    local task = item()
    local worker = background{input = task.id, run = function(id)
      assert(TaskUpdate{task_id = id, status = "in_progress"})
      assert(TaskUpdate{task_id = id, status = "deleted"})
      return {TaskUpdate{task_id = id, status = "completed"}}
    end}
    assert.equal("removed", TaskOutput(worker).output[3])
    assert.is_nil(TaskGet(task))
  end)

  it("gives claims back when their owner is stopped", function()
    local task = item()
    local worker = background{input = task.id, run = function(id)
      assert(TaskUpdate{task_id = id, status = "in_progress", owner = "w"})
      orun.sleep("1h")
    end}
    assert.is_truthy(h.wait_for(function() return TaskGet(task).status == "in_progress" end))
    TaskStop(worker)
    TaskOutput(worker)
    assert.equal("pending", TaskGet(task).status)
    assert.is_nil(TaskGet(task).owner)
    done(task)
  end)

  it("survives a list whose owner changes its methods", function()
    local r = h.script[[
      TaskCreate{description = "x"}
      local list = TaskList()
      getmetatable(list).__index = nil
      require("orun.list").filter = nil
      print(#TaskList(), #list)]]
    assert.equal(0, r.code, r.err)
    assert.equal("1\t1\n", r.out)
  end)
end)
