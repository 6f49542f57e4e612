-- Any task's token could list, read and stop the whole run, as could a Lua task by way of
-- orun's own modules; and any task could stop another by guessing its id.

local h = require "spec.support.helper"

local function lines_of(r)
  assert.equal(0, r.code, r.err)
  local lines = {}
  for line in r.out:gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end

-- A script with a task t1 that is there until the end, and a way to have a program of a
-- task, or the script, say a line to the socket.
local SETUP <const> = [[
local other = Task{run = function() orun.sleep(60) end, run_in_background = true,
  description = "other"}
orun.agent{name = "sh", command = {"sh", "-s"}}
local function shell(line) return Task{subagent_type = "sh", prompt = line} end
]]

describe("a task", function()
  it("cannot look at the run, or stop it, by orun's own modules", function()
    local r = h.script(SETUP .. [[
      local r = Task{run = function()
        local overview, tools = require "orun.overview", require "orun.control.run_tools"
        local said = {}
        for i, f in ipairs{overview.stop_all, function() return overview.page{"running"} end,
            function() return overview.entry "t1" end, function() return overview.output "t1" end,
            tools.RunStop.run, function() return tools.RunTasks.run{} end,
            function() return tools.RunOutput.run{task_id = "t1"} end,
            function() return TaskStop "t1" end,
            function() return TaskStop{task_id = "t1"} end} do
          local ok, why = pcall(f)
          said[i] = tostring(ok) .. " " .. tostring(why)
        end
        return table.concat(said, "\n")
      end}
      print(r.output)
      print(TaskOutput{task_id = other, block = false}.status)
      print(TaskStop(other))
    ]])
    local lines = lines_of(r)
    for i = 1, 7 do assert.matches("^false .*only the script may do that", lines[i]) end
    for i = 8, 9 do assert.matches("^false .*t1 is not a task of t2", lines[i]) end
    assert.same({"in_progress", "true"}, {lines[10], lines[11]})
  end)

  it("may stop what it started, however far down, claimed, or has the handle of", function()
    local r = h.script [[
      local function sleeper() return Task{run = function() orun.sleep(60) end,
        run_in_background = true} end
      local given, item = sleeper(), TaskCreate{description = "item"}
      print(Task{run = function()
        local child = Task{run = function()
          local t = Task{run = function() orun.sleep(60) end, run_in_background = true}
          orun.report{activity = t.id}
          TaskOutput(t)
        end, run_in_background = true}
        local below
        while not below do
          below = TaskGet(child.id).activity
          orun.sleep(0.001)
        end
        TaskUpdate{task_id = item, status = "in_progress"}
        return tostring(TaskStop(below)) .. tostring(TaskStop(item.id)) .. tostring(TaskStop(given))
      end}.output)
    ]]
    assert.same({"truetruetrue"}, lines_of(r))
  end)

  it("cannot take an item from who has it by deleting it", function()
    local r = h.script [[
      local item = TaskCreate{description = "item"}
      assert(TaskUpdate{task_id = item, status = "in_progress"})
      print(table.unpack(Task{run = function()
        return {select(2, TaskUpdate{task_id = item, status = "deleted"})}
      end}.output))
      print(TaskUpdate{task_id = item, status = "completed"})
    ]]
    assert.same({"t1 is already claimed by the script\talready_claimed", "true"}, lines_of(r))
  end)

  it("has a token that may not do more", function()
    local r = h.script(SETUP .. [[
      local client = [=[
        call() { "$ORUN_PROGRAM" task "$@" 2>&1 || true; }
        call stop t1; call output t1; call output t1 --wait
        own=$("$ORUN_PROGRAM" task create --subject own)
        call get $own
      ]=]
      print(shell(client).output)
      local control = require("orun.control.call").perform_text
      local r = Task{run = function()
        local control, said = require("orun.control.call").perform_text, {}
        for i, call in ipairs{"RunStop", "RunTasks"} do
          said[i] = control('{"call":"' .. call .. '","args":{}}')
        end
        said[3] = control '{"call":"RunOutput","args":{"task_id":"t1"}}'
        return table.concat(said)
      end}
      print(r.output)
      print((control '{"call":"RunTasks","args":{}}'):sub(1, 40))
      TaskStop(other)
    ]])
    local lines = lines_of(r)
    assert.matches("TaskStop: t1 is not a task of t2", lines[1], 1, true)
    assert.matches("TaskOutput: t1 is not a task of this one", lines[2], 1, true)
    assert.matches("TaskOutput: t1 is not a task of this one", lines[3], 1, true)
    assert.matches("pending%s+own", lines[4])
    for i = 5, 7 do assert.matches("only the script may do that", lines[i], 1, true) end
    assert.matches('"ok":true', lines[8], 1, true)
  end)

  it("has programs that may read what it had to wait for, and what it started", function()
    local r = h.script [[
      orun.agent{name = "sh", command = {"sh", "-s"}}
      local first = Task{run = function() return "first" end, run_in_background = true}
      print(Task{subagent_type = "sh", blockedBy = {first}, prompt = [=[
        "$ORUN_PROGRAM" task output t1
        t=$("$ORUN_PROGRAM" task run --agent sh --prompt 'echo mine' --background)
        "$ORUN_PROGRAM" task output $t --wait
      ]=]}.output)
    ]]
    assert.same({"first", "mine"}, lines_of(r))
  end)
end)
