-- 19.99 was not a multiple of 0.01: floats were divided as if they were what was written.

local h = require "spec.support.helper"
local decimal = require "orun.schema.decimal"
local json = require "orun.json"
local schema = require "orun.schema"
local stand_in = require "orun.plan.stub"

local BIG <const> = "9007199254740993" -- the float nearest to it ends in 2

local function fits(node, value)
  local checker = assert(schema.new(json.decode(node)))
  return (checker:check(json.decode("[" .. value .. "]")[1]))
end

describe("multipleOf", function()
  local RIGHT <const> = {
    ["0.01"] = {"19.99", "0.07", "1.13", "4.35", "-19.99", "0", "0.0", "-0.0", "1e2", "1e300",
                "123456789012.34", "4.350"},
    ["0.1"] = {"0.3", "1.1", "0.7", "7"}, ["1e-7"] = {"0.0000003", "1"},
    ["2"] = {"9007199254740992", "9007199254740994", "9223372036854775806", "1e300", "4.0"},
    ["2.5"] = {"7.5", "10"}, ["9223372036854775807"] = {"9223372036854775807", "0"},
    ["1.5"] = {"3", "4.5"}, ["5e-324"] = {"5e-324", "1"}, ["1e300"] = {"1e300", "1e308"},
  }
  local WRONG <const> = {
    ["0.01"] = {"0.015", "19.999", "1e-3", "1e-300", "0.010000000000000002"},
    ["0.1"] = {"0.35", "0.30000000000000004"}, ["1e-7"] = {"1e-8"},
    ["2"] = {"9007199254740993", "9223372036854775807", "3.0", "2.5"}, ["2.5"] = {"7"},
    ["9223372036854775807"] = {"9223372036854775806"}, ["7"] = {"1e19"}, ["1e300"] = {"1e299"},
  }

  it("counts in decimals", function()
    for step, values in pairs(RIGHT) do
      for _, value in ipairs(values) do
        assert.is_true(fits(('{"multipleOf":%s}'):format(step), value), value .. " of " .. step)
      end
    end
    for step, values in pairs(WRONG) do
      for _, value in ipairs(values) do
        assert.is_false(fits(('{"multipleOf":%s}'):format(step), value), value .. " of " .. step)
      end
    end
    assert.is_false(decimal.is_multiple(math.huge, 1))
    assert.is_false(decimal.is_multiple(0 / 0, 1))
  end)

  it("says which value is not one", function()
    local checker = schema.new{multipleOf = 0.01}
    assert.same({"the value: 0.015 is not a multiple of 0.01"}, select(2, checker:check(0.015)))
  end)

  it("is met by what stands in for an answer in a plan", function()
    for _, text in ipairs{
      '{"type":"number","multipleOf":0.01,"minimum":19.981}',
      '{"type":"number","multipleOf":0.1,"exclusiveMinimum":0.3}',
      '{"type":"number","multipleOf":0.01,"minimum":4.35}',
      '{"type":"integer","multipleOf":3,"minimum":7}',
      '{"type":"number","multipleOf":0.07,"exclusiveMinimum":1.13}',
      '{"type":"integer","exclusiveMinimum":2.5,"maximum":3}',
    } do
      local root = json.decode(text)
      local value = stand_in(root)()
      assert.is_true((schema.new(root):check(value)), text .. ": " .. tostring(value))
    end
  end)
end)

describe("a budget in dollars", function()
  it("is used up by what adds up to it in decimals", function()
    local r = h.script([[
      orun.agent{name = "w", limit = 1, budget = {usd = 1}, run = function()
        orun.report{cost = 0.1}
        return "done"
      end}
      local n = 0
      for i = 1, 12 do
        if Task{subagent_type = "w", input = i}.output then n = n + 1 end
      end
      print(n)]])
    assert.equal("10\n", r.out, r.err)
  end)
end)

describe("floats and integers", function()
  it("meet as JSON's numbers do", function()
    for node, cases in pairs{
      ['{"enum":[1,2.50]}'] = {right = {"1.0", "1", "2.5", "1e0"}, wrong = {"1.5", '"1"'}},
      ['{"const":' .. BIG .. '}'] = {right = {BIG}, wrong = {"9007199254740992.0"}},
      ['{"minimum":' .. BIG .. '}'] = {right = {BIG}, wrong = {"9007199254740992.0"}},
      ['{"maximum":19.99}'] = {right = {"19.99", "19", "19.990"}, wrong = {"20", "20.0"}},
      ['{"exclusiveMaximum":9223372036854775807}'] = {right = {"1"}, wrong = {"1e19"}},
      ['{"type":"integer"}'] = {right = {"1e3", "4.0"}, wrong = {"1e-1"}},
    } do
      for _, value in ipairs(cases.right) do assert.is_true(fits(node, value), node .. value) end
      for _, value in ipairs(cases.wrong) do assert.is_false(fits(node, value), node .. value) end
    end
  end)

  it("that JSON cannot say are refused in a schema", function()
    for _, name in ipairs{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
                          "multipleOf"} do
      for _, value in ipairs{math.huge, 0 / 0} do
        local checker, why = schema.new{[name] = value}
        assert.is_nil(checker)
        assert.is_truthy(why:find("^/" .. name), why)
      end
    end
  end)
end)
