--- orun.util.check: the messages all bundled modules share.

local check = require "orun.util.check"

--- What a public function would raise for these arguments.
local function raised(fn, ...)
  local function public(...) return fn(...), nil end
  local ok, message = pcall(public, ...)
  assert.is_false(ok)
  return message
end

describe("check.options", function()
  local KNOWN <const> = {
    limit = "count", order = {"input", "done"}, each = "function", wait = "duration",
    quiet = "boolean", any = "any", hook = "hook", max = "whole", defaults = "table",
  }

  it("gives back a copy without a metatable", function()
    local opts = setmetatable({limit = 2}, {__index = {each = print}})
    local copy = check.options("f", opts, KNOWN)
    assert.same({limit = 2}, copy)
    assert.is_nil(getmetatable(copy))
    assert.are_not.equal(opts, copy)
    assert.same({}, check.options("f", nil, KNOWN))
  end)

  it("runs no metamethod", function()
    local trap = setmetatable({}, {
      __index = function() error("index") end,
      __pairs = function() error("pairs") end,
    })
    assert.same({}, check.options("f", trap, KNOWN))
  end)

  it("takes what is right", function()
    local right = {
      limit = 1, order = "done", each = print, wait = "250ms", quiet = false, any = {},
      hook = false, max = 0, defaults = {},
    }
    assert.same(right, check.options("f", right, KNOWN))
  end)

  it("refuses what is wrong, with name, value and fix", function()
    local wrong = {
      [{limit = 0}] = "f: limit = 0: expected a whole number, 1 or more",
      [{limit = 1.0}] = "f: limit = 1.0: expected a whole number, 1 or more",
      [{limit = "2"}] = 'f: limit = "2": expected a whole number, 1 or more',
      [{max = -1}] = "f: max = -1: expected a whole number, 0 or more",
      [{order = "x"}] = 'f: order = "x": expected one of "input", "done"',
      [{each = 1}] = "f: each = 1: expected a function",
      [{quiet = "false"}] = 'f: quiet = "false": expected true or false',
      [{hook = 1}] = "f: hook = 1: expected a function, true for a line on stderr, or false"
        .. " for none",
      [{defaults = print}] = "f: defaults = a function: expected a table",
    }
    for opts, message in pairs(wrong) do
      assert.equal(message, raised(check.options, "f", opts, KNOWN))
    end
    assert.equal("f: options = 1: expected a table", raised(check.options, "f", 1, KNOWN))
  end)

  it("suggests the nearest name for an unknown one", function()
    assert.equal("f: unknown option \"limt\", did you mean 'limit'?",
      raised(check.options, "f", {limt = 1}, KNOWN))
  end)

  it("lists them all when none is near", function()
    local all = {}
    for name in pairs(KNOWN) do all[#all + 1] = name end
    table.sort(all)
    local told = "; there are " .. table.concat(all, ", ")
    assert.equal('f: unknown option "zebrastripes"' .. told,
      raised(check.options, "f", {zebrastripes = 1}, KNOWN))
    assert.equal("f: unknown option 1" .. told, raised(check.options, "f", {"x"}, KNOWN))
  end)
end)

describe("check.seconds", function()
  it("reads durations", function()
    local right = {[0] = 0, [1.5] = 1.5, ["250ms"] = 0.25, ["30s"] = 30, ["1.5m"] = 90,
      ["2h"] = 7200, ["1d"] = 86400}
    for text, seconds in pairs(right) do assert.equal(seconds, check.seconds(text)) end
    assert.is_nil(check.seconds(nil))
  end)

  it("refuses what is none", function()
    for _, wrong in ipairs{-1, 0 / 0, "5", "s", "1 s", "5x", "-1s", {}, true} do
      assert.is_nil(check.seconds(wrong))
      assert.is_truthy(raised(check.argument, "f", "wait", wrong, "duration")
        :find("expected a number of seconds", 1, true))
    end
  end)
end)

describe("check.array", function()
  it("gives the length", function()
    assert.equal(0, check.array("f", "a", {}))
    assert.equal(2, check.array("f", "a", {"x", false}))
  end)

  it("refuses holes, other keys and what is no table", function()
    assert.equal("f: a = nil: expected an array", raised(check.array, "f", "a", nil))
    assert.equal("f: a has holes: 1 elements, but the last is [3]",
      raised(check.array, "f", "a", {[3] = 1}))
    assert.equal('f: a has the key "n"; an array has 1, 2, 3, ...',
      raised(check.array, "f", "a", {n = 3}))
    assert.equal("f: a has the key 0; an array has 1, 2, 3, ...",
      raised(check.array, "f", "a", {[0] = 1}))
  end)
end)

describe("check.show", function()
  it("cuts and escapes strings, and shows no addresses", function()
    assert.equal('"a\\nb"', check.show("a\nb"))
    assert.equal('"' .. ("x"):rep(40) .. '..."', check.show(("x"):rep(99)))
    assert.equal("a table", check.show(setmetatable({}, {__tostring = error})))
    assert.equal("a function", check.show(print))
    assert.equal("nil", check.show(nil))
    assert.equal("1.5", check.show(1.5))
  end)
end)
