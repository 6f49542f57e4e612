--- pages.c: small blocks that do not overlap, and pages that serve again.

local memory = require("orun.test").memory
local fail_at = require("orun.test").fail_at

describe("pages", function()
  it("give aligned blocks of any size that keep their bytes", function()
    local pages <close> = memory.pages()
    local wrong = 0
    for n = 1, 512 do
      local got, aligned = pages:get(n, n)
      if not (got and aligned) then wrong = wrong + 1 end
    end
    for n = 1, 512 do
      if not pages:put(n) then wrong = wrong + 1 end
    end
    assert.equal(0, wrong)
  end)

  it("keep blocks apart whatever comes and goes", function()
    local pages <close> = memory.pages()
    local random, live, count, wrong = 1, {}, 0, 0
    local function next_random(n)
      random = (random * 1103515245 + 12345) % 2147483648
      return random // 65536 % n
    end
    for _ = 1, 50000 do
      local i = next_random(3000)
      if live[i] then
        if not pages:put(i) then wrong = wrong + 1 end
        live[i], count = nil, count - 1
      else
        if not pages:get(i, 1 + next_random(512)) then wrong = wrong + 1 end
        live[i], count = true, count + 1
      end
    end
    assert.is_true(count > 1000)
    for i in pairs(live) do
      if not pages:put(i) then wrong = wrong + 1 end
    end
    assert.equal(0, wrong)
  end)

  it("use a page that has become empty for another size", function()
    local pages <close> = memory.pages()
    local function all(n, fn)
      local wrong = 0
      for i = 1, n do
        if not fn(i) then wrong = wrong + 1 end
      end
      return wrong
    end
    local function put(i) return pages:put(i) end
    assert.equal(0, all(2000, function(i) return pages:get(i, 512) end))
    assert.equal(0, all(2000, put))
    -- From now on no allocation succeeds: the empty pages must do.
    for size = 8, 512, 8 do
      fail_at(1)
      local wrong = all(1500, function(i) return pages:get(i, size) end)
      fail_at(0)
      assert.equal(0, wrong)
      assert.equal(0, all(1500, put))
    end
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
