--- What `orun init --for` tells agents is so: each code block of the skill and of the sections runs
--- as it is and prints what it says, and each command calls a workflow that there is.

local expect = require "spec.support.expect"
local h = require "spec.support.helper"
local page = require "spec.support.page"
local places = require "spec.support.specification"

local SKILL <const> = ".claude/skills/orchestrating-parallel-work/SKILL.md"
local COMMANDS <const> = {
  ["ideate.md"] = "ideate", ["spec/decompose.md"] = "spec:decompose",
  ["spec/execute.md"] = "spec:execute", ["debug/api.md"] = "debug:api",
  ["debug/browser.md"] = "debug:browser",
}

-- A project in which orun has been told of these agents; `orun` and stand-ins of agents in PATH.
local function project(agents)
  local dir = h.tmpdir()
  h.sh("mkdir bin project && ln -s " .. h.quote(h.bin) .. " bin/orun", {cwd = dir})
  local here = dir .. "/project"
  local env = {HOME = dir, FAKE = "json", ORUN_BACKEND = false, XDG_STATE_HOME = dir .. "/state",
    PATH = ("%s/bin:%s/spec/support/agents:%s"):format(dir, h.root, os.getenv "PATH")}
  local function sh(command) return h.sh(command, {cwd = here, env = env}) end
  local r = sh("orun init --for " .. agents)
  assert.equal(0, r.code, r.err)
  return here, sh
end

local function front_of(text)
  local head, body = text:match("^%-%-%-\n(.-)\n%-%-%-\n(.*)$")
  return assert(orun.yaml(head)), body
end

-- The lines `-->` at the end of a block.
local function promised(block)
  local lines = {}
  for i = #block.lines, 1, -1 do
    local line = block.lines[i]:match("^%-%-> ?(.*)$")
    if not line then break end
    table.insert(lines, 1, line)
  end
  return lines
end

-- What was printed, without the cure that follows a finding.
local function printed(text)
  local lines = {}
  for _, line in ipairs(h.lines(text)) do
    if not line:find("^    ") then lines[#lines + 1] = line end
  end
  return lines
end

local function run_lua(block, dir, sh)
  local name = assert(block.lines[1]:match("^%-%- ([%w-]+%.lua)$"), block.lines[1])
  h.write(dir .. "/" .. name, block.text)
  local lines = promised(block)
  if not lines[1] then return name end -- a command below it runs it
  local wrong = name:find("^wrong") ~= nil
  local r = sh("orun -q --strict " .. name .. " 2>&1")
  assert.equal(wrong and 1 or 0, r.code, name .. "\n" .. r.out)
  assert.is_nil(expect.difference(printed(r.out), lines), name)
end

local function run_commands(block, sh, unseen)
  for _, step in ipairs(page.commands(block)) do
    local r = sh(step.command)
    assert.equal(0, r.code, step.command .. "\n" .. r.out .. r.err)
    if step.shown[1] then assert.is_nil(expect.difference(h.lines(r.out), step.shown)) end
    for name in pairs(unseen) do
      if step.command:find(name, 1, true) then unseen[name] = nil end
    end
  end
end

local function run_page(path, dir, sh)
  local kinds, unseen = {lua = 0, console = 0}, {}
  for _, block in ipairs(page.blocks(dir .. "/" .. path)) do
    kinds[block.kind] = assert(kinds[block.kind], "a block of kind " .. block.kind) + 1
    if block.kind == "lua" then
      unseen[run_lua(block, dir, sh) or ""] = true
    else
      run_commands(block, sh, unseen)
    end
  end
  unseen[""] = nil
  assert.is_nil(next(unseen), "a block that nothing runs")
  return kinds
end

describe("the skill", function()
  local dir, sh = project "claude,codex,gemini"
  local front, body = front_of(h.read(dir .. "/" .. SKILL))

  it("has a head that agents can read", function()
    assert.equal(SKILL:match("([^/]+)/SKILL.md$"), front.name)
    assert.is_true(#front.description < 1024)
    assert.matches("Use when ", front.description, 1, true)
    assert.is_nil(next(front, next(front, next(front))))
    assert.is_true(#h.lines(body) < 500)
  end)

  it("has code blocks that run and print what they say", function()
    local kinds = run_page(SKILL, dir, sh)
    assert.is_true(kinds.lua > 15 and kinds.console > 2)
  end)

  it("has for each mistake what orun says of it, and how it is right", function()
    for name in body:gmatch("%-%- wrong(%-%w+%.lua)\n") do
      assert.matches("-- right" .. name, body, 1, true)
    end
    local _, wrong = body:gsub("%-%- wrong", "")
    assert.equal(5, wrong)
  end)

  it("says in sections and their manual the same, in code that runs", function()
    for _, path in ipairs{"AGENTS.md", "GEMINI.md", ".orun/parallel-work.md"} do
      local kinds = run_page(path, project "codex,gemini")
      assert.is_true(kinds.lua > 0, path)
      for _, block in ipairs(page.blocks(dir .. "/" .. path)) do
        assert.matches(block.text, body, 1, true)
      end
    end
  end)

  it("names workflows, patterns and commands that there are", function()
    for name in body:gmatch("`orun%.([%w_]+)`") do assert.not_nil(orun[name], name) end
    for word in body:gmatch("\n| `orun ([%l:]+)") do
      assert.equal(0, sh("orun " .. word .. " --help").code, word)
    end
  end)
end)

describe("claude's commands", function()
  local dir, sh = project "claude"

  for path, workflow in pairs(COMMANDS) do
    it("call " .. workflow .. ", with options that it has, and no other program", function()
      local front, body = front_of(h.read(dir .. "/.claude/commands/" .. path))
      assert.matches("(orun " .. workflow .. ")", front.description, 1, true)
      assert.is_true(#front["argument-hint"] > 0)
      assert.matches("^Bash%(orun " .. workflow .. ":%*%), Read", front["allowed-tools"])
      local calls = 0
      for line in body:gmatch("\n    ([^\n]+)") do
        assert.matches("^orun " .. workflow .. " [^$]*\"%$ARGUMENTS\"$", line)
        calls = calls + 1
      end
      assert.is_true(calls > 0)
      local help = sh("orun " .. workflow .. " --help").out
      for option in body:gmatch("%-%-%l[%l-]+") do
        if option ~= "--help" then assert.matches(option, help, 1, true) end
      end
      for other in body:gmatch("`?/(%l+:%l+) specs") do
        assert.equal(0, sh("orun " .. other .. " --help").code, other)
      end
    end)
  end

  -- As claude types them, with these arguments.
  local function typed(path, words, run)
    local _, body = front_of(h.read(dir .. "/.claude/commands/" .. path))
    for line in body:gmatch("\n    orun ([^\n]+)") do
      local command = line:gsub('"%$ARGUMENTS"', h.quote(words))
      local r = run(command)
      assert.equal(0, r.code, command .. "\n" .. r.out .. r.err)
    end
  end

  it("work as they are typed", function()
    local place = places.new()
    local function run(command)
      local args = {}
      for word in command:gmatch("%S+") do args[#args + 1] = (word:gsub("'", "")) end
      return place:orun(table.unpack(args))
    end
    typed("spec/decompose.md", "specs/demo", run)
    typed("spec/execute.md", "specs/demo", run)
    typed("ideate.md", "a dark mode; $HOME", function(command)
      return sh("orun " .. command)
    end)
    assert.is_true(h.exists(dir .. "/specs/a-dark-mode-home/01-ideation.md"))
  end)
end)
