-- The mark by which an empty array is written `[]` was lost at every border between states.

local h = require "spec.support.helper"

describe("an empty array", function()
  local orun = require "orun"
  local json = orun.json
  local text <const> = '{"a":[],"b":{},"c":[[],{"d":[]}]}'
  local value = json.decode(text)
  local function same(v) assert.equal(text, json.encode(v)) end
  local function output_of(spec)
    local r = Task(spec)
    assert.equal("completed", r.status, r.error)
    return r.output
  end
  local encode = function(v) return require("orun").json.encode(v) end
  local decode = function(s) return require("orun").json.decode(s) end

  it("goes into a task and comes out of it", function()
    for _, isolation in ipairs{false, "process"} do
      isolation = isolation or nil
      assert.equal(text, output_of{run = encode, input = value, isolation = isolation})
      assert.equal(text, output_of{run = function() return encode(value) end,
                                   isolation = isolation})
      same(output_of{run = decode, input = text, isolation = isolation})
      same(output_of{run = decode, input = text, isolation = isolation,
                     schema = {type = "object"}})
    end
    assert.equal("[]", json.encode(output_of{run = decode, input = "[]"}))
    assert.is_true(json.is_array(output_of{run = decode, input = "[]"}))
  end)

  it("stays one that is shared, and one with items", function()
    local shared, full = json.array(), json.array{1}
    local back = output_of{input = {shared, shared, full}, run = function(v)
      v[3][1] = nil
      return {encode(v), v[1] == v[2], v}
    end}
    assert.equal("[[],[],[]]", back[1])
    assert.is_true(back[2])
    assert.equal("[[],[],[]]", json.encode(back[3]))
    assert.is_true(back[3][1] == back[3][2])
  end)

  it("goes from task to task, and by what they raise", function()
    local first = Task{run = decode, input = text, run_in_background = true}
    assert.equal(text, output_of{run = encode, input = first})
    local r = Task{run = function() error(decode(text)) end}
    same(r.error_value)
  end)

  it("stays one on the list", function()
    local item = TaskCreate{description = "x", metadata = value, input = value}
    same(TaskGet(item).metadata)
    assert(TaskUpdate{task_id = item, metadata = {more = json.array()}})
    assert.equal("[]", json.encode(TaskGet(item).metadata.more))
    same({a = TaskGet(item).metadata.a, b = TaskGet(item).metadata.b,
          c = TaskGet(item).metadata.c})
    assert(TaskUpdate{task_id = item, status = "completed", output = value})
    same(TaskOutput(item).output)
  end)

  it("goes to and from programs", function()
    orun.agent{name = "echo176", command = {"cat"}}
    assert.equal(text, output_of{subagent_type = "echo176", input = value})
    orun.agent{name = "list176", command = {"sh", "-c", [[
      "$ORUN_BIN" task create --subject thing --metadata '{"a":[]}' >/dev/null
      "$ORUN_BIN" task list --json
    ]]}, env = {ORUN_BIN = h.bin}}
    local listed = json.decode(output_of{subagent_type = "list176", input = {}})
    local metadata
    for _, one in ipairs(listed.tasks or listed) do metadata = one.metadata or metadata end
    assert.equal('{"a":[]}', json.encode(metadata))
  end)
end)
