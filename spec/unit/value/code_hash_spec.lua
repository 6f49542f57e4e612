-- Hashes of compiled Lua (runtime/value/code_hash), through
-- require("orun.test").hash.

local hash = require("orun.test").hash
local h = require "spec.support.helper"

local function dump(text, strip) return string.dump(assert(load(text, "=text")), strip) end

local function code(text) return assert(hash.code(dump(text))) end

-- The dump of the function that the text returns.
local function inner(text) return string.dump(assert(load(text, "=text"))()) end

local BASE <const> = [[
local limit = 10
local function add(a, b) return a + b end
for i = 1, limit do print(add(i, "2"), i // 3, {i, x = 1.5, [true] = nil}) end
]]

describe("the hash of code", function()
  it("is the same for the same text, with and without debug information", function()
    assert.equal(code(BASE), code(BASE))
    assert.equal(code(BASE), hash.code(dump(BASE, true)))
    assert.matches("^%x+$", code(BASE))
    assert.equal(64, #code(BASE))
  end)

  it("does not see comments, lines, names of locals or of the file", function()
    assert.equal(code(BASE), code("-- a comment\n\n--[[ two\nlines ]]\n" .. BASE))
    assert.equal(code(BASE), code((BASE:gsub("\n", "\n\n\n"))))
    assert.equal(code(BASE), code((BASE:gsub("%f[%w]a%f[%W]", "first"))))
    assert.equal(code(BASE), code((BASE:gsub("limit", "most"))))
    assert.equal(code(BASE), hash.code(string.dump(assert(load(BASE, "@/another/file.lua")))))
    assert.equal(code(BASE), hash.code(string.dump(assert(load(BASE, "x = " .. ("y"):rep(5000))))))
  end)

  it("does not see in which registers its maker has what it captures", function()
    local text = "local a, b = 1, 2\nreturn function(x) return x + a * b end"
    local above = "local new, other = {}, 2\n" .. text
    assert.equal(hash.code(inner(text)), hash.code(inner(above)))
  end)

  it("sees every change of what the code does", function()
    local changes = {
      {"10", "11"}, {"a %+ b", "a - b"}, {"a %+ b", "b + a"}, {'"2"', '"3"'}, {'"2"', "2"},
      {"1%.5", "1.25"}, {"1%.5", "1"}, {"print", "error"}, {"i // 3", "i / 3"}, {"x = 1", "y = 1"},
      {"true", "false"}, {"= 1, limit", "= 2, limit"}, {"%(a, b%) return", "(a, b, ...) return"},
      {"%(a, b%) return", "(a, b, c) return"}, {"nil", "0"}, {"return a", "return -a"},
      {"print%(add", "print(add, add"},
    }
    local seen = {[code(BASE)] = "the text"}
    for _, change in ipairs(changes) do
      local text, n = BASE:gsub(change[1], change[2], 1)
      assert.equal(1, n, change[1])
      assert.is_nil(seen[code(text)], change[1] .. " to " .. change[2])
      seen[code(text)] = change[1] .. " to " .. change[2]
    end
  end)

  it("sees changes in functions inside of functions, and which variable one takes", function()
    local deep = "return function() local a, b = 1, 2; return function() return %s end end"
    local texts = {"a", "b", "a + b", "function() return a end", "function() return b end"}
    local seen = {}
    for _, text in ipairs(texts) do
      local one = code(deep:format(text))
      assert.is_nil(seen[one], text)
      seen[one] = true
    end
  end)

  it("tells long strings, numbers of both kinds and integers of 64 bits apart", function()
    local seen = {}
    for _, x in ipairs{("'%s'"):format(("x"):rep(100)), ("'%s'"):format(("x"):rep(101)), "1 << 40",
                       "1 << 41", "2.0^70", "2.0^71", "0x7fffffffffffffff", "''", "'\\0'", "nil",
                       "-0.0", "1e308 * 10", "100000", "100000.5"} do
      local one = code("return " .. x)
      assert.is_nil(seen[one], x)
      seen[one] = true
    end
  end)

  it("gives the names of what is captured", function()
    local d = inner("local one, two = 1, 2; return function() return two, print, one end")
    assert.equal("two", hash.upvalue(d, 1))
    assert.equal("_ENV", hash.upvalue(d, 2))
    assert.equal("one", hash.upvalue(d, 3))
    assert.is_nil(hash.upvalue(d, 4))
    assert.is_nil(hash.upvalue(dump("return print", true), 1))
    assert.is_nil(hash.upvalue("", 1))
  end)

  it("is refused for what is no dump, cut off or longer", function()
    local d = dump(BASE)
    for n = 0, #d - 1 do
      local got, why = hash.code(d:sub(1, n))
      assert.is_nil(got, n)
      assert.equal("EPROTO", why)
    end
    assert.is_nil((hash.code(d .. "\0")))
    assert.is_nil((hash.code("return 1")))
    for i = 1, 31 do -- the head, byte by byte
      local bad = d:sub(1, i - 1) .. string.char(d:byte(i) ~ 1) .. d:sub(i + 1)
      assert.is_nil((hash.code(bad)), i)
    end
  end)

  it("withstands any byte of a dump being another", function()
    local d = dump(BASE)
    for i = 1, #d, math.max(1, h.slow // 2) do
      for _, c in ipairs{0, 0x7F, 0x80, 0xFF} do
        local got, why = hash.code(d:sub(1, i - 1) .. string.char(c) .. d:sub(i + 1))
        assert.is_true(got ~= nil or why == "EPROTO")
      end
    end
  end)

  it("refuses functions nested deeper than Lua compiles them", function()
    local function nested(n)
      -- A function without code, constants, upvalues or debug information, with one inside.
      local head = string.dump(load "return 1", true):sub(1, 31)
      local open = "\x80\x80\x80\0\0\2\x80\x80\x80\x81"
      return head .. "\0" .. open:rep(n) .. "\x80\x80\x80\0\0\2\x80\x80\x80\x80"
        .. "\x80\x80\x80\x80" .. ("\x80\x80\x80\x80"):rep(n)
    end
    assert.is_string(hash.code(nested(200)))
    local got, why = hash.code(nested(100000))
    assert.is_nil(got)
    assert.equal("EPROTO", why)
  end)
end)
