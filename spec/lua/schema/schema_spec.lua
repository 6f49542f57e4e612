--- The part of JSON Schema that is understood, keyword by keyword, and what is
--- refused.

local json = require "orun.json"
local schema = require "orun.schema"

-- The errors of a value given as JSON, "" for none; the schema as JSON, too.
local function wrong(node, value)
  local checker = assert(schema.new(assert(json.decode("[" .. node .. "]"))[1]))
  local ok, errors = checker:check(assert(json.decode("[" .. value .. "]"))[1])
  return ok and "" or table.concat(errors, "; ")
end

-- {schema, values that fit, values that do not}
local CASES <const> = {
  type = {'{"type":"string"}', {'"a"'}, {'1', 'null', '[]', '{}', 'true'}},
  ["several types"] = {'{"type":["string","null"]}', {'"a"', 'null'}, {'1'}},
  array = {'{"type":"array"}', {'[]', '[1]'}, {'{}', '{"a":1}'}},
  object = {'{"type":"object"}', {'{}', '{"a":1}'}, {'[]', '[1]'}},
  integer = {'{"type":"integer"}', {'1', '1.0', '-3'}, {'1.5', '"1"'}},
  number = {'{"type":"number"}', {'1', '1.5'}, {'"1"'}},
  null = {'{"type":"null"}', {'null'}, {'0', 'false'}},
  enum = {'{"enum":["a",1,null,[1]]}', {'"a"', '1.0', 'null', '[1]'}, {'"b"', '2', '[]', '{}'}},
  const = {'{"const":{"a":[]}}', {'{"a":[]}'}, {'{"a":{}}', '{"a":[],"b":1}', '{}'}},
  minimum = {'{"minimum":2}', {'2', '3', '"1"'}, {'1.9'}},
  maximum = {'{"maximum":2}', {'2'}, {'2.1'}},
  exclusiveMinimum = {'{"exclusiveMinimum":2}', {'2.1'}, {'2'}},
  exclusiveMaximum = {'{"exclusiveMaximum":2}', {'1'}, {'2'}},
  multipleOf = {'{"multipleOf":0.5}', {'1', '1.5'}, {'1.2'}},
  minLength = {'{"minLength":2}', {'"\u{e9}\u{e9}"', '5'}, {'"\u{e9}"'}},
  maxLength = {'{"maxLength":2}', {'"\u{e9}\u{e9}"'}, {'"abc"'}},
  items = {'{"items":{"type":"number"}}', {'[]', '[1,2]', '{"a":"b"}'}, {'[1,"a"]'}},
  prefixItems = {'{"prefixItems":[{"const":1}],"items":false}', {'[1]', '[]'}, {'[2]', '[1,1]'}},
  contains = {'{"contains":{"const":1}}', {'[2,1]'}, {'[]', '[2]'}},
  minContains = {'{"contains":{"const":1},"minContains":0,"maxContains":1}', {'[]', '[1]'},
                 {'[1,1]'}},
  minItems = {'{"minItems":1}', {'[1]'}, {'[]'}},
  maxItems = {'{"maxItems":1}', {'[1]'}, {'[1,2]'}},
  uniqueItems = {'{"uniqueItems":true}', {'[1,2]', '[[],{}]'}, {'[1,1.0]', '[{"a":1},{"a":1}]'}},
  properties = {'{"properties":{"a":{"type":"number"}}}', {'{}', '{"a":1,"b":""}'}, {'{"a":""}'}},
  additionalProperties = {'{"properties":{"a":true},"additionalProperties":false}',
                          {'{"a":1}', '{}'}, {'{"b":1}'}},
  ["additional schema"] = {'{"additionalProperties":{"type":"number"}}', {'{"b":1}'},
                           {'{"b":""}'}},
  required = {'{"required":["a"]}', {'{"a":null}', '[]'}, {'{}'}},
  propertyNames = {'{"propertyNames":{"maxLength":1}}', {'{"a":1}'}, {'{"ab":1}'}},
  minProperties = {'{"minProperties":1}', {'{"a":1}'}, {'{}'}},
  maxProperties = {'{"maxProperties":1}', {'{"a":1}'}, {'{"a":1,"b":2}'}},
  dependentRequired = {'{"dependentRequired":{"a":["b"]}}', {'{"b":1}', '{"a":1,"b":1}'},
                       {'{"a":1}'}},
  dependentSchemas = {'{"dependentSchemas":{"a":{"required":["b"]}}}', {'{}'}, {'{"a":1}'}},
  allOf = {'{"allOf":[{"minimum":1},{"maximum":2}]}', {'1'}, {'0', '3'}},
  anyOf = {'{"anyOf":[{"type":"string"},{"minimum":1}]}', {'"a"', '1'}, {'0'}},
  oneOf = {'{"oneOf":[{"minimum":1},{"maximum":2}]}', {'0', '3'}, {'1'}},
  ["not"] = {'{"not":{"type":"string"}}', {'1'}, {'"a"'}},
  ["if"] = {'{"if":{"minimum":5},"then":{"maximum":7},"else":{"const":1}}', {'6', '1'},
            {'8', '2'}},
  ["$ref"] = {'{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"number"}}}', {'1'}, {'""'}},
  ["a tree"] = {'{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}',
                {'{"next":{"next":{}}}'}, {'{"next":{"other":1}}'}},
  ["true"] = {'true', {'1', 'null'}, {}},
  ["false"] = {'{"properties":{"a":false}}', {'{}'}, {'{"a":1}'}},
  annotations = {'{"title":"x","description":"y","format":"date","default":1}', {'1', '"x"'}, {}},
}

describe("orun.schema", function()
  local names = {}
  for name in pairs(CASES) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it("checks " .. name, function()
      local node, good, bad = table.unpack(CASES[name])
      for _, value in ipairs(good) do assert.equal("", wrong(node, value), value) end
      for _, value in ipairs(bad) do assert.not_equal("", wrong(node, value), value) end
    end)
  end

  it("says where and what is wrong, and what is wanted", function()
    assert.equal('/files/1/line: "x" is a string, expected an integer',
      wrong('{"properties":{"files":{"items":{"properties":{"line":{"type":"integer"}}}}}}',
        '{"files":[{"line":1},{"line":"x"}]}'))
    assert.equal('the value: the field "a" is missing', wrong('{"required":["a"]}', "{}"))
    assert.equal('/b: there is no such field', wrong('{"additionalProperties":false}', '{"b":1}'))
    assert.equal('/b: there is no such field',
      wrong('{"additionalProperties":false}', '{"b":{"now":1}}'))
    assert.equal('/a~1b~0: 3 is more than the maximum 2',
      wrong('{"properties":{"a/b~":{"maximum":2}}}', '{"a/b~":3}'))
    assert.equal('the value: "c" is none of "a", "b"', wrong('{"enum":["a","b"]}', '"c"'))
    assert.equal("the value: it has 1 items, expected at least 2", wrong('{"minItems":2}', "[1]"))
  end)

  it("names ten of many errors, in the same order each time", function()
    local many = wrong('{"items":{"type":"string"}}', "[" .. ("1,"):rep(50) .. "1]")
    assert.equal(10, select(2, many:gsub("expected a string", "")))
    assert.is_truthy(many:find("^/0: .*/9: "))
  end)

  it("ends with a schema that names itself", function()
    assert.is_truthy(wrong('{"$ref":"#"}', "1"):find("nested deeper than", 1, true))
  end)

  it("refuses what it would not check", function()
    local refused = {
      ['{"pattern":"a"}'] = "/pattern: orun does not understand",
      ['{"patternProperties":{}}'] = "/patternProperties",
      ['{"unevaluatedProperties":false}'] = "/unevaluatedProperties",
      ['{"items":{"anchor":1}}'] = "/items/anchor",
      ['{"requierd":["a"]}'] = 'did you mean "required"?',
      ['{"type":"text"}'] = '/type = "text": expected array, boolean',
      ['{"required":"a"}'] = "expected an array of strings",
      ['{"minItems":-1}'] = "expected a whole number, 0 or more",
      ['{"multipleOf":0}'] = "expected a number above 0",
      ['{"properties":{"a":7}}'] = "expected a table of schemas by name",
      ['{"anyOf":[]}'] = "expected an array of schemas",
      ['{"$ref":"other.json"}'] = "only places in this schema",
      ['{"$ref":"#/$defs/no"}'] = "there is nothing at this place",
      ['{"$ref":"#/type","type":"null"}'] = "there is no schema at this place",
      ['{"allOf":[{"enum":[]}]}'] = "/allOf/0/enum",
    }
    for text, words in pairs(refused) do
      local checker, why = schema.new(json.decode(text))
      assert.is_nil(checker, text)
      assert.is_truthy(why:find(words, 1, true), why)
    end
    for _, value in ipairs{1, "x", print} do
      local checker, why = schema.new(value)
      assert.is_nil(checker)
      assert.is_truthy(why:find("a schema is a table", 1, true), why)
    end
  end)
end)
