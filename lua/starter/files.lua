--- orun.starter.files: what `orun init` puts into a project, and where.
--
--     for _, file in ipairs(files.of{"claude"}) do print(file.path, file.what) end
--
-- A file is {path =, what = one line about it, and how it gets there}:
--
--   text =                  a new file; one that is there is left alone
--   member =, value =       a member of an object in JSON; `base` is what a new file begins with
--   lines =, member =       a table in TOML
--   section =               a section between marks, in Markdown
--
-- with `byhand`, words for those who have to add it themselves, and `hint`, what else there is to
-- know. The texts are files of their own, in
-- text/; the skill and the sections are made of the same ones.

local json = require "orun.json"

local M = {}

--- The agents there are something for, in order.
M.AGENTS = {"claude", "codex", "gemini", "opencode"}

local NAME <const> = "orun"
local DAY <const> = 86400 -- seconds: a call may wait for tasks that long
local SERVER <const> = {command = "orun", args = json.array{"mcp", "--session"}}
local MANUAL <const> = ".orun/parallel-work.md"

local function text_of(name) return require("orun.starter.text." .. name) end

-- Headings one level lower; in code no line begins with "#".
local function lower(text) return (("\n" .. text):gsub("\n#", "\n##"):sub(2)) end

-- ---- a project ----

local PROJECT <const> = {
  {path = ".orun/agents/surveyor.lua", from = "surveyor", what = "a sample agent type"},
  {path = ".orun/workflows/survey.lua", from = "survey", what = "a sample workflow: orun survey"},
  {path = ".luarc.json", from = "luarc.json", what = "for editors: the Lua of these files"},
  {path = ".orun/types/orun.d.lua", what = "for editors: what orun's functions take"},
}

-- ---- agents ----

local function new(path, text, what) return {path = path, text = text, what = what} end

local function claude_command(path, from, workflow)
  return new(".claude/commands/" .. path, text_of(from .. ".md"), "a command that runs orun "
    .. workflow)
end

local function server_in(path, member, value, base, hint)
  return {path = path, member = member, value = value, base = base or "{}\n", hint = hint,
    what = "the MCP server " .. member[#member],
    byhand = ('add to "%s": "%s": %s'):format(member[1], member[2], json.encode(value))}
end

-- The section of a page that an agent always reads: short, with the rest in a file of its own.
local function section_in(path)
  return {path = path, what = "a section on parallel work",
    section = ("## Parallel work with orun\n\n%s\nHow to write a script, with code, and what orun "
      .. "says of mistakes: read `%s` before you write one.\n"):format(lower(text_of "core.md"),
      MANUAL), byhand = "give each of its marks a line of its own, or remove both"}
end

local function manual()
  return new(MANUAL, "# Parallel work with orun: scripts and mistakes\n\n" .. text_of "details.md",
    "how to write a script, for agents")
end

local of = {}

function of.claude()
  return {
    new(".claude/skills/orchestrating-parallel-work/SKILL.md", text_of "skill_head.md" .. "\n"
      .. text_of "core.md" .. "\n" .. text_of "details.md", "the skill"),
    claude_command("ideate.md", "ideate", "ideate"),
    claude_command("spec/decompose.md", "decompose", "spec:decompose"),
    claude_command("spec/execute.md", "execute", "spec:execute"),
    claude_command("debug/api.md", "api", "debug:api"),
    claude_command("debug/browser.md", "browser", "debug:browser"),
    server_in(".mcp.json", {"mcpServers", NAME}, {type = "stdio", command = SERVER.command,
      args = SERVER.args}, nil, "claude asks once whether it may start the server of .mcp.json"),
  }
end

-- It starts servers with few of its variables, and waits a minute for an answer, unless told.
function of.codex()
  local lines = ([[
[mcp_servers.%s]
command = "orun"
args = ["mcp", "--session"]
env_vars = ["ORUN_BACKEND", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"]
tool_timeout_sec = %d
]]):format(NAME, DAY)
  return {section_in "AGENTS.md", manual(), {path = ".codex/config.toml", lines = lines,
    member = {"mcp_servers", NAME}, what = "the MCP server orun", byhand = "add at its end:\n"
      .. lines, hint = "codex reads .codex/config.toml of projects that it trusts; to have the "
      .. "server everywhere, type: codex mcp add orun -- orun mcp --session"}}
end

-- In a run gemini has a server `orun` by its user's settings, which those of a project hide: so
-- this one has another name. A variable that looks like a secret must be named to be given.
function of.gemini()
  return {section_in "GEMINI.md", manual(),
    server_in(".gemini/settings.json", {"mcpServers", NAME .. "-session"}, {
      command = SERVER.command, args = SERVER.args, timeout = DAY * 1000,
      env = {ORUN_TASK_TOKEN = "$ORUN_TASK_TOKEN"}}, nil,
      "gemini reads .gemini/settings.json of folders that it trusts, and asks before each tool")}
end

function of.opencode()
  local value = {type = "local", enabled = true, timeout = DAY * 1000,
    command = json.array{SERVER.command, table.unpack(SERVER.args)}}
  local file = server_in("opencode.json", {"mcp", NAME}, value,
    '{\n  "$schema": "https://opencode.ai/config.json"\n}\n')
  file.instead = "opencode.jsonc" -- its other name, with comments
  return {section_in "AGENTS.md", manual(), file}
end

--- The files of these agents, each once; of a project where there are none.
-- @param agents  array of names in AGENTS
function M.of(agents)
  local list, seen = {}, {}
  local function add(file)
    if not seen[file.path] then list[#list + 1] = file end
    seen[file.path] = true
  end
  for _, agent in ipairs(agents) do
    for _, file in ipairs(of[agent]()) do add(file) end
  end
  if agents[1] then return list end
  for _, file in ipairs(PROJECT) do
    local text = file.from and text_of(file.from) or require("orun.manual.types").text()
    add(new(file.path, text, file.what))
  end
  return list
end

return M
