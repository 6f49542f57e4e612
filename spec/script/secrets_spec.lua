--- No secret is printed, logged, stored or visible in `ps`, and prompts stay off
--- command lines and environments. What is a secret: runtime/base/secret.h.

local h = require "spec.support.helper"

local KEY <const> = "canary-0f9e8d7c6b5a-canary"

-- Run a script with these variables; `both` is all it printed.
local function run(text, env)
  local r = h.script("local orun = require 'orun'\n" .. text, {env = env})
  r.both = r.out .. r.err
  return r
end

-- It ended with this code, shows the name, and nothing of the value.
local function assert_masked(r, code, name)
  assert.equal(code, r.code, r.both)
  assert.is_nil(r.both:find("0f9e", 1, true), r.both)
  assert.is_nil(r.both:find("canary", 1, true), r.both)
  assert.matches("[" .. name .. "]", r.both, 1, true)
end

describe("a secret of the environment", function()
  local env <const> = {SERVICE_API_KEY = KEY}

  it("is not in what a failed program leaves", function()
    local r = run([[
      orun.agent{name = "bad",
        command = {"sh", "-c", 'printf "401 for " >&2; echo "$SERVICE_API_KEY" >&2; exit 1'}}
      print(Task{subagent_type = "bad", prompt = "x"}.error)
      print(orun.exec{command = {"sh", "-c", 'echo "$SERVICE_API_KEY" >&2; kill $$'}}.error)
      Task{subagent_type = "bad", prompt = "x", run_in_background = true}]], env)
    assert_masked(r, 1, "SERVICE_API_KEY")
    assert.matches("^exit code 1: 401 for %[SERVICE_API_KEY%]\n", r.out)
    assert.matches("\nkilled by signal 15 (SIGTERM): [SERVICE_API_KEY]\n", r.out, 1, true)
    assert.matches("never read: exit code 1: 401 for [SERVICE_API_KEY]\n", r.err, 1, true)
  end)

  it("is not in errors of the script, of tasks and of items", function()
    for _, text in ipairs{
      "error(os.getenv('SERVICE_API_KEY'))",
      "error('x ' .. os.getenv('SERVICE_API_KEY') .. ' y', 0)",
      "error(setmetatable({}, {__tostring = function() return os.getenv('SERVICE_API_KEY') end}))",
      "assert(load('error(\"x\")', 'k = \"' .. os.getenv('SERVICE_API_KEY') .. '\"'))()",
      "assert(load('k = = \"' .. os.getenv('SERVICE_API_KEY') .. '\"'))",
      "assert(load('error(\"x\")', ('-'):rep(25) .. os.getenv('SERVICE_API_KEY')))()",
    } do
      assert_masked(run(text, env), 1, "SERVICE_API_KEY")
      local task = ("local r = Task{run = function() %s end} print(r.error, r.traceback)")
      assert_masked(run(task:format(text), env), 0, "SERVICE_API_KEY")
    end
    assert_masked(run([[
      local item = TaskCreate{description = "x"}
      TaskUpdate{task_id = item, status = "failed", error = "no " .. os.getenv("SERVICE_API_KEY")}
      print(TaskOutput(item).error)]], env), 0, "SERVICE_API_KEY")
  end)

  it("is not in descriptions that messages show", function()
    assert_masked(run([[
      local a = Task{description = ("x"):rep(110) .. os.getenv("SERVICE_API_KEY"),
        run = function() error("oh") end, run_in_background = true}
      print(TaskOutput(Task{run = print, blockedBy = {a}, run_in_background = true}).error)
      Task{description = os.getenv("SERVICE_API_KEY"),
        run = function() error("oh") end, run_in_background = true}]], env), 1, "SERVICE_API_KEY")
  end)

  it("is not in messages about arguments, wherever they are cut", function()
    assert_masked(run([[
      local key = os.getenv("SERVICE_API_KEY")
      for _, n in ipairs{0, 30, 40, 47} do
        local text = ("x"):rep(n) .. key .. ("x"):rep(40)
        print(pcall(Task, {run = print, priority = text}))
        print(pcall(Task, {run = print, [text] = 1}))
        print(pcall(TaskOutput, text))
        print(pcall(orun.exec, {command = text}))
        print(pcall(Task, {run = print, input = {[text] = print, x = {[text] = io.stdout}}}))
      end]], env), 0, "SERVICE_API_KEY")
  end)

  it("is not in what orun.log and orun.clean give", function()
    assert_masked(run([[
      orun.log("a", os.getenv("SERVICE_API_KEY"))
      print(orun.clean("b " .. os.getenv("SERVICE_API_KEY")))]], env), 0, "SERVICE_API_KEY")
  end)

  it("is not in debug lines", function()
    local text = [[
      Task{run = function(text) warn("@" .. text) warn(("x"):rep(1015) .. text) end,
        input = os.getenv("SERVICE_API_KEY")}]]
    local r = run(text, {SERVICE_API_KEY = KEY, ORUN_LOG = "all"})
    assert_masked(r, 0, "SERVICE_API_KEY")
    assert.matches("warning: @[SERVICE_API_KEY]\n", r.err, 1, true)
  end)

  it("is not in messages about the command line", function()
    local r = h.sh("exec " .. h.quote(h.bin) .. " --token=$SERVICE_API_KEY", {env = env})
    r.both = r.out .. r.err
    assert_masked(r, 2, "SERVICE_API_KEY")
  end)

  it("stays in values, which are the script's: outputs and input", function()
    local r = run([[
      orun.agent{name = "env", command = {"sh", "-c", 'echo "$SERVICE_API_KEY"'}}
      local key = os.getenv("SERVICE_API_KEY")
      assert(Task{subagent_type = "env", prompt = "x"}.output == key .. "\n")
      assert(Task{run = function(k) return k end, input = key}.output == key)
      assert(orun.exec{command = {"sh", "-c", 'echo "$SERVICE_API_KEY" >&2'}}.stderr == key .. "\n")
      print "exact"]], env)
    assert.equal("exact\n", r.out, r.err)
  end)
end)

describe("the end of stderr", function()
  it("shows no piece of a secret, wherever its beginning is cut", function()
    local r = run([[
      local key = os.getenv("SERVICE_API_KEY")
      for n = 4096 - #key - 1, 4097 do
        local e = orun.exec{command = {"sh", "-c", "cat >&2; exit 1"},
          input = ("x"):rep(5000) .. key .. ("y"):rep(n)}
        local rest = e.error:gsub("%[SERVICE_API_KEY%]", "")
        assert(rest:match("^exit code 1: x*y+$"), rest:sub(1, 60))
        assert((n < 4096) == (rest ~= e.error), n)
      end
      print "masked"]], {SERVICE_API_KEY = KEY})
    assert.equal("masked\n", r.out, r.err)
  end)

  it("shows none that is in memory by half and in a file by half", function()
    local r = run([[
      local key = os.getenv("SERVICE_API_KEY")
      local text = ("x"):rep((64 << 10) - 10) .. key .. ("y"):rep(50)
      local e = orun.exec{command = {"sh", "-c", "cat >&2; exit 1"}, input = text}
      print((e.error:match("x(%[.*%]y+)$")))
      print(#e.stderr == #text)]], {SERVICE_API_KEY = KEY})
    assert.equal("[SERVICE_API_KEY]" .. ("y"):rep(50) .. "\ntrue\n", r.out, r.err)
  end)

  it("shows none that was written in pieces, or of which some is missing", function()
    local r = run([[
      local key = os.getenv("SERVICE_API_KEY")
      local function error_of(line)
        return orun.exec{command = {"sh", "-c", line}, input = key}.error
      end
      print(error_of("head -c 9 >&2; cat >&2; exit 1"))
      print(error_of("head -c 12 >&2; kill -9 $$"))]], {SERVICE_API_KEY = KEY})
    assert.equal("exit code 1: [SERVICE_API_KEY]\nkilled by signal 9 (SIGKILL): "
      .. "[SERVICE_API_KEY]\n", r.out, r.err)
  end)

  it("shows none of many lines", function()
    local pem = "-----BEGIN KEY-----\n" .. ("A0f9e"):rep(9) .. "\n" .. ("B0f9e"):rep(9)
      .. "\n-----END KEY-----"
    local r = run([[
      for _, line in ipairs{'echo "$TLS_PRIVATE_KEY"', 'echo "$TLS_PRIVATE_KEY" | sed "s/^/> /"'} do
        print(orun.exec{command = {"sh", "-c", line .. " >&2; exit 1"}}.error)
      end]], {TLS_PRIVATE_KEY = pem})
    assert_masked(r, 0, "TLS_PRIVATE_KEY")
    assert.matches("> -----BEGIN KEY-----\n> %[TLS_PRIVATE_KEY%]\n> %[TLS_PRIVATE_KEY%]\n", r.out)
  end)
end)

describe("secrets that scripts name", function()
  it("are the values of keys in env, of types, tasks and exec", function()
    local r = run(([[
      local function key(n) return "%s" .. n end
      orun.agent{name = "type", command = {"sh", "-c", 'echo "$A_TOKEN" "$B_TOKEN" >&2; exit 1'},
        env = {A_TOKEN = key(1)}}
      print(Task{subagent_type = "type", prompt = "x", env = {B_TOKEN = key(2)}}.error)
      print(orun.exec{command = {"sh", "-c", 'echo "$C_TOKEN" >&2; exit 1'},
        env = {C_TOKEN = key(3)}}.error)]]):format(KEY))
    assert.equal("exit code 1: [A_TOKEN] [B_TOKEN]\nexit code 1: [C_TOKEN]\n", r.out, r.err)
  end)

  it("are those named by agent types, whatever they are called", function()
    local r = run([[
      orun.agent{name = "one", secrets = {"LICENCE", "OTHER", "ABSENT"},
        env = {OTHER = "other-0f9e8d"},
        command = {"sh", "-c", 'echo "$LICENCE" "$OTHER" "$PLAIN" >&2; exit 1'}}
      orun.agent{name = "two", secrets = {"LICENCE"},
        run = function() error(os.getenv("LICENCE"), 0) end}
      print(Task{subagent_type = "one", prompt = "x"}.error)
      print((Task{subagent_type = "two", prompt = "x"}.error:match("^[^\n]+")))]],
      {LICENCE = KEY, PLAIN = "plain-value"})
    assert.equal("exit code 1: [LICENCE] [OTHER] plain-value\n[LICENCE]\n", r.out, r.err)
  end)

  it("must be named as variables are", function()
    local r = run([[
      for _, secrets in ipairs{"A", {1}, {""}, {"A=b"}, {"A\0"}, {x = "A"}, {"A", nil, "B"}} do
        print(pcall(orun.agent, {name = "x", run = print, secrets = secrets}))
      end]])
    local count = select(2, r.out:gsub("false\tagent: secrets", ""))
    assert.equal(7, count, r.out)
    assert.matches('agent: secrets = "A=b": expected the name of an environment variable', r.out,
      1, true)
  end)
end)

describe("a command line", function()
  local env <const> = {GITHUB_TOKEN = KEY, DATABASE_URL = "pg://me:pass-0f9e8d@db/x"}

  it("may not hold a secret, for ps shows it", function()
    local r = run([[
      local key = os.getenv("GITHUB_TOKEN")
      local bearer = {"curl", "-H", "Authorization: Bearer " .. key}
      print(select(2, pcall(orun.agent, {name = "x", command = bearer})))
      print(select(2, pcall(orun.exec, {command = bearer})))
      print(select(2, pcall(orun.exec, {command = {"psql", os.getenv("DATABASE_URL")}})))
      print(select(2, pcall(orun.exec, {command = {"sh", "-c", "x", "own-secret-1"},
        env = {OWN_SECRET = "own-secret-1"}})))]], env)
    assert.is_nil(r.both:find("0f9e", 1, true), r.out)
    for i, words in ipairs{
      "agent: command[3] holds the value of GITHUB_TOKEN", "exec: command[3] holds the value of "
        .. "GITHUB_TOKEN", "exec: command[2] holds the value of DATABASE_URL",
      "exec: command[4] holds the value of OWN_SECRET",
    } do
      assert.matches(words, h.lines(r.out)[i], 1, true)
    end
    assert.matches('expose={"GITHUB_TOKEN"} allows it', r.out, 1, true)
  end)

  it("may hold one that it is said to expose, and still no message does", function()
    local r = run([[
      local key = os.getenv("GITHUB_TOKEN")
      orun.agent{name = "x", command = {"printf", "%s", key}, expose = {"GITHUB_TOKEN"}}
      assert(Task{subagent_type = "x", prompt = "x"}.output == key)
      assert(orun.exec{command = {"printf", key}, expose = {"GITHUB_TOKEN"}}.output == key)
      print(select(2, pcall(orun.exec, {command = {"printf", key}, expose = {"OTHER"}})))
      print(orun.exec{command = {"./" .. key}, expose = {"GITHUB_TOKEN"}}.error)
      orun.agent{name = "none", command = {"./" .. key}, expose = {"GITHUB_TOKEN"}}
      print(Task{subagent_type = "none", prompt = "x"}.error)]], env)
    assert_masked(r, 0, "GITHUB_TOKEN")
    local why = "cannot start './[GITHUB_TOKEN]': No such file or directory (ENOENT)"
    assert.matches(why .. "; is it installed, and in PATH?\n" .. why, r.out, 1, true)
  end)

  it("holds no prompt, and neither does an environment or a shell", function()
    local dir = h.tmpdir()
    local mark = dir:match("%w+$") -- as no other process has it
    local prompt = "canary-" .. mark .. "'$(touch gone)'-`touch gone`"
    h.write(dir .. "/prompt", prompt)
    local r = h.script([[
      local prompt = io.open("prompt"):read("a")
      local look = 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | '
        .. 'grep -ac "canar[y]-]] .. mark .. [["; cat'
      orun.agent{name = "stdin", command = {"sh", "-c", look}}
      orun.agent{name = "file", command = {"sh", "-c", look .. ' "$1"', "sh", "{prompt_file}"}}
      print(Task{subagent_type = "stdin", prompt = prompt}.output)
      print(Task{subagent_type = "file", prompt = prompt}.output)]], {cwd = dir})
    assert.equal(("0\n%s\n"):rep(2):format(prompt, prompt), r.out, r.err)
    assert.is_false(h.exists(dir .. "/gone"))
  end)
end)

describe("the run's folder", function()
  -- Mode and path of the folder of a prompt's file, and the mode of the file.
  local LOOK <const> = [[
    local orun = require "orun"
    orun.agent{name = "look", command = {"sh", "-c",
      'stat -c %a "${1%/*}" "$1"; [ -L "${1%/*}" ] && echo link; echo "${1%/*}"; cat "$1"', "sh",
      "{prompt_file}"}}
    io.write(Task{subagent_type = "look", prompt = "the prompt"}.output)]]

  it("H12 is the user's alone, whatever the umask is", function()
    for _, mask in ipairs{"000", "022", "0277"} do
      local dir = h.tmpdir()
      h.write(dir .. "/script.lua", LOOK)
      local r = h.sh("umask " .. mask .. "; exec " .. h.quote(h.bin) .. " script.lua",
        {cwd = dir, env = {TMPDIR = dir}})
      local path = r.out:match("^700\n600\n([^\n]+)\nthe prompt$")
      assert.is_truthy(path, r.out .. r.err)
      assert.equal(dir, path:match("^(.*)/orun%-%w%w%w%w%w%w$"))
      assert.is_false(h.exists(path))
    end
  end)

  it("H15 is not made where others could put theirs in its place", function()
    local dir = h.tmpdir()
    h.sh("chmod 0777 " .. h.quote(dir))
    local r = h.script(LOOK, {env = {TMPDIR = dir}})
    assert.matches("^700\n600\n/tmp/orun%-%w+\nthe prompt$", r.out, r.err)
    h.sh("chmod 1777 " .. h.quote(dir))
    r = h.script(LOOK, {env = {TMPDIR = dir}})
    assert.equal(dir, r.out:match("^700\n600\n(.*)/orun%-%w+\nthe prompt$"), r.err)
  end)

  it("may be in a folder of any name, which no shell reads", function()
    local dir = h.tmpdir()
    local odd = dir .. "/a b$(touch gone)`touch gone`'\";\n\27[2J\xff"
    h.sh("mkdir " .. h.quote(odd))
    local r = h.script(LOOK, {cwd = dir, env = {TMPDIR = odd}})
    assert.equal(odd, r.out:match("^700\n600\n(.*)/orun%-%w+\nthe prompt$"), r.err)
    assert.is_false(h.exists(dir .. "/gone"))
    r = h.script([[
      orun.agent{name = "where", command = {"pwd"}}
      local r = Task{subagent_type = "where", prompt = "x", cwd = arg[1]}
      assert(r.output == arg[1] .. "\n", r.error)]], {odd, cwd = dir})
    assert.equal(0, r.code, r.err)
  end)

  it("is found behind a link, and is none itself", function()
    local dir = h.tmpdir()
    h.sh("mkdir real && ln -s real link", {cwd = dir})
    local r = h.script(LOOK, {env = {TMPDIR = dir .. "/link"}})
    assert.equal(dir .. "/real", r.out:match("^700\n600\n(.*)/orun%-%w+\nthe prompt$"), r.err)
  end)
end)

describe("a run with a secret in every place", function()
  -- The script reads the values from files, so that no command line of the
  -- test holds them; it stays until the fifo is read.
  local SCRIPT <const> = [[
    local orun = require "orun"
    local function from(name) return (io.open(name):read("a")) end
    local fail = 'echo "$MY_API_KEY $LICENCE $AGENT_TOKEN $TASK_SECRET $DATABASE_URL" >&2; exit 1'
    orun.agent{name = "fails", command = {"sh", "-c", fail}, secrets = {"LICENCE"},
      env = {AGENT_TOKEN = from("agent")}}
    orun.agent{name = "file", command = {"sh", "-c", 'cat "$1"; ' .. fail, "sh", "{prompt_file}"}}
    orun.agent{name = "stays", command = {"sh", "-c", "echo ready >ready; cat fifo; " .. fail}}
    local key = os.getenv("MY_API_KEY")
    local env = {TASK_SECRET = from("task")}
    Task{subagent_type = "fails", prompt = "x", env = env, run_in_background = true, retry = 1}
    Task{subagent_type = "file", prompt = "x", env = env, run_in_background = true}
    Task{run = function(k) error("bad " .. k) end, input = key, run_in_background = true}
    Task{run = function(k) error({k}) end, input = key, run_in_background = true}
    Task{description = key, run = function() error("x") end, run_in_background = true}
    Task{run = function() warn("@" .. os.getenv("MY_API_KEY")) end, metadata = {key}}
    local item = TaskCreate{description = key}
    TaskUpdate{task_id = item, status = "failed", error = key}
    orun.log(key, from("agent"), from("task"))
    print(pcall(Task, {run = print, priority = key}))
    print(pcall(orun.exec, {command = {"echo", key}}))
    print(orun.exec{command = {"sh", "-c", fail}}.error)
    Task{subagent_type = "stays", prompt = "x", run_in_background = true}]]

  it("shows none in its output, its log, its folder or ps", function()
    local dir = h.tmpdir()
    local mark = dir:match("%w+$") -- as no other process has it
    for i, name in ipairs{"key", "agent", "task", "licence", "password"} do
      h.write(dir .. "/" .. name, ("canary-%s-%d"):format(mark, i))
    end
    h.write(dir .. "/script.lua", SCRIPT)
    h.write(dir .. "/start.sh", [[
      mkfifo fifo; mkdir tmp
      export MY_API_KEY="$(cat key)" LICENCE="$(cat licence)" ORUN_LOG=all TMPDIR="$PWD/tmp"
      export DATABASE_URL="postgresql://me:$(cat password)@db/x"
      exec "$ORUN_BIN" script.lua]])
    local p = h.start{bin = "/bin/sh", "start.sh", cwd = dir, env = {ORUN_BIN = h.bin}}
    assert.is_truthy(h.wait_for(function() return h.exists(dir .. "/ready") end))
    local grep = "grep -%s 'canar[y]-" .. mark .. "' %s; "
    local seen = h.sh(grep:format("al", "/proc/[0-9]*/cmdline") .. grep:format("rl", "tmp")
      .. "ls tmp", {cwd = dir}).out
    h.sh("echo >fifo", {cwd = dir})
    local r = p:wait(60)
    assert.matches("^orun%-%w+\n$", seen)
    assert.equal(1, r.code)
    assert.is_nil((r.out .. r.err):find("canary", 1, true), r.out .. r.err)
    for _, name in ipairs{"MY_API_KEY", "LICENCE", "AGENT_TOKEN", "TASK_SECRET", "DATABASE_URL"} do
      assert.matches("[" .. name .. "]", r.err, 1, true)
    end
    assert.equal("", h.sh("ls tmp", {cwd = dir}).out)
  end)
end)
