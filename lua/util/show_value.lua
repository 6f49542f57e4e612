--- orun.util.show_value: a value as somebody at a prompt reads it.
--
--     show_value{1, "a", {ok = true}}   -- {1, "a", {ok = true}}
--
-- Tables as Lua would have them, on one line where they fit, else a line a field. Only what a
-- table has itself is shown, and no metamethod is called but __tostring.

local WIDE <const> = 76    -- columns of a table on one line
local DEEP <const> = 6     -- tables within tables
local MOST <const> = 100   -- fields of a table
local LONG <const> = 2000  -- bytes of a string within a table

local KEYWORDS <const> = {}
for _, word in ipairs(require "orun.util.lua_words") do KEYWORDS[word] = true end

local function quoted(text)
  local cut = #text > LONG
  local safe = orun.clean(cut and text:sub(1, LONG) or text)
  local words = safe:gsub("[\\\"]", "\\%0"):gsub("\n", "\\n"):gsub("\r", "\\r"):gsub("\t", "\\t")
  return ('"%s"%s'):format(words, cut and ("... (%d bytes)"):format(#text) or "")
end

local ORDER <const> = {number = 1, string = 2}

local function sorted_keys(t, n)
  local keys = {}
  for k in next, t do
    if not (math.type(k) == "integer" and k >= 1 and k <= n) then keys[#keys + 1] = k end
  end
  table.sort(keys, function(a, b)
    local oa, ob = ORDER[type(a)] or 3, ORDER[type(b)] or 3
    if oa ~= ob then return oa < ob end
    if oa == 3 then return tostring(a) < tostring(b) end
    return a < b
  end)
  return keys
end

local function has_words(value)
  local meta = debug.getmetatable(value)
  return type(meta) == "table" and rawget(meta, "__tostring") ~= nil
end

local show

local function key_of(k, inside)
  if type(k) == "string" and k:find("^[%a_][%w_]*$") and not KEYWORDS[k] then return k end
  return ("[%s]"):format(show(k, inside, ""))
end

local function table_of(t, inside, indent)
  if inside[t] then return "{...}" end -- it contains itself
  if inside.depth >= DEEP then return next(t) == nil and "{}" or "{...}" end
  inside[t], inside.depth = true, inside.depth + 1
  local parts, n, deeper = {}, rawlen(t), indent .. "  "
  local keys = sorted_keys(t, n)
  for i = 1, math.min(n, MOST) do parts[i] = show(rawget(t, i), inside, deeper) end
  for i = 1, math.min(#keys, MOST - #parts) do
    local k = keys[i]
    parts[#parts + 1] = ("%s = %s"):format(key_of(k, inside), show(rawget(t, k), inside, deeper))
  end
  local left = n + #keys - #parts
  if left > 0 then parts[#parts + 1] = ("... %d more"):format(left) end
  inside[t], inside.depth = nil, inside.depth - 1
  local line = "{" .. table.concat(parts, ", ") .. "}"
  if #line + #indent <= WIDE and not line:find("\n", 1, true) then return line end
  return ("{\n%s%s,\n%s}"):format(deeper, table.concat(parts, ",\n" .. deeper), indent)
end

function show(value, inside, indent)
  if type(value) == "string" then return quoted(value) end
  if type(value) ~= "table" or has_words(value) then return tostring(value) end
  return table_of(value, inside, indent)
end

--- The text of a value: a string at the top as it is.
return function(value)
  if type(value) ~= "table" then return tostring(value) end
  return show(value, {depth = 0}, "")
end
