--- Every script in examples/ runs, and prints what its last lines say.
---
---   --> text          this very line
---   --> ~ pattern     a line that matches the whole Lua pattern
---
--- Those in examples/anti_patterns/ come in pairs. They run as their heads say, with --strict, and
--- their lines are what is printed, then what orun says: something of the wrong ones, whose exit
--- code is 1, and nothing of the right ones. There `...` stands for any text, as on a page.
---
--- A line `-- $ orun examples/NAME.lua ARGUMENTS` in its head gives the script
--- its arguments. A C or C++ program is built by the command in its own head, as
--- a reader would, with the library under test; its `-->` lines are in its last
--- comment.

local expect = require "spec.support.expect"
local h = require "spec.support.helper"

local PAIRS <const> = "examples/anti_patterns/"

local function copy()
  local dir = h.tmpdir()
  h.sh(([[cp -r %s/examples . && ln -s %s orun && ln -s %s/runtime runtime
    mkdir build && ln -s %s build/liborun.a]]):format(h.root, h.bin, h.root,
    h.lib), { cwd = dir })
  return dir
end

-- The `-->` lines at the end of a script.
local function expected_of(text)
  local all, lines = {}, h.lines(text)
  for i = #lines, 1, -1 do
    local line = lines[i]:match("^%s*%-%->%s?(.*)$")
    if not line then break end
    table.insert(all, 1, line)
  end
  return all
end

local function arguments_of(text, path)
  return text:match("%-%- +%$ %.?/?orun " .. path:gsub("%p", "%%%0")
    .. "( [^\n]*)") or ""
end

local function check(actual, expected)
  for i = 1, math.max(#actual, #expected) do
    local pattern = (expected[i] or ""):match("^~ (.*)$")
    if pattern then
      assert.is_truthy((actual[i] or ""):match("^" .. pattern .. "$"),
        ("line %d is %q, not like %q"):format(i, actual[i] or "", pattern))
    else
      assert.equal(expected[i], actual[i])
    end
  end
end

describe("anti-patterns", function()
  local scripts = h.find(PAIRS, "-name '*.lua'")

  it("are there in pairs", function()
    local seen = {}
    for _, path in ipairs(scripts) do
      local stem, kind = path:match("^" .. PAIRS .. "(.+)_(%a+)%.lua$")
      seen[stem] = (seen[stem] or 0) + assert(({wrong = 1, right = 2})[kind], path)
    end
    assert.is_true(next(seen) ~= nil)
    for stem, sum in pairs(seen) do assert.equal(3, sum, stem .. " is no pair") end
  end)

  for _, path in ipairs(scripts) do
    it("find what they say, and no more: " .. path, function()
      local text, wrong = h.read(path), path:find("_wrong.lua", 1, true) ~= nil
      if h.slow > 1 and path:find("too_small", 1, true) then return end -- this one asks the clock
      local words = assert(text:match("%-%- %$ orun (%-q [^\n]*%-%-strict "
        .. path:gsub("%p", "%%%0") .. ")\n"), path .. " does not say how it is run")
      local r = h.sh("./orun --no-history " .. words, { cwd = copy(), limit = 300 })
      assert.is_nil(expect.difference(h.lines(r.out .. r.err), expected_of(text)))
      assert.equal(wrong and 1 or 0, r.code)
      assert.equal(wrong, r.err:find(path, 1, true) ~= nil, r.err)
    end)
  end
end)

describe("examples", function()
  local scripts = h.find("examples", "-name '*.lua' -not -name '*_spec.lua' -not -path '*/.*'"
    .. " -not -path '" .. PAIRS .. "*'")

  it("are there", function()
    assert.is_true(#scripts >= 1)
  end)

  for _, path in ipairs(scripts) do
    local text = h.read(path)
    local expected = expected_of(text)
    -- Only a file without `return` at its end is a script: others are modules.
    local is_module = text:match("\nreturn [%w_]+%s*$")
    if not is_module then
      it("run and print what they say: " .. path, function()
        assert.is_true(#expected > 0, path .. " ends without --> lines")
        local r = h.sh("./orun " .. path .. arguments_of(text, path),
          { cwd = copy(), limit = 300 })
        assert.equal(0, r.code, r.out .. r.err)
        check(h.lines(r.out), expected)
      end)
    end
  end
end)

-- The command in a C file's head: from ` * $ cc` (or c++) on, and on after each `\`.
local function build_command(text)
  local command, rest = text:match("\n *%*? *%$ (c[c+]+ [^\n]*)(.*)")
  while command and command:match("\\$") do
    local more
    more, rest = rest:match("^\n *%*? *([^\n]*)(.*)")
    command = command:sub(1, -2) .. more
  end
  return command
end

describe("examples of tests", function()
  it("pass, with orun test", function()
    local r = h.orun{"test", "-o", "TAP", "examples/testing", cwd = copy()}
    assert.equal(0, r.code, r.out .. r.err)
    assert.matches("ok 1 - ", r.out, 1, true)
  end)
end)

describe("C examples", function()
  for _, path in ipairs(h.find("examples", "-name '*.c' -o -name '*.cpp'")) do
    it("build as they say, and run: " .. path, function()
      local text, dir = h.read(path), copy()
      local command = build_command(text)
      assert.is_truthy(command, path .. " does not say how to build it")
      -- Of other people's libraries: where it is installed.
      local package = path:match("glib%.c$") and "glib-2.0"
      if package and h.sh("pkg-config --exists " .. package).code ~= 0 then
        pending(package .. " is not installed")
        return
      end
      local built = h.sh(command .. " " .. (os.getenv("ORUN_SAN") or ""),
        { cwd = dir })
      assert.equal(0, built.code, command .. "\n" .. built.err)
      local r = h.sh("./" .. (command:match("%-o +(%S+)") or "a.out"),
        { cwd = dir })
      assert.equal(0, r.code, r.out .. r.err)
      local expected = {}
      for line in text:gmatch("\n[ /]%*?/?%s*%-%-> ?([^\n]*)") do
        expected[#expected + 1] = line
      end
      assert.is_true(#expected > 0, path .. " has no --> lines")
      check(h.lines(r.out), expected)
    end)
  end
end)
