--- Programs of tasks that use the primitives: the socket, orun task, orun mcp.

local h = require "spec.support.helper"
local json = require "orun.json"

local ORUN <const> = h.quote(h.bin)

-- Run a script whose agent type "sh" is this shell text ($ORUN is orun); what it gave.
local function run(shell, rest, opts)
  local t = {env = {ORUN = h.bin}}
  for k, v in pairs(opts or {}) do t[k] = v end
  return h.script(([[
    orun.agent{name = "sh", command = {"sh", "-c", %q}}
    local function work(input)
      return Task{subagent_type = "sh", prompt = "p", input = input, run_in_background = true}
    end
    %s]]):format(shell, rest), t)
end

describe("orun task", function()
  it("creates, lists, gets, updates, and tells outputs, in the name of its task", function()
    local r = run([[
      id=$("$ORUN" task create --subject "one thing" --description "do it" --json |
        sed -n 's/.*"id":"\(t[0-9]*\)".*/\1/p')
      "$ORUN" task list
      "$ORUN" task get "$id" --json
      "$ORUN" task update "$id" --status in_progress --owner me
      "$ORUN" task update "$id" --status completed --output done
      "$ORUN" task output "$id"]], [[
      local r = TaskOutput(work())
      print(r.status, r.error)
      print(r.output)
      print(#TaskList{}, TaskList{}[1].status)]])
    assert.equal("", r.err)
    assert.matches("^completed\tnil\n", r.out)
    assert.matches("one thing", r.out, 1, true)
    assert.matches("\ndone\n", r.out, 1, true)
    assert.matches("1\tcompleted\n$", r.out)
  end)

  it("claims one item for one worker, and gives claims back when one dies", function()
    local r = run([[
      while item=$("$ORUN" task claim --next --json); do
        id=$(printf %s "$item" | sed -n 's/.*"id":"\(t[0-9]*\)".*/\1/p')
        case $item in *poison*) [ -e taken ] || { : >taken; kill -9 $$; } ;; esac
        "$ORUN" task update "$id" --status completed --output "$$" >/dev/null
        echo "$id"
      done]], [[
      for i = 1, 12 do TaskCreate{description = i == 5 and "poison" or "item " .. i} end
      local workers, done, died = {}, {}, 0
      for i = 1, 4 do workers[i] = work() end
      for i = 1, 4 do
        local r = TaskOutput(workers[i])
        died = died + (r.error_kind == "signal" and 1 or 0)
        for id in (r.output or ""):gmatch("t%d+") do done[#done + 1] = id end
      end
      local seen = {}
      for _, id in ipairs(done) do assert(not seen[id], "twice") seen[id] = true end
      print(#TaskList{status = "completed"}, died)]])
    assert.equal("12\t1\n", r.out, r.err)
  end)

  it("says what is missing outside of a run, and refuses a token that is none", function()
    local r = h.orun{"task", "list", env = {ORUN_SOCKET = false, ORUN_TASK_TOKEN = false}}
    assert.equal(1, r.code)
    assert.matches("ORUN_SOCKET is not set", r.err, 1, true)
    r = h.orun{"task", "frob"}
    assert.equal(2, r.code)
    r = run([[ORUN_TASK_TOKEN=0123456789abcdef0123456789abcdef "$ORUN" task list 2>&1; echo $?]],
      "print(TaskOutput(work()).output)")
    assert.matches("\n1\n", r.out, 1, true)
  end)

  it("refuses the token of a task that has ended", function()
    local r = run([[printf '%s\n%s\n' "$ORUN_SOCKET" "$ORUN_TASK_TOKEN"]], ([[
      local socket, token = TaskOutput(work()).output:match("^(.-)\n(.-)\n")
      -- What orun.exec starts has a token of its own.
      local line = 'read s; read t; ORUN_SOCKET=$s ORUN_TASK_TOKEN=$t "$1" task list'
      local r = orun.exec{command = {"sh", "-c", line, "sh", %q},
                          input = socket .. "\n" .. token .. "\n"}
      print(r.code, #token >= 16)]]):format(h.bin))
    assert.equal("1\ttrue\n", r.out, r.err)
  end)

  it("keeps its socket to its user, and leaves none behind", function()
    local r = run([[stat -c '%a' "$ORUN_SOCKET" "${ORUN_SOCKET%/*}"; echo "$ORUN_SOCKET"]],
      "print(TaskOutput(work()).output)")
    local socket, folder, path = r.out:match("^(%d+)\n(%d+)\n(%S+)")
    assert.same({"600", "700"}, {socket, folder})
    assert.is_false(h.exists(path))
    assert.equal("", h.sh("ls " .. h.quote(path)).out)
  end)
end)

describe("orun mcp", function()
  -- Send these lines to an MCP server of a task; its answers, by id.
  local function serve(lines, rest)
    local dir = h.tmpdir()
    h.write(dir .. "/in", table.concat(lines, "\n") .. "\n")
    local r = run(('%s mcp <"%s/in"'):format(ORUN, dir), (rest or "")
      .. "\nlocal r = TaskOutput(work()) print(r.output) print(r.error or '')")
    local answers = {}
    for line in r.out:gmatch("{[^\n]*}") do
      local one = json.decode(line)
      if one and one.id ~= nil then answers[one.id] = one end
    end
    return answers, r
  end

  local function request(id, method, params)
    return json.encode{jsonrpc = "2.0", id = id, method = method, params = params}
  end

  local INIT <const> = request(1, "initialize", {protocolVersion = "2025-06-18",
    capabilities = json.decode "{}", clientInfo = {name = "spec", version = "1"}})

  it("offers the primitives as tools, with schemas", function()
    local answers = serve{INIT, '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      request(2, "tools/list"), request(3, "ping")}
    assert.equal("2025-06-18", answers[1].result.protocolVersion)
    local names = {}
    for _, tool in ipairs(answers[2].result.tools) do
      names[tool.name] = true
      assert.equal("object", tool.inputSchema.type)
    end
    for _, name in ipairs{"TaskCreate", "TaskList", "TaskGet", "TaskUpdate", "TaskClaim", "Task",
        "TaskOutput", "TaskStop"} do
      assert.is_true(names[name], name)
    end
    assert.is_table(answers[3].result)
  end)

  it("claims items of the run, also when its input ends meanwhile", function()
    local answers, r = serve({INIT, request(2, "tools/call", {name = "TaskClaim",
      arguments = {owner = "mcp"}})}, 'TaskCreate{description = "an item"}')
    assert.is_table(answers[2], r.err)
    assert.is_not_true(answers[2].result.isError)
    assert.matches("an item", json.encode(answers[2].result), 1, true)
  end)

  it("answers rubbish with errors, and goes on", function()
    local answers = serve{INIT, "rubbish", "[]", '{"jsonrpc":"2.0","id":7}',
      request(8, "no/such"), request(9, "tools/call", {name = "rm", arguments = {}}),
      request(10, "tools/call", {name = "TaskGet", arguments = {task_id = 5}}),
      request(11, "ping")}
    assert.equal(-32601, answers[8].error.code)
    for id = 9, 10 do
      assert.is_true(answers[id].error ~= nil or answers[id].result.isError, tostring(id))
    end
    assert.is_table(answers[11].result)
  end)
end)
