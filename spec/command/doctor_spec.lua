--- orun doctor: whether orun can work here, and what to do where it cannot.

local h = require "spec.support.helper"
local json = require "orun.json"

--- A folder with programs: {name = shell code}. Those of the system are not in it.
local function programs(list)
  local dir = h.tmpdir()
  for name, code in pairs(list) do
    h.write(dir .. "/" .. name, "#!/bin/sh\n" .. code .. "\n")
    assert(h.sh("chmod +x " .. h.quote(dir .. "/" .. name)).code == 0)
  end
  return dir
end

--- The checks of `orun doctor --json`, by name; and the run.
local function checks(env)
  for _, key in ipairs{"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CONFIG_DIR", "CODEX_HOME",
    "CODEX_API_KEY", "OPENAI_API_KEY"} do
    env[key] = env[key] or ""
  end
  local r = h.orun{"doctor", "--json", env = env}
  local all = json.decode(r.out)
  local by = {}
  for _, check in ipairs(all.checks) do by[check.name] = check end
  return by, r, all
end

local SYSTEM <const> = os.getenv "PATH"

describe("orun doctor", function()
  it("finds that tasks can be run here, and ends with 0", function()
    local by, r, all = checks{}
    assert.equal(0, r.code, r.err)
    assert.is_true(all.ok)
    assert.equal(orun.version, all.version)
    for _, name in ipairs{"Lua tasks", "programs", "isolated tasks"} do
      assert.same({area = "work", name = name, state = "ok", value = "run"}, by[name])
    end
    assert.matches("^5%.4%.%d+$", by.Lua.value)
    assert.matches("^1%.%d+%.%d+$", by.libuv.value)
  end)

  it("prints the same as text, with what to do", function()
    local dir = programs{claude = "echo '9.9.9 (Claude Code)'"}
    local r = h.orun{"doctor", env = {PATH = dir .. ":" .. SYSTEM, HOME = h.tmpdir(),
      ANTHROPIC_API_KEY = "", ANTHROPIC_AUTH_TOKEN = "", CLAUDE_CODE_OAUTH_TOKEN = "",
      CLAUDE_CODE_USE_BEDROCK = "", CLAUDE_CODE_USE_VERTEX = "", CLAUDE_CONFIG_DIR = ""}}
    assert.equal(0, r.code, r.err)
    assert.matches("\nwork\n  ok     Lua tasks       run\n", r.out, 1, true)
    assert.matches("  !      claude          9.9.9 (Claude Code), not logged in\n", r.out, 1, true)
    assert.matches(" -> start claude once, and /login, or set ANTHROPIC_API_KEY\n", r.out, 1, true)
    assert.matches("\norun can work here.\n$", r.out)
    assert.equal("", r.err)
  end)

  it("tells agents with their version, and whether somebody has logged in", function()
    local home = h.tmpdir()
    h.sh("mkdir " .. h.quote(home .. "/.claude"))
    h.write(home .. "/.claude/.credentials.json", "{}")
    local dir = programs{claude = "echo 9.9.9", codex = "echo 'codex-cli 8.8'; exit 0",
      gemini = "exit 3"}
    local by = checks{PATH = dir .. ":" .. SYSTEM, HOME = home, XDG_STATE_HOME = h.tmpdir()}
    assert.same({"ok", "9.9.9, logged in"}, {by.claude.state, by.claude.value})
    assert.same({"warn", "codex-cli 8.8, not logged in"}, {by.codex.state, by.codex.value})
    assert.equal("codex login, or set CODEX_API_KEY", by.codex.advice)
    assert.same({"warn", "does not tell its version"}, {by.gemini.state, by.gemini.value})
    by = checks{PATH = dir .. ":" .. SYSTEM, HOME = home, OPENAI_API_KEY = "sk-not-to-be-shown"}
    assert.equal("codex-cli 8.8, OPENAI_API_KEY is set", by.codex.value)
    assert.equal("ok", by["openai API"].state)
  end)

  it("shows no key", function()
    local _, r = checks{OPENAI_API_KEY = "sk-not-to-be-shown"}
    assert.not_matches("not-to-be-shown", r.out, 1, true)
  end)

  it("ends with 1 where programs cannot be run, and says which check", function()
    local by, r, all = checks{PATH = programs{sh = "exit 7"} .. ":" .. SYSTEM}
    assert.equal(1, r.code)
    assert.is_false(all.ok)
    assert.equal("fail", by.programs.state)
    assert.equal("exit code 7", by.programs.value)
    assert.matches("is there a sh in PATH", by.programs.advice, 1, true)
    assert.equal("ok", by["Lua tasks"].state)
  end)

  it("names a git that is too old for a part of orun", function()
    local dir = programs{git = "echo git version 2.30.2"}
    local by = checks{PATH = dir .. ":" .. SYSTEM}
    assert.same({"warn", "2.30.2", "orun.merge needs 2.38"},
      {by.git.state, by.git.value, by.git.advice})
  end)

  it("names folders that are missing", function()
    local by, r = checks{HOME = "", XDG_STATE_HOME = ""}
    assert.equal(0, r.code, r.err)
    assert.equal("warn", by.state.state)
    assert.matches("XDG_STATE_HOME", by.state.advice, 1, true)
  end)

  it("refuses what it does not know", function()
    local r = h.orun{"doctor", "claude"}
    assert.equal(2, r.code)
    assert.matches("^orun doctor: claude is one word too many\n", r.err)
    r = h.orun{"doctor", "--jsno"}
    assert.equal(2, r.code)
    assert.matches("did you mean --json?", r.err, 1, true)
  end)
end)
