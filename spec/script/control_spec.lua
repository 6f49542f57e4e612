--- Programs of tasks reach the run: the socket, its tokens, `orun task`.

local h = require "spec.support.helper"
local json = require "orun.json"
local orun = require "orun"

local folder, talk

setup(function()
  folder = h.tmpdir()
  talk = folder .. "/talk"
  local r = h.sh(("cc -O1 -D_GNU_SOURCE -o %s %s"):format(h.quote(talk),
    h.quote(h.root .. "/spec/support/talk.c")))
  assert(r.code == 0, r.err)
  orun.agent{name = "control-sh", command = {"sh", "-c", [[
    task() { "$ORUN_PROGRAM" task "$@"; }; eval "$SCRIPT"]]}}
end)

teardown(function() os.execute("rm -rf " .. h.quote(folder)) end)

-- Items of other tests are not this one's.
local function clear()
  for _, item in ipairs(TaskList()) do TaskUpdate{task_id = item.id, status = "deleted"} end
end

-- A task whose program is this shell text.
local function start(text, more)
  local t = {subagent_type = "control-sh", prompt = "go", env = {SCRIPT = text},
             run_in_background = true, timeout = 50 * h.slow}
  for key, value in pairs(more or {}) do t[key] = value end
  return Task(t)
end

-- Its output, and its stderr.
local function run(text, more)
  local task = start(text, more)
  local r = TaskOutput(task)
  local err = orun.output(task, "stderr"):read(1 << 20) or ""
  assert(r.status == "completed", (r.error or "") .. err)
  return r.output, err
end

-- The reply to a line said on the socket as it is.
local function say(line, how)
  local env = orun.control()
  local r = orun.exec{command = {talk, env.ORUN_SOCKET, how or "half"},
    input = line:gsub("TOKEN", env.ORUN_TASK_TOKEN), timeout = 30 * h.slow}
  local replies = {}
  for text in r.output:gmatch("[^\n]+") do replies[#replies + 1] = assert(json.decode(text)) end
  return replies, r
end

local function call(name, args)
  return ("TOKEN %s\n"):format(json.encode{call = name, args = args})
end

describe("the control socket", function()
  it("leaves nothing behind", function()
    local dir = h.tmpdir()
    local r = h.script([[
      Task{run = function() return 1 end}
      print(io.open(... .. "/x", "w") and #orun.exec("true").output)]], {dir, env = {TMPDIR = dir}})
    assert.equal("0\n", r.out, r.err)
    local s = h.script("Task{run = function() return 1 end} io.stdout:write(io.read('a') or '')\n",
      {env = {TMPDIR = dir}})
    assert.equal(0, s.code)
    assert.same({dir .. "/x"}, h.lines(h.sh("find " .. dir .. " -type f -o -type s").out))
  end)

  it("is nobody else's, is there when asked for, and goes at the end", function()
    local dir = h.tmpdir()
    local r = h.script([[
      orun.config{control = true}
      print(orun.control().ORUN_SOCKET)
      io.stdout:flush()
      os.execute("stat -c '%a %F' $ORUN_SOCKET $(dirname $ORUN_SOCKET)")]],
      {env = {TMPDIR = dir}})
    local path = r.out:match("^([^\n]+)\n600 socket\n700 directory\n$")
    assert.is_truthy(path, r.out .. r.err)
    assert.is_false(h.exists(path))
    assert.equal("", h.sh("ls -A " .. dir).out)
  end)

  it("can be reached however long its path is", function()
    local dir = h.tmpdir() .. "/" .. ("long"):rep(40)
    h.sh("mkdir " .. dir)
    local r = h.script([[
      orun.agent{name = "sh", command = {"sh", "-c", '"$ORUN_PROGRAM" task list'}}
      TaskCreate{description = "far away"}
      local r = Task{subagent_type = "sh", prompt = "go"}
      print(r.output, r.error, #orun.control().ORUN_SOCKET > 200)]], {env = {TMPDIR = dir}})
    assert.equal("t1\tpending\tfar away\n\tnil\ttrue\n", r.out, r.err)
  end)

  it("tells programs by variables that nothing else sets, and hides the token", function()
    local r = h.script([[
      orun.agent{name = "sh", env = {ORUN_SOCKET = "/own"}, command = {"sh", "-c", [=[
        echo "$ORUN_TASK_ID $ORUN_SOCKET" | sed 's/orun-[A-Za-z0-9]*/orun-X/'
        echo "my token is $ORUN_TASK_TOKEN." >&2; exit 1]=]}}
      local r = Task{subagent_type = "sh", prompt = "go", env = {ORUN_TASK_TOKEN = "mine"}}
      print(r.output) print(r.error)
      print(orun.clean(orun.control().ORUN_TASK_TOKEN .. " and more"))]],
      {env = {ORUN_SOCKET = "/outer", ORUN_TASK_TOKEN = "0123456789abcdef", TMPDIR = "/tmp"}})
    assert.equal("t1 /tmp/orun-X/control-1.socket\n\n"
      .. "exit code 1: my token is [ORUN_TASK_TOKEN]\n[ORUN_TASK_TOKEN] and more\n", r.out, r.err)
  end)

  it("answers call after call on one connection, in order", function()
    clear()
    local item = TaskCreate{description = "one", prompt = "do\nit"}
    local replies = say(call("TaskGet", {task_id = item.id}) .. call("TaskList", {}))
    assert.equal(2, #replies)
    assert.equal("do\nit", replies[1].result.task.description)
    assert.equal("one", replies[2].result.tasks[1].subject)
  end)

  it("refuses what is no call, in words, and goes on", function()
    for line, words in pairs{
      ["TOKEN {"] = "not JSON", ["TOKEN 7"] = "a call is", ["TOKEN []"] = "a call is",
      ["TOKEN "] = "not JSON", ["TOKEN {\"call\":\"frob\"}"] = "no call \"frob\"",
      ["TOKEN {\"call\":7}"] = "a call is", ["TOKEN \0\255\27"] = "not JSON",
      ["TOKEN {\"call\":\"TaskList\",\"args\":7}"] = "args must be an object",
      ["TOKEN {\"call\":\"TaskGet\",\"args\":{\"task_id\":7}}"] = "expected a string",
      ["TOKEN {\"call\":\"TaskList\",\"args\":{\"x\":1}}"] = "x",
      ["TOKEN " .. ("["):rep(100000)] = "not JSON",
    } do
      local replies = say(line .. "\n" .. call("TaskList", {}))
      assert.is_false(replies[1].ok, line)
      assert.equal("request", replies[1].reason)
      assert.is_truthy(replies[1].error:find(words, 1, true), replies[1].error)
      assert.is_true(replies[2].ok, line)
    end
  end)

  it("ends who has no token, or says too much at once", function()
    local token = orun.control().ORUN_TASK_TOKEN
    for line, reason in pairs{
      ["{\"call\":\"TaskList\"}\n"] = "token", ["\n"] = "token", [" {}\n"] = "token",
      ["GET / HTTP/1.1\r\n\r\n"] = "token",
      [token:gsub("%x$", function(c) return c == "0" and "1" or "0" end) .. " {}\n"] = "token",
      [token:gsub("%.0%.0%.", ".1.1.") .. " {}\n"] = "token", [token .. "0 {}\n"] = "token",
      [("x"):rep(5 << 20)] = "too_big", ["TOKEN " .. ("x"):rep(5 << 20) .. "\n"] = "too_big",
    } do
      local replies = say(line .. call("TaskList", {}))
      assert.equal(1, #replies)
      assert.equal(reason, replies[1].reason)
    end
  end)

  it("is not held up by those who say nothing, half of it, or do not listen", function()
    clear()
    TaskCreate{description = "x", prompt = ("y"):rep(100000)}
    local deaf = {}
    for i = 1, 20 do
      deaf[i] = start([[exec 3<>/dev/null; (printf '%s {"call":' "$ORUN_TASK_TOKEN"; sleep 100) \
        | ]] .. talk .. [[ "$ORUN_SOCKET" half]])
    end
    say(call("TaskList", {}):rep(200), nil)
    local began = orun.now()
    assert.is_true(say(call("TaskList", {}))[1].ok)
    assert.is_true(orun.now() - began < 90) -- the deaf would be gone by themselves at 100
    for _, task in ipairs(deaf) do TaskStop(task) end
  end)
end)

describe("a token", function()
  it("is of one task, and of no use once that has ended", function()
    local token = run("echo $ORUN_TASK_TOKEN"):match("%S+")
    clear()
    local item = TaskCreate{description = "one"}
    for _, name in ipairs{"TaskList", "TaskClaim"} do
      local replies = say((call(name, {}):gsub("TOKEN", token)))
      assert.equal("ended", replies[1].reason)
      assert.matches("has ended", replies[1].error)
    end
    assert.equal("pending", TaskGet(item).status)
  end)

  it("is of one attempt: what the first one had claimed goes back", function()
    clear()
    local item = TaskCreate{description = "one"}
    local file = folder .. "/token"
    local out = run([[
      if [ -e ]] .. file .. [[ ]; then
        ORUN_TASK_TOKEN=$(cat ]] .. file .. [[) task list 2>&1; echo $?
        task list
      else
        task claim --next --owner first >/dev/null; echo $ORUN_TASK_TOKEN > ]] .. file .. [[; exit 1
      fi]], {retry = {max = 1, backoff = 0}})
    assert.matches("^orun task: token expired: its task has ended or is being retried", out)
    assert.is_truthy(out:find("\n1\n" .. item.id .. "\tpending\tone\n", 1, true), out)
    assert.equal(1, TaskGet(item).attempts)
  end)

  it("makes the tasks that are started with it its own task's", function()
    orun.agent{name = "sleeps", command = {"sleep", "100"}}
    local out = run("task run --agent sleeps --prompt x --background")
    local r = TaskOutput(out:match("t%d+"))
    assert.equal("cancelled", r.status)
    assert.matches("its parent task ended", r.error)
  end)
end)

describe("claims of programs", function()
  it("go back when the worker dies in the middle", function()
    clear()
    local items = {TaskCreate{description = "a"}, TaskCreate{description = "b"}}
    local task = start("task claim --next; task claim " .. items[2].id .. "; kill -9 $$")
    local r = TaskOutput(task)
    assert.equal("signal", r.error_kind)
    assert.equal(items[1].id .. "\ta\n" .. items[2].id .. "\tb\n", r.output)
    for _, item in ipairs(items) do
      assert.equal("pending", TaskGet(item).status)
      assert.is_nil(TaskGet(item).owner)
    end
  end)

  it("are one task's: others are refused", function()
    clear()
    local item = TaskCreate{description = "a"}
    assert(TaskUpdate{task_id = item.id, status = "in_progress", owner = "script"})
    local out, err = run(("task claim %s; echo $?; task update %s --status completed; echo $?; "
      .. "task claim --next --json; echo $?"):format(item.id, item.id))
    assert.equal("1\n1\n{\"task\":null}\n3\n", out)
    assert.is_truthy(err:find("is already claimed by script", 1, true), err)
  end)

  it("are not made for a client that disconnected while it waited", function()
    clear()
    local blocker = TaskCreate{description = "first"}
    assert(TaskUpdate{task_id = blocker.id, status = "in_progress"})
    local item = TaskCreate{description = "second", blockedBy = {blocker}}
    local gone = folder .. "/gone"
    os.remove(gone)
    local task = start([[
      "$ORUN_PROGRAM" task claim --next --wait & sleep 0.3; kill -9 $!; wait
      : > ]] .. gone .. [[; while [ -e ]] .. gone .. [[ ]; do sleep 0.05; done; task list]])
    h.wait_for(function() return h.exists(gone) end)
    assert(TaskUpdate{task_id = blocker.id, status = "completed"})
    assert(TaskUpdate{task_id = item.id, status = "in_progress", owner = "me"})
    os.remove(gone)
    assert.is_truthy(TaskOutput(task).output:find(item.id .. "\tin_progress\tsecond\tme", 1, true))
  end)

  it("wait without holding a worker, and busy workers do not hold up calls", function()
    local r = h.script([[
      orun.agent{name = "sh", command = {"sh", "-c", '"$ORUN_PROGRAM" task claim --next --wait'}}
      orun.agent{name = "list", command = {"sh", "-c", '"$ORUN_PROGRAM" task list'}}
      local item = TaskCreate{description = "x"}
      TaskUpdate{task_id = item.id, status = "in_progress"}
      local waiting = {}
      for i = 1, 5 do
        waiting[i] = Task{subagent_type = "sh", prompt = "x", run_in_background = true}
      end
      orun.config{processes = 10}
      local busy = Task{run_in_background = true, run = function() while true do end end}
      print(Task{subagent_type = "list", prompt = "x"}.output)
      TaskStop(busy)
      print(Task{run = function() return "a worker is free" end}.output)
      TaskUpdate{task_id = item.id, status = "completed"}
      for i = 1, 5 do print(TaskOutput(waiting[i]).error) end]], {limit = 40})
    assert.equal("t1\tin_progress\tx\n\na worker is free\n" .. ("exit code 3\n"):rep(5),
      r.out, r.err)
  end)
end)

describe("orun task", function()
  it("says what is missing outside of a run", function()
    local r = h.orun{"task", "list", env = {ORUN_SOCKET = false}}
    assert.equal(1, r.code)
    assert.matches("^orun task: ORUN_SOCKET is not set: ", r.err)
    r = h.orun{"task", "list", env = {ORUN_SOCKET = "/nowhere/x", ORUN_TASK_TOKEN = "12345678"}}
    assert.equal(1, r.code)
    assert.matches("the run cannot be reached at /nowhere/x: No such file", r.err)
    r = h.orun{"task", "list", env = {ORUN_SOCKET = "x", ORUN_TASK_TOKEN = "12345678"}}
    assert.matches("not an absolute path", r.err)
    r = h.orun{"task", "list", env = {ORUN_SOCKET = "/x", ORUN_TASK_TOKEN = false}}
    assert.matches("ORUN_TASK_TOKEN is not set", r.err)
  end)

  it("refuses what makes no sense, with a hint", function()
    for words, message in pairs{
      ["frob"] = "unknown command frob", ["lst"] = "did you mean list?",
      ["list --stat x"] = "did you mean --status?", ["list x"] = "one word too many",
      ["get"] = "the id of a task is missing", ["create"] = "--subject is missing",
      ["claim t1 --next"] = "either an id or --next", ["claim --wait=x"] = "takes no value",
      ["list --status"] = "--status needs a value", ["list -x"] = "unknown option -x",
      ["output t1 --timeout -1"] = "a number of seconds",
      ["update t1 --metadata x"] = "JSON object",
      ["output t1 --timeout nan"] = "a number of seconds",
    } do
      local given = {"task"}
      for word in words:gmatch("%S+") do given[#given + 1] = word end
      local r = h.orun(given)
      assert.equal(2, r.code, words)
      assert.is_truthy(r.err:find(message, 1, true), r.err)
      assert.equal("", r.out)
    end
    assert.equal(2, h.orun{"task"}.code)
    assert.matches("^usage: orun task", h.orun{"task", "--help"}.out)
  end)

  it("lists, creates, claims, updates and gets, for people and programs", function()
    clear()
    local first = TaskCreate{description = "first\27[2J", prompt = "the whole\nof it",
      metadata = {n = 1}}
    local out = run((([[
      task list
      task create --subject second --description - --blocked-by %s --metadata '{"k":[1]}' <<'END'
words
END
      task list --status pending --json
      task claim --next --owner me
      task get %s
      task update %s --status completed --output 'all done'
      task output %s
      task update %s --status failed 2>/dev/null || echo "code $?"
      task claim --json]]):gsub("%%s", first.id)))
    local lines = h.lines(out)
    assert.equal(first.id .. "\tpending\tfirst\\x1b[2J", lines[1])
    local second = lines[2]
    assert.matches("^t%d+$", second)
    local listed = json.decode(lines[3]).tasks
    assert.equal("first\27[2J", listed[1].subject)
    assert.same({{first.id}, "second"}, {listed[2].blockedBy, listed[2].subject})
    assert.equal(first.id .. "\tfirst\\x1b[2J", lines[4])
    assert.equal(first.id .. "\tin_progress\tfirst\\x1b[2J\tme", lines[5])
    assert.same({"the whole", "of it", "all done", "code 1"}, {table.unpack(lines, 6, 9)})
    local got = json.decode(lines[10]).task
    assert.same({second, "words\n", {k = {1}}}, {got.id, got.description, got.metadata})
  end)

  it("tells by its exit code how a task is", function()
    orun.agent{name = "fails", command = {"sh", "-c", "echo so far; exit 4"}}
    local out, err = run([[
      id=$(task run --agent control-sh --prompt x --background)
      task run --agent fails --prompt x; echo $?
      task output t99999999; echo $?
      task get t99999999; echo $?
      sleeper=$(task run --agent sleeps --prompt x --background)
      task output $sleeper; echo $?
      task output $sleeper --timeout 0.05; echo $?
      task stop $sleeper; task output $sleeper --wait; echo $?]])
    assert.equal("so far\n1\n1\n1\n4\n4\n1\n", out)
    assert.is_truthy(err:find("is failed: exit code 4", 1, true), err)
    assert.is_truthy(err:find("is cancelled: cancelled", 1, true), err)
  end)

  it("gives what has no JSON form as well as can be", function()
    local odd = Task{run = function() return {1, 2, x = 0 / 0} end}
    local bytes = Task{run = function() return "a\255b" end}
    local out = run(("task output %s --json; task output %s"):format(odd.task_id, bytes.task_id),
      {blockedBy = {odd.task_id, bytes.task_id}})
    local lines = h.lines(out)
    assert.matches("left out, because JSON cannot express it: output", json.decode(lines[1]).note)
    assert.equal("a\u{fffd}b", lines[2])
  end)

  it("reaches the innermost run where one runs in another", function()
    local inner = folder .. "/inner.lua"
    h.write(inner, [[
      TaskCreate{description = "of the inner one"}
      io.stdout:write(orun.exec{command = {"sh", "-c", '"$ORUN_PROGRAM" task list'}}.output)]])
    clear()
    TaskCreate{description = "of the outer one"}
    local out = run('"$ORUN_PROGRAM" ' .. inner .. "; task list")
    assert.matches("^t1\tpending\tof the inner one\nt%d+\tpending\tof the outer one\n$", out)
  end)
end)
