--- orun.batches: the guide's data, with and without a barrier.

local h = require "spec.support.helper"
local orun = require "orun"

local function gate()
  local item = orun.TaskCreate{description = "gate"}
  return {
    id = item.id,
    open = function() orun.TaskUpdate{task_id = item, status = "completed"} end,
  }
end

local function wait_for(id)
  return {run = function(gate_id) orun.TaskOutput{task_id = gate_id} end, input = id}
end

local function named(name, more)
  local task = {name = name, run = function() return name end}
  for field, value in pairs(more or {}) do task[field] = value end
  return task
end

--- The number in a handle's id; ids count up.
local function number_of(handle)
  return tonumber(handle.id:match("%d+"))
end

local function raised(...)
  local ok, message = pcall(orun.batches, ...)
  assert.is_false(ok)
  return message
end

local QUIET <const> = {progress = false}

describe("batches", function()
  orun.agent{name = "batch-coder", run = function(_, task) return "did " .. task.prompt end}

  it("runs the guide's data", function()
    local tasks = {}
    for i = 1, 8 do
      tasks[i] = {name = "Task" .. i, details = "step " .. i, agent_type = "batch-coder"}
    end
    local results = orun.batches({
      {tasks = {tasks[1], tasks[2], tasks[3]}, blockedBy = {}},
      {tasks = {tasks[4], tasks[5]}, blockedBy = {1, 2}},
      {tasks = {tasks[6], tasks[7], tasks[8]}, blockedBy = {4}},
    }, QUIET)
    assert.is_true(results.ok)
    assert.equal(8, #results)
    for i = 1, 8 do
      assert.equal("did step " .. i, results[i].output)
      assert.equal("Task" .. i, results[i].description)
      assert.equal(results[i], results.named["Task" .. i])
    end
    assert.equal(results[4], results.batches[2][1])
    assert.same({3, 2, 3}, {#results.batches[1], #results.batches[2], #results.batches[3]})
  end)

  it("starts a task when its own blockers are done, not the whole batch", function()
    -- Task 2 of batch 1 ends only after task 3 of batch 2 has run.
    local late = gate()
    local results = orun.batches({
      {tasks = {named "quick", wait_for(late.id)}},
      {tasks = {{
        run = function(id) return orun.TaskUpdate{task_id = id, status = "completed"} end,
        input = late.id,
      }}, blockedBy = {1}},
    }, QUIET)
    assert.is_true(results.ok)
    assert.is_true(results[3].output)
  end)

  it("waits for the whole batch with a barrier", function()
    local ended = {}
    local results = orun.batches({
      {tasks = {named "a", named "b"}},
      {tasks = {}},
      {tasks = {named "c"}},
    }, {barrier = true, progress = function(p)
      ended[#ended + 1] = ("%d/%d %d %d %d"):format(p.batch, p.batches, p.done, p.failed,
        p.cancelled)
      assert.is_true(p.seconds >= 0)
    end})
    assert.is_true(results.ok)
    assert.same({"1/3 2 0 0", "3/3 1 0 0"}, ended)
  end)

  it("does not begin a batch before the barrier", function()
    -- Started together, the second would end long before the first.
    local log = h.tmpdir() .. "/log"
    local function write(input)
      orun.sleep(input.nap)
      local file <close> = assert(io.open(input.log, "a"))
      assert(file:write(input.text))
    end
    orun.batches({
      {tasks = {{run = write, input = {nap = 0.1, log = log, text = "first "}}}},
      {tasks = {{run = write, input = {nap = 0, log = log, text = "second"}}}},
    }, {barrier = true, progress = false})
    assert.equal("first second", h.read(log))
  end)

  it("cancels what waits for a failure, and nothing else", function()
    local reports = {}
    local results = orun.batches({
      {tasks = {named "good", named("bad", {run = function() error("broken", 0) end})}},
      {tasks = {named("after bad", {blockedBy = {"bad"}}), named("after good", {blockedBy = {1}})}},
      {tasks = {named("last", {blockedBy = {"after bad"}})}},
    }, {progress = function(p) reports[p.batch] = p.cancelled end})
    assert.is_false(results.ok)
    assert.equal("failed", results.named.bad.status)
    assert.equal("cancelled", results.named["after bad"].status)
    assert.equal("blocked", results.named["after bad"].error_kind)
    assert.equal("blocked", results.named.last.error_kind)
    assert.equal("after good", results.named["after good"].output)
    assert.equal(3, #results.failed)
    assert.same({0, 1, 1}, reports)
  end)

  it("makes the output of other tasks a task's input", function()
    local results = orun.batches({
      {tasks = {named "x", named "y"}},
      {tasks = {
        {name = "one", from = "x", run = function(x) return "got " .. x end},
        {name = "both", from = {left = 1, right = "y"}, run = function(input)
          return input.left .. input.right
        end},
      }},
    }, QUIET)
    assert.equal("got x", results.named.one.output)
    assert.equal("xy", results.named.both.output)
  end)

  it("takes handles of tasks started elsewhere as blockers", function()
    local earlier = orun.Task{run = function() return "early" end, run_in_background = true}
    local results = orun.batches({
      {tasks = {{from = earlier, run = function(s) return s end}}, blockedBy = {earlier}},
    }, QUIET)
    assert.equal("early", results[1].output)
  end)

  it("takes functions as tasks, and defaults", function()
    local results = orun.batches({
      {tasks = {function() return 1 end, {prompt = "p"}}},
    }, {progress = false, defaults = {subagent_type = "batch-coder"}})
    assert.equal(1, results[1].output)
    assert.equal("did p", results[2].output)
  end)

  it("refuses a reference to no task, with the nearest name", function()
    assert.equal("orun.batches: batches[2].blockedBy[1]: no task 9; there are tasks 1 to 2",
      raised{{tasks = {named "a"}}, {tasks = {named "b"}, blockedBy = {9}}})
    local message = raised{{tasks = {named "schema"}},
      {tasks = {named("b", {blockedBy = {"shema"}})}}}
    assert.equal("orun.batches: batches[2].tasks[1].blockedBy[1]: no task \"shema\"; there are "
      .. "tasks 1 to 2, did you mean 'schema'?", message)
  end)

  it("refuses a forward reference", function()
    assert.equal("orun.batches: task 1 'a' waits for task 2 'b', which comes later; "
      .. "put task 2 'b' in an earlier batch",
      raised{{tasks = {named("a", {blockedBy = {"b"}})}}, {tasks = {named "b"}}})
  end)

  it("refuses cycles and shows their way round", function()
    assert.equal("orun.batches: a cycle, so none of these could start: task 1 'a' waits for "
      .. "task 3 'c' waits for task 2 'b' waits for task 1 'a'",
      raised{{tasks = {named("a", {blockedBy = {"c"}}), named("b", {blockedBy = {"a"}})}},
        {tasks = {named("c", {blockedBy = {2}})}}})
    assert.equal("orun.batches: a cycle, so none of these could start: task 1 'a' waits for "
      .. "task 1 'a'", raised{{tasks = {named("a", {blockedBy = {"a"}})}}})
  end)

  it("shows the two ends of a long cycle", function()
    local tasks = {}
    for i = 1, 20000 do tasks[i] = named("n" .. i, {blockedBy = {i == 1 and 20000 or i - 1}}) end
    local message = raised{{tasks = tasks}}
    assert.is_truthy(message:find("task 1 'n1' waits for task 20000 'n20000' waits for", 1, true))
    assert.is_truthy(message:find("... 19991 more waits for", 1, true))
    assert.is_truthy(message:find("waits for task 2 'n2' waits for task 1 'n1'$"))
    assert.is_true(#message < 500)
  end)

  it("refuses equal names", function()
    assert.equal("orun.batches: task 1 'a' and task 2 'a' have the same name; give each its own",
      raised{{tasks = {named "a", named "a"}}})
  end)

  it("starts nothing when something is wrong further down", function()
    local before = number_of(orun.Task{run = function() end, run_in_background = true})
    raised{{tasks = {named "a"}}, {tasks = {7}}}
    raised{{tasks = {named "a"}}, {tsks = {}}}
    raised{{tasks = {named "a"}}, {tasks = {named "b"}, blockedBy = {3}}}
    local after = number_of(orun.Task{run = function() end, run_in_background = true})
    assert.equal(before + 1, after)
  end)

  it("names what has the wrong shape", function()
    assert.equal("orun.batches: batches = 1: expected an array", raised(1))
    assert.equal("orun.batches: batches[1] = \"x\": expected {tasks = {...}, blockedBy = {...}}",
      raised{"x"})
    assert.equal("orun.batches: batches[1].tasks = nil: expected an array", raised{{}})
    assert.equal("orun.batches: batches[1].blockedBy = 1: expected an array",
      raised{{tasks = {}, blockedBy = 1}})
    assert.equal("orun.batches: batches[1].tasks[1] = 7: expected a table of Task fields or "
      .. "a function", raised{{tasks = {7}}})
    assert.equal("orun.batches: batches[1] has the unknown field \"task\"; a batch has tasks, "
      .. "blockedBy and name", raised{{task = {}}})
  end)

  it("names the task that Task refuses, and stops those it had started", function()
    -- A task that went on would keep the script from ending.
    local r = h.script([[
      local orun = require "orun"
      print(select(2, pcall(orun.batches, {{tasks = {
        function() orun.sleep("1h") end,
        {name = "b", timeout = -1, run = function() end},
      }}})))
    ]])
    assert.is_truthy(r.out:find("^orun.batches: batches%[1%].tasks%[2%]: Task: timeout = %-1"),
      r.out .. r.err)
    assert.equal(0, r.code, r.err)
  end)

  it("works inside a task", function()
    local result = orun.Task{run = function()
      local results = orun.batches({
        {tasks = {function() return 1 end}},
        {tasks = {{from = 1, run = function(n) return n + 1 end}}},
      }, {progress = false})
      return results[2].output
    end}
    assert.equal(2, result.output)
  end)
end)
