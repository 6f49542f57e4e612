--- What stands in for an agent's result in a plan (lua/plan/stub.lua).

local stand_in = require "orun.plan.stub"
local schema = require "orun.schema"
local json = require "orun.json"

describe("a stand-in", function()
  it("has the form of a schema", function()
    for _, text in ipairs{
      [[{"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}]],
      [[{"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object",
        "properties": {"n": {"type": "integer", "minimum": 3, "multipleOf": 4}}}}}}]],
      [[{"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 3}]],
      [[{"type": "array", "prefixItems": [{"type": "boolean"}, {"type": "null"}], "items": false}]],
      [[{"type": "string", "minLength": 20}]], [[{"type": "string", "maxLength": 2}]],
      [[{"type": "number", "exclusiveMinimum": 2, "maximum": 4}]],
      [[{"type": "number", "maximum": -1.5}]], [[{"const": {"a": [1]}}]],
      [[{"type": ["null", "integer"]}]],
      [[{"anyOf": [{"type": "integer"}, {"type": "string"}]}]],
      [[{"allOf": [{"required": ["a"], "properties": {"a": {"type": "integer"}}},
                   {"required": ["b"], "properties": {"b": {"type": "string"}}}]}]],
      [[{"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "required": ["name"],
        "properties": {"name": {"type": "string"}, "children": {"type": "array",
        "items": {"$ref": "#/$defs/node"}}}}}}]],
      [[{"type": "array", "contains": {"const": 7}, "minContains": 2}]], [[{}]], [[true]],
    } do
      local root = json.decode(text)
      local value = stand_in(root)()
      if root ~= true then
        local checker = assert(schema.new(root))
        local ok, errors = checker:check(value)
        assert.is_true(ok, text .. ": " .. table.concat(errors or {}, "; "))
      end
    end
  end)

  it("says what it stands for: texts are the names of their properties", function()
    local value = stand_in{type = "object", properties = {
      title = {type = "string"}, files = {type = "array", items = {type = "string"}}}}()
    assert.same({title = "title", files = {"files"}}, value)
  end)

  it("takes what a schema offers", function()
    assert.equal("d", stand_in{type = "string", default = "d"}())
    assert.equal(9, stand_in{type = "integer", examples = {9, 10}}())
    assert.equal("b", stand_in{enum = {"b", "c"}}())
  end)

  it("ends with a schema that needs itself", function()
    local root = {type = "object", required = {"a"}, properties = {}}
    root.properties.a = {["$ref"] = "#"}
    assert.equal("table", type(stand_in(root)().a.a.a))
  end)

  it("is empty, and of the kind there was, without one", function()
    assert.equal("", stand_in(nil, "s")())
    assert.same({}, stand_in(nil, "t")())
    assert.equal(0, stand_in(nil, "n")())
    assert.is_false(stand_in(nil, "b")())
    assert.is_nil(stand_in(nil, "-")())
  end)
end)
