--- JSON text to Lua values and back, exactly.
--
-- Debian's lua-cjson reads every number as a float, writes at most 14 digits,
-- cannot tell `[]` from `{}` and writes keys in no order. This module reads
-- with a cjson instance of its own and puts right what it lost; it writes by
-- itself. JSON is for the edges (agents, files, HTTP): between tasks values
-- travel as they are.
--
--     local json = require "orun.json"
--     print(json.encode{name = "x", tags = json.array()})   --> {"name":"x","tags":[]}
--     local t = json.decode('{"n": 1, "x": 1.0}')
--     print(t.n, t.x)                                       --> 1	1.0
--
-- Numbers: text without fraction and exponent is an integer where 64 bits hold
-- it, everything else a float; floats are written so that they read back equal,
-- with `.0` when they are whole. Arrays are tables with the keys 1..n; an empty
-- table is written `{}` unless json.array marked it, and `[]` is read as a
-- marked one. null is json.null, which is not nil and counts as true.
--
-- Words: a number is *hard* when cjson would lose something of it. A *stand-in*
-- is a number that takes a hard one's place while cjson reads the text.

local cjson = require("cjson").new()

local concat, sort = table.concat, table.sort
local find, format, gsub, sub = string.find, string.format, string.gsub, string.sub
local math_type, tointeger, utf8_len = math.type, math.tointeger, utf8.len
local utf8_codepoint = utf8.codepoint

local null <const> = cjson.null
local MAX_DEPTH <const> = 100 -- as deep as a value may be, see M.encode
local SHOWN <const> = 12 -- keys of a path in a message
local ARRAY = { __name = "orun.json.array" }

cjson.decode_invalid_numbers(false)

-- Is the table marked as an array? A mark that crossed a border is one of this name.
local function is_marked(t)
  local meta = getmetatable(t)
  return meta == ARRAY or (type(meta) == "table" and rawget(meta, "__name") == ARRAY.__name)
end

-- ---- writing ----------------------------------------------------------------
-- Nothing here yields or calls the user's code, so one set of variables does.

local out, count      -- pieces of text
local path            -- the keys that lead to the value in hand
local quoted          -- key -> its text with the colon
local options         -- salvage: nil, or the tables that the value in hand is in

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\127"] = "\\u007f",
  ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
for c = 0, 31 do
  local s = string.char(c)
  escapes[s] = escapes[s] or format("\\u%04x", c)
end

-- Each byte that is not part of UTF-8 becomes U+FFFD.
local function repair(s)
  local pieces, from = {}, 1
  while true do
    local _, bad = utf8_len(s, from)
    if not bad then
      pieces[#pieces + 1] = sub(s, from)
      return concat(pieces)
    end
    pieces[#pieces + 1] = sub(s, from, bad - 1) .. "\u{FFFD}"
    from = bad + 1
  end
end

-- A character beyond ASCII as \uXXXX, or two of them, when it is one that `unsafe` names.
local function escape_unsafe(character)
  if not options.unsafe(character) then return nil end
  local c = utf8_codepoint(character)
  if c < 0x10000 then return format("\\u%04x", c) end
  c = c - 0x10000
  return format("\\u%04x\\u%04x", 0xD800 + (c >> 10), 0xDC00 + (c & 0x3FF))
end

-- The string as JSON, or nil and what is wrong with it. What needs no care is
-- ASCII from the blank on but `"`, `\` and DEL; small letters are tried first.
local function quote(s)
  if find(s, "[^]^-~ #-[!]") then
    local _, bad = utf8_len(s)
    if bad and not options.lossy then
      return nil, format("byte %d is not valid UTF-8 (lossy=true replaces it)", bad)
    end
    s = gsub(bad and repair(s) or s, '[\0-\31"\\\127]', escapes)
    if options.unsafe and find(s, "[\xC2-\xF4]") then
      s = gsub(s, "[\xC2-\xF4][\x80-\xBF]+", escape_unsafe)
    end
  end
  return '"' .. s .. '"'
end

-- The shortest text that reads back as x, or nil and what is wrong with it.
local function number(x)
  if x ~= x or x == math.huge or x == -math.huge then
    return nil, "JSON has no number for " .. (x ~= x and "NaN" or tostring(x))
  end
  local s = format("%.15g", x)
  if tonumber(s) ~= x then
    s = format("%.16g", x)
    if tonumber(s) ~= x then
      s = format("%.17g", x)
    end
  end
  return find(s, "[.e]") and s or s .. ".0"
end

local function put(s)
  count = count + 1
  out[count] = s
end

local write_table

-- Write v; what is wrong comes back, nil when nothing is.
local function write(v, depth)
  local kind = type(v)
  local text, wrong
  if kind == "string" then
    text, wrong = quote(v)
  elseif kind == "number" then
    if math_type(v) == "integer" then
      text = v
    else
      text, wrong = number(v)
    end
  elseif kind == "table" then
    return write_table(v, depth)
  elseif kind == "boolean" then
    text = v and "true" or "false"
  elseif v == nil or v == null then
    text = "null"
  else
    wrong = format("a %s cannot be written as JSON", kind == "thread" and "coroutine" or kind)
  end
  if wrong and options.salvage then
    text, wrong = "null", nil
  end
  if wrong then
    return wrong
  end
  count = count + 1
  out[count] = text
end

-- What is wrong with the keys of t, which is neither an array nor an object.
local function wrong_keys(t, length)
  local name
  for k in next, t do
    local kind = math_type(k) or type(k)
    if kind == "string" then
      name = k
    elseif kind ~= "integer" then
      return format("a %s as key cannot be written as JSON", kind)
    elseif k < 1 or k > length then
      return format("with the key %d it is not an array (1..n); "
        .. "use tostring(key) for names, json.null for gaps", k)
    end
  end
  return name and format("an array that also has the key %q", name)
    or format("an array of %d items with gaps; use json.null for gaps", length)
end

local function write_array(t, n, depth)
  put("[")
  for i = 1, n do
    local v = rawget(t, i)
    if v == nil and not options.salvage then
      path[depth] = nil
      return wrong_keys(t, n)
    end
    if i > 1 then put(",") end
    path[depth] = i
    local wrong = write(v, depth + 1)
    if wrong then return wrong end
  end
  put("]")
end

-- Keys come again and again, so their text is kept for the whole value.
local function write_key(k)
  local text, wrong = quote(k)
  if wrong then return wrong end
  quoted[k] = text .. ":"
  put(quoted[k])
end

-- Keys that come from the table are in it, so t[k] calls no metamethod.
local function write_object(t, keys, depth)
  if options.sort ~= false then
    sort(keys)
  end
  put("{")
  for i = 1, #keys do
    local k = keys[i]
    if i > 1 then put(",") end
    path[depth] = k
    local wrong
    if quoted[k] then put(quoted[k]) else wrong = write_key(k) end
    wrong = wrong or write(t[k], depth + 1)
    if wrong then return wrong end
  end
  put("}")
end

-- A table that is neither an array nor an object, as an object: number and boolean keys as text.
local function salvaged(t)
  local object, names = {}, {}
  for k, v in next, t do
    local kind = type(k)
    local name = kind == "string" and k
      or (kind == "number" or kind == "boolean") and tostring(k) or nil
    if name and (kind == "string" or object[name] == nil) then
      if object[name] == nil then names[#names + 1] = name end
      object[name] = v
    end
  end
  return object, names
end

function write_table(t, depth)
  local most = options.depth or MAX_DEPTH
  if options.salvage and (depth > most or options.salvage[t]) then
    put("null")
    return nil
  elseif depth > most then
    return format("nested deeper than %d levels, or containing itself", most)
  end
  local length, n, names, keys = rawlen(t), 0, 0, {}
  for k in next, t do
    n = n + 1
    if type(k) == "string" then
      names = names + 1
      keys[names] = k
    end
  end
  local marked = is_marked(t)
  local body, rows = write_object, t
  if n == length and (n > 0 or marked) and not (options.salvage and names > 0) then
    body = write_array
  elseif options.salvage and (n ~= names or marked) then
    rows, keys = salvaged(t)
  elseif n ~= names or marked then
    return wrong_keys(t, length)
  end
  if options.salvage then options.salvage[t] = true end
  local wrong = body(rows, body == write_array and n or keys, depth)
  if options.salvage then options.salvage[t] = nil end
  if not wrong then
    path[depth] = nil
  end
  return wrong
end

-- "value.tools[3]" for the keys on the way, the first of them when it is long.
local function show_path(head, way)
  local text = { head }
  for i = 1, math.min(#way, SHOWN) do
    local k = way[i]
    if type(k) ~= "string" then
      text[i + 1] = format("[%d]", k)
    elseif find(k, "^[%a_][%w_]*$") then
      text[i + 1] = "." .. k
    else
      options = { lossy = true }
      text[i + 1] = "[" .. quote(k) .. "]"
    end
  end
  return concat(text) .. (#way > SHOWN and "..." or "")
end

-- ---- reading ----------------------------------------------------------------

-- Make the whole floats of a decoded tree integers. True when cjson may have
-- read something of it wrongly: a whole number, an empty table.
local function restore(t)
  local doubtful = next(t) == nil
  for k, v in next, t do
    local kind = type(v)
    if kind == "table" then
      doubtful = restore(v) or doubtful
    elseif kind == "number" and v % 1 == 0 then
      t[k] = tointeger(v) or v
      doubtful = true
    end
  end
  return doubtful
end

-- The text with stand-ins for its hard numbers and for the item that an empty
-- array has not, and what each stands for; nil when there are none. All numbers
-- with an exponent are hard, so no other number has one then, let alone e-300.
local function replace_hard(text)
  local meanings, used = {}, 0
  local function stand_in(meaning)
    local name = format("%d.5e-300", used)
    used = used + 1
    meanings[tonumber(name)] = meaning
    return name
  end
  local function empty_array()
    return "[" .. stand_in(ARRAY) .. "]"
  end
  local function number_token(token)
    if (find(token, "[eE]") or find(token, "%.0+$") or #token > 15)
        and (find(token, "^%-?[1-9]") or find(token, "^%-?0%f[^%d]"))
        and (find(token, "^%-?%d+%.?%d*$") or find(token, "^%-?%d+%.?%d*[eE][-+]?%d+$")) then
      return stand_in(tonumber(token))
    end
  end
  -- Quotes and backslashes that are escaped do not end a string.
  local masked = find(text, "\\", 1, true) and gsub(text, "\\.", "__") or text
  local pieces, copied, from = {}, 0, 1
  repeat
    local open = find(masked, '"', from, true) or #text + 1
    if open - from > 1 then -- between two strings is more than a comma
      local plain = sub(masked, from, open - 1)
      if find(plain, "%d[.eE]") or #plain > 15 or find(plain, "%[%s*%]") then
        pieces[#pieces + 1] = sub(text, copied + 1, from - 1)
        plain = gsub(plain, "%-?%d[%d.eE+-]*", number_token)
        pieces[#pieces + 1] = gsub(plain, "%[%s*%]", empty_array)
        copied = open - 1
      end
    end
    from = (find(masked, '"', open + 1, true) or #text) + 1
  until from > #text
  pieces[#pieces + 1] = sub(text, copied + 1)
  if used > 0 then
    return concat(pieces), meanings
  end
end

-- Like restore, for text that went through replace_hard.
local function restore_exactly(t, meanings)
  for k, v in next, t do
    local kind = type(v)
    if kind == "table" then
      restore_exactly(v, meanings)
    elseif kind == "number" then
      local meaning = meanings[v]
      if meaning == ARRAY then
        t[k] = nil
        setmetatable(t, ARRAY)
      else
        t[k] = meaning or tointeger(v) or v
      end
    end
  end
end

-- ---- the module -------------------------------------------------------------

local M = { null = null }

--- Write a value as JSON text.
-- @param value anything made of nil, booleans, finite numbers, strings and
--   tables; metatables are ignored
-- @param opts nil or a table: `lossy` (boolean) writes U+FFFD for bytes that
--   are not UTF-8, `salvage` does so too and writes null for all else that JSON
--   cannot say (NaN, a function, what is nested too deep) and an object for a
--   table that is neither array nor object, so that nothing raises,
--   `unsafe(character)` says which characters beyond ASCII are written as
--   \uXXXX, `sort=false` leaves object keys in table order (faster),
--   `name` is what messages call the value (default "value"), `depth` is how
--   many levels it may have (default 100; a message around a value needs more)
-- @return the text, on one line, object keys sorted
-- Raises when the value has no JSON, naming the place.
-- @usage json.encode({ 1, 2.0, "x" }) --> [1,2.0,"x"]
function M.encode(value, opts)
  if opts ~= nil and type(opts) ~= "table" then
    error(format("json.encode: the options must be a table, got %s", type(opts)), 2)
  end
  opts = opts or {}
  out, count, path, quoted = {}, 0, {}, {}
  options = {lossy = opts.lossy or opts.salvage, salvage = opts.salvage and {},
             unsafe = opts.unsafe, sort = opts.sort, depth = opts.depth}
  local wrong = write(value, 1)
  local pieces, way = out, path
  out, path, quoted, options = nil, nil, nil, nil
  if wrong then
    local head = opts.name or "value"
    error(format("json.encode: %s: %s", show_path(head, way), wrong), 2)
  end
  return concat(pieces)
end

--- Read JSON text.
-- @param text a string with one JSON value; bytes that are not UTF-8 are kept
-- @return the value; or nil and what is wrong at which character (1 is the
--   first)
-- Integers beyond 64 bits become the nearest float.
-- @usage json.decode("[1, 2.5, null]") --> { 1, 2.5, json.null }
function M.decode(text)
  if type(text) ~= "string" then
    error(format("json.decode: the text must be a string, got %s", type(text)), 2)
  end
  local ok, value = pcall(cjson.decode, text)
  if not ok then
    if type(value) ~= "string" or not find(value, "^[EFJ]") then
      error(value, 0) -- memory, or this task is being stopped
    end
    return nil, "not JSON: " .. value
  end
  local root = { value }
  local plain, meanings
  if restore(root) then
    plain, meanings = replace_hard(text)
  end
  if plain then
    root = { cjson.decode(plain) }
    restore_exactly(root, meanings)
  end
  return root[1]
end

--- Mark a table as an array, so that it is written `[]` when it is empty.
-- The mark is a metatable, and the only one that goes with a table into tasks and out of
-- them.
-- @param t a table without names, or nil for a new one
-- @return the same table
-- @usage json.encode(json.array()) --> []
function M.array(t)
  return setmetatable(t or {}, ARRAY)
end

--- Whether a table is an array: marked as one, or with items and no names.
-- @param t a table
-- @return boolean
-- @usage json.is_array(json.decode("[]")) --> true
function M.is_array(t)
  if is_marked(t) then return true end
  local n = 0
  for k in next, t do
    if math_type(k) ~= "integer" then return false end
    n = n + 1
  end
  return n > 0 and n == #t
end

return M
