-- An item whose metadata JSON cannot express made `orun task list` and `claim --next` fail
-- for every program, for ever. Such values are refused where they enter; and an answer
-- leaves out what cannot be told of one entry, not the others.

local h = require "spec.support.helper"
local json = require "orun.json"
local orun = require "orun"

local ring = {}
ring.again = ring

local function nested(n)
  local t = {}
  for _ = 2, n do t = {t} end
  return t
end

-- value -> what the message must say of it
local BAD <const> = {
  [0 / 0 .. ""] = {0 / 0, "x[1]: NaN"},
  ["inf"] = {1 / 0, "x[1]: inf"},
  ["-inf"] = {-1 / 0, "x[1]: -inf"},
  ["ring"] = {ring, "x[1].again: a table that contains itself"},
  ["mixed"] = {{1, name = 2}, "x[1]: an array that also has names"},
  ["gaps"] = {{[1] = 1, [3] = 3}, "x[1]: the key 3"},
  ["gap at the end of a part"] = {{1, 2, [4] = 4}, "x[1]: "},
  ["zero"] = {{[0] = 1}, "x[1]: the key 0"},
  ["float key"] = {{[1.5] = 1}, "x[1]: a key of type number"},
  ["boolean key"] = {{[true] = 1}, "x[1]: a key of type boolean"},
  ["deep"] = {nested(99), "nested deeper than 100"},
}

local function refused(words, fn, args)
  local ok, message = pcall(fn, args)
  assert.is_false(ok)
  assert.matches(words, message, 1, true)
end

-- What a shell in a task's name gets.
local function shell(line, after)
  return Task{subagent_type = "shell-of-the-list", prompt = line, timeout = 50 * h.slow,
    blockedBy = after}
end

describe("the list", function()
  setup(function()
    orun.agent{name = "shell-of-the-list", command = {"sh", "-s"}}
  end)

  before_each(function()
    for _, item in ipairs(TaskList()) do TaskUpdate{task_id = item.id, status = "deleted"} end
  end)

  it("takes nothing that JSON cannot express, and says where it is", function()
    local item = TaskCreate{description = "kept", metadata = {n = 1}}
    assert(TaskUpdate{task_id = item, status = "in_progress"})
    for _, case in pairs(BAD) do
      local value, words = {x = {case[1]}}, case[2]
      refused(words, TaskCreate, {description = "a", metadata = value})
      refused(words, TaskCreate, {description = "a", input = value})
      refused(words, Task, {run = print, metadata = value})
      refused(words, TaskUpdate, {task_id = item, metadata = value})
      refused(words, TaskUpdate, {task_id = item, status = "completed", output = value})
      refused(words, TaskUpdate, {task_id = item, status = "failed", output = value})
    end
    assert.equal(1, #TaskList())
    assert.same({n = 1}, TaskGet(item).metadata)
    assert.equal("in_progress", TaskGet(item).status)
  end)

  it("takes arrays made in any order, shared tables, and null", function()
    local array, shared = {}, {1}
    for i = 9, 1, -1 do array[i] = i end
    local item = TaskCreate{description = "a", metadata = {array = array, one = shared,
      two = shared, null = json.null, whole = 1e300}}
    assert.same(array, TaskGet(item).metadata.array)
  end)

  it("leaves what tasks give each other as it is", function()
    local r = Task{run = function(input) return {input.x, 1 / 0} end, input = {x = 0 / 0}}
    assert.is_true(r.output[1] ~= r.output[1])
    assert.equal(1 / 0, r.output[2])
  end)

  it("shows programs the others, and of an odd one what can be told", function()
    TaskCreate{description = "code", input = {f = function() end, n = 1}, metadata = {n = 1}}
    TaskCreate{description = "plain", input = {n = 2}}
    local r = shell [["$ORUN_PROGRAM" task list --json; "$ORUN_PROGRAM" task claim --next --json
      "$ORUN_PROGRAM" task claim --next --json]]
    local list, first, second = r.output:match("^([^\n]+)\n([^\n]+)\n([^\n]+)\n$")
    list, first, second = json.decode(list).tasks, json.decode(first), json.decode(second)
    assert.same({"code", "plain"}, {list[1].subject, list[2].subject})
    assert.same({"code", {n = 1}}, {first.task.subject, first.task.metadata})
    assert.matches("input.f: a function", first.task.note, 1, true)
    assert.same({"plain", {n = 2}}, {second.task.subject, second.task.input})
  end)

  it("tells a program of an output that JSON cannot express", function()
    local t = Task{run = function() return {mean = 0 / 0} end, run_in_background = true}
    local r = shell('"$ORUN_PROGRAM" task output --wait --json ' .. t.id, {t})
    assert.equal("completed", r.status, r.error)
    local told = json.decode(r.output)
    assert.equal("completed", told.status)
    assert.matches("output.mean: JSON has no number for NaN", told.note, 1, true)
  end)

  it("refuses such metadata of a program with its path", function()
    for line, words in pairs{
      [ [[task create --subject s --metadata '{"a":{"b":1e999}}']] ] = "--metadata.a.b: JSON has",
      [ [[task create --subject s --metadata '{"a":-1e999}']] ] = "--metadata.a: JSON has",
    } do
      local r = shell('"$ORUN_PROGRAM" ' .. line .. ' 2>&1; echo "code $?"')
      assert.matches("code 2", r.output, 1, true)
      assert.matches(words, r.output, 1, true)
    end
    assert.same({}, TaskList())
  end)

  it("refuses such a line on the socket with its path", function()
    for args, words in pairs{
      ['{"subject":"s","metadata":{"a":[7,1e999]}}'] = "TaskCreate: metadata.a[2]: inf",
      ['{"subject":"s","metadata":' .. ('{"a":'):rep(300) .. "1" .. ("}"):rep(301)]
        = "nested deeper",
    } do
      local reply = json.decode((require("orun.control.call").perform_text(
        '{"call":"TaskCreate","args":' .. args .. "}")))
      assert.is_false(reply.ok)
      assert.matches(words, reply.error, 1, true)
    end
    assert.same({}, TaskList())
  end)
end)
