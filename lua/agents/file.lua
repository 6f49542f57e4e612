--- orun.agents.file: reads one agent file into a definition.
--
-- The formats of claude, opencode and gemini (Markdown with YAML front matter), of codex
-- (TOML) and orun's own (Lua) all become
--
--     {name =, description =, system =, tools = {…}, disallowed_tools = {…},
--      model =, max_turns =, timeout =, isolation =, background =, effort =,
--      temperature =, permission =, sandbox =,
--      runner = "claude", line = of the name, notes = {{line =, text =}, …}}
--
-- What the fields of a format mean is in its preset (`files.read`, lua/preset/NAME.lua).
-- Forgiving where their own programs are: a byte order mark, CR LF, colons and brackets in
-- unquoted text, unknown fields. A known field with a bad value is left out with a note. A
-- file that does not define an agent is broken, which is reported with the line.

local check = require "orun.util.check"

local M = {}

local MAX_NAME <const> = 200 -- bytes, as orun.agent has it

-- A definition that is being read: `fields` and their `lines`.
local Form <const> = {__name = "orun.agent_form"}
Form.__index = Form

-- ---- fields ----

function Form:note(field, text, ...)
  table.insert(self.d.notes, {line = self.lines[field] or 1, text = text:format(...)})
end

-- The value of the first of these fields that is there, and its name.
function Form:first(...)
  for _, field in ipairs{...} do
    if self.fields[field] ~= nil then return self.fields[field], field end
  end
end

function Form:text(...)
  local value, field = self:first(...)
  if value == nil then return nil end
  if type(value) ~= "string" then
    self:note(field, "%s is not a text, and is left out", field)
    return nil
  end
  local trimmed = value:match("^%s*(.-)%s*$")
  return trimmed ~= "" and trimmed or nil
end

-- A number of at least `least`; `whole`: no fractions.
function Form:number(least, whole, ...)
  local value, field = self:first(...)
  if value == nil then return nil end
  local n = type(value) ~= "table" and tonumber(value)
  n = n and whole and math.tointeger(n) or not whole and n
  if n and n >= least and n < math.huge then return n end
  self:note(field, "%s = %s: expected a %s of %s or more; it is left out", field,
    check.show(value), whole and "whole number" or "number", least)
end

function Form:flag(field)
  local value = self.fields[field]
  if value == nil then return nil end
  if value == true or value == "true" then return true end
  if value == false or value == "false" then return false end
  self:note(field, "%s = %s: expected true or false; it is left out", field, check.show(value))
end

function Form:choice(field, allowed)
  local value = self:text(field)
  if check.among(allowed, value) then return value end
  if value then
    self:note(field, "%s = %s: expected one of %s; it is left out", field, check.show(value),
      table.concat(allowed, ", "))
  end
end

-- Names split at commas outside of parentheses: "Read, Bash(git diff:*, x)" are two.
local function split(text)
  local list, depth, from = {}, 0, 1
  local function add(to)
    local word = text:sub(from, to):match("^%s*(.-)%s*$")
    if word ~= "" then list[#list + 1] = word end
  end
  for at, c in text:gmatch("()([(),])") do
    if c == "(" then
      depth = depth + 1
    elseif c == ")" then
      depth = math.max(0, depth - 1)
    elseif depth == 0 then
      add(at - 1)
      from = at + 1
    end
  end
  add(#text)
  return list
end

-- A text with commas or a list; nil for all ("*"). Anything else is left out.
function Form:words(field)
  local value = self.fields[field]
  if value == nil then return nil end
  local list = type(value) == "string" and split(value) or value
  if type(list) ~= "table" or #list == 0 and next(list) ~= nil then
    self:note(field, "%s: expected a list of names; it is left out", field)
    return nil
  end
  local words = {}
  for _, word in ipairs(list) do
    if word == "*" then return nil end
    if type(word) == "string" then
      words[#words + 1] = word
    else
      self:note(field, "%s: an entry is not a text; it is left out", field)
    end
  end
  return words
end

-- ---- front matter ----

-- One entry at the left margin with the lines that belong to it, as a text in quotes
-- with as many lines.
local function quoted(key, lines)
  local text = {}
  for i, line in ipairs(lines) do
    text[i] = (i == 1 and line:match("^[^:]*:%s*(.*)$") or line):match("^%s*(.-)%s*$")
  end
  return key .. ": '" .. table.concat(text, " "):gsub("'", "''") .. "'"
    .. ("\n"):rep(#lines - 1)
end

-- The front matter, with quotes around entries that are not valid YAML without them.
local function mended(yaml)
  local out, key, lines = {}, nil, {}
  local function close()
    local entry = table.concat(lines, "\n")
    local block = (lines[1] or ""):find("^[^:]*:%s*[|>'\"]")
    if key and not block and orun.yaml(entry) == nil then
      entry = quoted(key, lines)
    end
    if #lines > 0 then out[#out + 1] = entry end
    lines = {}
  end
  for line in (yaml .. "\n"):gmatch("([^\n]*)\n") do
    local found = line:match("^([%w_-]+):%s") or line:match("^([%w_-]+):$")
    if line:find("^[^ \t]") then
      close()
      key = found
    end
    lines[#lines + 1] = line
  end
  close()
  return table.concat(out, "\n")
end

-- fields, lines, body; nil, why, line.
local function front_matter(text)
  text = text:gsub("^\xEF\xBB\xBF", ""):gsub("\r\n", "\n")
  local from = text:match("^%-%-%-[ \t]*\n()")
  if not from then return nil, "it does not begin with --- and front matter", 1 end
  local to, body
  if text:find("^%-%-%-[ \t]*\n", from) or text:find("^%-%-%-[ \t]*$", from) then
    to, body = from - 1, text:match("^%-%-%-[ \t]*\n?()", from)
  else
    to, body = text:match("()\n%-%-%-[ \t]*\n()", from - 1)
    if not to then to, body = text:match("()\n%-%-%-[ \t]*$()", from - 1) end
  end
  if not to then return nil, "the front matter that begins here does not end with ---", 1 end
  local yaml = text:sub(from, to - 1)
  local fields, lines, line, bound = orun.yaml(yaml)
  if bound then return nil, "front matter: " .. lines, line + 1 end
  if fields == nil and line then
    local again, again_lines = orun.yaml(mended(yaml))
    if again == nil then return nil, "front matter: " .. lines, line + 1 end
    fields, lines = again, again_lines
  end
  if type(fields) ~= "table" or #fields > 0 then
    return nil, "the front matter has no fields, such as name: and description:", 1
  end
  for key, at in pairs(lines) do lines[key] = at + 1 end
  return fields, lines, text:sub(body):match("^%s*(.-)%s*$")
end

-- ---- the forms ----

Form.EFFORTS = require "orun.agents.backends".EFFORTS

local function own_model(f)
  local model = f:text("model")
  return model and model:lower() ~= "inherit" and model or nil
end

--- Why a text cannot be the name of an agent type, or nil.
function M.bad_name(name)
  if name ~= "" and #name <= MAX_NAME and not name:find("^[ -]") and not name:find(" $")
      and not name:find("%c") and orun.clean(name) == name then
    return nil
  end
  return ("the name %s cannot be that of an agent type: one line of text is expected, at most "
    .. "%d bytes, without '-' at its beginning or control characters"):format(check.show(name),
    MAX_NAME)
end

-- A field that a Lua file without a backend of its own cannot have.
local PLAIN <const> = {name = true, description = true, system = true, tools = true,
  disallowed_tools = true, model = true, max_turns = true, timeout = true, isolation = true,
  effort = true, temperature = true, permission = true, permissions = true, sandbox = true,
  limit = true, rate = true, retry = true, budget = true, account = true}
local TEXTS <const> = {"description", "system", "model", "isolation", "permission",
  "permissions", "sandbox"}
local LISTS <const> = {"tools", "disallowed_tools"}

--- What is wrong with the fields of such a file, or nil. Those that are not looked at here
--- are passed on to orun.agent as they are.
function M.misfit(def)
  for field in next, def do
    if not PLAIN[field] then
      return ("unknown field %s%s"):format(check.show(field), check.hint(field, PLAIN))
    end
  end
  for _, field in ipairs(TEXTS) do
    if def[field] ~= nil and type(def[field]) ~= "string" then
      return ("%s = %s: expected a string"):format(field, check.show(def[field]))
    end
  end
  for _, field in ipairs(LISTS) do
    local list = def[field]
    if list ~= nil and type(list) ~= "table" then
      return ("%s = %s: expected an array of strings"):format(field, check.show(list))
    end
    for i, word in pairs(list or {}) do
      if type(word) ~= "string" or math.type(i) ~= "integer" then
        return ("%s[%s] = %s: expected an array of strings"):format(field, check.show(i),
          check.show(word))
      end
    end
  end
end

-- Reads name and description, which all formats have.
local function named(f, stem)
  local d = f.d
  d.name = not f.pathnames and f:text("name") or nil
  d.line = d.name and f.lines.name or 1
  if not d.name then
    d.name = stem
    if not f.pathnames then
      f:note("name", "no name is given: it is called as its file is")
    end
  end
  d.description = f:text("description")
  if not d.description then f:note("description", "no description is given") end
end

--- The definition in the text of a file.
-- @param runner  the preset whose file it is: "claude", …
-- @param text    the file's bytes
-- @param stem    its name without the ending
-- @return the definition; nil, why it is broken, the line, and the name it would have
function M.read(runner, text, stem)
  local place = require("orun.preset." .. runner).files
  local fields, lines, body
  if place.ending == ".toml" then
    fields, lines, body = require "orun.agents.toml".read(text:gsub("^\xEF\xBB\xBF", "", 1))
    if fields then body = fields.developer_instructions end
  else
    fields, lines, body = front_matter(text)
  end
  if not fields then
    local name = text:match("\n%s*name%s*[:=]%s*[\"']?([^\r\n]*)")
    name = name and name:match("^(.-)[\"']?%s*$")
    return nil, lines, body, not place.pathnames and name ~= "" and name or stem
  end
  local d = {runner = runner, notes = {},
             system = type(body) == "string" and body:find("%S") and body or nil}
  local f = setmetatable({fields = fields, lines = lines, d = d, pathnames = place.pathnames}, Form)
  named(f, stem)
  d.model = own_model(f)
  place.read(f)
  local wrong = M.bad_name(d.name) or d.broken
  if wrong then return nil, wrong, d.line, d.name end
  if not d.system and not d.system_file then
    f:note("", "it has no text of its own (the system prompt)")
  end
  return d
end

return M
