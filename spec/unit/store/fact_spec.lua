--- fact.c: the fields of a fact's body, and bytes that are none.

local store = require "orun.test".store

local NAME <const>, PID <const>, AT <const> = 3, 8, 9

describe("a body of fields", function()
  it("gives back what was put in, in order, a tag as often as it came", function()
    local body = store.body{ { NAME, "plan.lua" }, { PID, -5 }, { AT, 0.5 }, { NAME, "" },
      { 250, "\0x" } }
    local fields, err = store.fields(body)
    assert.is_nil(err)
    assert.same({ { NAME, "plan.lua", name = "name" }, { PID, -5, name = "pid" },
      { AT, 0.5, name = "at" }, { NAME, "", name = "name" }, { 250, "\0x" } }, fields)
  end)

  it("is the same bytes on every machine", function()
    assert.equal("\3\2\0\0\0ab\8\8\0\0\0\1\2\0\0\0\0\0\0",
      store.body{ { NAME, "ab" }, { PID, 0x201 } })
  end)

  it("finds the first of a tag", function()
    local body = store.body{ { NAME, "a" }, { PID, 7 }, { NAME, "b" } }
    assert.equal("a", store.find(body, NAME))
    assert.equal(7, store.find(body, PID))
    assert.is_nil(store.find(body, AT))
  end)

  it("is empty without a field", function()
    assert.same({}, (store.fields("")))
    assert.is_nil(store.find("", NAME))
  end)

  it("gives a number of another length as the bytes it is", function()
    local body = store.body{ { PID, "123" }, { AT, "123456789" } }
    assert.same({ { PID, "123", name = "pid" }, { AT, "123456789", name = "at" } },
      (store.fields(body)))
  end)

  it("is refused where it is cut, and gives what stood before that", function()
    local body = store.body{ { NAME, "plan.lua" }, { PID, 5 } }
    local first = #store.body{ { NAME, "plan.lua" } }
    for cut = 0, #body - 1 do
      local fields, err = store.fields(body:sub(1, cut))
      local cut_inside = cut ~= 0 and cut ~= first
      assert.equal(cut_inside and "EPROTO" or nil, err, "cut at " .. cut)
      assert.equal(cut < first and 0 or 1, #fields)
    end
  end)

  it("is refused when a length leads beyond its end", function()
    for _, length in ipairs{ "\4\0\0\0", "\0\1\0\0", "\255\255\255\255", "\0\0\0\128" } do
      local fields, err = store.fields("\3" .. length .. "abc")
      assert.same({}, fields)
      assert.equal("EPROTO", err)
      local _, code = store.find("\3" .. length .. "abc", NAME)
      assert.equal("EPROTO", code)
    end
  end)

  it("does not crash a reader with any bit of it flipped", function()
    local body = store.body{ { NAME, "plan.lua" }, { PID, 5 }, { AT, 1.5 } }
    for bit = 0, #body * 8 - 1 do
      local at, byte = bit // 8 + 1, body:byte(bit // 8 + 1) ~ (1 << bit % 8)
      local fields = store.fields(body:sub(1, at - 1) .. string.char(byte) .. body:sub(at + 1))
      assert.is_true(#fields <= 3 + 1)
    end
  end)
end)
