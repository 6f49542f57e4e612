--- orun mcp: the run's tasks as MCP tools, and what is said to it that makes no
--- sense.

local h = require "spec.support.helper"
local json = require "orun.json"
local orun = require "orun"

local OLD <const>, NEW <const> = "2025-11-25", "2026-07-28"
local META <const> = "io.modelcontextprotocol/"

-- Items of other tests are not this one's.
local function clear()
  for _, item in ipairs(TaskList()) do TaskUpdate{task_id = item.id, status = "deleted"} end
end

-- `orun mcp`, in the name of a task of its own; its standard input is a pipe.
local Client <const> = {__name = "spec.mcp"}
Client.__index = Client

local function open()
  local pipe = os.tmpname()
  os.remove(pipe)
  h.sh("mkfifo -m 600 " .. pipe)
  local self = setmetatable({}, Client)
  self.task = Task{subagent_type = "mcp-server", prompt = "go", run_in_background = true,
    env = {PIPE = pipe}, timeout = 50 * h.slow}
  self.log = orun.output(self.task)
  self.lines = self.log:lines()
  self.input = assert(io.open(pipe, "w"))
  os.remove(pipe)
  return self
end

-- Say a line; a table is a message.
function Client:say(line)
  if type(line) == "table" then
    line.jsonrpc = "2.0"
    line = json.encode(line)
  end
  assert(self.input:write(line, "\n"))
  self.input:flush()
end

-- The next line that is answered.
function Client:read()
  local text = assert(self.lines(), "the server has ended")
  local message = assert(json.decode(text))
  assert.equal("2.0", message.jsonrpc)
  return message
end

function Client:ask(line)
  self:say(line)
  return self:read()
end

-- End its input; what is still answered, and the task's result.
function Client:close()
  self.input:close()
  local rest = {}
  for line in self.lines do rest[#rest + 1] = line end
  return rest, TaskOutput(self.task)
end

local next_id = 0

-- A request of the newer kind.
local function new(method, params, meta)
  next_id = next_id + 1
  params = params or {}
  params._meta = meta or {[META .. "protocolVersion"] = NEW, [META .. "clientCapabilities"] = {}}
  return {id = next_id, method = method, params = params}
end

local function tool(name, arguments, id)
  next_id = next_id + 1
  return {id = id or next_id, method = "tools/call", params = {name = name, arguments = arguments}}
end

describe("orun mcp", function()
  local client

  setup(function()
    orun.agent{name = "mcp-server", command = {"sh", "-c", '"$ORUN_PROGRAM" mcp <"$PIPE"'}}
  end)

  before_each(function()
    clear()
    client = open()
  end)

  after_each(function()
    pcall(client.close, client)
  end)

  it("opens with initialize for clients of the older kind", function()
    for asked, given in pairs{[OLD] = OLD, ["2025-06-18"] = "2025-06-18", ["1999-01-01"] = OLD,
                              [NEW] = OLD} do
      local r = client:ask{id = 1, method = "initialize", params = {protocolVersion = asked,
        capabilities = {}, clientInfo = {name = "spec", version = "1"}}}.result
      assert.equal(given, r.protocolVersion)
      assert.equal("orun", r.serverInfo.name)
      assert.same({tools = {}}, r.capabilities)
    end
    client:say{method = "notifications/initialized"}
    assert.same({}, client:ask{id = "p", method = "ping"}.result)
  end)

  it("tells what it is, and answers each request by itself, in the newer kind", function()
    local r = client:ask(new "server/discover").result
    assert.same({NEW, OLD, "2025-06-18"}, r.supportedVersions)
    assert.equal("complete", r.resultType)
    assert.equal("orun", r._meta[META .. "serverInfo"].name)
    assert.same({"public", 3600000}, {r.cacheScope, r.ttlMs})
    r = client:ask(new("tools/list")).result
    assert.equal("complete", r.resultType)
    r = client:ask(new("tools/call", {name = "TaskList"})).result
    assert.equal("complete", r.resultType)
    assert.same({tasks = {}}, r.structuredContent)
  end)

  it("refuses requests of the newer kind that lack something", function()
    local r = client:ask(new("tools/list", nil, {[META .. "protocolVersion"] = "1900-01-01",
      [META .. "clientCapabilities"] = {}})).error
    assert.same({-32022, NEW, "1900-01-01"}, {r.code, r.data.supported[1], r.data.requested})
    for _, meta in ipairs{{[META .. "protocolVersion"] = NEW},
        {[META .. "protocolVersion"] = NEW, [META .. "clientCapabilities"] = "x"}} do
      assert.equal(-32602, client:ask(new("tools/list", nil, meta)).error.code)
    end
    assert.equal(-32602, client:ask{id = 1, method = "server/discover"}.error.code)
    assert.equal(-32601, client:ask(new "ping").error.code)
    assert.equal(-32601, client:ask(new "initialize").error.code)
  end)

  it("has the eight tools, with schemas that its own checker reads", function()
    local names = {}
    for i, one in ipairs(client:ask{id = 1, method = "tools/list"}.result.tools) do
      names[i] = one.name
      assert.equal("object", one.inputSchema.type)
      assert(require("orun.schema").new(one.inputSchema))
      assert.is_true(#one.description > 10)
    end
    assert.same({"Task", "TaskClaim", "TaskCreate", "TaskGet", "TaskList", "TaskOutput",
      "TaskStop", "TaskUpdate"}, names)
  end)

  it("lets an agent share out a list", function()
    local made = client:ask(tool("TaskCreate", {subject = "s", description = "do s",
      metadata = {n = 1}})).result.structuredContent.task
    assert.equal("pending", TaskGet(made.id).status)
    local r = client:ask(tool("TaskClaim", {owner = "agent"})).result
    assert.same({id = made.id, subject = "s", description = "do s", metadata = {n = 1},
                 attempts = 1}, r.structuredContent.task)
    assert.same(r.structuredContent, json.decode(r.content[1].text))
    assert.equal("agent", TaskGet(made.id).owner)
    assert.is_true(client:ask(tool("TaskUpdate", {taskId = made.id, status = "completed",
      output = "done"})).result.structuredContent.success)
    assert.equal("done", TaskOutput(made.id).output)
    assert.equal(json.null, client:ask(tool("TaskClaim", {})).result.structuredContent.task)
  end)

  it("tells the model why a call was refused", function()
    local item = TaskCreate{description = "a"}
    assert(TaskUpdate{task_id = item.id, status = "in_progress", owner = "script"})
    for words, call in pairs{
      ["already claimed by script"] = tool("TaskClaim", {task_id = item.id}),
      ["no such task"] = tool("TaskOutput", {task_id = "t99999999"}),
      ["a task is named by"] = tool("TaskStop", {task_id = "x"}),
      ["task_id is missing"] = tool("TaskUpdate", {}),
      ["wait for itself"] = tool("TaskOutput", {task_id = client.task.id}),
      ["no agent type"] = tool("Task", {prompt = "x", subagent_type = "nobody"}),
    } do
      local r = client:ask(call).result
      assert.is_true(r.isError)
      assert.is_truthy(r.content[1].text:lower():find(words, 1, true) or
        r.content[1].text:find("nobody", 1, true), r.content[1].text)
    end
  end)

  it("withstands JSON that is none", function()
    for _, line in ipairs{"{", "nonsense", "\0\1\255", "[1", ("["):rep(100000), '{"a":1}x',
        "nan"} do
      local r = client:ask(line)
      assert.equal(-32700, r.error.code)
      assert.equal(json.null, r.id)
    end
    assert.same({}, client:ask{id = 1, method = "ping"}.result)
  end)

  it("withstands a huge line", function()
    client:say('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"' .. ("x"):rep(5 << 20)
      .. '"}}')
    local refused = client:read()
    assert.same({1, -32600}, {refused.id, refused.error.code})
    assert.same({}, client:ask{id = 1, method = "ping"}.result)
    local big = ("y"):rep(1 << 20)
    local made = client:ask(tool("TaskCreate", {subject = "s", description = big})).result
    assert.equal(big, TaskGet(made.structuredContent.task.id).prompt)
  end)

  it("withstands unknown methods, tools and notifications", function()
    local r = client:ask{id = 4, method = "resources/list"}
    assert.same({4, -32601}, {r.id, r.error.code})
    assert.equal(-32601, client:ask{id = 4, method = ("x"):rep(1000)}.error.code)
    assert.equal(-32602, client:ask(tool("Frob", {})).error.code)
    assert.equal(-32602, client:ask{id = 1, method = "tools/call"}.error.code)
    client:say{method = "notifications/nonsense", params = {requestId = {}}}
    client:say{method = "notifications/cancelled"}
    client:say{id = 9, result = {}}
    client:say ""
    assert.equal(77, client:ask{id = 77, method = "ping"}.id)
  end)

  it("withstands wrong types", function()
    for line, code in pairs{
      ['{"jsonrpc":"2.0","id":1,"method":7}'] = -32600,
      ['{"jsonrpc":"2.0","id":1}'] = -32600,
      ['{"jsonrpc":"1.0","id":1,"method":"ping"}'] = -32600,
      ['{"id":1,"method":"ping"}'] = -32600,
      ['{"jsonrpc":"2.0","id":{},"method":"ping"}'] = -32600,
      ['{"jsonrpc":"2.0","id":null,"method":"ping"}'] = -32600,
      ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}'] = -32602,
      ['{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}'] = -32602,
      ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}'] = -32602,
      ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"TaskList","arguments":7}}']
        = -32602,
      ['{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}'] = -32602,
      ["7"] = -32600, ["null"] = -32600, ['"x"'] = -32600,
    } do
      assert.equal(code, client:ask(line).error.code, line)
    end
    for _, arguments in ipairs{{task_id = 7}, {frob = 1}, {1, 2}} do
      local r = client:ask(tool("TaskGet", arguments)).result
      assert.is_true(r.isError)
    end
  end)

  it("withstands batches, which are refused", function()
    for _, line in ipairs{"[]", '[{"jsonrpc":"2.0","id":1,"method":"ping"}]'} do
      assert.equal(-32600, client:ask(line).error.code)
    end
  end)

  it("goes on while a call waits, and ends one that is cancelled", function()
    local item = TaskCreate{description = "held"}
    assert(TaskUpdate{task_id = item.id, status = "in_progress"})
    for i = 1, 20 do client:say(tool("TaskClaim", {wait = true}, "w" .. i)) end
    assert.equal("p", client:ask{id = "p", method = "ping"}.id)
    for i = 2, 20 do
      client:say{method = "notifications/cancelled", params = {requestId = "w" .. i}}
    end
    assert.equal("q", client:ask{id = "q", method = "ping"}.id)
    TaskUpdate{task_id = item.id, status = "completed"}
    assert.equal("w1", client:read().id)
    assert.equal("z", client:ask{id = "z", method = "ping"}.id)
  end)

  it("says that a call is under way to who wants to know", function()
    local item = TaskCreate{description = "held"}
    assert(TaskUpdate{task_id = item.id, status = "in_progress"})
    local call = tool("TaskClaim", {wait = true})
    call.params._meta = {progressToken = "x"}
    local told = client:ask(call)
    assert.equal("notifications/progress", told.method)
    assert.equal("x", told.params.progressToken)
    assert.is_true(told.params.progress > 0)
    TaskUpdate{task_id = item.id, status = "completed"}
    local answer
    repeat answer = client:read() until answer.id
    assert.equal(call.id, answer.id)
  end)

  it("answers what was said last, though nothing follows it", function()
    client:say(tool("TaskList", {}, "last"))
    local rest = client:close()
    assert.equal("last", json.decode(rest[1]).id)
  end)

  it("ends with its input, and gives up what waits", function()
    local item = TaskCreate{description = "held"}
    assert(TaskUpdate{task_id = item.id, status = "in_progress"})
    client:say(tool("TaskClaim", {wait = true}))
    local rest, result = client:close()
    assert.same({}, rest)
    assert.equal("completed", result.status)
  end)
end)

describe("orun mcp by itself", function()
  it("serves outside of a run, and says in each call that there is none", function()
    local r = h.orun{"mcp", env = {ORUN_SOCKET = false}, stdin = json.encode{jsonrpc = "2.0",
      id = 1, method = "tools/call", params = {name = "TaskList"}} .. "\n"}
    assert.equal(0, r.code, r.err)
    local result = json.decode(r.out).result
    assert.is_true(result.isError)
    assert.matches("ORUN_SOCKET is not set", result.content[1].text)
  end)

  it("takes no arguments", function()
    assert.equal(2, h.orun{"mcp", "x"}.code)
    assert.matches("^usage: orun mcp", h.orun{"mcp", "--help"}.out)
  end)
end)

describe("orun.mcp_config", function()
  it("is what an agent starts the server by, in the task's name", function()
    local config = Task{run = function() return orun.mcp_config() end}
    local server = json.decode(config.output).mcpServers.orun
    assert.same({"mcp"}, server.args)
    assert.equal(config.task_id, server.env.ORUN_TASK_ID)
    assert.equal(server.command, server.env.ORUN_PROGRAM)
    assert.matches("^%x+%.%d+%.1%.%x+$", server.env.ORUN_TASK_TOKEN)
  end)

  it("goes to programs whose preset takes it, unless the type says no", function()
    local function files(mcp)
      local name = "mcp-" .. tostring(mcp)
      orun.agent{name = name, mcp = mcp, preset = {
        program = "cat", mcp = true,
        argv = function(o) return {"cat", "--", o.mcp and "{mcp_file}" or "/dev/null"} end,
        line = function(s, text) s.text = text end,
      }}
      return Task{subagent_type = name, prompt = "x"}
    end
    assert.is_truthy(json.decode(files(nil).output).mcpServers.orun)
    assert.is_truthy(json.decode(files(true).output).mcpServers.orun)
    assert.matches("gave no answer", files(false).error)
  end)
end)

describe("orun mcp --session", function()
  local function ask(lines, env)
    for i, call in ipairs(lines) do
      lines[i] = json.encode{jsonrpc = "2.0", id = i, method = "tools/call", params = call}
    end
    local dir = h.tmpdir()
    h.sh("mkdir -p .orun/agents", {cwd = dir})
    h.write(dir .. "/.orun/agents/loud.lua",
      'return {run = function(_, task) print("loud", task.prompt) return "said" end}')
    env = env or {ORUN_SOCKET = false, XDG_STATE_HOME = dir .. "/state"}
    h.orun{"trust", cwd = dir, env = env}
    local r = h.orun{"mcp", "--session", cwd = dir, env = env,
      stdin = table.concat(lines, "\n") .. "\n"}
    local answers = {}
    for line in r.out:gmatch("[^\n]+") do
      local answer = assert(json.decode(line), line)
      answers[answer.id] = answer.result
    end
    return r, answers
  end

  it("has a run of its own, which ends with its input", function()
    local r, answers = ask{{name = "TaskCreate", arguments = {subject = "a page"}},
      {name = "Task", arguments = {subagent_type = "nobody", prompt = "x"}}}
    assert.equal(0, r.code, r.err)
    assert.is_false(answers[1].isError)
    assert.equal("t1", answers[1].structuredContent.task.id)
    assert.is_true(answers[2].isError)
    assert.matches("nobody", answers[2].content[1].text)
  end)

  it("answers with nothing but messages, whatever tasks print", function()
    local r, answers = ask{{name = "Task", arguments = {subagent_type = "loud", prompt = "hello"}}}
    assert.equal("said", answers[1].structuredContent.output, r.err)
    assert.matches("loud\thello\n", r.err, 1, true)
  end)

  it("belongs to the run that has started it, where one has", function()
    local _, answers = ask({{name = "TaskList"}}, {ORUN_SOCKET = "/none", ORUN_TASK_TOKEN = "x"})
    assert.is_true(answers[1].isError)
    assert.matches("cannot be reached at /none", answers[1].content[1].text, 1, true)
  end)

  it("says why there can be no run, and serves none", function()
    local r = h.sh("ulimit -n 8; " .. h.quote(h.bin) .. " mcp --session",
      {env = {ORUN_SOCKET = false}})
    assert.same({1, ""}, {r.code, r.out})
    assert.matches("^orun[^\n]+\n", r.err)
  end)

  it("leaves no run behind when it is killed", function()
    local r = h.sh(([[
      mkfifo in out
      env -u ORUN_SOCKET %s mcp --session <in >out & server=$!
      exec 3>in 4<out
      echo '{"jsonrpc":"2.0","id":1,"method":"ping"}' >&3
      read -r answer <&4
      run=$(ps -o pid= --ppid $server)
      kill -9 $server
      tail --pid=$run -f /dev/null
      echo "$answer"]]):format(h.quote(h.bin)), {cwd = h.tmpdir()})
    assert.equal('{"id":1,"jsonrpc":"2.0","result":{}}\n', r.out, r.err)
  end)
end)
