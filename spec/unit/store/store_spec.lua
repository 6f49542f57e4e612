--- store.h: what every kind of store promises; the same tests for each.

local h = require "spec.support.helper"
local store = require "orun.test".store

local RUN <const>, OUTCOME <const>, ITEM <const>, DREW <const>, END <const> = 1, 2, 3, 4, 5
local INLINE <const> = 64 * 1024

local function key(text) return text .. ("\0"):rep(16 - #text) end

-- What append has been told, in order, as text: "1 2 3!ESTATE".
local function told(s)
  local all = {}
  for i, each in ipairs(s:kept()) do all[i] = each[1] .. (each[2] and "!" .. each[2] or "") end
  return table.concat(all, " ")
end

local function bodies(facts)
  local all = {}
  for i, fact in ipairs(facts) do
    assert.equal(i, fact.seq)
    all[i] = fact.body or ("(%d)"):format(fact.size)
  end
  return table.concat(all, " ")
end

local function put(s, ...)
  for _, body in ipairs{...} do s:append(OUTCOME, "k", body) end
  return s:flush()
end

local KINDS <const> = {
  memory = function() return ":memory:" end,
  ["a file"] = function() return h.tmpdir() .. "/runs.store" end,
}

for name, place in pairs(KINDS) do
  describe("a store in " .. name, function()
    local s, path

    before_each(function()
      path = place()
      s = assert(store.open(path))
    end)
    after_each(function() s = nil collectgarbage() end)

    it("gives back each fact as it was, in order", function()
      local run = assert(s:begin())
      s:append(RUN, "", "a run")
      s:append(OUTCOME, "one", "\0binary\xff")
      s:append(ITEM, "two", "")
      s:append(DREW, "three", "x")
      s:append(END, "", "well")
      assert.is_true(s:flush())
      assert.equal("1 2 3 4 5", told(s))
      assert.same({
        { seq = 1, kind = "run", key = key "", body = "a run", size = 5 },
        { seq = 2, kind = "outcome", key = key "one", body = "\0binary\xff", size = 8 },
        { seq = 3, kind = "item", key = key "two", body = "", size = 0 },
        { seq = 4, kind = "drew", key = key "three", body = "x", size = 1 },
        { seq = 5, kind = "end", key = key "", body = "well", size = 4 },
      }, (s:load(run)))
    end)

    it("keeps facts in the order in which they were appended, over many commits", function()
      local run = assert(s:begin())
      local want = {}
      for i = 1, 300 do
        s:append(OUTCOME, "k", tostring(i))
        want[i] = tostring(i)
        if i % 7 == 0 then s:flush() end
      end
      assert.is_true(s:flush())
      assert.equal(table.concat(want, " "), bodies(s:load(run)))
      assert.equal(table.concat(want, " "), told(s))
    end)

    it("stops a load when it is told to", function()
      local run = assert(s:begin())
      put(s, "a", "b", "c")
      local facts, stopped = s:load(run, 2)
      assert.equal("a b", bodies(facts))
      assert.is_true(stopped)
    end)

    it("keeps runs apart and lists them, the oldest first", function()
      local one = assert(s:begin())
      s:append(RUN, "", "first")
      put(s, "a", "bb")
      local two = assert(s:begin())
      s:append(RUN, "", "second")
      s:append(END, "", "done")
      s:flush()
      local three = assert(s:begin())
      assert.is_true(one ~= two and two ~= three and one:match("^%w+$") ~= nil and #one < 32)
      local runs = s:runs()
      assert.equal(3, #runs)
      for i, run in ipairs(runs) do
        assert.equal(({ one, two, three })[i], run.id)
        assert.is_true(run.begun > 1.6e9)
        run.begun = nil
      end
      assert.same({ id = one, epoch = 1, facts = 3, bytes = 8, run = "first" }, runs[1])
      assert.same({ id = two, epoch = 1, facts = 2, bytes = 10, run = "second", last = "done" },
        runs[2])
      assert.same({ id = three, epoch = 1, facts = 0, bytes = 0 }, runs[3])
      assert.equal("first a bb", bodies(s:load(one)))
      assert.equal("second done", bodies(s:load(two)))
    end)

    it("lists the last beginning of a run, and no end from before it", function()
      local run = assert(s:begin())
      s:append(RUN, "", "first")
      s:append(END, "", "stopped")
      s:flush()
      local same, epoch = s:begin(run)
      assert.equal(run, same)
      assert.equal(2, epoch)
      s:append(RUN, "", "again")
      s:flush()
      local listed = s:runs()[1]
      assert.equal("again", listed.run)
      assert.is_nil(listed.last)
      assert.equal(2, listed.epoch)
      assert.equal("first stopped again", bodies(s:load(run)))
    end)

    it("refuses facts before a run is begun, and is dead then", function()
      s:append(OUTCOME, "k", "too early")
      local ok, code = s:flush()
      assert.is_nil(ok)
      assert.equal("ESTATE", code)
      local fault, why = s:fault()
      assert.equal("ESTATE", fault)
      assert.equal("a fact was appended before a run was begun", why)
      s:append(OUTCOME, "k", "later")
      s:flush()
      assert.equal("1!ESTATE 2!ESTATE", told(s))
      local none, begun = s:begin()
      assert.is_nil(none)
      assert.equal("ESTATE", begun)
    end)

    it("says which run there is not", function()
      assert(s:begin())
      for _, call in ipairs{ "begin", "load", "forget" } do
        for _, id in ipairs{ "nosuch", "", ("x"):rep(31), ("x"):rep(5000), "'; --", "%s%n" } do
          local none, code, why = s[call](s, id)
          assert.is_nil(none)
          assert.equal("ENOENT", code)
          assert.matches('there is no run "' .. id:sub(1, 20), why, 1, true)
        end
      end
      assert.is_nil(s:fault())
    end)

    it("writes nothing more for an epoch that is over", function()
      local run = assert(s:begin())
      put(s, "mine")
      local other = assert(s:again())
      local _, epoch = assert(other:begin(run))
      assert.equal(2, epoch)
      s:append(OUTCOME, "k", "late")
      local ok, code = s:flush()
      assert.is_nil(ok)
      assert.equal("ESTATE", code)
      assert.matches("run " .. run .. " was taken over by another process",
        select(2, s:fault()), 1, true)
      put(other, "yours")
      assert.equal("mine yours", bodies(other:load(run)))
      s:append(OUTCOME, "k", "later")
      s:flush()
      assert.equal("1 2!ESTATE 3!ESTATE", told(s))
      assert.equal("mine yours", bodies(other:load(run)))
      other:close()
    end)

    it("goes on with a run where another handle was killed", function()
      local run = assert(s:begin())
      put(s, "a", "b")
      local other = assert(s:again())
      assert.equal("a b", bodies(other:load(run)))
      assert(other:begin(run))
      put(other, "c")
      assert.equal("a b c", bodies(other:load(run)))
      other:close()
    end)

    it("begins no run while facts are on their way, or what was queued is kept first", function()
      local run = assert(s:begin())
      for i = 1, 200 do s:append(OUTCOME, "k", tostring(i)) end
      local id, code = s:begin()
      if not id then assert.equal("ESTATE", code) end
      s:flush()
      assert.equal(200, #s:load(run))
    end)

    it("keeps bodies of any size, the large ones to be read when they are wanted", function()
      local run = assert(s:begin())
      local sizes = { 0, 1, INLINE - 1, INLINE, INLINE + 1, 1 << 20, (1 << 20) + 1, 3 * (1 << 20) }
      local function body(n) return ("0123456789abcdef!"):rep(n // 17 + 1):sub(1, n) end
      for _, n in ipairs(sizes) do s:append(OUTCOME, "k", body(n)) end
      assert.is_true(s:flush())
      local facts = s:load(run)
      for i, n in ipairs(sizes) do
        assert.equal(n, facts[i].size)
        assert.equal(n <= INLINE and body(n) or nil, facts[i].body)
        assert.is_true(s:body(run, i) == body(n), "size " .. n)
      end
      assert.equal("ENOENT", select(2, s:body(run, #sizes + 1)))
    end)

    it("forgets a run, and nothing of the others", function()
      local large = ("large "):rep(INLINE)
      local one = assert(s:begin())
      put(s, "a", large)
      local two = assert(s:begin())
      put(s, "b", large)
      assert.is_true(s:forget(one))
      assert.equal("ENOENT", select(2, s:load(one)))
      assert.equal(1, #s:runs())
      assert.equal("b (393216)", bodies(s:load(two)))
      assert.is_true(s:body(two, 2) == large)
      assert.equal("ENOENT", select(2, s:forget(one)))
    end)

    it("does not forget the run that it writes", function()
      local run = assert(s:begin())
      local none, code, why = s:forget(run)
      assert.is_nil(none)
      assert.equal("ESTATE", code)
      assert.equal("run " .. run .. " is being written and cannot be removed", why)
    end)

    it("fails a handle whose run another has removed", function()
      local run = assert(s:begin())
      put(s, "a")
      local other = assert(s:again())
      assert.is_true(other:forget(run))
      s:append(OUTCOME, "k", "b")
      assert.equal("ESTATE", select(2, s:flush()))
      assert.equal(0, #other:runs())
      other:close()
    end)

    it("keeps what is queued before it closes", function()
      local run = assert(s:begin())
      local other = assert(s:again())
      for i = 1, 500 do s:append(OUTCOME, "k", tostring(i)) end
      assert.is_true(s:close())
      assert.equal(500, #s:kept())
      assert.equal(500, #other:load(run))
      other:close()
    end)

    it("takes facts from many threads at once, each thread's in its order", function()
      local run = assert(s:begin())
      local threads, each = 8, 400 // h.slow + 10 | 0
      s:race(threads, each)
      assert.is_true(s:flush())
      local kept, facts = s:kept(), s:load(run)
      assert.equal(threads * each, #kept)
      assert.equal(threads * each, #facts)
      local last = {}
      for i, fact in ipairs(facts) do
        local n = string.unpack("<i8", fact.key)
        assert.equal(n, kept[i][1]) -- told in the order in which they stand
        assert.is_nil(kept[i][2])
        assert.equal(string.char(n & 255):rep(100), fact.body)
        local thread = (n - 1) // each
        assert.equal((last[thread] or thread * each) + 1, n)
        last[thread] = n
      end
    end)
  end)
end
