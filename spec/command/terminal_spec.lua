--- What others wrote cannot drive the terminal: what agents print, what tasks
--- are called, what files are called. Run under `script`, which gives orun a
--- terminal of its own, and without one.

local h = require "spec.support.helper"
local unsafe = require "spec.support.safe"

-- Each of these does something to a terminal, or to who reads it.
local HOSTILE <const> = {
  "\27[2J\27[1;1H", "\27]0;owned\7", "\27]52;c;cm0gLXJm\7", "\27[?1049h", "\27c", "\r",
  "\b\b\b", "\7", "\127", "\u{9b}2J", "\x9b2J", "\xc0\x9b", "\u{202e}", "\u{2066}", "\u{200e}",
  "\u{61c}", "\u{2028}", "\xff\xfe", "\0", "\u{200b}", "\u{200d}", "\u{feff}", "\u{e0041}",
}
local function hostile(with_nul)
  local text = table.concat(HOSTILE, "|")
  return with_nul and text or (text:gsub("%z", "NUL"))
end

local function assert_safe(text, unseen_too)
  local why = unsafe(text, unseen_too)
  assert.is_nil(why, text:gsub("%c", "?"))
end

-- Run a script on a terminal; what the terminal is sent, and the exit code.
local function on_terminal(text, opts)
  opts = opts or {}
  local dir = h.tmpdir()
  h.write(dir .. "/script.lua", text)
  h.write(dir .. "/hostile", hostile(true))
  local command = ("%s %s %s"):format(os.getenv("ORUN_WRAP") or "", h.quote(h.bin),
    opts.words or "script.lua")
  local r = h.sh(("script -qec %s /dev/null"):format(h.quote(command)),
    {cwd = dir, env = {SHELL = "/bin/sh", ORUN_LOG = opts.log}})
  return (r.out:gsub("\r\n", "\n")), r.code
end

-- The same into a pipe: stdout, stderr, exit code.
local function piped(text, opts)
  opts = opts or {}
  local dir = h.tmpdir()
  h.write(dir .. "/hostile", hostile(true))
  local r = h.script(text, {cwd = dir, env = {ORUN_LOG = opts.log}})
  return r.out, r.err, r.code
end

local READ <const> = [[
  local orun = require "orun"
  local hostile = io.open("hostile", "rb"):read("a")
]]

describe("print", function()
  it("puts nothing on a terminal that could drive it", function()
    local out, code = on_terminal(READ .. "print(hostile) print('end')")
    assert.equal(0, code)
    assert_safe(out)
    assert.matches("\\x1b[2J\\x1b[1;1H|\\x1b]0;owned\\x07|", out, 1, true)
    assert.matches("|<U+009B>2J|\\x9b2J|\\xc0\\x9b|<U+202E>|", out, 1, true)
    assert.matches("|\\xff\\xfe|\\x00|", out, 1, true)
    assert.matches("\nend\n$", out)
  end)

  it("lets colours pass, which end with the call, and characters that join", function()
    local text = "print('\\27[1;32mgreen\\27[0m \\u{1f468}\\u{200d}\\u{1f4bb} é') "
      .. "print('\\27[31mred')"
    assert.equal("\27[1;32mgreen\27[0m \u{1f468}\u{200d}\u{1f4bb} é\n\27[31mred\n\27[0m",
      (on_terminal(text)))
  end)

  it("is exact into a pipe, and so is io.write anywhere", function()
    local out = piped(READ .. "print(hostile)")
    assert.equal(hostile(true) .. "\n", out)
    assert.equal("\27[2Jx\27[K", (on_terminal("io.write('\\27[2Jx\\27[K')")))
  end)
end)

describe("what orun says of others", function()
  -- Scripts that make orun show what is in the file `hostile`.
  local WAYS <const> = {
    {"stderr of a failed program", [[
      orun.agent{name = "bad", command = {"sh", "-c", "cat hostile >&2; echo ! >&2; exit 1"}}
      Task{subagent_type = "bad", prompt = "x", run_in_background = true}]]},
    {"an error of the script", "error(hostile)"},
    {"an error that is a table", [[
      error(setmetatable({}, {__tostring = function() return hostile end}))]]},
    {"an error of a task", "Task{run = function() error(hostile) end, run_in_background = true}"},
    {"C14 a description", [[
      Task{description = hostile:gsub("%z", "NUL"), run_in_background = true,
        run = function() error("oh") end}]]},
    {"a blocked task", [[
      local a = Task{description = hostile:gsub("%z", "NUL"), run = function() error(hostile) end,
        run_in_background = true}
      local b = Task{run = print, blockedBy = {a}, run_in_background = true}
      error(TaskOutput(b).error)]]},
    {"an argument", "Task{prompt = {}, description = 5, [hostile] = 1}"},
    {"a value", "Task{run = print, priority = hostile}"},
    {"the name of a chunk", [[assert(load("error('x')", "=" .. hostile:gsub("%z", "0")))()]]},
    {"an item's end", [[
      local item = TaskCreate{description = "item"}
      local b = Task{run = print, blockedBy = {item}, run_in_background = true}
      TaskUpdate{task_id = item, status = "failed", error = hostile}
      error(TaskOutput(b).error)]]},
    {"orun.log", "orun.log(hostile) os.exit(1)"},
    {"a warning", "warn('@on') warn(hostile) os.exit(1)"},
    {"a program that is not there", [[
      orun.agent{name = "none", command = {"./" .. hostile:gsub("%z", "0")}}
      Task{subagent_type = "none", prompt = "x", run_in_background = true}]]},
  }

  for _, way in ipairs(WAYS) do
    local name, text = way[1], way[2]
    it("is safe on a terminal and in a pipe: " .. name, function()
      local seen, code = on_terminal(READ .. text)
      assert.equal(1, code)
      assert_safe(seen, true)
      assert.matches("\\x1b[2J", seen, 1, true)
      local out, err = piped(READ .. text)
      assert.equal("", out)
      assert_safe(err, true)
      assert.matches("\\x1b[2J", err, 1, true)
    end)
  end

  it("is safe where a description has lines of its own", function()
    local _, err = piped(READ .. [[
      Task{description = hostile:gsub("%z", "NUL") .. "\nforged: line", run_in_background = true,
        run = function() error("oh") end}]])
    assert_safe(err, true)
    assert.is_nil(err:find("\nforged", 1, true))
  end)

  it("is safe in debug lines, which stay lines", function()
    local text = READ .. [[
      Task{run = function(text) warn("@x" .. text .. "\nforged") end,
        input = hostile:gsub("%z", "0")}]]
    local _, err = piped(text, {log = "all"})
    assert_safe(err, true)
    assert.matches("warning: @x\\x1b[2J", err, 1, true)
    assert.is_nil(err:find("\nforged", 1, true))
    assert_safe((on_terminal(text, {log = "all"})), true)
  end)

  it("is safe where the command line is shown", function()
    local seen, code = on_terminal("", {words = "\"--$(cat hostile)\" 2>&1"})
    assert.equal(2, code)
    assert_safe(seen)
    assert.matches("unknown option '--\\x1b[2J", seen, 1, true)
    seen = on_terminal("", {words = "-j \"$(cat hostile)\""})
    assert_safe(seen)
    assert.matches("'\\x1b[2J", seen, 1, true)
  end)

  it("H4 and H6 is safe where a script's name or source is shown", function()
    local seen, code = on_terminal("", {words = "\"./$(cat hostile)\""})
    assert.equal(2, code)
    assert_safe(seen)
    assert.matches("cannot open ./\\x1b[2J", seen, 1, true)
    local dir = h.tmpdir()
    local name = "\27[2J\u{202e}\nx.lua"
    h.write(dir .. "/" .. name, "Task{run = function() error('in a task') end, "
      .. "run_in_background = true}")
    local r = h.orun{name, cwd = dir}
    assert.equal(1, r.code)
    assert_safe(r.err)
    assert.matches("^orun: \\x1b%[2J<U%+202E>\\x0ax.lua:1: t1 failed", r.err)
    h.write(dir .. "/s.lua", "local \27[2J = 1")
    r = h.orun{"s.lua", cwd = dir}
    assert.equal(2, r.code)
    assert_safe(r.err)
  end)
end)

describe("what programs print", function()
  it("stays exact in results, outputs and errors alike", function()
    local out = piped(READ .. [[
      orun.agent{name = "cat", command = {"cat"}}
      local r = Task{subagent_type = "cat", prompt = hostile}
      assert(r.output == hostile)
      orun.agent{name = "bad", command = {"sh", "-c", "cat hostile >&2; exit 1"}}
      r = Task{subagent_type = "bad", prompt = "x"}
      assert(r.error:find(hostile:match("^[^\0]+"), 1, true))
      local e = orun.exec{command = {"sh", "-c", "cat hostile; cat hostile >&2"}}
      assert(e.output == hostile and e.stderr == hostile)
      r = Task{run = function() return hostile end}
      assert(r.output == hostile)
      print "exact"]])
    assert.equal("exact\n", out)
  end)

  it("can be made safe by a script", function()
    local out = piped(READ .. [[
      io.write(orun.clean(hostile), "\n", orun.clean("plain\ttext\n"))
      print(select(2, pcall(orun.clean, 5)))]])
    assert_safe(out, true)
    assert.matches("^\\x1b%[2J\\x1b%[1;1H|", out)
    assert.matches("\nplain\ttext\nclean: text = 5: expected a string\n$", out)
  end)
end)
