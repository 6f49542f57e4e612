--- orun.specs.lock: one at a time, and what dead ones left counts for nothing.

local h = require "spec.support.helper"
local lock = require "orun.specs.lock"
local process = require "orun.util.process"

local function names(dir) return h.sh("ls -A", {cwd = dir}).out end

describe("The lock of a specification", function()
  it("is held until it is closed, and says by whom", function()
    local dir = h.tmpdir()
    do
      local held <close> = assert(lock.take(dir, "the first"))
      local other, why = lock.take(dir, "the second")
      assert.is_nil(other)
      assert.matches(dir .. " is in use by process ", why, 1, true)
      assert.matches(" is in use by process %d+: the first, since 2%d+%-", why)
      assert.is_truthy(held)
    end
    assert.equal("", names(dir))
    local _ <close> = assert(lock.take(dir, "the third"))
  end)

  it("removes what ended processes left, and what nobody else made", function()
    local dir = h.tmpdir()
    local pid, began = process.of "self"
    h.write(("%s/.in-use-%s-%d-%s-0"):format(dir, pid, began - 1, process.host()), "")
    h.write(dir .. "/.in-use-notes", "")
    do
      local _ <close> = assert(lock.take(dir, "one"))
    end
    assert.equal(".in-use-notes\n", names(dir))
  end)

  it("believes another machine, and says what to remove if that is over", function()
    local dir = h.tmpdir()
    local path = dir .. "/.in-use-1-2-far-away-0"
    h.write(path, "orun spec:execute, since then\n")
    local held, why = lock.take(dir, "one")
    assert.is_nil(held)
    assert.equal(("%s is in use by process 1 of far-away (remove %s if that is over): "
      .. "orun spec:execute, since then"):format(dir, path), why)
  end)

  it("cannot be had in a folder that is not there", function()
    local held, why = lock.take("/no/such", "one")
    assert.is_nil(held)
    assert.matches("^cannot write to /no/such: No such file or directory$", why)
  end)
end)
