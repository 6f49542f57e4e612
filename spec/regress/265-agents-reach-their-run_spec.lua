-- codex, gemini and opencode were not told of the run's tasks; and an opencode agent that is
-- for other agents only was replaced by the default one, which was paid for.

local h = require "spec.support.helper"
local json = require "orun.json"

-- A stand-in that keeps what it was started with in the folder's `log`.
local HEAD <const> = [[#!/bin/sh
cat >/dev/null
{
  printf 'ARG %s\n' "$@"
  echo "CONFIG $OPENCODE_CONFIG_CONTENT"
  echo "TOKEN $ORUN_TASK_TOKEN"
  [ -z "$GEMINI_CLI_HOME" ] || {
    printf 'SETTINGS '; cat "$GEMINI_CLI_HOME/.gemini/settings.json"; echo
    printf 'KEPT '; cat "$GEMINI_CLI_HOME/.gemini/oauth_creds.json"; echo
  }
} >log
]]
local SAYS <const> = {
  codex = [[echo '{"type":"item.completed","item":{"type":"agent_message","text":"done"}}']],
  gemini = [[echo '{"type":"message","role":"assistant","content":"done"}'
echo '{"type":"result","status":"success","stats":{}}']],
  -- what opencode does with an agent that is not to be asked
  opencode = [[case $* in *--agent*)
  case $OPENCODE_CONFIG_CONTENT in *'"mode":"all"'*) ;; *)
    echo '! agent "x" is a subagent, not a primary agent. Falling back to default agent' >&2 ;;
  esac ;; esac
echo '{"type":"text","part":{"text":"done"}}']],
}

local function project()
  local dir = h.tmpdir()
  h.sh("mkdir -p bin user/.gemini", {cwd = dir})
  for name, text in pairs(SAYS) do h.write(dir .. "/bin/" .. name, HEAD .. text .. "\n") end
  h.sh("chmod 755 bin/*", {cwd = dir})
  h.write(dir .. "/user/.gemini/settings.json",
    '{"theme":"mine","mcpServers":{"other":{"command":"x"}}}')
  h.write(dir .. "/user/.gemini/oauth_creds.json", "creds")
  return dir
end

local function ask(dir, name, fields, env)
  env = env or {}
  env.PATH, env.HOME = dir .. "/bin:/usr/bin:/bin", dir .. "/user"
  env.GEMINI_CLI_HOME, env.OPENCODE_CONFIG_CONTENT = false, env.OPENCODE_CONFIG_CONTENT or false
  h.write(dir .. "/s.lua", ([[
    orun.agent{name = "a", preset = "%s", %s}
    local r = Task{subagent_type = "a", prompt = "x"}
    print(r.status, r.error)]]):format(name, fields or ""))
  local r = h.orun{"--progress=none", "s.lua", cwd = dir, env = env}
  assert.equal("completed\tnil\n", r.out, r.err)
  local log = h.read(dir .. "/log")
  local token = log:match("\nTOKEN (%S+)")
  local _, tokens = log:gsub(token, "")
  assert.equal(1, tokens, "the token is somewhere it should not be: " .. log)
  return log
end

describe("an agent's program", function()
  it("is told of the run's tasks by codex's own options", function()
    local dir = project()
    local log = ask(dir, "codex")
    for _, words in ipairs{'ARG mcp_servers.orun.command="/', 'ARG mcp_servers.orun.args=["mcp"]',
        'ARG mcp_servers.orun.env_vars=["ORUN_SOCKET","ORUN_TASK_TOKEN"'} do
      assert.matches(words, log, 1, true)
    end
    assert.is_nil(ask(dir, "codex", "mcp = false"):find("mcp_servers", 1, true))
  end)

  it("is told of them by settings in gemini's home, with the user's own", function()
    local dir = project()
    for _ = 1, 2 do
      local log = ask(dir, "gemini")
      local settings = json.decode(log:match("\nSETTINGS ([^\n]*)"))
      assert.equal("mine", settings.theme)
      assert.equal("x", settings.mcpServers.other.command)
      assert.same({"$ORUN_PROGRAM", {"mcp"}, "$ORUN_TASK_TOKEN", true}, {
        settings.mcpServers.orun.command, settings.mcpServers.orun.args,
        settings.mcpServers.orun.env.ORUN_TASK_TOKEN, settings.mcpServers.orun.trust})
      assert.matches("\nKEPT creds\n", log, 1, true)
    end
    assert.is_nil(h.read(dir .. "/user/.gemini/settings.json"):find("orun", 1, true))
    assert.is_nil(ask(dir, "gemini", "mcp = false"):find("SETTINGS", 1, true))
  end)

  it("is told of them by opencode's configuration in the environment, with the user's own",
    function()
      local dir = project()
      local log = ask(dir, "opencode", nil, {OPENCODE_CONFIG_CONTENT =
        '{"theme":"mine","permission":{"webfetch":"deny"}}'})
      local config = json.decode(log:match("\nCONFIG ([^\n]*)"))
      assert.equal("mine", config.theme)
      assert.same({"deny", "allow"}, {config.permission.webfetch, config.permission.edit})
      assert.same({"local", "mcp"}, {config.mcp.orun.type, config.mcp.orun.command[2]})
      log = ask(dir, "opencode", 'mcp = false, permissions = "full"')
      assert.matches("\nCONFIG \n", log, 1, true)
    end)

  it("is an agent of opencode that is for other agents, too", function()
    local dir = project()
    h.sh("mkdir -p .opencode/agent/team", {cwd = dir})
    h.write(dir .. "/.opencode/agent/team/sub.md", "---\ndescription: d\nmode: subagent\n---\nx")
    h.write(dir .. "/.opencode/agent/top.md", "---\ndescription: d\nmode: primary\n---\nx")
    local function mode(agent)
      local log = ask(dir, "opencode", ("agent = %q"):format(agent))
      return json.decode(log:match("\nCONFIG ([^\n]*)")).agent[agent].mode
    end
    assert.equal("all", mode "team/sub")
    assert.equal("all", mode "general")
    local env = {PATH = dir .. "/bin:/usr/bin:/bin", HOME = dir .. "/user",
                 ORUN_BACKEND = false, OPENCODE_CONFIG_CONTENT = false}
    h.write(dir .. "/s.lua", 'print(Task{subagent_type = "team/sub", prompt = "x"}.status)')
    local r = h.orun{"--progress=none", "s.lua", cwd = dir, env = env}
    assert.equal("completed\n", r.out, r.err)
  end)
end)
