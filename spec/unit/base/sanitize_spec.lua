--- sanitize.c: every class of character that may not reach a terminal, and every
--- way in which bytes are not UTF-8.

local secret = require "orun.test".secret
local shown = secret.shown
local test = require "orun.test"

-- Text whose bytes are these.
local function bytes(...) return string.char(...) end

describe("sanitize", function()
  it("leaves ordinary text as it is", function()
    for _, text in ipairs{"", "abc ~", "tab\there\n", "dos\r\n", "é ü ß", "日本語", "שלום", "🙂",
                          "\u{fffd}", "\u{10ffff}", "\u{a0}", "e\u{301}", "☂\u{fe0f}"} do
      for _, mode in ipairs{"text", "print"} do
        local out, safe = shown(text, mode)
        assert.equal(text, out)
        assert.is_true(safe)
      end
    end
  end)

  it("writes out every control character of ASCII", function()
    for c = 0, 127 do
      local text = "a" .. bytes(c) .. "b"
      local unsafe = c < 32 or c == 127
      local want = unsafe and ("a\\x%02xb"):format(c) or text
      assert.equal(want, (shown(text, "line")))
      if c == 9 or c == 10 then want, unsafe = text, false end
      local out, safe = shown(text)
      assert.equal(want, out)
      assert.equal(not unsafe, safe)
    end
  end)

  it("writes out C1 controls, as UTF-8 and as bytes", function()
    for c = 0x80, 0x9f do
      assert.equal(("<U+%04X>"):format(c), (shown(utf8.char(c))))
      assert.equal(("<U+%04X>"):format(c), (shown(utf8.char(c), "print")))
      assert.equal(("\\x%02x"):format(c), (shown(bytes(c))))
    end
  end)

  it("writes out what turns the direction of text and what parts lines", function()
    for _, c in ipairs{0x61c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066,
                       0x2067, 0x2068, 0x2069, 0x2028, 0x2029, 0x206a, 0x206f, 0xfff9, 0xfffb} do
      for _, mode in ipairs{"text", "line", "print"} do
        local out, safe = shown("<" .. utf8.char(c) .. ">", mode)
        assert.equal(("<<U+%04X>>"):format(c), out)
        assert.is_false(safe)
      end
    end
  end)

  it("writes out what cannot be seen, but for what print lets pass", function()
    for _, c in ipairs{0xad, 0x115f, 0x1160, 0x17b4, 0x180e, 0x200b, 0x200c, 0x200d, 0x2060, 0x2064,
                       0x3164, 0xfeff, 0xffa0, 0x1bca0, 0xe0000, 0xe0041, 0xe007f, 0xe0100,
                       0xe01ef} do
      assert.equal(("<U+%04X>"):format(c), (shown(utf8.char(c))))
      assert.equal(utf8.char(c), (shown(utf8.char(c), "print")))
    end
    for _, c in ipairs{0xac, 0xae, 0x2065, 0x200a, 0x2010, 0x202f, 0x2070, 0xfefe + 2, 0x1bc9f,
                       0x1bca4, 0xe0080, 0xe00ff, 0xe01f0} do
      assert.equal(utf8.char(c), (shown(utf8.char(c))))
    end
  end)

  it("writes out each byte of what is no UTF-8", function()
    local cases = {
      [bytes(0xff)] = "\\xff", [bytes(0xfe)] = "\\xfe",
      [bytes(0xc0, 0x80)] = "\\xc0\\x80",              -- overlong NUL
      [bytes(0xc0, 0x9b)] = "\\xc0\\x9b",              -- overlong ESC
      [bytes(0xc1, 0xbf)] = "\\xc1\\xbf",
      [bytes(0xe0, 0x80, 0x9b)] = "\\xe0\\x80\\x9b",   -- the same, longer
      [bytes(0xe0, 0x9f, 0xbf)] = "\\xe0\\x9f\\xbf",
      [bytes(0xf0, 0x80, 0x80, 0x9b)] = "\\xf0\\x80\\x80\\x9b",
      [bytes(0xf0, 0x8f, 0xbf, 0xbf)] = "\\xf0\\x8f\\xbf\\xbf",
      [bytes(0xed, 0xa0, 0x80)] = "\\xed\\xa0\\x80",   -- a surrogate
      [bytes(0xed, 0xbf, 0xbf)] = "\\xed\\xbf\\xbf",
      [bytes(0xf4, 0x90, 0x80, 0x80)] = "\\xf4\\x90\\x80\\x80", -- past Unicode
      [bytes(0xf8, 0x88, 0x80, 0x80, 0x80)] = "\\xf8\\x88\\x80\\x80\\x80",
      [bytes(0xc3)] = "\\xc3", [bytes(0xe2, 0x80)] = "\\xe2\\x80", -- cut off
      [bytes(0xf0, 0x9f, 0x99)] = "\\xf0\\x9f\\x99",
      [bytes(0xe2, 0x28, 0xa1)] = "\\xe2(\\xa1",
      [bytes(0xc3, 0xc3, 0xa9)] = "\\xc3é",
      [bytes(0xe2, 0x80, 0xe2, 0x80, 0xae)] = "\\xe2\\x80<U+202E>",
      [bytes(0xc2, 0x1b)] = "\\xc2\\x1b",
    }
    for text, want in pairs(cases) do
      assert.equal(want, (shown(text)))
      assert.is_false(select(2, shown(text, "print")))
    end
  end)

  it("leaves no escape sequence, whatever it is", function()
    for _, seq in ipairs{
      "\27[2J", "\27]0;title\7", "\27]52;c;Zm9v\27\\", "\27P+q\27\\", "\27c", "\27[?1049h",
      "\27[6n", "\27[1m", "\27(0", "\27#8", "\27_x\27\\", "\27]8;;http://x\27\\",
    } do
      assert.is_nil(shown("a" .. seq .. "b"):find("[\27\7]"))
      assert.is_nil(shown("a" .. seq .. "b", "line"):find("[\27\7]"))
    end
  end)

  it("lets print have colours, which end with the text", function()
    assert.equal("\27[1;31mred\27[0m", (shown("\27[1;31mred\27[0m", "print")))
    assert.equal("\27[38;5;12mred\27[m", (shown("\27[38;5;12mred\27[m", "print")))
    assert.equal("\27[31mred\27[0m", (shown("\27[31mred", "print")))
    for _, seq in ipairs{
      "\27[2J", "\27[1;31", "\27[31", "\27[", "\27", "\27[>4;2m", "\27[?1m", "\27[1 m", "\27]m",
      "\27[" .. ("1;"):rep(20) .. "m", "\27[1A",
    } do
      assert.equal((seq:gsub("\27", "\\x1b")), (shown(seq, "print")))
    end
  end)

  it("keeps the end of a line as it is, and no other carriage return", function()
    assert.equal("a\r\nb\\x0dc\\x0d", (shown("a\r\nb\rc\r")))
    assert.equal("a\\x0d\\x0ab\\x09", (shown("a\r\nb\t", "line")))
  end)

  it("cuts a line between characters", function()
    assert.equal("abc", secret.cut("abc", 3))
    assert.equal("ab...", secret.cut("abc", 2))
    assert.equal("a...", secret.cut("aé", 2))
    assert.equal("...", secret.cut("🙂🙂", 3))
    assert.equal("🙂...", secret.cut("🙂🙂", 7))
    assert.equal("\\x80\\x80...", secret.cut(("\x80"):rep(9), 5))
    assert.equal("a\\x0ab", secret.cut("a\nb", 3))
  end)

  it("shows nothing rather than part of it when memory is out", function()
    test.fail_at(1)
    assert.same({nil, "ENOMEM"}, {secret.put("some text")})
    test.fail_at(2)
    assert.same({nil, "ENOMEM"}, {secret.put("some text")})
    assert.equal("some text", secret.put("some text"))
  end)
end)
