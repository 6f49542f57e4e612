--- pages.c: small blocks that do not overlap, and pages that serve again.

local memory = require("orun.test").memory
local fail_at = require("orun.test").fail_at

describe("pages", function()
  it("give aligned blocks of any size that keep their bytes", function()
    local pages <close> = memory.pages()
    for n = 1, 512 do
      local got, aligned = pages:get(n, n)
      assert.is_true(got and aligned, n)
    end
    for n = 1, 512 do assert.is_true(pages:put(n), n) end
  end)

  it("keep blocks apart whatever comes and goes", function()
    local pages <close> = memory.pages()
    local random, live, count = 1, {}, 0
    local function next_random(n)
      random = (random * 1103515245 + 12345) % 2147483648
      return random // 65536 % n
    end
    for _ = 1, 50000 do
      local i = next_random(3000)
      if live[i] then
        assert.is_true(pages:put(i))
        live[i], count = nil, count - 1
      else
        assert.is_true(pages:get(i, 1 + next_random(512)))
        live[i], count = true, count + 1
      end
    end
    assert.is_true(count > 1000)
    for i in pairs(live) do assert.is_true(pages:put(i)) end
  end)

  it("use a page that has become empty for another size", function()
    local pages <close> = memory.pages()
    -- 16 KiB pages: a few hundred of each size fill far more than one run.
    for size = 8, 512, 8 do
      for i = 1, 500 do assert.is_true(pages:get(i, size)) end
      -- From now on no allocation succeeds: what is empty must do.
      if size == 8 then
        for i = 501, 60000 do assert.is_true(pages:get(i, 512)) end
        for i = 501, 60000 do assert.is_true(pages:put(i)) end
      end
      for i = 1, 500 do assert.is_true(pages:put(i)) end
      fail_at(1)
    end
    fail_at(0)
  end)

  it("say so when memory is out, and go on afterwards", function()
    local pages <close> = memory.pages()
    fail_at(1)
    assert.is_false((pages:get(1, 100)))
    fail_at(0)
    assert.is_true((pages:get(1, 100)))
    assert.is_true(pages:put(1))
  end)
end)
