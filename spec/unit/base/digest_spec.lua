--- digest.c: SHA-256 as NIST defines it, in whatever pieces the bytes come.

local digest = require "orun.test".digest

-- FIPS 180-4's examples, and vectors of NIST's SHAVS (byte-oriented).
local VECTORS <const> = {
  { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
  { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
  { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
  { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
    .. "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
  { "\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1" },
  { "\x11\xaf", "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98" },
  { "\xbd", "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b" },
  { "\xc9\x8c\x8e\x55", "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504" },
  { ("\0"):rep(55), "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7" },
  { ("\0"):rep(56), "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb" },
  { ("\0"):rep(57), "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785" },
  { ("\0"):rep(64), "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b" },
  { ("\0"):rep(1000), "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53" },
  { ("A"):rep(1000), "c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4" },
  { ("\x55"):rep(1005), "f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0" },
  { ("\0"):rep(1000000), "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025" },
  { ("a"):rep(1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
}

describe("digest", function()
  it("hashes as NIST's examples say", function()
    for i, vector in ipairs(VECTORS) do
      assert.equal(vector[2], digest(vector[1]), "vector " .. i)
    end
  end)

  it("does not depend on where the pieces are cut", function()
    local text = VECTORS[4][1]:rep(3)
    local whole = digest(text)
    for cut = 0, #text do
      assert.equal(whole, digest(text:sub(1, cut), text:sub(cut + 1)), "cut at " .. cut)
    end
    local bytes = {}
    for c in text:gmatch(".") do bytes[#bytes + 1] = c end
    assert.equal(whole, digest(table.unpack(bytes)))
  end)

  it("tells texts apart that differ in one bit", function()
    local seen = {}
    for bit = 0, 8 * 65 - 1 do
      local bytes = {}
      for i = 1, 65 do bytes[i] = i - 1 == bit // 8 and string.char(1 << bit % 8) or "\0" end
      local hash = digest(table.concat(bytes))
      assert.is_nil(seen[hash])
      seen[hash] = true
    end
  end)
end)
