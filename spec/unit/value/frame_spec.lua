-- Frames: the messages between orun and an isolated task (runtime/value/frame.c).

local frame = require "orun.test".frame

local HEAD <const> = 16

-- A frame whose head is not what frame.make would write; the sum is right.
local function forged(fields)
  local body = fields.body or ""
  local head = ("<I4I2I2I4"):pack(fields.magic or 0x4e55524f, fields.form or 1,
    fields.kind or frame.CALL, fields.size or #body)
  return head .. ("<I4"):pack(fields.sum or frame.sum(head .. body)) .. body
end

local sample = frame.make(frame.CALL, "TaskGet", 7, { "\0\1\2" }, "")

describe("the checksum", function()
  it("is CRC-32C", function()
    assert.equal(0xE3069283, frame.sum("123456789"))
    assert.equal(0x8A9136AA, frame.sum(("\0"):rep(32)))
    assert.equal(0x62A8AB43, frame.sum(("\xFF"):rep(32)))
    assert.equal(0, frame.sum(""))
  end)

  it("does not depend on where the bytes are cut", function()
    local text = ("orun and its frames"):rep(50)
    for _, step in ipairs { 1, 3, 7, 8, 9, 64, 1000 } do
      assert.equal(frame.sum(text), frame.sum(text, step))
    end
  end)
end)

describe("frames", function()
  it("come back as they were sent, however they arrive", function()
    for _, step in ipairs { 1, 2, 15, 16, 17, 1000 } do
      local kind, rest = frame.parse(sample, step)
      assert.equal("CALL", kind)
      assert.equal(0, rest)
    end
    assert.same({ "TaskGet\0", ("<I8"):pack(7), "\0\1\2", "\0", true },
      { frame.fields(sample) })
    assert.same({ "HELLO", 0 }, { frame.parse(frame.make(frame.HELLO)) })
  end)

  it("leave what follows them", function()
    assert.same({ "CALL", #sample }, { frame.parse(sample .. sample) })
    assert.same({ "CALL", 1 }, { frame.parse(sample .. "x", #sample + 1) })
  end)

  it("D15 wait for more when they are cut off anywhere", function()
    for n = 1, #sample - 1 do
      assert.equal("more", (frame.parse(sample:sub(1, n))))
      assert.equal("more", (frame.parse(sample:sub(1, n), 1)))
    end
  end)

  it("D15 are refused for another magic, form or kind", function()
    assert.same({ "CALL", 0 }, { frame.parse(forged {}) })
    assert.same({ "refused", "this is not a frame" },
      { frame.parse(forged { magic = 0x4e55524e }) })
    assert.same({ "refused", "this is not a frame" },
      { frame.parse("HTTP/1.1 400 Bad Request\r\n") })
    assert.same({ "refused", "a frame of another form" }, { frame.parse(forged { form = 2 }) })
    for _, kind in ipairs { 0, 7, 255, 65535 } do
      assert.same({ "refused", "a frame of an unknown kind" },
        { frame.parse(forged { kind = kind }) })
    end
  end)

  it("D15 are refused for a length beyond all bounds before their body came", function()
    for _, size in ipairs { 0xFFFFFFFF, 0x80000000, frame.MAX + 1 } do
      assert.same({ "refused", "a frame that is too long" },
        { frame.parse(forged { size = size }) })
    end
    assert.equal("more", (frame.parse(forged { size = frame.MAX })))
  end)

  it("D15 are refused for a wrong checksum", function()
    assert.same({ "refused", "a frame with a wrong checksum" },
      { frame.parse(forged { body = "x", sum = 1 }) })
  end)

  it("D15 are refused for any bit that is not as it was", function()
    for at = 1, #sample do
      for bit = 0, 7 do
        local byte = string.char(sample:byte(at) ~ 1 << bit)
        local told = frame.parse(sample:sub(1, at - 1) .. byte .. sample:sub(at + 1), at % 5 + 1)
        -- A longer size waits for bytes that never come; all else is refused.
        local size = at > 8 and at <= 12
        assert.is_true(told == "refused" or (size and told == "more"), at .. ":" .. bit)
      end
    end
  end)

  it("D15 give no field that reaches beyond them", function()
    local long = forged { body = ("<I4"):pack(5) .. "four" }
    assert.same({ false }, { frame.fields(long) })
    assert.same({ false }, { frame.fields(forged { body = "abc" }) })
    assert.same({ "", false }, { frame.fields(forged { body = ("<I4I4"):pack(0, 0xFFFFFFFF) }) })
    assert.equal(HEAD, #forged {})
  end)
end)
