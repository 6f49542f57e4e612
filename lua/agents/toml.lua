--- orun.agents.toml: as much of TOML as the files of agents need.
--
-- Understood are comments, keys (bare, quoted, dotted), tables and arrays of
-- tables, strings of all four kinds, integers, floats, booleans, arrays and
-- inline tables. Dates, inf and nan are not, and are refused with the line.
--
--     local t, lines = require "orun.agents.toml".read('name = "x"\n[a.b]\nn = 1\n')
--     --> {name = "x", a = {b = {n = 1}}}, {name = 1, a = 2}

local M = {}

local MAX_BYTES <const> = 1 << 20
local MAX_DEPTH <const> = 32
local MAX_VALUES <const> = 10000

local ESCAPES <const> = {b = "\b", t = "\t", n = "\n", f = "\f", r = "\r", ['"'] = '"',
                         ["\\"] = "\\"}

-- A reader: text, where it is, how many values it has read; `made` has the tables
-- that may not be opened again.
local Reader <const> = {__name = "orun.toml.reader"}
Reader.__index = Reader

-- What is wrong at a place is raised as a table, and caught in M.read.
function Reader:fail(text, ...)
  local _, newlines = self.text:sub(1, self.at - 1):gsub("\n", "")
  error(setmetatable({why = text:format(...), line = newlines + 1}, Reader), 0)
end

-- Consume what matches at this place; returns the captures.
function Reader:take(pattern)
  local from, to, a, b = self.text:find("^" .. pattern, self.at)
  if not from then return nil end
  self.at = to + 1
  return a or self.text:sub(from, to), b
end

function Reader:blank()
  self:take "[ \t]*"
end

-- Blanks, ends of lines and comments.
function Reader:gap()
  repeat self:take "[ \t\r\n]*" until not self:take "#[^\n]*"
end

function Reader:end_of_line()
  self:blank()
  self:take "#[^\n]*"
  if self.at <= #self.text and not self:take "\r?\n" then
    self:fail("the line goes on with %q where it should end", self.text:sub(self.at, self.at))
  end
end

-- ---- strings ----

function Reader:code(digits)
  local code = tonumber(digits, 16)
  if code > 0x10FFFF or code >= 0xD800 and code <= 0xDFFF then
    self:fail("\\u%s is not a character", digits)
  end
  return utf8.char(code)
end

function Reader:escape(multi)
  local digits = self:take "u(%x%x%x%x)" or self:take "U(%x%x%x%x%x%x%x%x)"
  if digits then return self:code(digits) end
  local letter = self:take '[btnfr"\\]'
  if letter then return ESCAPES[letter] end
  if multi and self:take "[ \t]*\r?\n" then
    self:take "[ \t\r\n]*"
    return ""
  end
  self:fail("\\%s means nothing in a string; write \\\\ for a backslash",
    self.text:sub(self.at, self.at))
end

-- Multi-line strings: up to two quotes may precede the three that end it.
function Reader:many_lines(quote)
  self:take "\r?\n"
  local parts, plain = {}, '[^\\%' .. quote .. ']+'
  if quote == "'" then plain = "[^']+" end
  while true do
    local piece = self:take(plain)
    local quotes = not piece and self:take("%" .. quote .. "+")
    if piece then
      parts[#parts + 1] = piece
    elseif quotes and #quotes < 3 then
      parts[#parts + 1] = quotes
    elseif quotes and #quotes <= 5 then
      parts[#parts + 1] = quotes:sub(4)
      return (table.concat(parts):gsub("\r\n", "\n"))
    elseif quotes then
      self:fail("there are more quotes than can end a string")
    elseif self:take "\\" then
      parts[#parts + 1] = self:escape(true)
    else
      self:fail("a string that began with three quotes does not end")
    end
  end
end

function Reader:one_line(quote)
  local parts = {}
  while true do
    local piece = self:take(quote == '"' and '[^"\\\r\n]+' or "[^'\r\n]+")
    if piece then
      parts[#parts + 1] = piece
    elseif self:take(quote) then
      return table.concat(parts)
    elseif quote == '"' and self:take "\\" then
      parts[#parts + 1] = self:escape(false)
    else
      self:fail("a string does not end on its line; several lines want three quotes")
    end
  end
end

function Reader:string()
  local quote = self:take '"""' or self:take "'''"
  if quote then return self:many_lines(quote:sub(1, 1)) end
  quote = self:take '"' or self:take "'"
  return quote and self:one_line(quote)
end

-- ---- values ----

local function plain_number(word)
  local digits = word:gsub("(%x)_(%x)", "%1%2"):gsub("(%x)_(%x)", "%1%2")
  if digits:find("^[+-]?0%d") or digits:find("_") then return nil end
  if digits:find("^[+-]?%d+$") then return math.tointeger(tonumber(digits)) end
  if digits:find("^0x%x+$") then return #digits <= 17 and tonumber(digits) or nil end
  if digits:find("^0o[0-7]+$") then return tonumber(digits:sub(3), 8) end
  if digits:find("^0b[01]+$") then return tonumber(digits:sub(3), 2) end
  local whole, rest = digits:match("^[+-]?(%d+)(.*)$")
  if whole and (rest:find("^%.%d+$") or rest:find("^%.%d+[eE][+-]?%d+$")
      or rest:find("^[eE][+-]?%d+$")) then
    return tonumber((digits:gsub("^%+", "")))
  end
end

function Reader:array(depth)
  local list = {}
  while true do
    self:gap()
    if self:take "%]" then return list end
    list[#list + 1] = self:value(depth + 1)
    self:gap()
    if not self:take "," and self.text:sub(self.at, self.at) ~= "]" then
      self:fail("an array wants a comma or ] here")
    end
  end
end

function Reader:inline_table(depth)
  local t = {}
  self.made[t] = true
  self:blank()
  if self:take "}" then return t end
  repeat
    self:blank()
    self:pair(t, depth + 1)
    self:blank()
  until not self:take ","
  if not self:take "}" then self:fail("an inline table wants a comma or } here") end
  return t
end

function Reader:value(depth)
  self.values = self.values + 1
  if self.values > MAX_VALUES then self:fail("it has more than %d values", MAX_VALUES) end
  if depth > MAX_DEPTH then self:fail("it is nested more than %d deep", MAX_DEPTH) end
  local text = self:string()
  if text then return text end
  if self:take "%[" then return self:array(depth) end
  if self:take "{" then return self:inline_table(depth) end
  local start = self.at
  local word = self:take "[%w_+.:-]+"
  if word == "true" or word == "false" then return word == "true" end
  local number = word and plain_number(word)
  if number then return number end
  self.at = start
  if not word then self:fail("a value is missing") end
  self:fail("%s is not a value; a string needs quotes", word)
end

-- ---- keys and tables ----

-- The parts of a dotted key.
function Reader:key()
  local parts = {}
  repeat
    self:blank()
    local c = self.text:sub(self.at, self.at)
    local part
    if c == '"' or c == "'" then part = self:string() else part = self:take "[%w_-]+" end
    if not part then self:fail("a key is missing") end
    parts[#parts + 1] = part
    self:blank()
  until not self:take "%."
  if #parts > MAX_DEPTH then self:fail("a key has more than %d parts", MAX_DEPTH) end
  return parts
end

-- The table that `key` of t is, made when it is not there.
function Reader:open(t, key)
  local inner = t[key]
  if inner == nil then
    inner = {}
    t[key] = inner
  elseif type(inner) ~= "table" or self.made[inner] then
    self:fail("%s has a value already", key)
  end
  return self.arrays[inner] and inner[#inner] or inner
end

function Reader:pair(t, depth)
  local parts, start = self:key(), self.at
  if not self:take "=" then self:fail("= is missing after %s", table.concat(parts, ".")) end
  self:blank()
  for i = 1, #parts - 1 do t = self:open(t, parts[i]) end
  local last = parts[#parts]
  if t[last] ~= nil then
    self.at = start
    self:fail("%s is defined twice", table.concat(parts, "."))
  end
  local value = self:value(depth)
  if type(value) == "table" then self.made[value] = true end
  t[last] = value
  return parts[1]
end

-- [a.b] or [[a.b]]: the table that what follows goes to.
function Reader:header(root)
  local many = self:take "%["
  local parts, t = self:key(), root
  if not self:take(many and "%]%]" or "%]") then self:fail("] is missing") end
  for i = 1, #parts - 1 do t = self:open(t, parts[i]) end
  local last = parts[#parts]
  if not many then
    local inner = self:open(t, last)
    if self.opened[inner] or self.arrays[t[last]] then
      self:fail("[%s] is defined twice", table.concat(parts, "."))
    end
    self.opened[inner] = true
    return inner, parts[1]
  end
  if t[last] == nil then
    t[last] = {}
    self.arrays[t[last]] = true
  elseif type(t[last]) ~= "table" or not self.arrays[t[last]] then
    self:fail("%s has a value already", last)
  end
  local inner = {}
  table.insert(t[last], inner)
  return inner, parts[1]
end

function Reader:document()
  local root, lines, line = {}, {}, 0
  local t, outer = root, nil
  while true do
    self:gap()
    if self.at > #self.text then return root, lines end
    local _, newlines = self.text:sub(self.counted, self.at - 1):gsub("\n", "")
    line, self.counted = line + newlines, self.at
    local first
    if self:take "%[" then
      t, outer = self:header(root)
      first = outer
    else
      first = self:pair(t, 1)
      if t ~= root then first = outer end
    end
    lines[first] = lines[first] or line + 1
    self:end_of_line()
  end
end

--- Read a text.
-- @return the table, and a table with the line of each of its keys; nil, what is
--   wrong and its line
function M.read(text)
  if #text > MAX_BYTES then return nil, "it has more than a MiB", 1 end
  local _, bad = utf8.len(text)
  local reader = setmetatable({text = text, at = 1, counted = 1, values = 0, made = {},
                               arrays = {}, opened = {}}, Reader)
  if bad then
    local _, newlines = text:sub(1, bad):gsub("\n", "")
    return nil, "it is not UTF-8", newlines + 1
  end
  if text:find("[\0-\8\11\12\14-\31\127]") then
    local place = text:find("[\0-\8\11\12\14-\31\127]")
    local _, newlines = text:sub(1, place):gsub("\n", "")
    return nil, "control characters are not allowed", newlines + 1
  end
  local ok, root, lines = pcall(reader.document, reader)
  if ok then return root, lines end
  if getmetatable(root) ~= Reader then error(root, 0) end
  return nil, root.why, root.line
end

return M
