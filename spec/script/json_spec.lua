-- orun.json (lua/json.lua): exact JSON over lua-cjson.

local json = require "orun.json"

local function message(...)
  local ok, said = pcall(json.encode, ...)
  assert.is_false(ok)
  return (said:gsub("^[^:]*:%d+: ", ""))
end

-- Equal values of equal kinds, 1 and 1.0 being two.
local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return math.type(a) == math.type(b) and a == b
  end
  for k, v in next, a do
    if not same(v, b[k]) then return false end
  end
  for k in next, b do
    if a[k] == nil then return false end
  end
  return true
end

describe("json.encode", function()
  it("writes every kind of value", function()
    assert.equal('["s",1,-2,2.5,true,false,null,{},[1]]',
      json.encode { "s", 1, -2, 2.5, true, false, json.null, {}, { 1 } })
    assert.equal("null", json.encode(nil))
    assert.equal('"x"', json.encode("x"))
  end)

  it("sorts keys, at every level", function()
    local t = {}
    for _, k in ipairs { "z", "b", "a", "aa", "B", "", "10", "9" } do t[k] = { y = 1, x = 2 } end
    assert.equal('{"":{"x":2,"y":1},"10":{"x":2,"y":1},"9":{"x":2,"y":1},"B":{"x":2,"y":1},'
      .. '"a":{"x":2,"y":1},"aa":{"x":2,"y":1},"b":{"x":2,"y":1},"z":{"x":2,"y":1}}',
      json.encode(t))
    assert.is_true(same(t, json.decode(json.encode(t, { sort = false }))))
  end)

  it("writes numbers so that they read back equal", function()
    local texts = {
      [0] = "0", [-1] = "-1", [(1 << 53) + 1] = "9007199254740993",
      [math.maxinteger] = "9223372036854775807", [math.mininteger] = "-9223372036854775808",
      [0.1] = "0.1", [1 / 3] = "0.3333333333333333", [0.1 + 0.2] = "0.30000000000000004",
      [1e300] = "1e+300", [2.5] = "2.5", [-1e-7] = "-1e-07",
    }
    for x, text in pairs(texts) do
      assert.equal(text, json.encode(x))
      assert.is_true(same(x, json.decode(text)), text)
    end
    assert.equal("1.0", json.encode(1.0))
    assert.equal("-0.0", json.encode(-0.0))
    for _, x in ipairs { 5e-324, 1.7976931348623157e308, 2.0 ^ 53, 2.0 ^ 63, 123456.125, -0.0 } do
      local back = json.decode(json.encode(x))
      assert.is_true(same(x, back) and string.pack("d", x) == string.pack("d", back))
    end
  end)

  it("escapes what JSON wants escaped, and nothing else", function()
    assert.equal([["\"\\/\b\f\n\r\t\u0000\u001f\u007f é€😀"]],
      json.encode('"\\/\b\f\n\r\t\0\31\127 é€😀'))
    for c = 0, 127 do
      local s = "a" .. string.char(c) .. "z"
      assert.equal(s, json.decode(json.encode(s)))
      assert.is_true(same({ [s] = s }, json.decode(json.encode({ [s] = s }))))
    end
  end)

  it("writes marked tables as arrays, and plain empty ones as objects", function()
    assert.equal('{"a":[],"o":{}}', json.encode { a = json.array(), o = {} })
    assert.equal("[1]", json.encode(json.array { 1 }))
  end)

  it("calls no metamethod", function()
    local function never() error("a metamethod ran") end
    local t = setmetatable({ 1, { x = 2 } }, { __index = never, __len = never, __pairs = never,
      __tostring = never, __metatable = "none" })
    assert.equal('[1,{"x":2}]', json.encode(t))
  end)

  it("refuses what has no JSON, naming the place", function()
    local loop = {}
    loop.me = loop
    local cases = {
      { "value.tools[3].callback: a function cannot be written as JSON",
        { tools = { 1, 2, { callback = print } } } },
      { 'value["a b"][1]: a userdata cannot be written as JSON', { ["a b"] = { io.stdout } } },
      { "value[1]: a coroutine cannot be written as JSON", { coroutine.create(print) } },
      { "value: JSON has no number for NaN", 0 / 0 },
      { "value.x: JSON has no number for -inf", { x = -1 / 0 } },
      { 'value: an array that also has the key "x"', { 1, x = 2 } },
      { 'value: an array that also has the key "x"', json.array { x = 2 } },
      { "value: an array of 4 items with gaps; use json.null for gaps", { 1, 2, nil, 4 } },
      { "value: with the key 10 it is not an array (1..n); use tostring(key) for names, "
        .. "json.null for gaps", { [10] = 1 } },
      { "value.t: a boolean as key cannot be written as JSON", { t = { [true] = 1 } } },
      { "value: a float as key cannot be written as JSON", { [1.5] = 1 } },
      { "value.me.me.me.me.me.me.me.me.me.me.me.me...: nested deeper than 100 levels, "
        .. "or containing itself", loop },
    }
    for _, case in ipairs(cases) do
      assert.equal("json.encode: " .. case[1], message(case[2]))
    end
    assert.equal("json.encode: input.f: a function cannot be written as JSON",
      message({ f = print }, { name = "input" }))
    assert.equal("json.encode: the options must be a table, got boolean", message(1, true))
  end)

  it("refuses bytes that are not UTF-8, or replaces them when told", function()
    local bad = { ["\xFF"] = 1, ["ok\x80"] = 3, ["\xC0\xAF"] = 1, ["é\xED\xA0\x80"] = 3,
      ["\xF4\x90\x80\x80"] = 1, ["half\xE2\x82"] = 5 }
    for s, at in pairs(bad) do
      assert.equal(("json.encode: value.s: byte %d is not valid UTF-8 (lossy=true replaces it)")
        :format(at), message { s = s })
      assert.is_truthy(utf8.len(json.encode(s, { lossy = true })))
    end
    assert.equal('"a\u{FFFD}b\u{FFFD}\u{FFFD}"', json.encode("a\xFFb\xC0\xAF", { lossy = true }))
    assert.matches("value%[\"\u{FFFD}\"%]: byte 1 is not", message { ["\xFF"] = 1 })
  end)

  it("works again after a refusal", function()
    message({ { print } })
    assert.equal("[[1]]", json.encode({ { 1 } }))
  end)
end)

describe("json.decode", function()
  it("reads whole numbers as integers and others as floats", function()
    local values = {
      ["1"] = 1, ["-7"] = -7, ["0"] = 0, ["-0"] = 0, ["1.0"] = 1.0, ["1e2"] = 100.0,
      ["1E+2"] = 100.0, ["2.50"] = 2.5, ["10.00"] = 10.0, ["-0.0"] = -0.0, ["1.5e1"] = 15.0,
      ["9007199254740992"] = 1 << 53, ["9007199254740993"] = (1 << 53) + 1,
      ["9223372036854775807"] = math.maxinteger, ["-9223372036854775808"] = math.mininteger,
      ["9223372036854775808"] = 2.0 ^ 63, ["100000000000000000000"] = 1e20,
      ["12345678901234567"] = 12345678901234567, ["0.1234567890123456789"] = 0.12345678901234568,
      ["5e-324"] = 5e-324, ["0.5e-300"] = 0.5e-300, ["1.5e-300"] = 1.5e-300,
    }
    for text, value in pairs(values) do
      assert.is_true(same(value, json.decode(text)), text)
      assert.is_true(same({ value }, json.decode("[" .. text .. "]")), text)
      assert.is_true(same({ k = { 0.5, value, 1 } },
        json.decode(('{ "k" : [0.5, %s , 1] }'):format(text))), text)
    end
  end)

  it("leaves strings alone that look like numbers, arrays or JSON", function()
    local s = [=[1.0 [] [ ] 1e5 {"a":[1.0,"\"[]"]} 12345678901234567890 \ \\ "]=]
    local t = { s, a = nil, 1.0, json.array(), { [s] = s, n = (1 << 60) + 1 } }
    assert.is_true(same(t, json.decode(json.encode(t))))
    assert.is_true(same({ "\\", 1.0, 'x"', 2 }, json.decode([=[["\\",1.0,"x\"",2]]=])))
    assert.is_true(same({ ["1.0"] = 1.0, ["[]"] = "[]" },
      json.decode('{"1.0":1.0,"[]":"[]"}')))
  end)

  it("tells empty arrays from empty objects", function()
    for _, text in ipairs { "[]", "{}", "[[],{}]", '{"a":[],"b":{},"c":[[]]}', "[[[]]]",
      "[1.0,[]]" } do
      assert.equal(text, json.encode(json.decode(text)))
    end
    local t = json.decode("[ \n ]")
    assert.is_nil(next(t))
    assert.equal("[]", json.encode(t))
  end)

  it("reads null as json.null", function()
    assert.equal(json.null, json.decode("null"))
    assert.equal(json.null, json.decode("[1,null]")[2])
    assert.equal(json.null, json.decode('{"a":null}').a)
  end)

  it("reads escapes", function()
    assert.equal("é\0\u{1F600}/", json.decode([["\u00e9\u0000\ud83d\ude00\/"]]))
  end)

  it("says what is wrong, and where", function()
    local bad = {
      [""] = 1, ["  "] = 3, ["[1,]"] = 4, ["{"] = 2, ['{"a":1,}'] = 8, ["[1,2"] = 5, ["nan"] = 1,
      ["Infinity"] = 1, ["0x10"] = 1, ["01"] = 1, ["-"] = 1, [".5"] = 1, ["'x'"] = 1,
      ['"abc'] = 5, ['"\\ud800"'] = 2, ['"\\x"'] = 2, ["1 2"] = 3, ["[1.0,]"] = 6, ["[[],]"] = 5,
    }
    for text, at in pairs(bad) do
      local value, said = json.decode(text)
      assert.is_nil(value)
      assert.matches("^not JSON: .* at character " .. at .. "$", said)
    end
    assert.is_nil((json.decode(("["):rep(5000))))
  end)

  it("raises when it is given no string", function()
    assert.error_matches(function() json.decode(nil) end,
      "json%.decode: the text must be a string, got nil")
    assert.error_matches(function() json.decode(5) end, "got number")
  end)

  it("is not changed by what a script does to cjson", function()
    local cjson = require "cjson"
    cjson.decode_max_depth(1)
    assert.is_true(same({ { 1 } }, json.decode("[[1]]")))
    cjson.decode_max_depth(1000)
  end)

  it("gives back what was written, for any value", function()
    local words = { "", "a", "1.0", "[]", '"', "\\", "\\\"", "é", "\0", "e5", "-1", ("x"):rep(50) }
    local numbers = { 0, 1.0, -0.5, 1e100, (1 << 53) + 1, math.mininteger, 1e-320, 3, 15.0, 0.1 }
    local function value(depth)
      local kind = math.random(depth > 5 and 4 or 7)
      if kind == 1 then return words[math.random(#words)] end
      if kind == 2 then return numbers[math.random(#numbers)] end
      if kind == 3 then return math.random(2) == 1 end
      if kind == 4 then return json.null end
      local t = kind == 5 and {} or json.array()
      for i = 1, math.random(0, 5) do
        t[kind == 5 and words[math.random(#words)] or i] = value(depth + 1)
      end
      return t
    end
    for seed = 1, 300 do
      math.randomseed(seed)
      local v = value(1)
      local text = json.encode(v)
      local back = json.decode(text)
      assert.is_true(same(v, back), "seed " .. seed)
      assert.equal(text, json.encode(back), "seed " .. seed)
    end
  end)
end)
