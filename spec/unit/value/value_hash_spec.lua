-- Hashes of values (runtime/value/value_hash), through
-- require("orun.test").hash.

local codec = require("orun.test").value
local hash = require("orun.test").hash
local h = require "spec.support.helper"
local cjson = require "cjson"

local function of(v, options) return assert(hash.value(v, options)) end

local function shuffled(list)
  local all = table.move(list, 1, #list, 1, {})
  for i = #all, 2, -1 do
    local j = math.random(i)
    all[i], all[j] = all[j], all[i]
  end
  return all
end

-- The same, filled in another order, with keys that came and went, and with each
-- table that stands in several places copied in some of them.
local function again(v)
  if type(v) ~= "table" then return v end
  local keys, t = {}, {}
  for k in pairs(v) do keys[#keys + 1] = k end
  for i = 1, math.random(0, 3) do t["gone" .. i] = i end
  for _, k in ipairs(shuffled(keys)) do t[k] = again(v[k]) end
  for i = 1, 3 do t["gone" .. i] = nil end
  return t
end

local function random_value(depth)
  local kind = math.random(depth > 3 and 5 or 8)
  if kind == 1 then return math.random(-5, 5) end
  if kind == 2 then return math.random(-5, 5) / 2 end
  if kind == 3 then return ("x"):rep(math.random(0, 3)) end
  if kind == 4 then return math.random(2) == 1 end
  if kind == 5 then return ("long"):rep(math.random(60, 70)) end
  local t = {}
  for i = 1, math.random(0, 5) do t[i] = random_value(depth + 1) end
  for _ = 1, math.random(0, 4) do
    local k = math.random(2) == 1 and math.random(-3, 9) or "k" .. math.random(5)
    t[k] = random_value(depth + 1)
  end
  if math.random(3) == 1 then t.again = t[1] end
  return t
end

-- What tells two values apart, as text.
local function text(v)
  if type(v) ~= "table" then return (math.type(v) == "float" and "%a" or "%q"):format(v) end
  local parts = {}
  for k, x in pairs(v) do parts[#parts + 1] = ("[%s]=%s"):format(text(k), text(x)) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

describe("the hash of a value", function()
  it("is 64 digits, and the same each time", function()
    assert.matches("^[0-9a-f]+$", of "text")
    assert.equal(64, #of "text")
    assert.equal(of{1, {2}}, of{1, {2}})
  end)

  it("is the same in every process", function()
    -- Written down: another one would run everything again that is in a store.
    assert.equal("a06b994bcb1f3231319500cf707ec751c6c87c0dc1af054de388e8ef64322b5c",
      of{1, 2.5, "x", {a = true}})
    local r = h.sh(([[%s -e 'print((require("orun.test").hash.value{a = 1, b = {2.5, "x"}}))']])
      :format(os.getenv "ORUN_TEST_BIN"))
    assert.equal(of{a = 1, b = {2.5, "x"}} .. "\n", r.out, r.err)
  end)

  it("tells apart what Lua tells apart", function()
    local null = cjson.null
    local all = {true, false, null, 0, 1, -1, 1.0, 0.0, -0.0, 0 / 0, 1 / 0, -1 / 0,
      math.maxinteger, math.mininteger, 1 << 50, 2.0^53, "", "1", "\0", "\0\0", ("x"):rep(255),
      ("x"):rep(256), ("x"):rep(257), ("x"):rep(1024), ("x"):rep(1025), ("x"):rep(70000), {},
      {1}, {1, 2}, {2, 1}, {{1}, 2}, {{1, 2}}, {1.0}, {"1"}, {[2] = 1}, {[0] = 1}, {[1.5] = 1},
      {[-1] = 1}, {x = 1}, {y = 1}, {x = 2}, {x = {1}}, {["1"] = 1}, {[true] = 1}, {[false] = 1},
      {{}, {}}, {{{}}}, {1, x = 1}, {1, nil, 3}, {["x\0"] = 1}, {[("k"):rep(300)] = 1}, print,
      string.format, string, _G,
      setmetatable({}, {__name = "orun.json.array"}), hash.handle(1), hash.handle(2)}
    local seen = {[of(nil)] = "nil"}
    for i, v in ipairs(all) do
      assert.is_nil(seen[of(v)], ("%d: %s like %s"):format(i, v, seen[of(v)]))
      seen[of(v)] = tostring(v)
    end
  end)

  it("does not see how a table came to be", function()
    local array, backwards, holes = {}, {}, {}
    for i = 1, 100 do array[i] = i end
    for i = 100, 1, -1 do backwards[i] = i end
    for i = 1, 100, 2 do holes[i] = i end
    for i = 2, 100, 2 do holes[i] = i end
    assert.equal(of(array), of(backwards))
    assert.equal(of(array), of(holes))
    assert.equal(of{1, 2, 3}, of{[3] = 3, [2] = 2, [1] = 1})
    assert.equal(of{1, 2, 3}, of{[3] = 3, [2.0] = 2, [1] = 1})
    assert.equal(of{1, 2, x = 1, y = 2}, of{y = 2, [2] = 2, x = 1, [1] = 1})
    local emptied = {}
    for i = 1, 50 do emptied["k" .. i] = i end
    for i = 1, 50 do emptied["k" .. i] = nil end
    assert.equal(of{}, of(emptied))
    assert.equal(of{1, 2}, of(setmetatable({1, 2}, {__pairs = error})))
  end)

  it("is the same for random values that were filled in another order", function()
    for _ = 1, 500 // h.slow do
      local v = {random_value(1), random_value(1)}
      assert.equal(of(v), of(again(v)))
      assert.equal(of(v), of(codec.transfer(v)))
    end
  end)

  it("differs for random values that differ", function()
    local seen, different = {}, 0
    while different < 1000 // h.slow do
      local v = {random_value(1)}
      local says, one = text(v), of(v)
      assert.equal(seen[one] or says, says)
      different = different + (seen[one] and 0 or 1)
      seen[one] = says
    end
  end)

  it("takes a table that stands in two places for two that are equal", function()
    local t, s = {1, {2}}, ("s"):rep(5000)
    assert.equal(of{{1, {2}}, {1, {2}}}, of{t, t})
    assert.equal(of{{1, {2}}, x = {a = {1, {2}}}}, of{t, x = {a = t}})
    assert.equal(of{s, s, [s] = s}, of{s, ("s"):rep(5000), [("s"):rep(5000)] = ("s"):rep(5000)})
    local doubled = {} -- 2^60 ways
    for _ = 1, 60 do doubled = {doubled, doubled} end
    assert.is_string(of(doubled))
  end)

  it("knows a table that contains itself, however it was come to", function()
    local function ring(n, at)
      local all = {}
      for i = 1, n do all[i] = {name = i} end
      for i = 1, n do all[i].next, all[i].last = all[i % n + 1], all[(i - 2) % n + 1] end
      return all[at or 1]
    end
    assert.equal(of(ring(5)), of(ring(5)))
    assert.are_not.equal(of(ring(5)), of(ring(6)))
    assert.are_not.equal(of(ring(5)), of(ring(5, 2)))
    local self, other = {}, {}
    self.me, other.me = self, {}
    other.me.me = other
    assert.equal(of(self), of(other)) -- nothing that follows fields could tell
    local tree = {name = "root"}
    for i = 1, 200 do tree[i] = {parent = tree, name = "leaf"} end
    local one = of(tree)
    tree[77].name = "other"
    assert.are_not.equal(one, of(tree))
    tree[77].name = "leaf"
    assert.equal(one, of(tree))
    assert.equal(of{tree, tree}, of{tree, codec.transfer(tree)})
  end)

  it("does not depend on where a cycle is met first", function()
    for _ = 1, 200 // h.slow do
      local nodes = {}
      for i = 1, 8 do nodes[i] = {kind = i % 3} end
      local edges = {}
      for _ = 1, 14 do
        edges[#edges + 1] = {math.random(8), "e" .. math.random(4), math.random(8)}
      end
      local filled = {}
      for round = 1, 2 do
        local copies = {}
        for i = 1, 8 do copies[i] = {kind = nodes[i].kind} end
        local last = {}
        for _, e in ipairs(edges) do last[e[1] .. e[2]] = e end
        local list = {}
        for _, e in pairs(last) do list[#list + 1] = e end
        for _, e in ipairs(shuffled(list)) do copies[e[1]][e[2]] = copies[e[3]] end
        filled[round] = {copies[1], copies[2], all = copies}
      end
      assert.equal(of(filled[1]), of(filled[2]))
    end
  end)

  it("tells cycles apart that differ only far from where they begin", function()
    local function word(w)
      local first = {}
      local at = first
      for i = 1, #w do
        at.letter = w:sub(i, i)
        at.next = i < #w and {} or first
        at = at.next
      end
      return first
    end
    local seen = {}
    for _, w in ipairs{"aab", "aabab", "aabaac", "aaaaaaab", "aaaaaaaab", "aabb", "ab"} do
      assert.is_nil(seen[of(word(w))], w)
      seen[of(word(w))] = w
    end
    assert.equal(of(word "aab"), of(word "aabaab"))
  end)

  it("gives up on a tangle that would take too long", function()
    local all = {}
    all[1] = {next = all, here = true}
    for i = 2, 6000 do all[i] = {next = all[i - 1]} end
    assert.equal("ETOOBIG", select(2, hash.value(all)))
  end)

  describe("of functions", function()
    local function made(source, ...) return assert(load(source, "=code"))(...) end

    it("sees the code and what is captured, not the names of either", function()
      local source = "local limit, list = ...\nreturn function(x) return x < limit, list[1] end"
      local one = of(made(source, 10, {1}))
      assert.equal(one, of(made(source, 10, {1})))
      assert.equal(one, of(made("-- above\n" .. source:gsub("limit", "most"), 10, {1})))
      assert.are_not.equal(one, of(made(source, 11, {1})))
      assert.are_not.equal(one, of(made(source, 10, {2})))
      assert.are_not.equal(one, of(made(source:gsub("<", ">"), 10, {1})))
    end)

    it("sees a helper that is captured being edited", function()
      local source = "local function helper(x) return x %s 1 end\n"
        .. "local function other(x) return helper(x) end\nreturn function() return other(1) end"
      assert.equal(of(made(source:format "+")), of(made("\n" .. source:format "+")))
      assert.are_not.equal(of(made(source:format "+")), of(made(source:format "-")))
    end)

    it("knows functions that capture themselves and each other", function()
      local recursive = "local function f(n) return n == 0 and %s or f(n - 1) end\nreturn f"
      assert.equal(of(made(recursive:format "1")), of(made(recursive:format "1")))
      assert.are_not.equal(of(made(recursive:format "1")), of(made(recursive:format "2")))
      local mutual = "local even, odd\nfunction even(n) return n == 0 or odd(n - 1) end\n"
        .. "function odd(n) return n ~= %d and even(n - 1) end\nreturn even, odd"
      local even, odd = made(mutual:format(0))
      local even_2, odd_2 = made(mutual:format(0))
      assert.equal(of{even, odd}, of{even_2, odd})
      assert.equal(of(odd), of(odd_2))
      assert.are_not.equal(of(odd), of(even))
      assert.are_not.equal(of(even), of((made(mutual:format(1)))))
    end)

    it("knows a module of functions that all capture it", function()
      local source = "local M, other = {}, ...\n"
      for i = 1, 40 do
        local one = "function M.f%d(x) return M.f%d(x), other end\n"
        source = source .. one:format(i, i % 40 + 1)
      end
      source = source .. "return M"
      assert.equal(of(made(source, 1)), of(made(source, 1)))
      assert.are_not.equal(of(made(source, 1)), of(made(source, 2)))
      assert.equal(of(made(source, 1).f7), of(made(source, 1).f7))
      assert.are_not.equal(of(made(source, 1).f7), of(made(source, 1).f8))
    end)

    it("takes a variable that two share for two that hold the same", function()
      local shared = "local n = ...\nreturn {function() return n end, function() n = n + 1 end}"
      local apart = "local n = ...\nlocal m = n\n"
        .. "return {function() return n end, function() m = m + 1 end}"
      assert.equal(of(made(shared, 1)), of(made(apart, 1)))
      assert.are_not.equal(of(made(shared, 1)), of(made(shared, 2)))
    end)

    it("follows a variable whose value is still being read", function()
      local source = "local x\nlocal function f() return x end\n"
        .. "x = {function() return x, %d end}\nreturn f"
      assert.equal(of(made(source:format(1))), of(made(source:format(1))))
      assert.are_not.equal(of(made(source:format(1))), of(made(source:format(2))))
    end)

    it("does not see the globals", function()
      _G.spec_global = 1
      local one = of(made "return function() return spec_global end")
      _G.spec_global = 2
      assert.equal(one, of(made "return function() return spec_global end"))
      _G.spec_global = nil
    end)

    it("asks what counts of a module", function()
      package.loaded.spec_hash_module = {f = 1}
      codec.note "spec_hash_module"
      local f = made("local m = ...\nreturn function() return m.f end",
        package.loaded.spec_hash_module)
      local one = of(f, {modules = {spec_hash_module = "return 1"}})
      assert.equal(one, of(f, {modules = {spec_hash_module = "return 1"}}))
      assert.are_not.equal(one, of(f, {modules = {spec_hash_module = "return 2"}}))
      assert.are_not.equal(one, of(f))
      package.loaded.spec_hash_module.f = 2 -- it travels by name
      assert.equal(one, of(f, {modules = {spec_hash_module = "return 1"}}))
      assert.equal("ENOENT", select(2, hash.value(f, {modules = {}})))
      package.loaded.spec_hash_module = nil
    end)

    it("tells the parts of a function: its code and each captured value", function()
      local source = "local limit, list = ...\nreturn function(x) return x < limit, list, print end"
      local function parts(...)
        local by = {}
        for i, part in ipairs(select(2, hash.value(made(...)))) do
          by[i], by[part.name] = part.name, part.hash
        end
        return by
      end
      local one = parts(source, 10, {1})
      assert.same({"", "limit", "list"}, {one[1], one[2], one[3]})
      assert.is_nil(one[4])
      local two = parts(source, 11, {1})
      assert.equal(one[""], two[""])
      assert.equal(one.list, two.list)
      assert.are_not.equal(one.limit, two.limit)
      assert.equal(one.limit, of(10))
      local three = parts(source:gsub("<", ">"), 10, {1})
      assert.are_not.equal(one[""], three[""])
      assert.equal(one.limit, three.limit)
      assert.same({}, select(2, hash.value{1}))
    end)
  end)

  it("takes a handle by what its task came to", function()
    assert.equal(of{hash.handle(3)}, of{hash.handle(3)})
    assert.equal("EUNSENDABLE", select(2, hash.value({hash.handle(3)}, {no_handles = true})))
  end)

  describe("of bytes from outside", function()
    local function bytes(s, flags) return hash.bytes("\xB1" .. (flags or "\0") .. s) end

    it("is the same as of the value", function()
      for _, v in ipairs{1, "x", {1, {2}, x = "y"}, print} do
        assert.equal(of(v), (hash.bytes(codec.encode(v))))
      end
    end)

    it("is refused when they are malformed", function()
      local bad = {
        "", "\x3F", "\x41", "\8\xFF", "\8\x80", "\10\1\0\0\0\0\0\0\0",
        "\10\0\0\0\0\xFF\xFF\xFF\xFF",
        "\x80\x80", "\12\0\5\0\0\0abc", "\14\2", "\15\2\1", "\16\5ab",
        "\10\0\0\0\0\2\0\0\0\x81\x81\x81\x82", -- one key twice
        "\10\1\0\0\0\1\0\0\0\x85\x81\x82", -- [1] in the sequence and beside it
        "\10\0\0\0\0\1\0\0\0\0\x81", -- a key that is nil
        "\10\0\0\0\0\1\0\0\0\10\0\0\0\0\0\0\0\0\x81", -- … a table
        "\10\0\0\0\0\1\0\0\0\7" .. string.pack("n", 0 / 0) .. "\x81", -- … or not a number
        "\10\0\0\0\0\2\0\0\0\7" .. string.pack("n", 3.0) .. "\x81\x83\x82", -- 3.0 and 3
      }
      for i, s in ipairs(bad) do
        for _, flags in ipairs{"\0", "\1"} do
          local got, why = bytes(s, flags)
          assert.is_nil(got, i)
          assert.equal("EPROTO", why)
        end
      end
      assert.is_nil((hash.bytes ""))
      assert.is_nil((hash.bytes "\xB1\0"))
      assert.is_nil((hash.bytes "\xB2\0\0"))
    end)

    it("is refused when references lead nowhere", function()
      local f = string.dump(load "return 1", true)
      local code = string.pack("<I4", #f) .. f
      local bad = {
        "\14\2", "\10\2\0\0\0\0\0\0\0\x81\14\3", "\10\1\0\0\0\0\0\0\0\14\x80",
        "\12\1" .. code .. "\15\2\1", "\12\1" .. code .. "\15\2\2", "\12\1" .. code .. "\15\2\0",
        "\12\1" .. code .. "\15\x40\1", "\12\1" .. code .. "\15\2",
      }
      for i, s in ipairs(bad) do
        local got, why = bytes(s, "\1")
        assert.is_nil(got, i)
        assert.equal("EPROTO", why)
      end
      assert.is_nil((bytes("\10\2\0\0\0\0\0\0\0\11\0\0\0\0\0\0\0\0\14\11"))) -- no flag
    end)

    it("withstands each cut and each byte being another", function()
      local t = {1, {x = "y"}}
      t.t, t.f = t, function() return t, h end
      local whole = codec.encode{t, ("s"):rep(2000), {1.5, -7}}
      for n = 0, math.min(#whole, 400) do assert.is_nil((hash.bytes(whole:sub(1, n)))) end
      for _ = 1, 3000 // h.slow do
        local i = math.random(#whole)
        local changed = whole:sub(1, i - 1) .. string.char(math.random(0, 255)) .. whole:sub(i + 1)
        local got, why = hash.bytes(changed)
        assert.is_true(got ~= nil or type(why) == "string")
      end
    end)

    it("is refused for tables nested too deeply", function()
      local one = "\10\1\0\0\0\0\0\0\0"
      assert.is_string((bytes(one:rep(99) .. "\x81")))
      assert.equal("EPROTO", select(2, bytes(one:rep(5000) .. "\x81")))
    end)
  end)

  it("gives an error when memory is out, at each place", function()
    local test = require "orun.test"
    local t = {1, {2}}
    t.t, t.f = t, function() return t end
    local n, one = 0, of(t)
    repeat
      n = n + 1
      test.fail_at(n)
      local got, why = hash.value(t)
      if got then assert.equal(one, got) else assert.equal("ENOMEM", why) end
    until got
    assert.is_true(n > 4)
  end)
end)
