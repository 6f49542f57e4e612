--- The numbers of slots: orun.slot and ORUN_SLOT.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local gate, open, background, held = shared.gate, shared.open, shared.background, shared.held
local begun, output_of = shared.begun, shared.output_of

-- A Lua task that says its number, in a file that programs and tasks read, and stays until the
-- gate is open: a sleep keeps the slot.
local function stays(wait, fields)
  fields.input = {wait = wait.id}
  fields.run = function(input)
    local first = orun.slot()
    orun.report{activity = tostring(first)}
    while TaskGet(input.wait).status ~= "completed" do orun.sleep("2ms") end
    return {first, orun.slot()}
  end
  return background(fields)
end

local function number_of(task)
  local n
  assert(h.wait_for(function()
    local activity = TaskGet(task).activity
    n = activity and tonumber(activity)
    return n ~= nil
  end))
  return n
end

local ECHO <const> = {"sh", "-c", "printf %s \"${ORUN_SLOT-none}\""}

describe("the number of a slot", function()
  it("is one for each task of a pool that has a slot, the lowest that is free", function()
    orun.limit("n-pool", 3)
    local gates, tasks = {}, {}
    for i = 1, 3 do
      gates[i] = gate()
      tasks[i] = stays(gates[i], {pool = "n-pool"})
      assert.equal(i, number_of(tasks[i]))
    end
    open(gates[2])
    assert.same({2, 2}, TaskOutput(tasks[2]).output)
    open(gates[1])
    assert.same({1, 1}, TaskOutput(tasks[1]).output)
    assert.equal("1", output_of{pool = "n-pool", command = ECHO})
    open(gates[3])
    assert.same({3, 3}, TaskOutput(tasks[3]).output)
  end)

  it("is there for as many as there are slots", function()
    orun.limit("n-many", 100)
    local wait, tasks, seen = gate(), {}, {}
    for i = 1, 100 do tasks[i] = stays(wait, {pool = "n-many"}) end
    for i = 1, 100 do seen[number_of(tasks[i])] = true end
    assert.equal(100, #seen)
    open(wait)
    for i = 1, 100 do TaskOutput(tasks[i]) end
    assert.equal(1, output_of{pool = "n-many", run = function() return orun.slot() end})
  end)

  it("is told to programs, of tasks and of the agent types that have a limit", function()
    orun.agent{name = "n-type", command = ECHO, limit = 2}
    orun.agent{name = "n-code", limit = 1, run = function()
      return {orun.slot(), orun.exec{command = {"printenv", "ORUN_SLOT"}}.output}
    end}
    assert.equal("1", output_of{subagent_type = "n-type", prompt = ""})
    assert.same({1, "1\n"}, output_of{subagent_type = "n-code", prompt = "x"})
    assert.equal("1", output_of{command = ECHO})
    assert.equal("1", output_of{run = function(command)
      return orun.exec{command = command}.output
    end, input = ECHO})
  end)

  it("is told to what os.execute and io.popen start, and in a process of its own", function()
    orun.limit("n-shell", 2)
    local wait = gate()
    local first = stays(wait, {pool = "n-shell"})
    assert.equal(1, number_of(first))
    local shell = output_of{pool = "n-shell", run = function()
      local pipe <close> = io.popen("echo $ORUN_SLOT")
      return pipe:read("a") .. tostring(os.execute("test \"$ORUN_SLOT\" = 2"))
    end}
    assert.equal("2\ntrue", shell)
    assert.same({2, "2"}, output_of{pool = "n-shell", isolation = "process", input = ECHO,
      run = function(command) return {orun.slot(), orun.exec{command = command}.output} end})
    open(wait)
    TaskOutput(first)
  end)

  it("is of the pool first, and that of the task where nothing else gives one", function()
    orun.limit("n-first", 4)
    assert.equal("1", output_of{pool = "n-first", slot = 9, command = ECHO})
    assert.equal("9", output_of{slot = 9, command = ECHO})
    assert.equal(7, output_of{slot = 7, run = function() return orun.slot() end})
  end)

  it("is nil in the script, and in a task that nothing numbers", function()
    assert.is_nil(orun.slot())
    assert.is_nil(output_of{run = function() return orun.slot() end})
    assert.equal("none", orun.exec{command = ECHO}.output)
  end)

  it("does not come from outside, nor from env", function()
    local r = h.orun{"-e", ([[
      io.write(orun.exec{command = {"sh", "-c", %q}}.output, " ",
        Task{command = {"sh", "-c", %q}, env = {ORUN_SLOT = "8"}}.output)]])
        :format(ECHO[3], ECHO[3]),
      env = {ORUN_SLOT = "5"}}
    assert.equal("none 1", r.out, r.err)
  end)

  it("goes with the slot while Lua code waits for tasks", function()
    orun.limit("n-rest", 1)
    local wait = gate()
    local waits = background{pool = "n-rest", input = wait.id, run = function(id)
      local before = orun.slot()
      TaskOutput(id)
      return {before, orun.slot()}
    end}
    begun(waits)
    assert(h.wait_for(function() return orun.limit("n-rest").used == 0 end))
    assert.equal(1, output_of{pool = "n-rest", run = function() return orun.slot() end})
    open(wait)
    assert.same({1, 1}, TaskOutput(waits).output)
  end)

  it("stays a program's while others have its slot", function()
    local r = h.script([[
      orun.limit("one", 1)
      orun.agent{name = "helper", command = {"sh", "-c", "echo helper $ORUN_SLOT"}, limit = 3}
      orun.agent{name = "inner", run = function()
        return Task{command = {"sh", "-c", "echo inner $ORUN_SLOT"}, pool = "one"}.output
      end}
      local r = Task{pool = "one", command = {"sh", "-c",
        '"$ORUN_PROGRAM" task run --agent inner --prompt x; echo outer $ORUN_SLOT'}}
      io.write(r.output or r.error)
      io.write(Task{command = {"sh", "-c", "echo after $ORUN_SLOT"}, pool = "one"}.output)]])
    assert.equal("inner 2\nouter 1\nafter 1\n", r.out, r.err)
  end)

  it("is free again when a task fails, is stopped or is tried again", function()
    orun.limit("n-free", 2)
    local function now()
      return output_of{pool = "n-free", run = function() return orun.slot() end}
    end
    local fails = Task{pool = "n-free", command = {"false"}, retry = {max = 2, backoff = 0}}
    assert.equal("failed", fails.status)
    assert.equal(1, now())
    local wait = gate()
    local stopped = held(wait, {pool = "n-free"})
    begun(stopped)
    TaskStop(stopped)
    TaskOutput(stopped)
    open(wait)
    assert.equal("cancelled", shared.status_of(stopped))
    assert.equal(1, now())
  end)

  it("is from 1 to the limit of a pattern", function()
    local function slot() return orun.slot() end
    local specs = {}
    for i = 1, 6 do specs[i] = {run = slot} end
    for _, r in ipairs(orun.fan_out(specs, {limit = 2})) do
      assert.is_true(r.output == 1 or r.output == 2, tostring(r.output))
    end
    for _, n in ipairs(orun.map({1, 2, 3, 4}, slot, {limit = 1})) do assert.equal(1, n) end
    for _, n in ipairs(orun.map({1, 2, 3}, {command = ECHO}, {limit = 1})) do
      assert.equal("1", n)
    end
    local lines = orun.pipeline({1, 2}, slot, function(n) return {n, orun.slot()} end, {limit = 1})
    for _, r in ipairs(lines) do assert.same({1, 1}, r.output) end
    assert.is_nil(orun.fan_out({{run = slot}})[1].output)
  end)

  it("is one for each worker", function()
    local r = orun.workers(function() return orun.slot() end, {limit = 1,
      items = {{description = "a"}, {description = "b"}}})
    assert.equal(1, r[1].output)
    assert.equal(1, r[2].output)
  end)

  it("is checked when it is given", function()
    for _, wrong in ipairs{0, 1.5, "x", 1e9} do
      assert.matches("^Task: slot = ", shared.error_of(Task, {slot = wrong, command = {"true"}}))
    end
  end)
end)
