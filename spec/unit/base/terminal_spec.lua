--- terminal.c: how large a terminal is, and what has room on it.

local h = require "spec.support.helper"
local terminal = require "orun.terminal"

describe("terminal.fit", function()
  it("leaves what has room, and tells the columns it takes", function()
    assert.same({"plain", 5}, {terminal.fit("plain", 5)})
    assert.same({"", 0}, {terminal.fit("", 5)})
    assert.same({"é…", 2}, {terminal.fit("é…", 80)})
  end)

  it("cuts what has none, with a dot of three", function()
    assert.same({"pla…", 4}, {terminal.fit("plain", 4)})
    assert.same({"…", 1}, {terminal.fit("plain", 1)})
    assert.same({"", 0}, {terminal.fit("plain", 0)})
    assert.same({"", 0}, {terminal.fit("plain", -3)})
  end)

  it("counts two columns for what is wide, none for what is put upon it", function()
    assert.same({"日本", 4}, {terminal.fit("日本", 4)})
    assert.same({"日…", 3}, {terminal.fit("日本", 3)})
    assert.same({"…", 1}, {terminal.fit("日本", 2)})
    assert.same({"e\u{301}", 1}, {terminal.fit("e\u{301}", 1)})
    assert.same({"e\u{301}…", 2}, {terminal.fit("e\u{301}ab", 2)})
  end)

  it("writes out what could drive a terminal, before it cuts", function()
    assert.same({"\\x1b[2J\\x0ab", 12}, {terminal.fit("\27[2J\nb", 80)})
    assert.same({"\\x1…", 4}, {terminal.fit("\27[2J", 4)})
    assert.same({"\\xff<U+202E>", 12}, {terminal.fit("\xff\u{202e}", 12)})
  end)

  it("refuses what is no text, and a stream that is none", function()
    assert.error_matches(function() terminal.fit(nil, 4) end, "string expected")
    assert.error_matches(function() terminal.is(3) end, "expected 0, 1 or 2")
  end)
end)

describe("terminal.size", function()
  it("is as the terminal has it, in each moment", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[
      local terminal = require "orun.terminal"
      print(terminal.is(0), terminal.is(1), terminal.is(2))
      print(terminal.size(0))
      os.execute("stty cols 33 rows 7")
      print(terminal.size(0))]])
    local r = h.sh("script -qec 'stty cols 80 rows 24; " .. h.test_bin .. " s.lua 2>err' /dev/null",
      {cwd = dir, env = {SHELL = "/bin/sh"}})
    local out = r.out:gsub("\r", "")
    assert.equal("true\ttrue\tfalse\n80\t24\n33\t7\n", out, h.read(dir .. "/err"))
  end)

  it("is unknown where there is no terminal", function()
    local r = h.orun{"-e", [[
      local terminal = require "orun.terminal"
      print(terminal.is(1), (terminal.size(1)))]], bin = h.test_bin}
    assert.equal("false\tnil\n", r.out, r.err)
  end)
end)
