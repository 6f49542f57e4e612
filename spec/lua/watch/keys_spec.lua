--- orun.keys: bytes of a terminal as keys.

local keys = require "orun.watch.keys"

describe("keys", function()
  it("names characters by themselves, of any size", function()
    assert.same({"a", "é", "日", "/", " "}, keys("aé日/ "))
  end)

  it("knows the keys of every kind of terminal", function()
    assert.same({"up", "down", "right", "left"}, keys("\27[A\27OB\27[1;5C\27[D"))
    assert.same({"home", "home", "home", "end", "end", "end"},
      keys("\27[H\27[1~\27OH\27[F\27[4~\27[8~"))
    assert.same({"page_up", "page_down", "delete", "insert", "back_tab"},
      keys("\27[5~\27[6~\27[3~\27[2~\27[Z"))
    assert.same({"enter", "enter", "tab", "backspace", "backspace", "escape"},
      keys("\r\n\t\127\b\27"))
    assert.same({"ctrl_c", "ctrl_z", "ctrl_l"}, keys("\3\26\12"))
  end)

  it("has one key for one sequence, known or not", function()
    assert.same({"other", "x"}, keys("\27[38;5;1~x"))
    assert.same({"other", "q"}, keys("\27[?1;2cq"))
    assert.same({"escape", "x"}, keys("\27x"))
    assert.same({"escape", "["}, keys("\27["))
    assert.same({"escape", "escape", "j"}, keys("\27\27j"))
  end)

  it("takes any bytes", function()
    assert.same({"other", "other", "other", "a"}, keys("\0\xff\xc3a"))
    for byte = 0, 255 do assert.equal(1, #keys(string.char(byte))) end
    assert.same({}, keys(""))
  end)
end)
