--- What comes back of a task: TaskOutput, max_output, orun.collector.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local gate, open, background = shared.gate, shared.open, shared.background
local held, output_of = shared.held, shared.output_of

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
