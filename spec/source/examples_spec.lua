--- Every script in examples/ runs, and prints what its last lines say.
---
---   --> text          this very line
---   --> ~ pattern     a line that matches the whole Lua pattern
---
--- A line `-- $ orun examples/NAME.lua ARGUMENTS` in its head gives the script
--- its arguments. A C program is built by the `cc` command in its own head, as
--- a reader would, with the library under test; its `-->` lines are in its last
--- comment.

local h = require "spec.support.helper"

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

describe("examples", function()
  local scripts = h.find("examples", "-name '*.lua' -not -path '*/.*'")

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

-- The command in a C file's head: from ` * $ cc` on, and on after each `\`.
local function build_command(text)
  local command, rest = text:match("\n *%*? *%$ (cc [^\n]*)(.*)")
  while command and command:match("\\$") do
    local more
    more, rest = rest:match("^\n *%*? *([^\n]*)(.*)")
    command = command:sub(1, -2) .. more
  end
  return command
end

describe("C examples", function()
  for _, path in ipairs(h.find("examples", "-name '*.c'")) do
    it("build as they say, and run: " .. path, function()
      local text, dir = h.read(path), copy()
      local command = build_command(text)
      assert.is_truthy(command, path .. " does not say how to build it")
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
