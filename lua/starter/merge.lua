--- orun.starter.merge: adds something to the text of a file, and changes nothing else in it.
--
--     merge.json('{"a": 1}', {"mcpServers", "orun"}, {command = "orun"})
--     merge.toml(text, {"mcp_servers", "orun"}, '[mcp_servers.orun]\ncommand = "orun"\n')
--     merge.section(text, "## Parallel work\n")
--
-- Each returns the new text, which is the old one where nothing is to be added; or nil and why it
-- cannot be. Order, spacing, comments, numbers and ends of lines of what is there stay as they are.

local check = require "orun.util.check"
local json = require "orun.json"
local toml = require "orun.agents.toml"

local M = {}

local INDENT <const> = "  "
local BEGIN <const>, END <const> = "<!-- orun: begin -->", "<!-- orun: end -->"

local function newline_of(text) return text:find("\r\n", 1, true) and "\r\n" or "\n" end

-- ---- JSON ----

-- Where a value that begins at `at` ends. The text is known to be JSON.
local function value_end(text, at)
  local depth = 0
  while true do
    local c = text:sub(at, at)
    if c == '"' then
      repeat
        at = text:find('["\\]', at + 1)
        local escaped = text:sub(at, at) == "\\"
        if escaped then at = at + 1 end
      until not escaped
    elseif c == "{" or c == "[" then
      depth = depth + 1
    elseif c == "}" or c == "]" then
      depth = depth - 1
    elseif depth == 0 then
      return text:find("[,%]}%s]", at) and text:find("[,%]}%s]", at) - 1 or #text
    end
    if depth == 0 then return at end
    at = text:find('["{}%[%]]', at + 1)
  end
end

-- The members of the object that begins at `from`: {[key] = where its value begins}; the end of
-- the last value, and the blanks before the first key, nil where there is none.
local function members(text, from)
  local found, last, blanks = {}, nil, nil
  local at = from + 1
  while true do
    local gap, key_at = text:match("^(%s*)()", at)
    if text:sub(key_at, key_at) == "}" then return found, last, blanks end
    blanks = blanks or gap
    local key_end = value_end(text, key_at)
    local value_at = text:match("^%s*:%s*()", key_end + 1)
    found[json.decode(text:sub(key_at, key_end))] = value_at
    last = value_end(text, value_at)
    at = text:match("^%s*,?()", last + 1)
  end
end

-- A value as JSON: objects with a member a line, or all on one line where `newline` is nil.
-- Arrays are of words and numbers.
local function written(value, newline, indent)
  if type(value) ~= "table" then return json.encode(value) end
  local parts = {}
  if json.is_array(value) then
    for i, element in ipairs(value) do parts[i] = json.encode(element) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  local inner = newline and newline .. indent .. INDENT or ""
  for i, key in ipairs(check.sorted(value)) do
    parts[i] = ("%s%s: %s"):format(inner, json.encode(key),
      written(value[key], newline, newline and indent .. INDENT))
  end
  if not newline then return "{" .. table.concat(parts, ", ") .. "}" end
  return "{" .. table.concat(parts, ",") .. newline .. indent .. "}"
end

-- The text with one member more in the object that begins at `from`.
local function insert(text, from, key, value)
  local _, last, blanks = members(text, from)
  local newline = newline_of(text)
  if last and not blanks:find("\n", 1, true) then
    return ("%s, %s: %s%s"):format(text:sub(1, last), json.encode(key), written(value),
      text:sub(last + 1))
  end
  local before = text:sub(1, from):match("[^\n]*$"):match("^[ \t]*")
  local indent = blanks and blanks:match("[^\n]*$") or before .. INDENT
  local member = newline .. indent .. json.encode(key) .. ": " .. written(value, newline, indent)
  if last then return text:sub(1, last) .. "," .. member .. text:sub(last + 1) end
  local rest = text:sub(from + 1):gsub("^%s*", "", 1)
  return text:sub(1, from) .. member .. newline .. before .. rest
end

-- The same value as JSON has it, whatever the order of its keys.
local function same(a, b) return json.encode(a) == json.encode(b) end

--- Adds a member to an object in JSON.
-- @param text   what is there; blank: as "{}"
-- @param path   keys that lead to the member; objects that are missing are made
-- @param value  strings, numbers, booleans, arrays (json.array) and tables of these
-- @return the new text; the same text and whether the member there is equal; nil and why not
function M.json(text, path, value)
  if not text:find("%S") then text = "{}\n" end
  local all, why = json.decode(text)
  if all == nil then return nil, "it is not JSON that can be read: " .. why end
  local at, inner = text:match("^%s*()"), all
  for i, key in ipairs(path) do
    if type(inner) ~= "table" or json.is_array(inner) then
      return nil, i == 1 and "it holds no JSON object"
        or ('"%s" in it is no object'):format(path[i - 1])
    end
    if inner[key] == nil then
      for j = #path, i + 1, -1 do value = {[path[j]] = value} end
      local new = insert(text, at, key, value)
      inner[key] = value
      local again = json.decode(new)
      if again == nil or not same(again, all) then return nil, "it is written in an odd way" end
      return new
    end
    at, inner = members(text, at)[key], inner[key]
  end
  return text, same(inner, value)
end

-- ---- TOML ----

--- Adds a table to the end of a file in TOML.
-- @param path   keys of the table
-- @param lines  the table with its header
-- @return as of M.json
function M.toml(text, path, lines)
  local all, why, line = toml.read(text)
  if not all then return nil, ("line %s cannot be read: %s"):format(line or "?", why) end
  local function at(t)
    for _, key in ipairs(path) do t = type(t) == "table" and t[key] or nil end
    return t
  end
  local mine = assert(toml.read(lines))
  if at(all) ~= nil then return text, same(at(all), at(mine)) end
  local newline = newline_of(text)
  local gap = text == "" and "" or text:find("\n$") and newline or newline .. newline
  local new = text .. gap .. lines:gsub("\n", newline)
  all = toml.read(new)
  if not all or not same(at(all) or 0, at(mine)) then
    return nil, ("%s is written in it in a way that nothing can be added to"):format(path[1])
  end
  return new
end

-- ---- Markdown ----

-- Where the only such mark is; nil where there is none, false where there are more.
local function only(text, mark)
  local from, to = text:find(mark, 1, true)
  if from and text:find(mark, to + 1, true) then return false end
  return from, to
end

--- Puts a section between orun's marks, in the place of what is between them, else at the end.
-- @param section  lines
-- @return the new text, the same one where it says just that; nil and why not
function M.section(text, section)
  local from, begin_end = only(text, BEGIN)
  local end_at, to = only(text, END)
  if from == false or end_at == false then
    return nil, "one of the lines " .. BEGIN .. " and " .. END .. " is in it more than once"
  end
  if (from == nil) ~= (end_at == nil) or from and end_at < begin_end then
    return nil, ("%s and %s are not both in it, in this order"):format(BEGIN, END)
  end
  local newline = newline_of(text)
  local whole = ("%s\n\n%s\n%s"):format(BEGIN, section, END):gsub("\n", newline)
  if from then return text:sub(1, from - 1) .. whole .. text:sub(to + 1) end
  local gap = text == "" and "" or text:find("\n$") and newline or newline .. newline
  return text .. gap .. whole .. newline
end

return M
