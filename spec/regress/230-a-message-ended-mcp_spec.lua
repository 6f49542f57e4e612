-- Messages with a number beyond what JSON can say again, or nested deeper than a value
-- may be, ended `orun mcp`, with the calls that waited; a line that is too long was
-- refused without its id; the 201st quick call at once was refused.

local h = require "spec.support.helper"
local json = require "orun.json"
local orun = require "orun"

local function clear()
  for _, item in ipairs(TaskList()) do TaskUpdate{task_id = item.id, status = "deleted"} end
end

-- What `orun mcp` answers to these lines, decoded; it must end by itself, well.
local function serve(lines)
  local r = Task{subagent_type = "mcp-of-lines", max_output = "32MiB", timeout = 50 * h.slow,
    prompt = table.concat(lines, "\n") .. "\n"}
  assert.equal("completed", r.status, r.error)
  local replies = {}
  for line in r.output:gmatch("[^\n]+") do replies[#replies + 1] = assert(json.decode(line)) end
  return replies
end

local PING <const> = '{"jsonrpc":"2.0","id":"last","method":"ping"}'
local META <const> = '"_meta":{"io.modelcontextprotocol/protocolVersion":%s,'
  .. '"io.modelcontextprotocol/clientCapabilities":{}}'

local function request(id, params)
  return ('{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":%s}'):format(id, params)
end

local function call(id, name, arguments)
  return request(id, ('{"name":"%s","arguments":%s}'):format(name, arguments))
end

local function nested(n) return ('{"a":'):rep(n) .. "1" .. ("}"):rep(n) end

describe("orun mcp", function()
  setup(function()
    orun.agent{name = "mcp-of-lines", command = {"sh", "-c", 'exec "$ORUN_PROGRAM" mcp'}}
  end)

  before_each(clear)

  it("answers what it cannot read, or say again, with an error of that id, or null", function()
    local digits = ("9"):rep(400)
    local cases = {
      {call(1, "TaskOutput", '{"task_id":"t1","timeout":1e999}'), 1},
      {call(2, "TaskCreate", '{"subject":"s","metadata":{"x":1e999}}'), 2},
      {call(3, "TaskCreate", '{"subject":"s","metadata":{"x":[-1e999]}}'), 3},
      {call(4, "TaskCreate", '{"subject":"s","metadata":{"x":' .. digits .. "}}"), 4},
      {call("1e999", "TaskList", "{}"), json.null},
      {call("-1e999", "TaskList", "{}"), json.null},
      {call(digits, "TaskList", "{}"), json.null},
      {request(5, '{"name":"TaskList",' .. META:format "1e999" .. "}"), 5},
      {request(6, '{"name":"TaskList",' .. META:format(nested(120)) .. "}"), 6},
      {request(7, '{"name":"TaskList",' .. META:format(digits) .. "}"), 7},
      {'{"jsonrpc":1e999,"id":8,"method":"ping"}', 8},
      {'{"jsonrpc":"2.0","id":9,"method":1e999}', 9},
      {call(10, "TaskCreate", '{"subject":"s","metadata":' .. nested(99) .. "}"), 10},
      {call(11, "TaskCreate", '{"subject":"s","metadata":' .. nested(500) .. "}"), 11},
      {call(12, "TaskCreate", '{"subject":"s","metadata":' .. nested(5000) .. "}"), 12},
      {call(13, "TaskGet", '{"task_id":{"a":1e999}}'), 13},
      {call(14, "TaskGet", '{"' .. ("x"):rep(100000) .. '":1e999}'), 14},
      {request(15, '{"name":1e999}'), 15},
      {request(16, '{"name":"TaskList","arguments":1e999}'), 16},
      {'{"jsonrpc":"2.0","id":17,"method":"initialize","params":{"protocolVersion":1e999}}', 17},
    }
    local lines, wanted = {}, {}
    for i, case in ipairs(cases) do
      lines[i] = case[1]
      if case[2] ~= json.null then wanted[case[2]] = true end
    end
    lines[#lines + 1] = PING
    local replies, nulls = serve(lines), 0
    for _, r in ipairs(replies) do
      assert.is_true(r.error ~= nil or r.result.isError == true or r.id == 17 or r.id == 10
        or r.id == "last" or r.id == 1, json.encode(r):sub(1, 300))
      if r.id == json.null then nulls = nulls + 1 else wanted[r.id] = nil end
    end
    assert.is_nil(next(wanted))
    assert.same({#cases + 1, 3}, {#replies, nulls})
  end)

  it("says of metadata that JSON cannot express where it is", function()
    local r = serve{call(1, "TaskCreate", '{"subject":"s","metadata":{"a":[1,{"b":1e999}]}}')}[1]
    assert.matches("TaskCreate: metadata.a[2].b: JSON has no number for inf",
      r.result.content[1].text, 1, true)
  end)

  it("tells all that it accepts, however deep", function()
    local lines = {}
    for depth = 90, 102 do
      lines[#lines + 1] = call(depth, "TaskCreate",
        ('{"subject":"deep","metadata":%s}'):format(nested(depth)))
    end
    for _, r in ipairs(serve(lines)) do assert.equal(r.id > 100, r.result.isError, r.id) end
    lines = {call(1, "TaskList", "{}")}
    for i, item in ipairs(TaskList()) do
      lines[i + 1] = call(i + 1, "TaskGet", ('{"task_id":"%s"}'):format(item.id))
    end
    local replies = serve(lines)
    assert.equal(12, #replies)
    for _, r in ipairs(replies) do
      local task = r.result.structuredContent.task or r.result.structuredContent.tasks[11]
      assert.is_table(task.metadata.a.a.a)
    end
  end)

  it("refuses a line that is too long with the id that it has, wherever it stands", function()
    local long = ("x"):rep((4 << 20) + 1)
    local params = '"method":"ping","params":{"id":99,"x":["\\"id\\":98,{\\\\","' .. long .. '"]}'
    for line, id in pairs{
      ['{"jsonrpc":"2.0","id":1,' .. params .. "}"] = 1,
      ["{" .. params .. ',"jsonrpc":"2.0", "id" : "a,}b"}'] = "a,}b",
      ["{" .. params .. ',"id":{"id":97}}'] = json.null,
      ["{" .. params .. "}"] = json.null,
      ['["id",{"id":96,' .. params .. "}]"] = json.null,
      [long] = json.null,
      ['{"id":95,"' .. long] = json.null,
    } do
      local replies = serve{line, PING}
      assert.same({id, -32600}, {replies[1].id, replies[1].error.code})
      assert.equal("last", replies[2].id)
    end
  end)

  it("queues quick calls however many come at once, while others wait", function()
    local item = TaskCreate{description = "held"}
    assert(TaskUpdate{task_id = item.id, status = "in_progress"})
    local lines = {}
    for i = 1, 230 do lines[i] = call(-i, "TaskOutput", ('{"task_id":"%s"}'):format(item.id)) end
    for i = 1, 300 do lines[#lines + 1] = call(i, "TaskGet", '{"task_id":"none"}') end
    lines[#lines + 1] = call(301, "TaskUpdate",
      ('{"task_id":"%s","status":"completed","output":"x"}'):format(item.id))
    for i = 1, 230 do
      lines[#lines + 1] = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":'
        .. ('{"requestId":%d}}'):format(-i)
    end
    local answered = {}
    for _, r in ipairs(serve(lines)) do answered[r.id] = r.result end
    for i = 1, 300 do assert.is_truthy(answered[i], i) end
    assert.is_true(answered[301].isError) -- it is the script's own
    assert.is_nil(answered[-1])
  end)
end)
