--- `orun init`: the first files of a project, and what lets an agent work with orun.

local h = require "spec.support.helper"
local json = require "orun.json"

local AGENTS <const> = {"claude", "codex", "gemini", "opencode"}
local SAMPLES <const> = [[
.luarc.json
.orun/agents/surveyor.lua
.orun/types/orun.d.lua
.orun/workflows/survey.lua
]]

-- A folder with these files; `own` beside it is the home.
local Place = {}
Place.__index = Place

local function place(files)
  local p = setmetatable({top = h.tmpdir()}, Place)
  p.dir = p.top .. "/project"
  h.sh("mkdir own project", {cwd = p.top})
  for path, text in pairs(files or {}) do
    h.sh("mkdir -p " .. h.quote((path:match("^(.*)/") or ".")), {cwd = p.dir})
    h.write(p.dir .. "/" .. path, text)
  end
  return p
end

function Place:orun(...)
  return h.orun{cwd = self.dir, env = {HOME = self.top .. "/own", ORUN_HISTORY = "0",
    XDG_STATE_HOME = self.top .. "/state", XDG_CONFIG_HOME = false}, ...}
end

function Place:sh(command) return h.sh(command, {cwd = self.dir}).out end

-- All that is there, with the bytes of files and where links lead.
function Place:all()
  return self:sh("find . -not -type d | LC_ALL=C sort | sed 's,^./,,'"),
    self:sh("find . -type f | LC_ALL=C sort | xargs -r cat; find . -type l -printf '%p %l\n'")
end

function Place:read(path) return h.read(self.dir .. "/" .. path) end

function Place:json(path) return assert(json.decode(assert(self:read(path)))) end

-- Refused, in these words, with nothing changed.
local function refused(p, words, ...)
  local before, bytes = p:all()
  local r = p:orun("init", ...)
  assert.equal(1, r.code, r.out .. r.err)
  assert.equal("", r.out)
  assert.matches("nothing was written", r.err)
  assert.matches(words, r.err, 1, true)
  local after, now = p:all()
  assert.equal(before, after)
  assert.equal(bytes, now)
end

describe("orun init", function()
  it("writes a sample agent, a sample workflow and settings, and says what to do next", function()
    local p = place()
    local r = p:orun("init")
    assert.same({0, ""}, {r.code, r.err})
    assert.equal(SAMPLES, (p:all()))
    for path in SAMPLES:gmatch("%S+") do
      assert.matches("wrote       " .. path, r.out, 1, true)
    end
    for line in r.out:gmatch("\n  (orun [^\n]-)  ") do
      local done = h.sh(h.quote(h.bin) .. line:gsub("^orun", ""), {cwd = p.dir,
        env = {HOME = p.top .. "/own", XDG_STATE_HOME = p.top .. "/state"}})
      assert.equal(0, done.code, line .. "\n" .. done.err)
    end
  end)

  it("brings a workflow and an agent that run", function()
    local p = place{["src/a.txt"] = "one\ntwo\nthree\n", ["src/b.txt"] = "one\n",
      ["c.md"] = ("x"):rep(300) .. "\n\n"}
    p:orun("init")
    assert.matches("it is not trusted", p:orun("survey").err, 1, true)
    assert.equal(0, p:orun("trust").code)
    local r = p:orun("-q", "survey")
    assert.equal(0, r.code, r.err)
    assert.equal("3 files, 3 lines of the longest\n     3  src/a.txt\n     2  c.md\n"
      .. "     1  src/b.txt\n", r.out)
    r = p:orun("-q", "survey", "--json", "*.md")
    assert.same({path = "c.md", lines = 2, longest = 300}, json.decode(r.out).files[1])
    assert.equal("src/a.txt\nsrc/b.txt\n", p:orun("survey", "--dry-run", "src/*").out)
    assert.equal("orun: no file here matches '*.none'\n", p:orun("survey", "*.none").err)
    assert.equal(2, p:orun("survey", "--tip").code)
    assert.matches("surveyor  (.orun/agents/surveyor.lua", p:orun("agents").out, 1, true)
    assert.matches("survey +looks at files at once", p:orun("workflows").out)
    assert.matches("usage: orun survey", p:orun("survey", "--help").out, 1, true)
  end)

  it("tells editors of the globals there are, and of no file that is not there", function()
    local p = place()
    p:orun("init")
    local settings = p:json ".luarc.json"
    local here = json.decode(h.read ".luarc.json")["diagnostics.globals"]
    for _, name in ipairs(settings["diagnostics.globals"]) do
      assert.not_nil(_G[name], name)
      assert.matches('"' .. name .. '"', json.encode(here), 1, true)
    end
    for name in h.read(".luacheckrc"):match("read_globals = (%b{})"):gmatch('"(%w+)"') do
      assert.matches('"' .. name .. '"', json.encode(settings["diagnostics.globals"]), 1, true)
    end
    for _, folder in ipairs(settings["workspace.library"]) do
      assert.is_true(h.exists(p.dir .. "/" .. folder), folder)
    end
    assert.equal("Lua 5.4", settings["runtime.version"])
  end)

  it("overwrites nothing, and has nothing to do a second time", function()
    local p = place{[".luarc.json"] = "mine"}
    local r = p:orun("init")
    assert.equal(0, r.code)
    assert.equal("mine", p:read ".luarc.json")
    assert.matches("left alone  .luarc.json  (it is not as this orun writes it, which stays)",
      r.out, 1, true)
    h.write(p.dir .. "/.orun/agents/surveyor.lua", "changed")
    local before, bytes = p:all()
    r = p:orun("init")
    assert.equal(0, r.code)
    assert.matches("\nNothing to do: all of it is there\n$", r.out)
    assert.same({before, bytes}, {p:all()})
  end)

  it("refuses words that mean nothing, with what was meant", function()
    local p = place()
    for words, message in pairs{["--for cladue"] = "--for cladue: expected claude, codex, gemini, "
          .. "opencode, did you mean claude?", ["--for"] = "--for needs the name of an agent",
        ["--for claude,"] = "--for : expected claude", here = "here is one word too many",
        ["--fro claude"] = "unknown option --fro, did you mean --for?"} do
      local args = {"init"}
      for word in words:gmatch("%S+") do args[#args + 1] = word end
      local r = p:orun(table.unpack(args))
      assert.same({2, ""}, {r.code, r.out})
      assert.matches(message, r.err, 1, true)
    end
    assert.equal("", (p:all()))
    assert.matches("usage: orun init\n", p:orun("init", "--help").out, 1, true)
  end)

  it("says why nothing can be written, and leaves nothing half-written", function()
    local r = h.orun{"init", cwd = "/proc"}
    assert.equal(1, r.code)
    assert.matches("^orun init: cannot make the folder .orun/agents: [%a ]+; "
      .. "nothing was written\n$", r.err)
    local p = place{[".orun"] = "a file"}
    r = p:orun("init")
    assert.same({1, ""}, {r.code, r.out})
    assert.matches("cannot make the folder .orun/agents: ", r.err, 1, true)
    assert.equal(".orun\n", (p:all()))
  end)

  it("is for a project, and not for the home folder", function()
    local p = place()
    p.dir = p.top .. "/own"
    local r = p:orun("init", "--for", "claude")
    assert.equal(1, r.code)
    assert.matches("this is your home folder", r.err)
    assert.equal("", (p:all()))
  end)
end)

describe("orun init --for", function()
  local function server(p, path, group, name) return p:json(path)[group][name] end

  it("gives claude a skill, five commands and the server", function()
    local p = place()
    local r = p:orun("init", "--for", "claude")
    assert.same({0, ""}, {r.code, r.err})
    assert.equal([[
.claude/commands/debug/api.md
.claude/commands/debug/browser.md
.claude/commands/ideate.md
.claude/commands/spec/decompose.md
.claude/commands/spec/execute.md
.claude/skills/orchestrating-parallel-work/SKILL.md
.mcp.json
]], (p:all()))
    assert.same({type = "stdio", command = "orun", args = {"mcp", "--session"}},
      server(p, ".mcp.json", "mcpServers", "orun"))
  end)

  it("gives the others a section, its manual and the server, in the form of each", function()
    local p = place()
    local r = p:orun("init", "--for=codex", "--for", "gemini,opencode")
    assert.same({0, ""}, {r.code, r.err})
    assert.equal(".codex/config.toml\n.gemini/settings.json\n.orun/parallel-work.md\nAGENTS.md\n"
      .. "GEMINI.md\nopencode.json\n", (p:all()))
    assert.equal(p:read "AGENTS.md", p:read "GEMINI.md")
    local toml = require("orun.agents.toml").read(p:read ".codex/config.toml")
    assert.same({command = "orun", args = {"mcp", "--session"}, tool_timeout_sec = 86400,
      env_vars = {"ORUN_BACKEND", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"}}, toml.mcp_servers.orun)
    assert.same({command = "orun", args = {"mcp", "--session"}, timeout = 86400000,
      env = {ORUN_TASK_TOKEN = "$ORUN_TASK_TOKEN"}},
      server(p, ".gemini/settings.json", "mcpServers", "orun-session"))
    assert.same({type = "local", enabled = true, timeout = 86400000,
      command = {"orun", "mcp", "--session"}}, server(p, "opencode.json", "mcp", "orun"))
    assert.equal("https://opencode.ai/config.json", p:json("opencode.json")["$schema"])
    assert.matches("codex mcp add orun -- orun mcp --session", r.out, 1, true)
    assert.equal("", h.sh("ls -A", {cwd = p.top .. "/own"}).out)
  end)

  it("has nothing to do a second time, for any agent", function()
    for _, agent in ipairs(AGENTS) do
      local p = place()
      p:orun("init", "--for", agent)
      local before, bytes = p:all()
      local r = p:orun("init", "--for", agent)
      assert.equal(0, r.code)
      assert.matches("Nothing to do", r.out)
      assert.is_nil(r.out:find("wrote", 1, true))
      assert.same({before, bytes}, {p:all()})
    end
  end)

  it("says when there is no orun in PATH", function()
    local p = place()
    local r = h.orun{"init", "--for", "claude", cwd = p.dir, env = {PATH = "/usr/bin:/bin"}}
    assert.matches("Note: there is no orun in PATH", r.out)
  end)

  it("adds to JSON that is there, and changes no other byte", function()
    local added <const> = '"orun": {%s"args": ["mcp", "--session"],%s"command": "orun",%s'
      .. '"type": "stdio"%s}'
    local function entry(indent, unit)
      local inner = indent and "\n" .. indent .. unit
      if not indent then
        return '"orun": {"args": ["mcp", "--session"], "command": "orun", "type": "stdio"}'
      end
      return added:format(inner, inner, inner, "\n" .. indent)
    end
    for old, new in pairs{
      ['{\n    "z": 1.0,\n    "mcpServers": {\n        "b": {"c": "x"}\n    },\n    "a": []\n}\n'] =
        '{\n    "z": 1.0,\n    "mcpServers": {\n        "b": {"c": "x"},\n        '
          .. entry("        ", "  ") .. '\n    },\n    "a": []\n}\n',
      ['{"n": 1e3, "mcpServers": {"x\\"}": {"u": "\\u00e9{"}}}'] =
        '{"n": 1e3, "mcpServers": {"x\\"}": {"u": "\\u00e9{"}, ' .. entry() .. '}}',
      ['{\n  "mcpServers": {}\n}'] = '{\n  "mcpServers": {\n    ' .. entry("    ", "  ")
        .. '\n  }\n}',
      ['{"mcpServers": {}, "mcpServers": {"x": 1}}'] =
        '{"mcpServers": {}, "mcpServers": {"x": 1, ' .. entry() .. '}}',
      ['{}'] = '{\n  "mcpServers": {\n    ' .. entry("    ", "  ") .. '\n  }\n}',
      [' \n'] = '{\n  "mcpServers": {\n    ' .. entry("    ", "  ") .. '\n  }\n}\n',
      ['{"big": 12345678901234567890, "f": [true, null, -0.5e-7]}\n'] =
        '{"big": 12345678901234567890, "f": [true, null, -0.5e-7], "mcpServers": {' .. entry()
          .. '}}\n',
    } do
      local p = place{[".mcp.json"] = old}
      local r = p:orun("init", "--for", "claude")
      assert.equal(0, r.code, r.err)
      assert.matches("added to    .mcp.json", r.out, 1, true)
      assert.equal(new, p:read ".mcp.json")
      assert.equal("orun", server(p, ".mcp.json", "mcpServers", "orun").command)
    end
  end)

  it("keeps the ends of lines, and the mode of a file with secrets", function()
    local p = place{[".mcp.json"] = '{\r\n  "mcpServers": {\r\n  }\r\n}\r\n',
      ["AGENTS.md"] = "# Mine\r\n", [".codex/config.toml"] = 'model = "x"\r\n'}
    p:sh("chmod 600 .mcp.json; chmod 755 AGENTS.md")
    assert.equal(0, p:orun("init", "--for", "claude,codex").code)
    for _, path in ipairs{".mcp.json", "AGENTS.md", ".codex/config.toml"} do
      assert.is_nil(p:read(path):gsub("\r\n", ""):find("[\r\n]"), path)
    end
    assert.equal("600\n755\n", p:sh("stat -c %a .mcp.json AGENTS.md"))
  end)

  it("leaves a server of that name alone, and says when it is another", function()
    local mine <const> = '{"mcpServers": {"orun": {"command": "/opt/orun", "args": ["mcp"]}}}'
    local p = place{[".mcp.json"] = mine, [".codex/config.toml"] = "[mcp_servers.orun]\nx = 1\n"}
    local r = p:orun("init", "--for", "claude,codex")
    assert.equal(0, r.code)
    assert.equal(mine, p:read ".mcp.json")
    assert.matches("left alone  .mcp.json  (it has another mcpServers.orun, which stays)", r.out, 1,
      true)
    assert.equal("[mcp_servers.orun]\nx = 1\n", p:read ".codex/config.toml")
    assert.matches("it has another mcp_servers.orun", r.out, 1, true)
  end)

  it("refuses JSON that is broken, has comments, or is of another form; with words", function()
    for text, why in pairs{['{"a": 1'] = ".mcp.json: it is not JSON that can be read",
        ['{} // mine'] = "it is not JSON that can be read", ['[1]'] = "it holds no JSON object",
        ['7'] = "it holds no JSON object",
        ['{"mcpServers": []}'] = '"mcpServers" in it is no object',
        ['{"mcpServers": null}'] = '"mcpServers" in it is no object'} do
      local p = place{[".mcp.json"] = text}
      refused(p, why, "--for", "claude")
      refused(p, 'add to "mcpServers": "orun": {', "--for", "claude")
    end
    refused(place{["opencode.jsonc"] = "{}"},
      "opencode.jsonc: it is there in place of opencode.json", "--for", "opencode")
  end)

  it("adds a table to TOML, or refuses where it cannot", function()
    local old <const> = '# mine\nmodel = "x" # y\n[mcp_servers.docs]\ncommand = "docs"'
    local p = place{[".codex/config.toml"] = old}
    assert.equal(0, p:orun("init", "--for", "codex").code)
    local text = p:read ".codex/config.toml"
    assert.equal(old .. "\n\n[mcp_servers.orun]\n", text:sub(1, #old + 21))
    local t = require("orun.agents.toml").read(text)
    assert.same({"x", "docs", "orun"}, {t.model, t.mcp_servers.docs.command,
      t.mcp_servers.orun.command})
    refused(place{[".codex/config.toml"] = "model = \n"},
      ".codex/config.toml: line 1 cannot be read", "--for", "codex")
    refused(place{[".codex/config.toml"] = "mcp_servers = {x = {command = \"x\"}}\n"},
      "mcp_servers is written in it in a way that nothing can be added to", "--for", "codex")
  end)

  it("puts a section between its marks, and brings only that up to date", function()
    local p = place{["AGENTS.md"] = "# Mine\nkeep this"}
    p:orun("init", "--for", "codex")
    local text = p:read "AGENTS.md"
    local section = text:match("^# Mine\nkeep this\n\n(<!%-%- orun: begin %-%->\n.*end %-%->)\n$")
    assert.not_nil(section)
    h.write(p.dir .. "/AGENTS.md", "a\n<!-- orun: begin -->\nold\n<!-- orun: end --> b\r\nc")
    local r = p:orun("init", "--for", "opencode")
    assert.matches("added to    AGENTS.md", r.out, 1, true)
    assert.equal("a\n" .. section:gsub("\n", "\r\n") .. " b\r\nc", p:read "AGENTS.md")
    for _, broken in ipairs{"<!-- orun: begin -->\nx", "<!-- orun: end -->\n<!-- orun: begin -->",
        "<!-- orun: begin --><!-- orun: end --><!-- orun: end -->"} do
      refused(place{["AGENTS.md"] = broken}, "AGENTS.md: ", "--for", "codex")
    end
  end)

  it("follows a link within the project, and none out of it", function()
    local p = place{["CLAUDE.md"] = "# Both\n"}
    p:sh("ln -s CLAUDE.md AGENTS.md")
    assert.equal(0, p:orun("init", "--for", "codex").code)
    assert.equal("CLAUDE.md\n", p:sh("readlink AGENTS.md"))
    assert.matches("^# Both\n\n<!%-%- orun: begin", p:read "CLAUDE.md")
    for path, agent in pairs{[".claude"] = "claude", ["AGENTS.md"] = "codex", [".orun"] = "codex",
        [".gemini"] = "gemini", [".mcp.json"] = "claude"} do
      for target, words in pairs{["../own"] = "which is outside of this folder",
          nowhere = path .. " is a link that leads nowhere"} do
        p = place()
        p:sh(("ln -s %s %s"):format(target, path))
        refused(p, words, "--for", agent)
        assert.equal("", h.sh("ls -A", {cwd = p.top .. "/own"}).out)
      end
    end
    p = place()
    p:sh("mkdir .mcp.json")
    refused(p, ".mcp.json: it is not a file", "--for", "claude")
  end)

  it("leaves the file as it was when it cannot be replaced", function()
    local p = place{["opencode.json"] = "{}"}
    local refuse = h.tmpdir() .. "/refuse"
    assert.equal(0, h.sh("cc -std=c11 -o " .. h.quote(refuse) .. " spec/support/refuse.c").code)
    local r = h.sh(("%s rename:opencode 28 1 0 %s init --for opencode"):format(h.quote(refuse),
      h.quote(h.bin)), {cwd = p.dir})
    if r.code == 125 then pending "no filters of system calls here" end
    assert.equal(1, r.code)
    assert.matches("cannot write .*opencode.json: No space left on device; what is told above",
      r.err)
    assert.equal("{}", p:read "opencode.json")
    assert.equal("opencode.json\n", p:sh("ls | grep opencode"))
  end)
end)
