-- claude's Write was refused, and the task was `completed` with nothing told; agents
-- could not be given permissions in words that mean the same for all programs.

local h = require "spec.support.helper"
local json = require "orun.json"

-- Programs that print what the real ones print, and their arguments into the folder's `log`.
local HEAD <const> = [[#!/bin/sh
cat >/dev/null
printf '%s\n' "$@" >>log
printf '%s\n' "$OPENCODE_CONFIG_CONTENT" >>log
]]
local CLAUDE <const> = [[
echo '{"type":"system","subtype":"init","session_id":"s","model":"m"}'
if [ -n "$USED" ]; then
  echo '{"type":"assistant","message":{"id":"m1","content":[{"type":"tool_use","id":"u1",'\
'"name":"'$USED'","input":{"file_path":"b.c"}}]}}'
  echo '{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"u1"}]}}'
fi
[ -z "$DENIED" ] || what='{"tool_name":"'$DENIED'","tool_use_id":"x",'\
'"tool_input":{"file_path":"main.c"}}'
echo '{"type":"result","subtype":"success","is_error":false,"result":"done",'\
'"permission_denials":['$what']}'
]]
local CODEX <const> = [[
echo '{"type":"thread.started","thread_id":"t"}'
[ -z "$DENIED" ] || echo '{"type":"item.completed","item":{"type":"command_execution","command":'\
'"touch x","aggregated_output":"","status":"declined"}}'
echo '{"type":"item.completed","item":{"type":"agent_message","text":"done"}}'
]]
local GEMINI <const> = [[
echo '{"type":"init","session_id":"g","model":"auto"}'
if [ -n "$DENIED" ]; then
  echo '{"type":"tool_use","tool_name":"write_file","tool_id":"w","parameters":{"file_path":"a"}}'
  echo '{"type":"tool_result","tool_id":"w","status":"error","error":{"type":"policy_violation",'\
'"message":"Tool execution denied by policy."}}'
fi
echo '{"type":"message","role":"assistant","content":"done"}'
echo '{"type":"result","status":"success","stats":{}}'
]]
local OPENCODE <const> = [[
echo '{"type":"step_start","sessionID":"o","part":{}}'
[ -z "$DENIED" ] || echo '{"type":"tool_use","part":{"tool":"edit","state":{"status":"error",'\
'"input":{"filePath":"a"},"error":"The user has specified a rule which prevents you from using '\
'this specific tool call. Here are some of the relevant rules []"}}}'
echo '{"type":"text","part":{"text":"done"}}'
]]

local function project()
  local dir = h.tmpdir()
  h.sh("mkdir bin", {cwd = dir})
  for name, text in pairs{claude = CLAUDE, codex = CODEX, gemini = GEMINI, opencode = OPENCODE} do
    h.write(dir .. "/bin/" .. name, HEAD .. text)
  end
  h.sh("chmod 755 bin/*", {cwd = dir})
  return dir
end

local function run(dir, text, env)
  env = env or {}
  env.PATH, env.HOME = dir .. "/bin:/usr/bin:/bin", dir
  env.OPENCODE_CONFIG_CONTENT, env.GEMINI_CLI_HOME = false, false
  env.ORUN_BACKEND = env.ORUN_BACKEND or false
  h.write(dir .. "/s.lua", text)
  os.remove(dir .. "/log")
  return h.orun{"--progress=none", "--events=events", "s.lua", cwd = dir, env = env}
end

local function ask(dir, fields, env)
  local r = run(dir, ("local r = Task(%s) print(orun.json.encode{status = r.status, "
    .. "error_kind = r.error_kind, error = r.error, output = r.output, "
    .. "denials = r.denials})"):format(fields), env)
  assert.equal(0, r.code, r.err)
  return json.decode(r.out)
end

local WORKER <const> = '{subagent_type = "general-purpose", prompt = "Change main.c"}'

describe("an agent that was denied", function()
  it("a change, and made none, has failed, with what it said and what was denied", function()
    local dir = project()
    local r = ask(dir, WORKER, {DENIED = "Write"})
    assert.same({"failed", "exit", "done"}, {r.status, r.error_kind, r.output})
    assert.matches('claude was not allowed to use Write (main.c): give the task or its agent type '
      .. 'more permissions, as permissions = "full"', r.error, 1, true)
    assert.same({{tool = "Write", what = "main.c"}}, r.denials)
    r = ask(dir, '{subagent_type = "general-purpose", prompt = "x", permissions = "full"}',
      {DENIED = "Write"})
    assert.matches("its own settings keep it from that", r.error, 1, true)
    r = ask(dir, '{subagent_type = "Explore", prompt = "x"}', {DENIED = "Write"})
    assert.matches('as permissions = "edit"', r.error, 1, true)
    r = ask(dir, WORKER, {DENIED = "Bash"})
    assert.same({"failed", "exit"}, {r.status, r.error_kind})
  end)

  it("something and got over it is completed, and its result tells", function()
    local dir = project()
    local r = ask(dir, WORKER, {DENIED = "Write", USED = "Edit"})
    assert.same({"completed", {{tool = "Write", what = "main.c"}}}, {r.status, r.denials})
    r = ask(dir, WORKER, {DENIED = "WebFetch", USED = "Bash"})
    assert.equal("completed", r.status)
    r = run(dir, "Task" .. WORKER, {DENIED = "Write", USED = "Edit"})
    assert.equal("orun: t1 is completed, and was not allowed to use Write (main.c)\n", r.err)
    r = ask(dir, WORKER)
    assert.equal("completed", r.status)
    assert.is_nil(r.denials)
  end)

  it("makes a finding", function()
    local dir = project()
    ask(dir, WORKER, {DENIED = "Write", USED = "Edit"})
    local report = h.orun{"report", "events", cwd = dir}
    assert.matches("%(general%-purpose: Change main.c%) was not allowed to use Write %(main.c%)",
      report.out .. report.err)
  end)

  it("is noticed with each program", function()
    local dir = project()
    for name, denial in pairs{codex = {tool = "command_execution", what = "touch x"},
        gemini = {tool = "write_file", what = "a"}, opencode = {tool = "edit", what = "a"}} do
      local r = ask(dir, WORKER, {DENIED = "1", ORUN_BACKEND = name})
      assert.same({"failed", "exit", {denial}}, {r.status, r.error_kind, r.denials}, name)
      assert.matches(name .. " was not allowed to use " .. denial.tool, r.error, 1, true)
    end
  end)
end)

describe("orun.report", function()
  it("keeps the denials of the last attempt, and takes only what they are", function()
    local r = h.script([[
      local r = Task{retry = {max = 1, backoff = 0.001}, run = function(_, task)
        orun.report{denials = {{tool = "Write", what = "x"}}}
        if task.attempt == 1 then error "again" end
        orun.report{denials = {{tool = "Bash"}, {tool = "Edit"}}}
        for _, wrong in ipairs{{{tool = print}}, {{tool = 1 / 0}}, {a = 1}, "x"} do
          assert(not pcall(orun.report, {denials = wrong}))
        end
        return "done"
      end}
      print(r.output or r.error, orun.json.encode(r.denials))]])
    assert.equal('done\t[{"tool":"Bash"},{"tool":"Edit"}]\n', r.out, r.err)
  end)
end)

describe("gemini", function()
  it("is noticed to be denied a tool that is not there, or a change while it plans", function()
    local gemini, s = require "orun.preset.gemini", {}
    local function use(name, id, input, kind, message)
      gemini.line(s, json.encode{type = "tool_use", tool_name = name, tool_id = id,
        parameters = input})
      gemini.line(s, json.encode{type = "tool_result", tool_id = id, status = "error",
        error = {type = kind, message = message}})
    end
    use("run_shell_command", "a", {command = "touch zz"}, "tool_not_registered",
      'Tool "run_shell_command" not found. Did you mean one of: "update_topic"?')
    use("write_file", "b", {file_path = "main.c"}, "invalid_tool_params",
      "Access denied: plan path (main.c) must be within the designated plans directory (x).")
    use("read_file", "c", {file_path = "none"}, "file_not_found", "File not found.")
    assert.same({{tool = "run_shell_command", what = "touch zz"},
                 {tool = "write_file", what = "main.c"}}, s.denials)
  end)
end)

describe("codex", function()
  it("is noticed to be denied what its sandbox refuses", function()
    local codex, s = require "orun.preset.codex", {}
    local function ran(output, status)
      codex.line(s, json.encode{type = "item.completed", item = {type = "command_execution",
        command = "touch zz", aggregated_output = output, exit_code = 1, status = status}})
    end
    ran("ls: cannot access 'zz': No such file or directory\n", "failed")
    assert.is_nil(s.denials)
    ran("touch: cannot touch 'zz': Read-only file system\n", "failed")
    assert.same({{tool = "command_execution", what = "touch zz"}}, s.denials)
  end)
end)

describe("permissions", function()
  local SAID <const> = {
    claude = {read = "\n--permission-mode\ndefault\n.*\n--disallowedTools\nEdit,Write,"
      .. "NotebookEdit,Bash\n",
      edit = "\n--permission-mode\nacceptEdits\n",
      full = "\n--permission-mode\nbypassPermissions\n"},
    codex = {read = "\n-s\nread-only\n", edit = "\n-s\nworkspace-write\n",
      full = "\n-s\ndanger-full-access\n"},
    gemini = {read = "\n--approval-mode\nplan\n",
      edit = "\n--approval-mode\nauto_edit\n", full = "\n--approval-mode\nyolo\n"},
    opencode = {read = '"bash":"deny".*"edit":"deny"', edit = '"edit":"allow"',
      full = "\n--auto\n"},
  }

  it("are said to each program in its own words, of the type or the task", function()
    local dir = project()
    for name, said in pairs(SAID) do
      local script = {}
      for level in pairs(said) do
        script[#script + 1] = ([[
orun.agent{name = "a%s", preset = "%s", permissions = "%s"}
assert(Task{subagent_type = "a%s", prompt = "x"}.status == "completed")
os.rename("log", "log.type.%s")
orun.agent{name = "b%s", preset = "%s"}
assert(Task{subagent_type = "b%s", prompt = "x", permissions = "%s"}.status == "completed")
os.rename("log", "log.task.%s")]]):format(level, name, level, level, level, level, name, level,
          level, level)
      end
      local r = run(dir, table.concat(script, "\n"))
      assert.equal(0, r.code, r.err)
      for level, pattern in pairs(said) do
        for _, where in ipairs{"type", "task"} do
          local log = "\n" .. h.read(("%s/log.%s.%s"):format(dir, where, level))
          assert.matches(pattern:gsub("%-", "%%-"), log)
        end
      end
    end
  end)

  it("are edit where nothing is said, and read for agents whose tools only read", function()
    local dir = project()
    h.sh("mkdir -p .claude/agents", {cwd = dir})
    h.write(dir .. "/.claude/agents/w.md", "---\nname: w\ndescription: d\n---\nx")
    h.write(dir .. "/.claude/agents/r.md", "---\nname: r\ndescription: d\ntools: Read\n---\nx")
    h.write(dir .. "/.claude/agents/f.md",
      "---\nname: f\ndescription: d\npermissionMode: bypassPermissions\n---\nx")
    for name, mode in pairs{w = "acceptEdits", r = "default", f = "bypassPermissions",
                            Explore = "default", ["general-purpose"] = "acceptEdits"} do
      run(dir, ('Task{subagent_type = "%s", prompt = "x"}'):format(name))
      assert.matches("\n--permission-mode\n" .. mode .. "\n", h.read(dir .. "/log"), 1, true)
    end
    local env = {HOME = dir, PATH = dir .. "/bin:/usr/bin:/bin"}
    local out = h.orun{"agents", cwd = dir, env = env}.out
    assert.matches("\nw  [^\n]*\n  runs in [^\n]*\n  may       edit %(the default%)\n", out)
    assert.matches("\nr  [^\n]*\n  runs in [^\n]*\n  may       read\n", out)
    local all = json.decode(h.orun{"agents", "--json", cwd = dir, env = env}.out).agents
    for _, agent in ipairs(all) do
      if agent.name == "f" then assert.equal("full", agent.permissions) end
    end
  end)

  it("are never more than those of the task that starts one", function()
    local r = h.script([[
      orun.agent{name = "show", permissions = "full", run = function(_, task)
        return task.permissions
      end}
      orun.agent{name = "lead", permissions = "edit", run = function()
        local f = Task{run = function()
          return {Task{subagent_type = "show", prompt = "x"}.output,
                  Task{subagent_type = "show", prompt = "x", permissions = "read"}.output,
                  select(2, pcall(Task, {subagent_type = "show", prompt = "x",
                                         permissions = "full"}))}
        end}
        return f.output
      end}
      print(Task{subagent_type = "show", prompt = "x"}.output)
      for _, text in ipairs(Task{subagent_type = "lead", prompt = "x"}.output) do print(text) end
      print(Task{subagent_type = "lead", prompt = "x", permissions = "read"}.output[1])]])
    assert.equal('full\nedit\nread\nTask: permissions = "full": the task that starts it has '
      .. '"edit", and cannot give more\nread\n', r.out, r.err)
  end)

  it("are refused where they mean nothing, and other words are", function()
    local r = h.script([[
      orun.agent{name = "c", command = {"cat"}}
      local function wrong(t) print((select(2, pcall(Task, t)))) end
      wrong{subagent_type = "c", prompt = "x", permissions = "read"}
      wrong{run = print, permissions = "read"}
      orun.agent{name = "p", preset = "claude"}
      wrong{subagent_type = "p", prompt = "x", permissions = "write"}
      wrong{subagent_type = "p", prompt = "x", permissions = 7}
      print((select(2, pcall(orun.agent, {name = "d", command = {"cat"}, permissions = "read"}))))
      orun.agent{name = "o", preset = "claude", args = {"--dangerously-skip-permissions"}}
      print(Task{subagent_type = "o", prompt = "x", permissions = "read"}.error)]])
    local lines = h.lines(r.out)
    assert.matches('^Task: permissions = "read": they are for agents of a preset', lines[1])
    assert.matches('^Task: permissions = "read": they are for agents of a preset', lines[2])
    assert.equal('Task: permissions = "write": expected "read", "edit" or "full"', lines[3])
    assert.matches("^Task: permissions = 7", lines[4])
    assert.matches('^agent "d": permissions are for agents that orun asks', lines[5])
    assert.matches("the args of the agent type have --dangerously-skip-permissions", lines[6], 1,
      true)
  end)
end)
