--- orun.schema: JSON Schema (draft 2020-12), the part of it that agents need.
--
--     local schema = require "orun.schema"
--     local checker = assert(schema.new{
--       type = "object", required = {"files"},
--       properties = {files = {type = "array", items = {type = "string"}}},
--     })
--     local ok, errors = checker:check{files = {7}}
--     print(errors[1])  --> /files/0: 7 is a number, expected a string
--
-- What is understood: true and false as schemas; type, enum, const; minimum,
-- maximum, exclusiveMinimum, exclusiveMaximum, multipleOf; minLength,
-- maxLength; items, prefixItems, contains, minContains, maxContains, minItems,
-- maxItems, uniqueItems; properties, additionalProperties, required,
-- propertyNames, minProperties, maxProperties, dependentRequired,
-- dependentSchemas; allOf, anyOf, oneOf, not, if, then, else; $defs (and the
-- older definitions), $ref to a place in the same schema ("#/$defs/x").
-- title, description, default, examples, format and the like say something and
-- check nothing. Everything else is refused when the schema is read, so nothing
-- that was asked for goes unchecked.
--
-- Values are as orun.json reads them: null is json.null, an empty array is
-- marked. 1 and 1.0 are the same number, as JSON has it, and multipleOf counts in
-- decimals: 19.99 is a multiple of 0.01.
--
-- Glossary
--   node      a schema, or a schema inside one: a table, true or false
--   pointer   where something is: "/files/0", "" the whole (RFC 6901)

local json = require "orun.json"
local check = require "orun.util.check"
local decimal = require "orun.schema.decimal"
local shape = require "orun.schema.keywords"

local M = {}

local MAX_ERRORS <const> = 10
local MAX_DEPTH <const> = 200
local SHOWN <const> = 60

local null <const> = json.null

-- ---- values ----

local function kind_of(value)
  local kind = type(value)
  if value == null or value == nil then return "null" end
  if kind ~= "table" then return kind end
  return json.is_array(value) and "array" or "object"
end

local function same(a, b)
  local kind = kind_of(a)
  if kind ~= kind_of(b) then return false end
  if type(a) ~= "table" then return a == b end
  for k, v in next, a do
    if b[k] == nil or not same(v, b[k]) then return false end
  end
  for k in next, b do
    if a[k] == nil then return false end
  end
  return true
end

local function show(value)
  local ok, text = pcall(json.encode, value)
  if not ok and orun.stopping and orun.stopping() then error(text, 0) end
  if not ok then return "a " .. kind_of(value) end
  return #text > SHOWN and text:sub(1, SHOWN) .. "..." or text
end

local function below(pointer, key)
  if math.type(key) == "integer" then return ("%s/%d"):format(pointer, key - 1) end
  return pointer .. "/" .. key:gsub("~", "~0"):gsub("/", "~1")
end

local function count_keys(t)
  local n = 0
  for _ in next, t do n = n + 1 end
  return n
end

-- ---- a check under way ----
-- {root =, depth =, errors = array of strings}

local apply

local function fail(run, pointer, format, ...)
  local text = format:format(...)
  local where = pointer == "" and "the value" or pointer
  run.errors[#run.errors + 1] = where .. ": " .. text
end

-- Is `value` as `node` wants it? What is wrong is not kept.
local function fits(run, node, value, pointer)
  local trial = {root = run.root, depth = run.depth, errors = {}}
  apply(trial, node, value, pointer)
  return #trial.errors == 0, trial.errors
end

-- ---- the keywords: name -> {what the argument must be, check, nodes inside} ----
-- check(run, argument, value, pointer, node); `nodes` is "one", "array" or "map".

local KEYWORDS = {}

local function keyword(name, wants, checks, nodes)
  KEYWORDS[name] = {wants = wants, check = checks, nodes = nodes}
end

-- A keyword about values of one kind; others pass.
local function of(kind, fn)
  return function(run, argument, value, pointer, node)
    if kind_of(value) == kind then return fn(run, argument, value, pointer, node) end
  end
end

local function any_value()
end

for _, name in ipairs{"$comment", "$schema", "contentEncoding", "contentMediaType", "default",
    "deprecated", "description", "examples", "format", "readOnly", "title", "writeOnly"} do
  keyword(name, shape.any, any_value)
end

keyword("type", shape.type, function(run, wanted, value, pointer)
  local kind = kind_of(value)
  for _, name in ipairs(type(wanted) == "table" and wanted or {wanted}) do
    if name == kind or name == "integer" and shape.is_integer(value) then return end
  end
  local names = type(wanted) == "table" and table.concat(wanted, " or ") or wanted
  local article = names:find("^[aio]") and "an" or "a"
  fail(run, pointer, "%s is %s %s, expected %s %s", show(value),
    kind:find("^[ao]") and "an" or "a", kind, article, names)
end)

keyword("enum", shape.values, function(run, values, value, pointer)
  local names = {}
  for i, one in ipairs(values) do
    if same(one, value) then return end
    names[i] = show(one)
  end
  fail(run, pointer, "%s is none of %s", show(value), table.concat(names, ", "))
end)

keyword("const", shape.any, function(run, one, value, pointer)
  if not same(one, value) then
    fail(run, pointer, "%s is not %s", show(value), show(one))
  end
end)

local function bound(name, wrong, words)
  keyword(name, shape.number, of("number", function(run, limit, value, pointer)
    if wrong(value, limit) then
      fail(run, pointer, "%s is %s %s", show(value), words, show(limit))
    end
  end))
end

bound("minimum", function(v, limit) return v < limit end, "less than the minimum")
bound("maximum", function(v, limit) return v > limit end, "more than the maximum")
bound("exclusiveMinimum", function(v, limit) return v <= limit end, "not above")
bound("exclusiveMaximum", function(v, limit) return v >= limit end, "not below")

keyword("multipleOf", shape.positive, of("number", function(run, step, value, pointer)
  if not decimal.is_multiple(value, step) then
    fail(run, pointer, "%s is not a multiple of %s", show(value), show(step))
  end
end))

local function length(name, kind, measure, wrong, words)
  keyword(name, shape.size, of(kind, function(run, limit, value, pointer)
    local n = measure(value)
    if wrong(n, limit) then
      fail(run, pointer, "it has %d %s, expected %s %d", n, words[1], words[2], limit)
    end
  end))
end

local function less(a, b) return a < b end
local function more(a, b) return a > b end
local function characters(s) return utf8.len(s) or #s end
local function items(t) return #t end

length("minLength", "string", characters, less, {"characters", "at least"})
length("maxLength", "string", characters, more, {"characters", "at most"})
length("minItems", "array", items, less, {"items", "at least"})
length("maxItems", "array", items, more, {"items", "at most"})
length("minProperties", "object", count_keys, less, {"fields", "at least"})
length("maxProperties", "object", count_keys, more, {"fields", "at most"})

keyword("uniqueItems", shape.flag, of("array", function(run, wanted, value, pointer)
  for i = 2, wanted and #value or 0 do
    for j = 1, i - 1 do
      if same(value[i], value[j]) then
        return fail(run, pointer, "items %d and %d are the same", j - 1, i - 1)
      end
    end
  end
end))

keyword("prefixItems", shape.nodes, of("array", function(run, nodes, value, pointer)
  for i = 1, math.min(#nodes, #value) do
    apply(run, nodes[i], value[i], below(pointer, i))
  end
end), "array")

keyword("items", shape.node, of("array", function(run, node, value, pointer, whole)
  local first = whole.prefixItems and #whole.prefixItems + 1 or 1
  for i = first, #value do apply(run, node, value[i], below(pointer, i)) end
end), "one")

keyword("contains", shape.node, of("array", function(run, node, value, pointer, whole)
  local least, most, n = whole.minContains or 1, whole.maxContains or math.huge, 0
  for i = 1, #value do
    if fits(run, node, value[i], below(pointer, i)) then n = n + 1 end
  end
  if n < least then
    fail(run, pointer, "items as \"contains\" wants them: %d, at least %d must be", n, least)
  elseif n > most then
    fail(run, pointer, "items as \"contains\" wants them: %d, at most %d may be", n, most)
  end
end), "one")
keyword("minContains", shape.size, any_value)
keyword("maxContains", shape.size, any_value)

keyword("properties", shape.node_map, of("object", function(run, nodes, value, pointer)
  for _, name in ipairs(check.sorted(nodes)) do
    if value[name] ~= nil then apply(run, nodes[name], value[name], below(pointer, name)) end
  end
end), "map")

local function additional(run, node, value, pointer, whole)
  local known = whole.properties or {}
  for _, name in ipairs(check.sorted(value)) do
    if known[name] == nil then
      if node == false then
        fail(run, below(pointer, name), "there is no such field")
      else
        apply(run, node, value[name], below(pointer, name))
      end
    end
  end
end
keyword("additionalProperties", shape.node, of("object", additional), "one")

keyword("propertyNames", shape.node, of("object", function(run, node, value, pointer)
  for _, name in ipairs(check.sorted(value)) do
    if not fits(run, node, name, pointer) then
      fail(run, pointer, "%s is not a name that is allowed", show(name))
    end
  end
end), "one")

local function require_all(run, names, value, pointer, because)
  for _, name in ipairs(names) do
    if value[name] == nil then
      fail(run, pointer, "the field %s is missing%s", show(name), because or "")
    end
  end
end

keyword("required", shape.strings, of("object", function(run, names, value, pointer)
  require_all(run, names, value, pointer)
end))

local function dependent(run, lists, value, pointer)
  for _, name in ipairs(check.sorted(lists)) do
    if value[name] ~= nil then
      require_all(run, lists[name], value, pointer, ", which comes with " .. show(name))
    end
  end
end
keyword("dependentRequired", shape.string_lists, of("object", dependent))

keyword("dependentSchemas", shape.node_map, of("object", function(run, nodes, value, pointer)
  for _, name in ipairs(check.sorted(nodes)) do
    if value[name] ~= nil then apply(run, nodes[name], value, pointer) end
  end
end), "map")

keyword("allOf", shape.nodes, function(run, nodes, value, pointer)
  for _, node in ipairs(nodes) do apply(run, node, value, pointer) end
end, "array")

-- How many of the nodes the value fits, and of the others the shortest list of
-- what is wrong: most likely the one that was meant.
local function fitting(run, nodes, value, pointer)
  local n, nearest = 0, nil
  for _, node in ipairs(nodes) do
    local ok, errors = fits(run, node, value, pointer)
    if ok then
      n = n + 1
    elseif not nearest or #errors < #nearest then
      nearest = errors
    end
  end
  return n, nearest
end

keyword("anyOf", shape.nodes, function(run, nodes, value, pointer)
  local n, nearest = fitting(run, nodes, value, pointer)
  if n == 0 then
    fail(run, pointer, "it is none of the %d that \"anyOf\" allows; the nearest: %s", #nodes,
      nearest[1])
  end
end, "array")

keyword("oneOf", shape.nodes, function(run, nodes, value, pointer)
  local n, nearest = fitting(run, nodes, value, pointer)
  if n == 0 then
    fail(run, pointer, "it is none of the %d that \"oneOf\" allows; the nearest: %s", #nodes,
      nearest[1])
  elseif n > 1 then
    fail(run, pointer, "it is %d of those that \"oneOf\" allows, and must be one", n)
  end
end, "array")

keyword("not", shape.node, function(run, node, value, pointer)
  if fits(run, node, value, pointer) then
    fail(run, pointer, "%s is what \"not\" rules out", show(value))
  end
end, "one")

keyword("if", shape.node, function(run, node, value, pointer, whole)
  local branch = whole["else"]
  if fits(run, node, value, pointer) then branch = whole["then"] end
  if branch ~= nil then apply(run, branch, value, pointer) end
end, "one")
keyword("then", shape.node, any_value, "one")
keyword("else", shape.node, any_value, "one")

keyword("$defs", shape.node_map, any_value, "map")
keyword("definitions", shape.node_map, any_value, "map")
keyword("$ref", shape.reference, function(run, reference, value, pointer)
  apply(run, shape.resolve(run.root, reference), value, pointer)
end)

-- In the order of their names, so the same value has the same errors.
local ORDER <const> = check.sorted(KEYWORDS)

function apply(run, node, value, pointer)
  if #run.errors >= MAX_ERRORS or node == true then return end
  if node == false then return fail(run, pointer, "nothing is allowed here") end
  if run.depth >= MAX_DEPTH then
    return fail(run, pointer, "it is nested deeper than %d schemas", MAX_DEPTH)
  end
  run.depth = run.depth + 1
  for _, name in ipairs(ORDER) do
    local argument = node[name]
    if argument ~= nil then KEYWORDS[name].check(run, argument, value, pointer, node) end
  end
  run.depth = run.depth - 1
end

-- ---- reading a schema ----

local read_node

local function read_inside(root, nodes, argument, pointer)
  if nodes == "one" then return read_node(root, argument, pointer) end
  for _, key in ipairs(nodes == "array" and {} or check.sorted(argument)) do
    local wrong = read_node(root, argument[key], below(pointer, key))
    if wrong then return wrong end
  end
  for i, node in ipairs(nodes == "array" and argument or {}) do
    local wrong = read_node(root, node, below(pointer, i))
    if wrong then return wrong end
  end
end

-- What is wrong with a node, or nil.
function read_node(root, node, pointer)
  if type(node) == "boolean" then return nil end
  if select(2, pointer:gsub("/", "/")) > MAX_DEPTH then
    return ("%s: nested deeper than %d"):format(pointer, MAX_DEPTH)
  end
  local names = {}
  for name in next, node do
    if type(name) ~= "string" then
      return ("%s: a schema is a table with names, or true or false"):format(
        pointer == "" and "the schema" or pointer)
    end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local here, known = below(pointer, name), KEYWORDS[name]
    if not known then
      local near = check.nearest(name, KEYWORDS)
      return ("%s: orun does not understand this keyword, and would not check it%s"):format(here,
        near and (" (did you mean \"%s\"?)"):format(near) or "")
    end
    local wrong = known.wants(node[name], root)
    if wrong then return ("%s = %s: %s"):format(here, show(node[name]), wrong) end
    wrong = known.nodes and read_inside(root, known.nodes, node[name], here)
    if wrong then return wrong end
  end
end

-- ---- the module ----

local Checker <const> = {__name = "orun.schema"}
Checker.__index = Checker

--- Check a value.
-- @param value  as orun.json reads it
-- @return true; or false and an array of what is wrong (ten at most), each
--   beginning with the place: "/files/0: ..."
function Checker:check(value)
  local run = {root = self.root, depth = 0, errors = {}}
  apply(run, self.root, value, "")
  if #run.errors == 0 then return true end
  return false, run.errors
end

--- Read a schema.
-- @param root  a table (or true, false) as JSON Schema says it
-- @return a checker; or nil and what is wrong with the schema, beginning with
--   the place of the keyword
-- @usage schema.new{type = "number"}:check(1)  --> true
function M.new(root)
  if type(root) ~= "table" and type(root) ~= "boolean" then
    return nil, ("a schema is a table (or true or false), got %s"):format(type(root))
  end
  local wrong = read_node(root, root, "")
  if wrong then return nil, wrong end
  return setmetatable({root = root}, Checker)
end

return M
