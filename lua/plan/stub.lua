--- orun.plan.stub: the stub result that `orun plan` uses in place of an agent's work.
--
--     local f = stand_in(schema, kind)     -- f() -> a value
--
-- With a schema the value has its form, as far as that can be made without knowing what
-- is meant: each property there is (but those of what contains itself), arrays with one
-- entry or as many as they must have, the first of several choices, a text that is its
-- property's name, the least number. Without one it is empty and of the kind the last
-- such task gave: "s" a string, "t" a table, "n" a number, "b" a boolean, "-" nil.

local decimal = require "orun.schema.decimal"
local json = require "orun.json"

local DEEP <const> = 8      -- levels, then only what is required
local DEEPEST <const> = 32  -- … and then nothing
local MANY <const> = 1000   -- entries or letters, at most

local EMPTY <const> = {s = "", n = 0, b = false}

local make -- make(node, root, name, depth) -> value

-- What "#/$defs/x" means in the schema.
local function at(root, pointer)
  local node = root
  for step in pointer:gsub("^#", ""):gmatch("/([^/]*)") do
    step = step:gsub("~1", "/"):gsub("~0", "~")
    if type(node) ~= "table" then return nil end
    node = node[step] or node[math.tointeger(tonumber(step) or 0) + 1]
  end
  return node
end

local function text(node, name)
  local s = name or ""
  local least, most = node.minLength or 0, node.maxLength or MANY
  if utf8.len(s) > most then s = ("x"):rep(most // 1 | 0) end
  local lacks = math.min(least, MANY) - utf8.len(s)
  return lacks > 0 and s .. ("x"):rep(lacks // 1 | 0) or s
end

local function number(node, whole)
  local n, step = 0, node.multipleOf or 1
  if node.minimum then n = math.max(n, node.minimum) end
  if node.exclusiveMinimum and n <= node.exclusiveMinimum then n = node.exclusiveMinimum + step end
  if node.maximum then n = math.min(n, node.maximum) end
  if node.exclusiveMaximum and n >= node.exclusiveMaximum then n = node.exclusiveMaximum - step end
  if node.multipleOf or whole then n = decimal.at_least(n, step) end
  return math.tointeger(n) or n
end

local function array(node, root, name, depth)
  local list = json.array{}
  for i, each in ipairs(node.prefixItems or {}) do list[i] = make(each, root, name, depth + 1) end
  local n = math.max(node.minItems or 0, node.items ~= nil and depth < DEEP and 1 or 0,
    node.minContains or node.contains and 1 or 0)
  for i = #list + 1, math.min(n, node.maxItems or n, MANY) do
    local each = node.contains ~= nil and node.contains or node.items
    list[i] = make(each, root, name, depth + 1)
  end
  return list
end

local function object(node, root, depth)
  local value, wanted = {}, {}
  for _, name in ipairs(node.required or {}) do wanted[name] = true end
  for name in pairs(depth < DEEP and node.properties or {}) do wanted[name] = true end
  for name in pairs(wanted) do
    local each = (node.properties or {})[name]
    value[name] = make(each, root, name, depth + 1)
  end
  return value
end

local MAKERS <const> = {
  string = function(node, _, name) return text(node, name) end,
  integer = function(node) return number(node, true) end,
  number = function(node) return number(node, false) end,
  boolean = function() return false end,
  null = function() return json.null end,
  array = array,
  object = function(node, root, _, depth) return object(node, root, depth) end,
}

-- The type a node that names none means.
local function type_of(node)
  local t = node.type
  if type(t) == "table" then t = t[1] == "null" and t[2] or t[1] end
  if t then return t end
  if node.properties or node.required then return "object" end
  if node.items ~= nil or node.prefixItems or node.minItems then return "array" end
  if node.minimum or node.maximum or node.multipleOf then return "number" end
  return "string"
end

-- A node and one of its parts as one: what the part says goes first.
local function joined(node, part)
  local all = {}
  for k, v in pairs(node) do
    if k ~= "allOf" and k ~= "anyOf" and k ~= "oneOf" and k ~= "$ref" then all[k] = v end
  end
  for k, v in pairs(part) do
    if k == "properties" or k == "required" then
      local both = {}
      for name, each in pairs(all[k] or {}) do both[name] = each end
      for name, each in pairs(v) do
        both[k == "required" and #both + 1 or name] = each
      end
      all[k] = both
    else
      all[k] = v
    end
  end
  return all
end

-- A node without $ref, allOf, anyOf and oneOf.
local function plain(node, root, depth)
  local parts = {}
  if node["$ref"] then parts[1] = at(root, node["$ref"]) end
  for _, part in ipairs(node.allOf or {}) do parts[#parts + 1] = part end
  parts[#parts + 1] = (node.anyOf or node.oneOf or {})[1]
  if #parts == 0 or depth > DEEPEST then return node end
  for _, part in ipairs(parts) do
    if type(part) == "table" then node = joined(node, plain(part, root, depth + 1)) end
  end
  return node
end

function make(node, root, name, depth)
  if type(node) ~= "table" or depth > DEEPEST then return name or "" end
  node = plain(node, root, depth)
  if node.const ~= nil then return node.const end
  if node.enum then return node.enum[1] end
  if node.default ~= nil then return node.default end
  if node.examples and node.examples[1] ~= nil then return node.examples[1] end
  return (MAKERS[type_of(node)] or MAKERS.string)(node, root, name, depth)
end

--- A function that returns such a value.
return function(schema, kind)
  local value
  if type(schema) == "table" then
    value = make(schema, schema, nil, 0)
  elseif schema == nil and kind == "t" then
    value = {}
  elseif schema == nil then
    value = EMPTY[kind]
  end
  return function() return value end
end
