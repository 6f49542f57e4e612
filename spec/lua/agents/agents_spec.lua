--- Agent files, the default backend, and `orun agents`.

local h = require "spec.support.helper"
local json = require "orun.json"

-- A project's folder with these files, a home, and a folder for PATH whose programs
-- print an answer and keep what they were called with.
local function project(files)
  local dir = h.tmpdir()
  local p = {dir = dir, work = dir .. "/work", home = dir .. "/home", bin = dir .. "/bin"}
  h.sh(("mkdir -p %s %s %s"):format(p.work, p.home, p.bin))
  h.sh('for tool in sh cat sed tr env timeout; do ln -s "$(command -v $tool)" .; done',
    {cwd = p.bin})
  for path, text in pairs(files) do
    local full = path:find("^~/") and p.home .. path:sub(2) or p.work .. "/" .. path
    h.sh("mkdir -p " .. h.quote(full:match("^(.*)/")))
    h.write(full, text)
  end
  return p
end

-- A stand-in for `claude`: answers what it was told beside its arguments.
local CLAUDE <const> = [[#!/bin/sh
cat >/dev/null
system=
for word; do [ "$last" = --system-prompt-file ] && system=$(tr '\n' '|' <"$word"); last=$word; done
words=$(printf '%s ' "$@" | sed 's|/[^ ]*/[^ ]*|FILE|g')
printf '{"type":"result","subtype":"success","is_error":false,"session_id":"s1","result":"%s"}\n' \
  "[$words] <$system>"
]]
local CODEX <const> = [[#!/bin/sh
prompt=$(cat | tr '\n' '|')
printf '{"type":"item.completed","item":{"type":"agent_message","text":"%s"}}\n' \
  "[$(printf '%s' "$*" | tr -d '"')] $prompt"
]]

local function install(p, name, text)
  h.write(p.bin .. "/" .. name, text)
  h.sh("chmod 755 " .. h.quote(p.bin .. "/" .. name))
end

local function env_of(p, more)
  local env = {HOME = p.home, PATH = p.bin, ANTHROPIC_API_KEY = false,
               OPENAI_API_KEY = false, ORUN_BACKEND = false, ORUN_MODEL = false,
               XDG_CONFIG_HOME = false, COLUMNS = false}
  for name, value in pairs(more or {}) do env[name] = value end
  return env
end

local function list(p, opts)
  opts = opts or {}
  local r = h.orun{"agents", "--json", cwd = p.work .. (opts.below or ""),
                   env = env_of(p, opts.env)}
  assert.equal("", r.err)
  local found = json.decode(r.out)
  for _, agent in ipairs(found.agents) do found[agent.name] = agent end
  return found, r.code
end

local function broken_of(p)
  local lines = {}
  for _, one in ipairs(list(p).broken) do
    lines[#lines + 1] = ("%s:%d: %s"):format(one.source, one.line, one.why)
  end
  return table.concat(lines, "\n")
end

local function run(p, text, env)
  h.write(p.work .. "/s.lua", text)
  return h.orun{"s.lua", cwd = p.work, env = env_of(p, env)}
end

local MD <const> = "---\nname: %s\ndescription: %s\n---\n%s\n"

describe("agent files", function()
  it("are read from the folders of claude, opencode, gemini, codex and orun", function()
    local found, code = list(project{
      [".claude/agents/a.md"] = MD:format("alpha", "A.", "x"),
      [".claude/agents/deep/er/b.md"] = MD:format("beta", "B.", "x"),
      [".opencode/agents/gamma.md"] = "---\ndescription: C.\n---\nx",
      [".opencode/agent/delta.md"] = "---\ndescription: D.\n---\nx",
      [".gemini/agents/e.md"] = MD:format("epsilon", "E.", "x"),
      [".codex/agents/f.toml"] = 'name = "zeta"\ndescription = "F."\n'
        .. 'developer_instructions = """\nx\n"""\n',
      [".orun/agents/eta.lua"] = 'return {description = "G.", command = {"cat"}}',
      ["~/.claude/agents/t.md"] = MD:format("theta", "H.", "x"),
      ["~/.config/opencode/agents/iota.md"] = "---\ndescription: I.\n---\nx",
    })
    assert.equal(0, code)
    local names = {}
    for i, agent in ipairs(found.agents) do names[i] = agent.name end
    assert.equal("Explore Plan alpha beta delta epsilon eta gamma general-purpose iota theta zeta",
      table.concat(names, " "))
    assert.equal(".claude/agents/deep/er/b.md", found.beta.source)
    assert.equal(2, found.beta.line)
    assert.equal("~/.claude/agents/t.md", found.theta.source)
    assert.equal("built in", found.Plan.source)
    assert.equal("F.", found.zeta.description)
    assert.equal("lua", found.eta.file_of)
  end)

  it("are those of the nearest folder going up", function()
    local p = project{
      [".claude/agents/a.md"] = MD:format("top", "T.", "x"),
      ["in/.claude/agents/a.md"] = MD:format("near", "N.", "x"),
      ["in/side/file"] = "", ["out/side/file"] = "",
    }
    local inside, outside = list(p, {below = "/in/side"}), list(p, {below = "/out/side"})
    assert.is_truthy(inside.near)
    assert.is_nil(inside.top)
    assert.is_truthy(outside.top)
    assert.is_nil(outside.near)
  end)

  it("may have a mark, CR LF, folded texts, and colons and brackets without quotes", function()
    local found, code = list(project{
      [".claude/agents/a.md"] = "\xEF\xBB\xBF---\r\nname: one\r\ndescription: >\r\n  two\r\n"
        .. "  lines\r\n---\r\nBody\r\n",
      [".claude/agents/b.md"] = MD:format("two", 'Use this: when "x" is: wrong', "x"),
      [".claude/agents/c.md"] = MD:format("three", "[unclosed", "x"),
      [".claude/agents/d.md"] = "---\nname: four\ndescription: a: b\n  and: more\n"
        .. "tools: [Read, 'Grep']\nother: {x: [1]}\n---\n",
    })
    assert.equal(0, code)
    assert.equal("two lines", found.one.description)
    assert.equal('Use this: when "x" is: wrong', found.two.description)
    assert.equal("[unclosed", found.three.description)
    assert.equal("a: b and: more", found.four.description)
  end)

  it("that are broken are told with file and line, and the exit code is 1", function()
    local p = project{
      [".claude/agents/a.md"] = "no front matter",
      [".claude/agents/b.md"] = "---\nname: b\n",
      [".claude/agents/c.md"] = "---\nname: c\n- x\n---\n",
      [".claude/agents/d.md"] = '---\nname: "c\\e[31m"\n---\nx',
      [".claude/agents/e.md"] = "---\nx: &a [1]\ny: [*a]\n---\nx",
      [".claude/agents/f.md"] = "---\nname: f\ndescription: \xff\n---\nx",
      [".codex/agents/g.toml"] = 'name = "g"\nsince = 1979-05-27\n',
      [".gemini/agents/h.md"] = "---\nname: h\nkind: remote\n---\nx",
      [".orun/agents/i.lua"] = "return {\n  command = {'a'},,\n}",
      [".orun/agents/j.lua"] = "\nerror 'not today'",
      [".orun/agents/k.lua"] = "return 1",
      [".orun/agents/l.lua"] = "return {comand = {'x'}}",
      [".orun/agents/m.lua"] = "return {command = 'x'}",
      [".orun/agents/o.lua"] = "orun.agent(7)",
      [".orun/agents/n.lua"] = "\27Lua",
    }
    local text = broken_of(p)
    for _, line in ipairs{
      ".claude/agents/a.md:1: it does not begin with --- and front matter",
      ".claude/agents/b.md:1: the front matter that begins here does not end with ---",
      ".claude/agents/c.md:3: front matter: ",
      '.claude/agents/d.md:2: the name "c\\27[31m" cannot be that of an agent type: one line',
      ".claude/agents/e.md:3: front matter: an alias (*name) is not understood here",
      ".claude/agents/f.md:3: front matter: invalid leading UTF-8 octet",
      ".codex/agents/g.toml:2: 1979-05-27 is not a value",
      ".gemini/agents/h.md:2: kind = remote: agents elsewhere (A2A) are not offered",
      ".orun/agents/i.lua:2: unexpected symbol near ','",
      ".orun/agents/n.lua:1: bytecode is refused",
    } do
      assert.matches(line, text, 1, true)
    end
    for name, wrong in pairs{
      j = ".orun/agents/j.lua:2): not today",
      k = ".orun/agents/k.lua:1): it neither returns a table of orun.agent's fields nor calls",
      l = ".orun/agents/l.lua:1): unknown field \"comand\"",
      m = ".orun/agents/m.lua:1): agent: command = \"x\": expected an array of arguments",
      o = ".orun/agents/o.lua:1): agent: expected a table, got 7",
    } do
      local said = run(p, ('print(pcall(Task, {subagent_type = "%s", prompt = "x"}))'):format(name))
      assert.matches(wrong, said.out, 1, true)
    end
    local r = h.orun{"agents", cwd = p.work, env = env_of(p)}
    assert.equal(1, r.code)
    assert.matches("\nbroken:\n  .orun/agents/i.lua:2: unexpected", r.out, 1, true)
  end)

  it("are bounded: nesting, values, size, what is no file", function()
    local p = project{
      [".claude/agents/a.md"] = "---\nx: " .. ("["):rep(40) .. ("]"):rep(40) .. "\n---\n",
      [".claude/agents/b.md"] = "---\nx: [" .. ("1,"):rep(10001) .. "]\n---\n",
      [".claude/agents/c.md"] = "---\nname: c\n---\n" .. ("x"):rep(1 << 20),
      [".claude/agents/laughs.md"] = "---\na: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n",
      [".codex/agents/d.toml"] = "x = " .. ("["):rep(40) .. ("]"):rep(40),
    }
    h.sh("mkfifo .claude/agents/e.md; ln -s nowhere .claude/agents/f.md; ln -s . .claude/agents/g",
      {cwd = p.work})
    local text = broken_of(p)
    for _, line in ipairs{
      "a.md:2: front matter: it is nested more than 32 deep", "c.md:1: it has more than a MiB",
      "b.md:2: front matter: it has more than 10000 values",
      "d.toml:1: it is nested more than 32 deep", "e.md:1: expected a file, got other",
      "f.md:1: expected a file, got broken link", "g:1: links to folders are not followed",
      "laughs.md:3: front matter: an alias",
    } do
      assert.matches(line, text, 1, true)
    end
  end)

  it("of the same name: the nearer wins, the other is told as hidden", function()
    local found, code = list(project{
      [".orun/agents/same.lua"] = "return {command = {'cat'}}",
      [".claude/agents/a.md"] = MD:format("same", "A.", "x"),
      ["~/.claude/agents/b.md"] = MD:format("same", "B.", "x"),
      [".claude/agents/plan.md"] = MD:format("Plan", "Mine.", "x"),
    })
    assert.equal(0, code)
    assert.equal("lua", found.same.file_of)
    assert.equal("Mine.", found.Plan.description)
    local hidden = {}
    for i, one in ipairs(found.hidden) do hidden[i] = one.source .. " " .. one.why end
    assert.same({".claude/agents/a.md hidden by .orun/agents/same.lua:1",
                 "~/.claude/agents/b.md hidden by .orun/agents/same.lua:1",
                 "built in hidden by .claude/agents/plan.md:2"}, hidden)
  end)

  it("leave out, with a note, what makes no sense in a field", function()
    local found = list(project{
      [".claude/agents/a.md"] = "---\nname: a\ndescription: d\nmaxTurns: many\neffort: huge\n"
        .. "background: perhaps\npermissionMode: never\nunknown: {a: [1]}\n---\nx",
      [".claude/agents/b.md"] = "---\ndescription: d\n---\nx",
    })
    local notes = table.concat(found.a.notes, "\n")
    for _, start in ipairs{"a.md:4: maxTurns", "a.md:5: effort", "a.md:6: background",
                           "a.md:7: permissionMode"} do
      assert.matches(".claude/agents/" .. start, notes, 1, true)
    end
    assert.equal(4, #found.a.notes)
    assert.same({".claude/agents/b.md:1: no name is given: it is called as its file is"},
      found.b.notes)
  end)

  it("are not read when the script has defined the type", function()
    local p = project{[".orun/agents/a.lua"] = "error 'read'"}
    local r = run(p, [[
      orun.agent{name = "a", command = {"cat"}}
      print(Task{subagent_type = "a", prompt = "mine"}.output)]])
    assert.equal("mine\n", r.out)
    assert.equal("", r.err)
  end)

  it("are found from tasks, and from isolated ones", function()
    local p = project{[".orun/agents/twice.lua"] =
      "local function twice(s) return s .. s end\n"
      .. "return {run = function(input, task) return twice(task.prompt) end}"}
    local r = run(p, [[
      local function ask() return Task{subagent_type = "twice", prompt = "ab"}.output end
      print(Task{run = ask}.output, Task{run = ask, isolation = "process"}.output, ask())]])
    assert.equal("abab\tabab\tabab\n", r.out, r.err)
  end)

  it("give one type, however many ask at once: its limit holds", function()
    local p = project{[".orun/agents/one.lua"] =
      "return {limit = 1, run = function() orun.sleep(0.001) return 1 end}"}
    local r = run(p, [[
      local all = {}
      for i = 1, 20 do
        all[i] = Task{run_in_background = true, run = function()
          local n = Task{subagent_type = "one", prompt = "x"}.output
          return n
        end}
      end
      local sum = 0
      for _, t in ipairs(all) do sum = sum + TaskOutput(t).output end
      print(sum)]])
    assert.equal("20\n", r.out, r.err)
  end)

  it("that are broken are told once a run, and fail the Task call that asks for them", function()
    local p = project{[".claude/agents/a.md"] = "---\nname: wrong\n- x\n---\n",
                      [".orun/agents/b.lua"] = "return {command = {'cat'}}"}
    local r = run(p, [[
      print(Task{subagent_type = "b", prompt = "x"}.output)
      print(select(2, pcall(Task, {subagent_type = "wrong", prompt = "x"})))]])
    assert.matches('^x\nTask: subagent_type "wrong" %(.claude/agents/a.md:3%): front matter: ',
      r.out)
    assert.matches("^orun: .claude/agents/a.md:3: front matter: [^\n]*\n$", r.err)
  end)

  it("cannot reach a terminal with what they say", function()
    local p = project{[".claude/agents/a.md"] =
      '---\nname: a\ndescription: "x \\e[31m \\u202E y"\n---\nx',
      [".claude/agents/b\27[2J.md"] = "nothing"}
    local r = h.orun{"agents", cwd = p.work, env = env_of(p)}
    assert.is_nil(r.out:find("\27", 1, true))
    assert.is_nil(r.out:find("\u{202E}", 1, true))
    r = h.orun{"agents", "--json", cwd = p.work, env = env_of(p)}
    assert.is_nil(r.out:find("\27", 1, true))
  end)
end)

describe("a type that nobody defined", function()
  it("A10 is refused with the known ones and the nearest", function()
    local p = project{[".claude/agents/a.md"] = MD:format("reviewer", "A.", "x")}
    local r = run(p, [[
      orun.agent{name = "mine", command = {"cat"}}
      print(select(2, pcall(Task, {subagent_type = "reviewr", prompt = "x"})))
      print(#TaskList{kind = "all"})]])
    assert.equal('Task: subagent_type "reviewr" is not defined, did you mean "reviewer"?; the '
      .. "known ones are: mine, reviewer, general-purpose, Explore, Plan\n0\n", r.out)
  end)

  it("A9 is looked for by its name only, never as a path", function()
    local p = project{[".orun/agents/a.lua"] = "return {name = 'other', command = {'cat'}}",
                      [".orun/agents/b/c.lua"] = "return {command = {'cat'}}"}
    local r = run(p, [[
      for _, name in ipairs{"../a", "b/c", ".orun/agents/a", "a", "a.lua", "\0", "", " other"} do
        assert(not pcall(Task, {subagent_type = name, prompt = "x"}))
      end
      assert(Task{subagent_type = "other", prompt = "x"}.output == "x")]])
    assert.equal(0, r.code, r.err)
    assert.equal("", r.err)
  end)

  it("has no backend where none is installed, and is told what was looked for", function()
    local r = run(project{}, 'Task{prompt = "x"}')
    assert.equal(1, r.code)
    assert.matches('s.lua:1: Task: subagent_type "general-purpose" (built in): there is nothing '
      .. "that could do its work: no program claude, codex, gemini or opencode in PATH, and "
      .. "neither ANTHROPIC_API_KEY nor OPENAI_API_KEY is set; install one", r.err, 1, true)
  end)
end)

describe("the default backend", function()
  local p = project{
    [".claude/agents/c.md"] = "---\nname: c\ndescription: C.\ntools: Read, Bash(git diff:*)\n"
      .. "disallowedTools: [WebFetch]\nmodel: haiku\nmaxTurns: 7\npermissionMode: plan\n"
      .. "---\nBe C.\n",
    [".codex/agents/x.toml"] = 'name = "x"\ndescription = "X."\nmodel = "gpt-9"\n'
      .. 'model_reasoning_effort = "low"\nsandbox_mode = "read-only"\n'
      .. 'developer_instructions = "Be X."\n',
  }
  local both = project{[".codex/agents/x.toml"] = h.read(p.work .. "/.codex/agents/x.toml")}
  install(p, "claude", CLAUDE)
  install(both, "claude", CLAUDE)
  install(both, "codex", CODEX)

  it("gets what the file says, in its own words", function()
    local r = run(p, 'print(Task{subagent_type = "c", prompt = "go"}.output)')
    assert.equal("[-p --output-format stream-json --verbose --model haiku "
      .. "--system-prompt-file FILE --allowedTools Read,Bash(git diff:*),mcp__orun "
      .. "--max-turns 7 --mcp-config FILE --tools Read,Bash "
      .. "--disallowedTools WebFetch --permission-mode plan ] <Be C.>\n", r.out, r.err)
  end)

  it("is the one the file belongs to, where it is installed", function()
    assert.equal("codex", list(both).x.backend)
    assert.equal("the file is one of codex", list(both).x.why)
    local r = run(both, 'print(Task{subagent_type = "x", prompt = "go"}.output)')
    assert.equal("[exec --json --skip-git-repo-check -m gpt-9 -s read-only -c "
      .. "model_reasoning_effort=low -] Be X.||go\n", (r.out:gsub("%-c mcp_servers%.%S+ ", "")),
      r.err)
  end)

  it("is else the first that is installed, and a foreign model is left out", function()
    local x = list(p).x
    assert.equal("claude", x.backend)
    assert.equal("the first of what is installed", x.why)
    assert.is_nil(x.model)
    assert.same({"its model, gpt-9, is not known to claude: the default one is used"}, x.notes)
  end)

  it("is not given what it has no way to take, and that is said", function()
    local q = project{[".claude/agents/c.md"] = h.read(p.work .. "/.claude/agents/c.md")}
    install(q, "codex", CODEX)
    local notes = table.concat(list(q).c.notes, "\n")
    assert.is_truthy(notes:find("its turns are not limited in codex", 1, true), notes)
    local r = run(q, 'print(Task{subagent_type = "c", prompt = "go"}.status)')
    assert.equal("completed\n", r.out, r.err)
  end)

  it("is an API where only a key is there", function()
    local q = project{[".claude/agents/c.md"] = h.read(p.work .. "/.claude/agents/c.md")}
    local c = list(q, {env = {ANTHROPIC_API_KEY = "k"}}).c
    assert.equal("anthropic", c.backend)
    assert.equal("claude-haiku-4-5", c.model)
    c = list(q, {env = {OPENAI_API_KEY = "k", ORUN_MODEL = "mine"}}).c
    assert.equal("openai", c.backend)
    assert.equal("mine", c.model)
  end)

  it("is the one the user asks for, in a variable or in the script", function()
    assert.equal("claude", list(both, {env = {ORUN_BACKEND = "claude"}}).x.backend)
    local r = run(both, [[
      assert(orun.config().backend == nil)
      orun.config{backend = "claude"}
      print(orun.config().backend, Task{subagent_type = "Explore", prompt = "x"}.output)]])
    assert.matches("^claude\t%[%-p .*%-%-permission%-mode default "
      .. ".*%-%-disallowedTools Edit,Write,NotebookEdit,Bash .*%-%-tools Read,Glob,Grep %] <You "
      .. "explore", r.out, r.err)
  end)

  it("is never another than the one asked for", function()
    local r = run(p, 'orun.config{backend = "gemini"} Task{prompt = "x"}')
    assert.matches("orun.config{backend=} asks for gemini, and there is no program gemini in PATH",
      r.err, 1, true)
    r = run(p, 'Task{prompt = "x"}', {ORUN_BACKEND = "openai"})
    assert.matches("ORUN_BACKEND asks for openai, and OPENAI_API_KEY is not set", r.err, 1, true)
    r = run(p, 'Task{prompt = "x"}', {ORUN_BACKEND = "clod"})
    assert.matches('ORUN_BACKEND says "clod", which is not a backend', r.err, 1, true)
    r = run(p, 'orun.config{backend = "clod"}')
    assert.matches('config: backend = "clod": expected "claude", "codex",', r.err, 1, true)
  end)
end)

describe("orun agents", function()
  it("prints each type with its place, what runs it, limits and description", function()
    local p = project{[".claude/agents/up.md"] =
      "---\nname: up\ndescription: " .. ("long "):rep(50) .. "\n---\nx"}
    local r = h.orun{"agents", cwd = p.work, env = env_of(p)}
    assert.equal(0, r.code, r.err)
    assert.matches("\nup  (.claude/agents/up.md:2)\n  runs in   nothing\n  long long", r.out, 1,
      true)
    for line in r.out:gmatch("[^\n]+") do
      if line:find("long long") then assert.is_true(#line <= 80, line) end
    end
    assert.matches("\nnothing: there is nothing that could do its work", r.out, 1, true)
  end)

  it("refuses other arguments; a script of that name is run with a path or after --", function()
    local p = project{agents = 'print("the script", ...)'}
    assert.equal(2, h.orun{"agents", "--jsn", cwd = p.work, env = env_of(p)}.code)
    assert.matches("^usage: orun agents", h.orun{"agents", "--help", env = env_of(p)}.out)
    assert.equal("the script\ta\n", h.orun{"./agents", "a", cwd = p.work, env = env_of(p)}.out)
    assert.equal("the script\ta\n", h.orun{"--", "agents", "a", cwd = p.work, env = env_of(p)}.out)
    assert.matches("cannot open agents", h.orun{"-e", "print()", "agents", env = env_of(p)}.err)
  end)
end)
