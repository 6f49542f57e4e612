-- The value codec (runtime/value*.c), through require("orun.test").value.

local codec = require("orun.test").value
local h = require "spec.support.helper"

local HEAD <const> = "\xB1\0" -- form, no shared items

-- True when a and b are the same graph: types, number kinds and bits, keys, and
-- which places hold one and the same table.
local function same(a, b, there, back)
  there, back = there or {}, back or {}
  if math.type(a) ~= math.type(b) or type(a) ~= type(b) then
    return false
  elseif type(a) == "number" then
    return string.pack("n", a) == string.pack("n", b) and (a == b or a ~= a)
      and (math.type(a) ~= "integer" or a == b)
  elseif type(a) ~= "table" then
    return a == b
  elseif there[a] or back[b] then
    return there[a] == b and back[b] == a
  end
  there[a], back[b] = b, a
  for k, v in next, a do
    if not same(v, rawget(b, k), there, back) then return false end
  end
  for k in next, b do
    if rawget(a, k) == nil then return false end
  end
  return true
end

local edge_numbers = { 0, 1, -1, 63, 64, 127, 128, -128, 255, 256, 1 << 24, (1 << 48) - 1, 1 << 48,
  -(1 << 48), -(1 << 48) - 1, (1 << 53) + 1, math.maxinteger, math.mininteger, 0.0, -0.0, 1.0, 0.1,
  2.0 ^ 53, 1 / 0, -1 / 0, 5e-324, 2.2250738585072009e-308, 1.7976931348623157e308 }

local noise = {}
for i = 1, 10000 do noise[i] = string.char(math.random(0, 255)) end
noise = table.concat(noise)

local function random_string()
  local lengths = { 0, 1, 2, 7, 39, 40, 41, 62, 63, 64, 65, 127, 128, 300, 1023, 1024, 1025, 5000 }
  local from = math.random(5000)
  return noise:sub(from, from + lengths[math.random(#lengths)] - 1)
end

local function random_key()
  local kind = math.random(6)
  if kind == 1 then return math.random(-3, 12) end
  if kind == 2 then return math.random() end
  if kind == 3 then return math.random(2) == 1 end
  if kind == 4 then return math.random(math.mininteger, math.maxinteger) end
  return random_string()
end

-- A value of up to `budget` nodes that may point at any table made before.
local function random_graph(budget)
  local tables = {}
  local function value(depth)
    local kind = math.random(10)
    if kind == 1 and #tables > 0 then
      return tables[math.random(#tables)]
    elseif kind <= 4 and depth < 30 and budget > 0 then
      local t = {}
      tables[#tables + 1] = t
      for i = 1, math.random(0, 8) do
        budget = budget - 1
        t[i] = value(depth + 1)
      end
      for _ = 1, math.random(0, 5) do
        budget = budget - 1
        t[random_key()] = value(depth + 1)
      end
      if math.random(4) == 1 and #t > 1 then
        t[math.random(#t)] = nil
      end
      return t
    elseif kind <= 6 then
      return edge_numbers[math.random(#edge_numbers)]
    elseif kind == 7 then
      return math.random(2) == 1
    end
    return random_string()
  end
  return { value(1), value(1), value(1) }
end

describe("value", function()
  describe("data", function()
    it("keeps nil, booleans and JSON's null", function()
      assert.is_nil(codec.roundtrip(nil))
      assert.is_true(codec.roundtrip(true))
      assert.is_false(codec.roundtrip(false))
      local null = require("cjson").null
      assert.equal(null, codec.transfer(null))
    end)

    it("keeps every number as it is, bit for bit", function()
      for _, x in ipairs(edge_numbers) do
        assert.is_true(same(x, codec.roundtrip(x)), tostring(x))
        assert.is_true(same({ x, k = x }, codec.transfer({ x, k = x })), tostring(x))
      end
      local nan = 0 / 0
      assert.is_true(same(nan, codec.roundtrip(nan)))
      assert.is_true(same({ -nan }, codec.transfer({ -nan })))
    end)

    it("keeps integers around every power of two", function()
      for bit = 0, 63 do
        for around = -1, 1 do
          local i = (1 << bit) + around
          assert.is_true(same(i, codec.roundtrip(i)))
          assert.is_true(same(-i, codec.roundtrip(-i)))
        end
      end
    end)

    it("keeps strings of any bytes and every length around the edges", function()
      local all = {}
      for c = 0, 255 do all[#all + 1] = string.char(c) end
      local bytes = table.concat(all)
      assert.equal(bytes, codec.transfer(bytes))
      for _, n in ipairs { 0, 1, 39, 40, 41, 62, 63, 64, 65, 127, 128, 1023, 1024, 1025, 70000 } do
        local s = ("\0"):rep(n)
        assert.equal(s, codec.roundtrip(s))
        assert.equal(s, codec.roundtrip({ [s] = s })[s])
      end
    end)

    it("keeps cycles and shared tables", function()
      local t = { name = "t" }
      t.self, t[1], t[2] = t, { t }, {}
      t.also = t[2]
      local r = codec.transfer(t)
      assert.is_true(same(t, r))
      assert.equal(r, r.self)
      assert.equal(r, r[1][1])
      assert.equal(r[2], r.also)
      assert.is_nil(getmetatable(r))
    end)

    it("writes a long string once however often it occurs", function()
      local long = ("x"):rep(10000)
      local bytes = codec.encode({ long, long, a = { long } })
      assert.is_true(#bytes < 10200)
      assert.is_true(same({ long, long, a = { long } }, codec.decode(bytes)))
    end)

    it("keeps tables with holes, built backwards, and with integer keys anywhere", function()
      local backwards = {}
      for i = 50, 1, -1 do backwards[i] = i * i end
      local holes = { 1, nil, 3, nil, nil, 6, n = 6 }
      local keys = { [0] = "z", [-1] = "m", [1 << 40] = "b", [math.mininteger] = "least",
        [math.maxinteger] = "most", [2] = "two", [1.5] = "f", [-0.5] = "g", [1 / 0] = "inf" }
      for _, t in ipairs { backwards, holes, keys, {} } do
        assert.is_true(same(t, codec.transfer(t)))
      end
      assert.equal(50, #codec.transfer(backwards))
    end)

    it("is the same graph again, for any graph", function()
      for seed = 1, 300 do
        math.randomseed(seed)
        local graph = random_graph(math.random(400))
        local back = seed % 3 == 0 and codec.transfer or codec.roundtrip
        assert.is_true(same(graph, assert(back(graph))), "seed " .. seed)
      end
    end)

    it("drops metatables and calls no metamethod", function()
      local function never() error("a metamethod ran") end
      local t = setmetatable({ 1, 2, x = 3 }, { __index = never, __len = never, __pairs = never,
        __newindex = never, __eq = never, __metatable = "none", __name = "FILE*" })
      local r = codec.roundtrip({ t, t })
      assert.is_true(same({ 1, 2, x = 3 }, r[1]))
      assert.is_nil(getmetatable(r[1]))
      assert.equal(r[1], r[2])
    end)

    it("is a copy at the time of the call", function()
      local t = { list = { 1 } }
      local bytes = codec.encode(t)
      t.list[1] = 2
      assert.equal(1, codec.decode(bytes).list[1])
    end)

    it("takes any depth up to 100", function()
      local t = {}
      for _ = 1, 99 do t = { t } end
      assert.is_true(same(t, codec.transfer(t)))
    end)

    it("makes of a string what value_string makes", function()
      for _, n in ipairs { 0, 1, 63, 64, 200, 5000 } do
        local s = ("s"):rep(n)
        assert.equal(codec.encode(s), codec.string(s))
        assert.equal(s, codec.as_string(codec.string(s)))
      end
    end)

    it("is one string, or value_as_string says that it is none", function()
      for _, other in ipairs { { "s" }, 5, 0.5, true, { ("s"):rep(100) } } do
        assert.is_nil(codec.as_string(codec.encode(other)))
      end
      for _, bytes in ipairs { "", "\xB1", HEAD, HEAD .. "\x42a", HEAD .. "\x42abc",
        "\xB2\0\x42ab", HEAD .. "\x08", HEAD .. "\x08\xFF" } do
        assert.is_nil(codec.as_string(bytes))
      end
    end)
  end)

  describe("functions", function()
    it("take their captured values along", function()
      local factor, names = 3, { "a", "b" }
      local function f(x) return x * factor, names[2], #names end
      local g = codec.transfer(f)
      factor = 4
      assert.same({ 30, "b", 2 }, { g(10) })
      assert.same({ 40, "b", 2 }, { f(10) })
    end)

    it("reach the globals of where they arrive", function()
      local g = codec.transfer(function() return _G, math.pi, type(print) end)
      local globals, pi, kind = g()
      assert.equal(_G, globals)
      assert.equal(math.pi, pi)
      assert.equal("function", kind)
      assert.equal(_G, codec.transfer({ _G })[1])
      local chunk = load("return math.pi")
      assert.equal(math.pi, codec.transfer(chunk)())
      assert.is_nil(codec.encode(chunk):find("_G", 1, true))
    end)

    it("keep nil and false in what they capture, whatever upvalue comes first", function()
      local none, no = nil, nil
      local g = codec.transfer(function() return none, no == nil, print ~= nil end)
      none, no = 1, 2
      assert.same({ nil, true, true }, { g() })
      local first = 7
      assert.equal(7, codec.transfer(function() return first end)())
    end)

    it("share captured variables as before", function()
      local n = 0
      local pair = codec.transfer {
        add = function(k) n = n + k end,
        get = function() return n end,
      }
      pair.add(5)
      pair.add(2)
      assert.equal(7, pair.get())
      assert.equal(0, n)
    end)

    it("share captured tables with the data around them", function()
      local config = { level = 1 }
      local function read() return config.level, config end
      local r = codec.transfer { config = config, read = read }
      r.config.level = 9
      local level, table_inside = r.read()
      assert.equal(9, level)
      assert.equal(r.config, table_inside)
    end)

    it("recurse, alone and with each other", function()
      local function factorial(n) return n <= 1 and 1 or n * factorial(n - 1) end
      assert.equal(120, codec.transfer(factorial)(5))
      local even, odd
      function even(n) if n == 0 then return true end return odd(n - 1) end
      function odd(n) if n == 0 then return false end return even(n - 1) end
      local r = codec.transfer { even, odd, even }
      assert.is_true(r[1](10))
      assert.is_true(r[2](7))
      assert.equal(r[1], r[3])
    end)

    it("may make functions, keep varargs, and be chunks", function()
      local function counter(...)
        local from = select("#", ...)
        return function() from = from + 1 return from end
      end
      local next_number = codec.transfer(counter)(1, 2, 3)
      assert.same({ 4, 5 }, { next_number(), next_number() })
      assert.equal(3, codec.transfer(assert(load("x = ... return x")))(3))
      rawset(_G, "x", nil)
    end)

    it("carry another environment than the globals", function()
      local f = load("return y, _ENV", "=chunk", "t", { y = 5 })
      local y, env = codec.transfer(f)()
      assert.equal(5, y)
      assert.is_true(same({ y = 5 }, env))
    end)

    it("capture as many variables as Lua allows", function()
      local source = {}
      for i = 1, 190 do source[#source + 1] = ("local v%d <const> = {%d}"):format(i, i) end
      source[#source + 1] = "return function() return v1[1]"
      for i = 2, 190 do source[#source + 1] = ("+ v%d[1]"):format(i) end
      source[#source + 1] = "end"
      local f = assert(load(table.concat(source, "\n")))()
      assert.equal(190 * 191 // 2, codec.transfer(f)())
    end)

    it("keep the file and line of their errors", function()
      local f = assert(load("\n\nreturn function(x)\n  return x.y.z\nend", "@plan.lua"))()
      local _, message = pcall(codec.transfer(f), { })
      assert.matches("^plan%.lua:4: attempt to index a nil value %(field 'y'%)", message)
    end)

    it("of a library go by name, whichever way they were reached", function()
      local insert, write = table.insert, io.write
      local r = codec.transfer { insert, print, [write == nil] = 1, n = string.format,
        f = function() return insert, next, coroutine.wrap end }
      assert.equal(table.insert, r[1])
      assert.equal(print, r[2])
      assert.equal(string.format, r.n)
      local a, b, c = r.f()
      assert.equal(table.insert, a)
      assert.equal(next, b)
      assert.equal(coroutine.wrap, c)
    end)
  end)

  describe("modules", function()
    local name, path, usual_path = "orun_value_spec_module", nil, package.path

    before_each(function()
      local folder = h.tmpdir()
      path = h.write(folder .. "/" .. name .. ".lua", [[
        local M = { loaded = true }
        local file = io.stdout
        function M.double(x) return x * 2, file ~= nil end
        return M
      ]])
      package.path = folder .. "/?.lua;" .. usual_path
    end)

    after_each(function()
      os.remove(path)
      package.path = usual_path
      package.loaded[name] = nil
      codec.note(name)
    end)

    it("are the loaded ones where they arrive", function()
      local r = codec.transfer { string, math, f = function() return string, _G end }
      assert.equal(string, r[1])
      assert.equal(math, r[2])
      local s, g = r.f()
      assert.equal(string, s)
      assert.equal(_G, g)
    end)

    it("are loaded there when they are not", function()
      local m = dofile(path)
      package.loaded[name] = m
      codec.note(name)
      local f = function(x) return m.double(x) end
      assert.equal(42, codec.transfer(f)(21))
      assert.equal(m, codec.transfer({ deep = { m } }).deep[1])
    end)

    it("are recognised when they were loaded after the first value was sent", function()
      assert.is_true(codec.roundtrip(function() end) ~= nil)
      local m = dofile(path)
      local refused, message = codec.roundtrip(function() return m end, { name = "run" })
      assert.is_nil(refused)
      assert.matches("captures 'm%.double' %(.*spec_module%.lua:3%), which captures 'file', "
        .. "a userdata", message)
      package.loaded[name] = m
      codec.note(name)
      assert.equal(m, codec.roundtrip(function() return m end)())
    end)

    it("are recognised by a metatable too, when there is no function in sight", function()
      package.loaded[name] = setmetatable({}, { __index = math })
      codec.note(name)
      local m = package.loaded[name]
      assert.equal(m, codec.roundtrip({ m })[1])
    end)

    it("are recognised whatever comes first in them that could not be sent", function()
      local function f() end
      local deep = {}
      for _ = 1, 200 do deep = { deep } end
      for _, first in ipairs { io.stdout, coroutine.create(f), deep, { [io.stdout] = 1 },
          ("s"):rep(5000) } do
        local m = { first, f }
        package.loaded[name] = m
        codec.note(name)
      codec.note(name)
        assert.equal(m, assert(codec.roundtrip({ m }, { max_bytes = 4000 }))[1])
      end
      local r, message = codec.roundtrip({ package.loaded[name], { io.stdout } })
      assert.is_nil(r)
      assert.equal("input[2][1]: a userdata cannot be sent", message)
    end)

    it("are not loaded again", function()
      local require = _G.require
      rawset(_G, "require", nil)
      local ok, r = pcall(codec.roundtrip, { string, print })
      rawset(_G, "require", require)
      assert.is_true(ok)
      assert.equal(string, r[1])
    end)

    it("lend a function its standard name, or else its least", function()
      local encode = require("cjson").new().encode
      package.loaded["a.b"] = { f = string.format, g = encode }
      package.loaded["a.a"] = { f = string.format, z = encode }
      codec.note("a.a")
      codec.note("a.b")
      local least, standard = codec.encode(encode), codec.encode(string.format)
      package.loaded["a.b"], package.loaded["a.a"] = nil, nil
      codec.note("a.a")
      codec.note("a.b")
      assert.is_truthy(standard:find("string\0format", 1, true))
      assert.is_truthy(least:find("a.a\0z", 1, true))
    end)

    it("have one name, whatever else they are called: a standard one, or the least", function()
      local json, mine = require "cjson", { f = print }
      local aliases = {}
      for i = 1, 50 do aliases[i] = "a" .. i end
      local function set(alias, module)
        package.loaded[alias] = module
        codec.note(alias)
      end
      for _, alias in ipairs(aliases) do set(alias, json) end
      set("b", mine)
      set(name, mine)
      local known, least = codec.encode { json, print }, codec.encode { mine, print }
      for _, alias in ipairs(aliases) do set(alias, nil) end
      set("b", nil)
      set(name, nil)
      assert.is_truthy(known:find("cjson", 1, true))
      assert.is_truthy(least:find("\1b", 1, true))
      assert.is_nil(least:find(name, 1, true))
    end)

    it("say their name when they cannot be found there", function()
      package.loaded["orun.nowhere"] = { f = print }
      local module = package.loaded["orun.nowhere"]
      codec.note("orun.nowhere")
      local r, message = codec.transfer(function() return module end)
      package.loaded["orun.nowhere"] = nil
      assert.is_nil(r)
      assert.matches("module 'orun%.nowhere' not found", message)
    end)
  end)

  describe("handles of another run", function()
    local handle = codec.handle

    it("become those of this one, wherever they stand", function()
      local shared = {handle(3), ("long"):rep(100)}
      local value = {handle(1), 1.5, -7, 1 << 60, deep = {a = {b = handle(300000)}}, shared,
                     again = shared, "text", handle(1)}
      local is = codec.renamed(codec.encode(value), {[1] = 1 << 34, [3] = 1, [300000] = 128})
      assert.same({"output of 17179869184", 1.5, -7, 1 << 60, deep = {a = {b = "output of 128"}},
        {"output of 1", shared[2]}, again = {"output of 1", shared[2]}, "text",
        "output of 17179869184"}, is)
      assert.is_true(rawequal(is[5], is.again))
    end)

    it("are refused when one has no name, or one that is too long", function()
      local bytes = codec.encode{handle(1), handle(2)}
      assert.is_nil(codec.renamed(bytes, {[1] = 5}))
      assert.is_nil(codec.renamed(bytes, {}))
      assert.is_nil(codec.renamed(bytes, {[1] = 5, [2] = 1 << 35}))
      assert.same({5}, codec.renamed(codec.encode{5}, {}))
    end)

    it("are refused in bytes that are cut, and in what is code", function()
      local bytes = codec.encode{("x"):rep(70), handle(1), {n = 2.5}}
      for n = 0, #bytes - 1 do
        assert.is_false((pcall(function()
          return assert(codec.renamed(bytes:sub(1, n), {[1] = 2}))
        end)), n)
      end
      for _, odd in ipairs{print, string, function() return 1 end} do
        assert.is_nil(codec.renamed(codec.encode{odd, handle(1)}, {[1] = 2}))
      end
    end)
  end)

  describe("handles", function()
    it("are listed once each and resolved where they arrive", function()
      local handle = codec.handle
      local input = { handle(7), deep = { handle(9), again = handle(7) }, f = handle(1 << 40) }
      local ids = codec.handles(input)
      table.sort(ids)
      assert.same({ 7, 9, 1 << 40 }, ids)
      local r = codec.transfer(input)
      assert.equal("output of 7", r[1])
      assert.equal("output of 9", r.deep[1])
      assert.equal("output of 7", r.deep.again)
      assert.equal("output of 1099511627776", r.f)
    end)

    it("may be captured", function()
      local handle = codec.handle(3)
      assert.same({ 3 }, codec.handles(function() return handle end))
      assert.equal("output of 3", codec.roundtrip(function() return handle end)())
    end)

    it("are none in plain data", function()
      assert.same({}, codec.handles({ { id = "t1" } }))
    end)
  end)

  describe("refusals", function()
    local function planned(source)
      return assert(load(source, "@plan.lua"))()
    end

    local function nested(depth)
      local t = {}
      for _ = 1, depth do t = { x = t } end
      return t
    end

    local file, thread = io.stdout, coroutine.create(print)
    local cases = {
      { "input.tools[3].callback: a userdata cannot be sent",
        { tools = { 1, 2, { callback = file } } } },
      { "input: a userdata cannot be sent", file },
      { "input: a coroutine cannot be sent", thread },
      { 'input["a b"][-1][1.5][true]: a coroutine cannot be sent',
        { ["a b"] = { [-1] = { [1.5] = { [true] = thread } } } } },
      { 'input["1x"]["\\x1B[31m\\"\\\\\\x00"]: a coroutine cannot be sent',
        { ["1x"] = { ['\27[31m"\\\0'] = thread } } },
      { 'input["' .. ("k"):rep(40) .. '..."]: a userdata cannot be sent',
        { [("k"):rep(90)] = file } },
      { "input.iterator: a C function cannot be sent", { iterator = string.gmatch("a", "a") } },
      { "input.map: a key of type table cannot be sent", { map = { [{}] = 1 } } },
      { "input: a key of type function cannot be sent", { [print] = 1 } },
      { "input: a key of type userdata cannot be sent", { [file] = 1 } },
      { "input" .. (".x"):rep(8) .. "..." .. (".x"):rep(4) .. ": nested deeper than 100 levels",
        nested(200) },
      { "run (plan.lua:2) captures 'sock', a userdata; pass what it needs in input",
        planned "local sock = io.stdout\nreturn function() return sock end", "run" },
      { "run (plan.lua:2) captures 'a.b[1]', a coroutine; pass what it needs in input",
        planned [[local a = { b = { coroutine.create(print) } }
          return function() return a end]], "run" },
      { "run (plan.lua:3) captures 'helper' (plan.lua:2), which captures 'sock', a userdata; "
        .. "pass what it needs in input",
        planned [[local sock = io.stdout
          local function helper() return sock end
          return function() return helper() end]], "run" },
      { "input.fns[2] (plan.lua:2) captures 'it', a C function; pass what it needs in input",
        { fns = { print, planned [[local it = io.lines("/dev/null")
          return function() return it end]] } } },
      { "run (plan.lua:1) captures 'set', with a key of type table; pass what it needs in input",
        planned "local set = { [{}] = true } return function() return set end", "run" },
    }

    for _, case in ipairs(cases) do
      local message, value, name = case[1], case[2], case[3]
      it("say: " .. message, function()
        local r, said = codec.encode(value, { name = name })
        assert.is_nil(r)
        assert.equal(message, said)
      end)
    end

    it("come with a code", function()
      assert.equal("EUNSENDABLE", (select(3, codec.encode(file))))
      assert.equal("ETOOBIG", (select(3, codec.encode(nested(200)))))
      assert.equal("ETOOBIG", (select(3, codec.encode(("x"):rep(2000), { max_bytes = 1000 }))))
    end)

    it("stop at the limit of bytes, naming where", function()
      local big = { small = 1, list = { 1, 2, ("x"):rep(100000) } }
      local _, said = codec.encode(big, { max_bytes = 50000 })
      assert.equal("input.list[3]: more than the 50000 bytes one value may have", said)
      _, said = codec.encode({ ("x"):rep(3 << 20) }, { max_bytes = 2 << 20 })
      assert.equal("input[1]: more than the 2 MiB one value may have", said)
      assert.is_string(codec.encode(big, { max_bytes = 200000 }))
    end)

    it("leave nothing behind when memory is out at any allocation", function()
      local shared = { ("s"):rep(2000) }
      local function f() return shared end
      local value = { shared, shared, codec.handle(1), codec.handle(2), f }
      for i = 1, 60 do value[#value + 1] = { i } end
      local n = 0
      repeat
        n = n + 1
        local bytes, said, code = codec.encode(value, { fail_at = n })
        if not bytes then
          assert.equal("ENOMEM", code)
          assert.is_true(said == "input: out of memory" or said == "", said)
        end
      until bytes
      assert.is_true(n > 5)
    end)
  end)

  describe("malformed bytes", function()
    local function u32(n) return string.pack("<I4", n) end

    local float_nan = "\x07" .. string.pack("<d", 0 / 0)
    local bad = {
      ["nothing"] = "",
      ["no item"] = HEAD,
      ["another form"] = "\xB2\0\x00",
      ["two items"] = HEAD .. "\x00\x00",
      ["an unknown tag"] = HEAD .. "\x3F",
      ["a cut string"] = HEAD .. "\x45abc",
      ["a string longer than 2^63"] = HEAD .. "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",
      ["a varint without end"] = HEAD .. "\x05" .. ("\xFF"):rep(20),
      ["a varint of more than 64 bits"] = HEAD .. "\x05" .. ("\xFF"):rep(9) .. "\x02",
      ["a cut float"] = HEAD .. "\x07abc",
      ["a table of 4 billion items"] = HEAD .. "\x0A" .. u32(0xFFFFFFFF) .. u32(0),
      ["a table of 4 billion pairs"] = HEAD .. "\x0A" .. u32(0) .. u32(0xFFFFFFFF),
      ["items that are not there"] = HEAD .. "\x0A" .. u32(3) .. u32(0) .. "\x81\x82",
      ["a table key"] = HEAD .. "\x0A" .. u32(0) .. u32(1)
        .. "\x0A" .. u32(0) .. u32(0) .. "\x81",
      ["a reference to nothing"] = "\xB1\1\x0E\x02",
      ["a reference far off"] = "\xB1\1\x0E\xFF\xFF\xFF\xFF\x7F",
      ["a reference, none announced"] = HEAD .. "\x0E\x02",
      ["a shared table, none announced"] = HEAD .. "\x0B" .. u32(0) .. u32(0),
      ["code"] = codec.encode(function() end),
      ["a library function"] = codec.encode(print),
      ["a module"] = codec.encode({ string }),
      ["the globals"] = HEAD .. "\x04",
      ["a handle"] = codec.encode(codec.handle(4)),
    }

    local function refused(bytes)
      local value, said = codec.decode(bytes)
      assert.is_nil(value)
      assert.matches("^malformed value", said)
    end

    for what, bytes in pairs(bad) do
      it("are refused: " .. what, function() refused(bytes) end)
    end

    it("D5 with a NaN key are refused, but a NaN is a value", function()
      refused(HEAD .. "\x0A" .. u32(0) .. u32(1) .. float_nan .. "\x81")
      local value = codec.decode(HEAD .. float_nan)
      assert.is_true(value ~= value)
    end)

    it("D6 with a nil, or one key twice, are refused", function()
      refused(HEAD .. "\x0A" .. u32(1) .. u32(0) .. "\x00") -- a nil item
      refused(HEAD .. "\x0A" .. u32(0) .. u32(1) .. "\x00\x81") -- a nil key
      refused(HEAD .. "\x0A" .. u32(0) .. u32(1) .. "\x81\x00") -- a nil value
      refused(HEAD .. "\x0A" .. u32(0) .. u32(2) .. "\x81\x81\x81\x82") -- a key twice
      local one = "\x07" .. string.pack("<d", 1.0)
      refused(HEAD .. "\x0A" .. u32(0) .. u32(2) .. "\x81\x81" .. one .. "\x82") -- also as float
      refused(HEAD .. "\x0A" .. u32(1) .. u32(1) .. "\x81\x81\x81") -- an item twice
    end)

    it("cannot nest deeper than 100 levels", function()
      local one = "\x0A" .. u32(1) .. u32(0)
      assert.is_table(codec.decode(HEAD .. one:rep(99) .. "\x0A" .. u32(0) .. u32(0)))
      assert.is_nil(codec.decode(HEAD .. one:rep(100) .. "\x0A" .. u32(0) .. u32(0)))
      assert.is_nil(codec.decode(HEAD .. one:rep(100000)))
    end)

    it("cannot ask for more memory than they weigh", function()
      local tables = ("\x0A" .. u32(5000) .. u32(0)):rep(90)
      collectgarbage()
      local before = collectgarbage("count")
      assert.is_nil(codec.decode(HEAD .. tables .. ("\x81"):rep(5000)))
      assert.is_true(collectgarbage("count") - before < 1000)
    end)

    it("cut off anywhere are refused", function()
      for seed = 1, 30 do
        math.randomseed(seed)
        local bytes = codec.encode(random_graph(40))
        local step = #bytes // 300 + 1
        for n = 0, #bytes - 1, step do
          assert.is_nil((codec.decode(bytes:sub(1, n))))
        end
      end
    end)

    it("with any bits turned give a value or an error", function()
      for seed = 1, 60 do
        math.randomseed(seed)
        local bytes = codec.encode(random_graph(60))
        for _ = 1, 200 do
          local broken = bytes
          for _ = 1, math.random(3) do
            local at = math.random(#broken)
            local byte = string.char(math.random(0, 255))
            broken = broken:sub(1, at - 1) .. byte .. broken:sub(at + 1)
          end
          local value, said = codec.decode(broken)
          assert.is_true(value ~= nil or said == nil or type(said) == "string")
        end
      end
    end)

    it("that are sound are taken, without code", function()
      math.randomseed(11)
      local graph = random_graph(200)
      assert.is_true(same(graph, codec.decode(codec.encode(graph))))
    end)
  end)
end)
