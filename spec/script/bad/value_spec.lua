--- Values on their way into a task and back, row by row: what stays as it is,
--- what is dropped, what is refused and with which words. (Bytes that are no
--- value are fed to the codec in unit/value_spec.)

local shared = require "spec.support.tasks"

local output_of, failure_of = shared.output_of, shared.failure_of
local error_of = shared.error_of

--- What a task gets as input, given back.
local function echo(value)
  return output_of{run = function(input) return input end, input = value}
end

--- What is said of a value that cannot be an input; as a result it fails the
--- task with the same words.
local function refusal(value)
  local message = error_of(Task, {run = print, input = value})
  assert.matches("Task: input", message, 1, true)
  return message
end

describe("values of tasks", function()
  it("D1 keep their cycles", function()
    local loop, one, two = {}, {name = "one"}, {name = "two"}
    loop.loop = loop
    one.other, two.other = two, one
    local metatable = {kept = one}
    one.meta = setmetatable({}, metatable)
    local back = echo{loop = loop, one = one}
    assert.equal(back.loop, back.loop.loop)
    assert.equal("two", back.one.other.name)
    assert.equal(back.one, back.one.other.other)
    -- A way around by a metatable is none: it does not travel.
    assert.is_nil(getmetatable(back.one.meta))
  end)

  it("D2 keep one table one, however often it is named", function()
    local part = {1}
    local back = echo{part, part, deep = {part}}
    assert.equal(back[1], back[2])
    assert.equal(back[1], back.deep[1])
    back[1][1] = "changed"
    assert.equal("changed", back.deep[1][1])
    assert.equal(1, part[1])
  end)

  it("D7 keep integers, floats and every bit of them", function()
    for _, value in ipairs{1, 1.0, 0, 0.0, -0.0, 2^53, (1 << 53) + 1, -1, math.maxinteger,
                           math.mininteger, math.huge, -math.huge, 5e-324, -5e-324, 2^-1022,
                           1.7976931348623157e308, 0.1, 127, 128, 1 << 48, 1 << 49} do
      local back = echo(value)
      assert.equal(math.type(value), math.type(back))
      assert.equal(string.pack("n", value), string.pack("n", back))
      back = echo{[value] = value}
      local key, item = next(back)
      assert.equal(math.type(value) == "integer" and "integer" or math.type(next{[value] = 1}),
        math.type(key))
      assert.equal(string.pack("n", value), string.pack("n", item))
    end
    local nan = echo(0 / 0)
    assert.is_true(nan ~= nan)
  end)

  it("D8 take every integer as key and operand", function()
    local keys = {}
    for _, key in ipairs{math.mininteger, -1, 0, 1 << 31, (1 << 31) + 1, 1 << 32, 1 << 62,
                         math.maxinteger} do
      keys[key] = key
    end
    assert.same(keys, echo(keys))
    assert.equal(math.mininteger, output_of{input = math.mininteger, run = function(n)
      return n // -1
    end})
    assert.equal(0, output_of{input = math.mininteger, run = function(n) return n % -1 end})
  end)

  it("D9 keep strings of any bytes and any length", function()
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    bytes = table.concat(bytes)
    assert.equal(bytes, echo(bytes))
    -- Where the codec, then Lua, begin to treat them as long ones.
    for _, n in ipairs{0, 1, 39, 40, 41, 62, 63, 64, 127, 128, 1024, 1025, 16384, 1 << 20} do
      local text = ("\0x"):rep(n):sub(1, n)
      assert.equal(text, echo(text))
      assert.equal(n, #echo{[text] = {text}}[text][1])
    end
  end)

  it("D10 refuse what belongs to a state, with the path and no address", function()
    local file, thread, iterator = io.stdout, coroutine.create(print), ("x"):gmatch("x")
    local function capturing() return file end
    local cases = {
      ["input.a[1]: a userdata cannot be sent"] = {a = {file}},
      ["input.a: a coroutine cannot be sent"] = {a = thread},
      ["input: a C function cannot be sent"] = iterator,
      ["input.p: a light userdata cannot be sent"] = {p = debug.upvalueid(capturing, 1)},
      ["input.f (spec/script/bad/value_spec.lua:%d+) captures 'file', a userdata"] =
        {f = capturing},
      ["input.f (spec/script/bad/value_spec.lua:%d+) captures 'iterator', a C function"] =
        {f = function() return iterator end},
    }
    for text, value in pairs(cases) do
      local message = refusal(value)
      assert.matches(text:gsub("[().%[%]]", "%%%0"), message)
      assert.is_nil(message:find("0x", 1, true), message)
    end
    for text, run in pairs{
      ["result.a: a userdata cannot be sent"] = function() return {a = io.stdout} end,
      ["result: a coroutine cannot be sent"] = function() return coroutine.running() end,
      ["result[2]: a C function cannot be sent"] = function()
        return {1, ("x"):gmatch("x")}
      end,
    } do
      local result = failure_of("lua", {run = run})
      assert.matches(text, result.error, 1, true)
      assert.is_nil(result.error:find("0x", 1, true), result.error)
    end
  end)

  it("D11 lose their metatables, which nobody asks", function()
    local function never() error("a metamethod was run") end
    local value = setmetatable({1, 2, x = 3}, {__pairs = never, __index = never, __len = never,
      __newindex = never, __call = never, __eq = never, __tostring = never, __close = never})
    local back = echo{value}
    assert.is_nil(getmetatable(back[1]))
    assert.same({1, 2, x = 3}, back[1])
    assert.is_nil(output_of{run = function()
      return setmetatable({}, {__index = function() return 1 end})
    end}.anything)
  end)

  it("D12 are what they are, whatever a metatable says", function()
    for _, name in ipairs{"orun.handle", "FILE*", "string", "orun.list"} do
      local value = setmetatable({id = "t1", description = "x"}, {__name = name,
        __metatable = name})
      -- No handle: it is not waited for, and arrives as the data it is.
      assert.same({id = "t1", description = "x"}, echo{value}[1])
    end
    local file = setmetatable({}, getmetatable(io.stdout))
    assert.same({}, echo(file))
  end)

  it("D13 are copied in one moment: no finalizer comes in between", function()
    local value = {count = 0, list = {}}
    local function grow()
      value.count = value.count + 1
      value.list[value.count] = value.count
    end
    collectgarbage("setpause", 0)
    for _ = 1, 500 do
      for _ = 1, 5 do setmetatable({}, {__gc = grow}) end
      local back = echo(value)
      assert.equal(back.count, #back.list)
    end
    collectgarbage("setpause", 200)
    collectgarbage()
    assert.is_true(value.count > 100)
  end)

  it("D14 have keys that are strings, numbers or booleans", function()
    for name, key in pairs{table = {}, ["function"] = print, userdata = io.stdout,
                           thread = coroutine.create(print)} do
      assert.matches("input.map: a key of type " .. name .. " cannot be sent",
        refusal{map = {[key] = 1}}, 1, true)
    end
    local many = {}
    for i = 1, 10000 do many[{i}] = i end
    assert.matches("input: a key of type table cannot be sent", refusal(many), 1, true)
    assert.same({[true] = 1, [false] = 2, [1.5] = 3, [""] = 4},
      echo{[true] = 1, [false] = 2, [1.5] = 3, [""] = 4})
  end)

  it("D16 that do not fit into a task's memory fail it, at whatever point", function()
    local big = {}
    for i = 1, 300 do big[i] = {name = "item " .. i, ("x"):rep(i), [i] = true} end
    local function run(input)
      return #input + #big -- big comes along as a captured variable
    end
    local limit, failures = 1 << 10, 0
    while true do
      local result = Task{run = run, input = big, memory_limit = limit}
      if result.status == "completed" then
        assert.equal(600, result.output)
        break
      end
      assert.equal("memory", result.error_kind, result.error)
      failures = failures + 1
      limit = limit + (3 << 10)
    end
    assert.is_true(failures > 20)
    assert.equal("next", echo("next"))
  end)

  it("D17 come one from a task: a second result is none, a million are an error", function()
    assert.equal(1, output_of{run = function() return 1, 2, 3 end})
    assert.equal(7, output_of{run = function()
      local list = {7}
      for i = 2, 200000 do list[i] = i end
      return table.unpack(list)
    end})
    local result = failure_of("lua", {run = function()
      return table.unpack({}, 1, 1000000)
    end})
    assert.matches("too many results to unpack", result.error, 1, true)
    result = failure_of("lua", {run = function()
      return select("#", table.unpack({}, 1, 1e8))
    end})
    assert.matches("too many results to unpack", result.error, 1, true)
  end)
end)
