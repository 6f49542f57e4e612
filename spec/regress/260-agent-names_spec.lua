-- Agent files that their own programs load were "broken", because of a name with dots,
-- blanks, letters beyond ASCII or a folder in it; those in folders of .opencode were
-- not seen; and the error of a broken one named its file, or its type, twice.

local h = require "spec.support.helper"
local json = require "orun.json"

local MD <const> = "---\nname: %s\ndescription: Does it.\n---\nDo it.\n"

local function project(files)
  local dir = h.tmpdir()
  for path, text in pairs(files) do
    local full = dir .. "/" .. path
    h.sh("mkdir -p " .. h.quote(full:match("^(.*)/")))
    h.write(full, text)
  end
  return dir
end

local function program(text)
  return "#!/bin/sh\n" .. text
end

-- A program of that name which answers with its arguments.
local function install(dir, name)
  h.sh("mkdir -p " .. h.quote(dir .. "/bin"))
  local path = dir .. "/bin/" .. name
  h.write(path, program [[
cat >/dev/null
words=$(printf '%s|' "$@" | sed 's/"//g')
case $0 in
  *opencode) printf '{"type":"text","part":{"text":"%s"}}\n' "$words" ;;
  *) printf '{"type":"result","is_error":false,"result":"%s"}\n' "$words" ;;
esac
]])
  h.sh("chmod 755 " .. h.quote(path))
end

local function env_of(dir)
  return {HOME = dir .. "/home", PATH = dir .. "/bin:/usr/bin:/bin", ANTHROPIC_API_KEY = false,
          OPENAI_API_KEY = false, ORUN_BACKEND = false, XDG_CONFIG_HOME = false}
end

local function list(dir)
  local r = h.orun{"agents", "--json", cwd = dir, env = env_of(dir)}
  local found = json.decode(r.out)
  for _, agent in ipairs(found.agents) do found[agent.name] = agent end
  return found, r
end

local function run(dir, text)
  h.write(dir .. "/s.lua", text)
  return h.orun{"--progress=none", "s.lua", cwd = dir, env = env_of(dir)}
end

describe("names of agent files", function()
  local NAMES <const> = {"v1.2 reviewer", "prüfer", "检查", "team/review", "a,b", "rev:iew",
                         "🚀 rocket", ("l"):rep(100)}

  it("that claude accepts are listed, and asked for", function()
    local files = {}
    for i, name in ipairs(NAMES) do
      files[(".claude/agents/%d.md"):format(i)] = MD:format('"' .. name .. '"')
    end
    local dir = project(files)
    install(dir, "claude")
    local found, r = list(dir)
    assert.equal(0, r.code, r.err)
    assert.same({}, found.broken)
    for _, name in ipairs(NAMES) do assert.is_truthy(found[name], name) end
    r = run(dir, ("for _, name in ipairs(orun.json.decode %q) do\n"):format(json.encode(NAMES))
      .. "assert(Task{subagent_type = name, prompt = 'x'}.status == 'completed', name) end")
    assert.equal("", r.err)
    assert.equal(0, r.code)
  end)

  it("that nothing accepts are told", function()
    local dir = project{[".claude/agents/a.md"] = MD:format '"-x"',
      [".claude/agents/b.md"] = MD:format '"x\\ny"',
      [".claude/agents/c.md"] = MD:format '"\\u202E"',
      [".claude/agents/d.md"] = MD:format(("l"):rep(201))}
    local found = list(dir)
    assert.equal(4, #found.broken)
    for _, one in ipairs(found.broken) do
      assert.matches("cannot be that of an agent type: one line of text is expected", one.why, 1,
        true)
    end
  end)

  it("may be those of types defined in a script", function()
    local r = h.script([[
      orun.agent{name = "my agent, v1.2", command = {"cat"}, limit = 1}
      print(Task{subagent_type = "my agent, v1.2", prompt = "hi"}.output)
      print(select(2, pcall(Task, {subagent_type = "my agent", prompt = "hi"})))
      for _, name in ipairs{"", " x", "x ", "-x", "a\nb", "a\0b", ("x"):rep(201)} do
        local ok, why = pcall(orun.agent, {name = name, command = {"cat"}})
        print(ok, why:match("the name of an agent type is expected"))
      end]])
    local lines = h.lines(r.out)
    assert.equal("hi", lines[1], r.err)
    assert.matches('"my agent" is not defined; the known ones are: my agent, v1.2, ', lines[2],
      1, true)
    for i = 3, 9 do assert.equal("false\tthe name of an agent type is expected", lines[i]) end
    assert.equal(9, #lines)
  end)
end)

describe("files of opencode in folders", function()
  it("are listed under their path, and asked for by it", function()
    local dir = project{[".opencode/agent/team/review.md"] = "---\ndescription: R.\n---\nx",
      [".opencode/agents/deep/er/fix.md"] = "---\ndescription: F.\n---\nx",
      [".opencode/agent/top.md"] = "---\ndescription: T.\n---\nx"}
    install(dir, "opencode")
    local found = list(dir)
    for _, name in ipairs{"team/review", "deep/er/fix", "top"} do
      assert.is_truthy(found[name], name)
    end
    local r = run(dir, 'print(Task{subagent_type = "team/review", prompt = "x"}.output)')
    assert.matches("|--agent|team/review|", r.out, 1, true)
  end)
end)

describe("the error of a broken agent file", function()
  it("names the file once, and the type once", function()
    local dir = project{[".claude/agents/bad.md"] = "nothing",
                        [".orun/agents/o.lua"] = "return {preset = 'claude', foo = 7}"}
    local r = run(dir, 'Task{subagent_type = "bad", prompt = "x"}')
    assert.equal(1, select(2, r.err:gsub("bad%.md", "")), r.err)
    r = run(dir, 'print(select(2, pcall(Task, {subagent_type = "o", prompt = "x"})))')
    assert.matches('^Task: subagent_type "o" %(.orun/agents/o.lua:1%): unknown field "foo"', r.out)
  end)

  it("names the field of a Lua file that has a wrong type", function()
    for field, words in pairs{["tools = 7"] = "tools = 7: expected an array of strings",
        ["tools = {'Read', 7}"] = "tools[2] = 7: expected an array of strings",
        ["disallowed_tools = 'x'"] = 'disallowed_tools = "x": expected an array of strings',
        ["model = {}"] = "model = a table: expected a string",
        ["system = 1"] = "system = 1: expected a string"} do
      local dir = project{[".orun/agents/l.lua"] = "return {" .. field .. "}"}
      install(dir, "claude")
      local r = run(dir, 'print(select(2, pcall(Task, {subagent_type = "l", prompt = "x"})))')
      assert.equal(('Task: subagent_type "l" (.orun/agents/l.lua:1): %s\n'):format(words), r.out)
    end
  end)
end)
