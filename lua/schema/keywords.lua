--- orun.schema.keywords: what the arguments of JSON Schema's keywords must be.
--
-- Each function checks one argument and returns what is wrong with it, or nil.
-- They belong to schema/init.lua, which has the keywords themselves.
--
-- Glossary
--   node   a schema, or a schema inside one: a table, true or false

local json = require "orun.json"

local M = {}

--- The node a reference names, or nil and why there is none.
function M.resolve(root, reference)
  if reference:sub(1, 1) ~= "#" then
    return nil, "only places in this schema can be named, such as \"#/$defs/x\""
  end
  local node = root
  local path = reference:sub(2):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  if path ~= "" and path:sub(1, 1) ~= "/" then return nil, "a place begins with \"#/\"" end
  for token in path:gmatch("/([^/]*)") do
    local key = token:gsub("~1", "/"):gsub("~0", "~")
    local index = key:match("^%d+$") and tonumber(key) + 1
    if type(node) ~= "table" then return nil, "there is nothing at this place" end
    local inner = node[key]
    if inner == nil and index then inner = node[index] end
    node = inner
  end
  if type(node) ~= "table" and type(node) ~= "boolean" then
    return nil, "there is no schema at this place"
  end
  return node
end

--- Whether a value is a whole number, 1.0 too.
function M.is_integer(value)
  return type(value) == "number" and (math.type(value) == "integer" or value % 1 == 0)
end

--- A schema.
function M.node(v)
  if type(v) == "boolean" or type(v) == "table" and not (json.is_array(v) and #v > 0) then
    return nil
  end
  return "expected a schema"
end

--- Schemas.
function M.nodes(v)
  if type(v) ~= "table" or #v == 0 then return "expected an array of schemas" end
  for _, node in ipairs(v) do
    if M.node(node) then return "expected an array of schemas" end
  end
end

--- Schemas by name.
function M.node_map(v)
  if type(v) ~= "table" then return "expected a table of schemas by name" end
  for k, node in next, v do
    if type(k) ~= "string" or M.node(node) then return "expected a table of schemas by name" end
  end
end

--- An array of strings.
function M.strings(v)
  if type(v) ~= "table" then return "expected an array of strings" end
  for _, s in ipairs(v) do
    if type(s) ~= "string" then return "expected an array of strings" end
  end
  if next(v) ~= nil and not json.is_array(v) then return "expected an array of strings" end
end

--- Arrays of strings by name.
function M.string_lists(v)
  if type(v) ~= "table" then return "expected a table of arrays of names" end
  for _, names in next, v do
    local wrong = M.strings(names)
    if wrong then return wrong end
  end
end

-- A number that JSON can say: neither infinite nor NaN.
local function is_finite(v)
  return type(v) == "number" and v - v == 0
end

--- A number.
function M.number(v)
  return not is_finite(v) and "expected a number (a finite one)" or nil
end

--- A number above 0.
function M.positive(v)
  return not (is_finite(v) and v > 0) and "expected a number above 0" or nil
end

--- A count.
function M.size(v)
  return (not M.is_integer(v) or v < 0) and "expected a whole number, 0 or more" or nil
end

--- true or false.
function M.flag(v)
  return type(v) ~= "boolean" and "expected true or false" or nil
end

local TYPES <const> = {array = true, boolean = true, integer = true, null = true,
                       number = true, object = true, string = true}

--- A name of a type, or several.
function M.type(v)
  for _, name in ipairs(type(v) == "table" and v or {v}) do
    if not TYPES[name] then
      return "expected array, boolean, integer, null, number, object or string"
    end
  end
  if type(v) == "table" and #v == 0 then return "expected a type, or several" end
end

--- One value or more.
function M.values(v)
  return (type(v) ~= "table" or #v == 0) and "expected an array of values" or nil
end

--- Whatever it is.
function M.any()
end

--- The place of a schema inside `root`.
function M.reference(v, root)
  if type(v) ~= "string" then return "a reference is a string such as \"#/$defs/x\"" end
  local node, why = M.resolve(root, v)
  return node == nil and why or nil
end

return M
