-- `orun mcp` refused a line that it could not read, as one nested too deep, or with a NaN in
-- it, without the line's id, and clients waited for an answer until their own time was up.

local h = require "spec.support.helper"
local json = require "orun.json"
local orun = require "orun"

-- What is answered to one line; the server must live on.
local function answer(line)
  local r = Task{subagent_type = "mcp-of-a-line", timeout = 50 * h.slow,
    prompt = line .. '\n{"jsonrpc":"2.0","id":"last","method":"ping"}\n'}
  assert.equal("completed", r.status, r.error)
  local first, last = r.output:match("^([^\n]+)\n([^\n]+)\n$")
  assert.equal("last", assert(json.decode(last)).id)
  return assert(json.decode(first))
end

local function call(id, arguments)
  return ('{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"TaskCreate",'
    .. '"arguments":%s}}'):format(id, arguments)
end

describe("orun mcp", function()
  setup(function()
    orun.agent{name = "mcp-of-a-line", command = {"sh", "-c", 'exec "$ORUN_PROGRAM" mcp'}}
  end)

  it("refuses a line that is nested too deep with its id, wherever that stands", function()
    local deep = ("["):rep(2000) .. ("]"):rep(2000)
    for line, id in pairs{
      [call(1, '{"subject":"s","metadata":{"id":9,"a":' .. deep .. "}}")] = 1,
      [call('"a,}b"', deep)] = "a,}b",
      ['{"method":"ping","params":' .. deep .. ',"id":2,"jsonrpc":"2.0"}'] = 2,
      ['{"method":"ping","params":' .. deep .. ',"jsonrpc":"2.0"}'] = json.null,
      ['{"method":"ping","params":' .. deep .. ',"id":{"id":3},"jsonrpc":"2.0"}'] = json.null,
      [deep] = json.null,
    } do
      local reply = answer(line)
      assert.same({id, -32700, "a message is nested too deep"},
        {reply.id, reply.error.code, reply.error.message})
    end
  end)

  it("and so one that is no JSON", function()
    for line, id in pairs{
      [call(4, '{"subject":"s","metadata":{"a":NaN}}')] = 4,
      [call(6, '{"subject":"s",}')] = 6,
      ["xyz"] = json.null,
      ['{"id":nan}'] = json.null,
      ['{"id'] = json.null,
      [call(5, '{"subject":"s"')] = json.null, -- it may have another
    } do
      local reply = answer(line)
      assert.same({id, -32700, "the line is not JSON"},
        {reply.id, reply.error.code, reply.error.message})
    end
  end)
end)
