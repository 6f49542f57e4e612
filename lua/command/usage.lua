--- orun.command.usage: what a text of help says that may be typed.
--
--     local usage = require "orun.command.usage"
--     local known = usage.options(HELP)   -- known["--store"].value == "FILE"
--     local words = usage.words(HELP, "orun show")   -- {"RUN"}
--
-- Such texts are the only place where options are described, so `orun complete` offers what they
-- have and cannot be out of date. Their form: lines "usage: orun NAME [WORD] [--option VALUE]",
-- with more of them beneath; and lines of options, two blanks, the option, two blanks or more, and
-- what it does. A value of several words is described as "a, b or c".

local M = {}

-- The words that a description lists as the only ones: nil where it lists none.
local function choices(about)
  local list = {}
  local text = about:gsub("%b()", ""):gsub(";.*", ""):gsub("^.*:", "")
  for word in (text:gsub(",? or ", ",") .. ","):gmatch("%s*(.-)%s*,") do
    if not word:find("^%l[%l-]*$") then return nil end
    list[#list + 1] = word
  end
  return list[2] and list
end

-- "-a, --arg-file FILE" and what that does.
local function describe(known, head, about)
  local inline = head:match("%[=(%S+)%]$")
  local value = inline or head:match(" ([^-]%S*)$")
  for part in (head .. ", "):gmatch("(.-), ") do
    local name = part:match("^%-%-?%w[%w-]*")
    if name then
      known[name] = {value = value, inline = inline ~= nil, about = about,
                     choices = value and choices(about)}
    end
  end
end

-- The usage lines that begin with a command, each without it, and without what is said behind it.
local function forms(text, command)
  local list = {}
  for line in text:gmatch("[^\n]+") do
    local rest = line:match("^usage: (.*)$") or line:match("^       (orun.*)$")
    local behind = rest and (rest .. " "):sub(1, #command + 1) == command .. " "
      and rest:sub(#command + 1)
    if behind then list[#list + 1] = behind:gsub("   .*", ""):gsub("%(.*", "") end
  end
  return list
end

-- What a usage line names: on_option(name, value or nil), on_word(word). In brackets only words in
-- capitals stand for something, others are English.
local function walk(form, on_option, on_word)
  local tokens = {}
  for token in form:gsub("[][]", " %0 "):gmatch("%S+") do tokens[#tokens + 1] = token end
  local at, depth = 1, 0
  while tokens[at] do
    local token, after = tokens[at], tokens[at + 1]
    depth = depth + (token == "[" and 1 or token == "]" and -1 or 0)
    if token:find("^%-%-?%w") then
      local value = after and after:find("^%w") and after or nil
      on_option(token, value)
      if value then at = at + 1 end
    elseif token:find("^%w") and token ~= "options" then
      for word in token:gmatch("[^|]+") do
        if depth == 0 or word:find("%u") then on_word((word:gsub("%.%.%.$", ""))) end
      end
    end
    at = at + 1
  end
end

local function nothing() end

local function add_named(known, form)
  walk(form, function(name, value)
    local list = value and value:find("|", 1, true) and {}
    for word in (list and value or ""):gmatch("[^|]+") do list[#list + 1] = word end
    known[name] = known[name] or {value = value, about = "", choices = list or nil}
  end, nothing)
end

--- The options in a text, by name: {value = "FILE" or nil, inline = the value can only follow a
--- "=", about = what it does, choices = the words its value can be, or nil}.
-- @param command  whose usage lines may name more; nil: none
function M.options(text, command)
  local known, head, about = {}, nil, nil
  local function finish()
    if head then describe(known, head, about) end
    head = nil
  end
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local option, rest = (line .. "  "):match("^  (%-.-)  +(.-)%s*$")
    if option then
      finish()
      head, about = option, rest
    elseif head and line:find("^      ") then
      about = about .. line:gsub("^%s+", " ")
    else
      finish()
    end
  end
  finish()
  for _, form in ipairs(command and forms(text, command) or {}) do add_named(known, form) end
  return known
end

--- The words that usage lines of a command name: "RUN" stands for one, "drain" is one.
function M.words(text, command)
  local list, there = {}, {}
  for _, form in ipairs(forms(text, command)) do
    walk(form, nothing, function(word)
      if not there[word] then list[#list + 1] = word end
      there[word] = true
    end)
  end
  return list
end

--- The commands of a command, by name: {known = options, words = array}; in its text they stand
--- behind two blanks, as options do, and go on in lines that are further in.
function M.commands(text)
  local found, name = {}, nil
  for line in text:gmatch("[^\n]*") do
    local first, rest = line:match("^  (%l+)(.*)$")
    name = first or line:find("^     ") and name or nil
    if name then found[name] = (found[name] or "") .. " " .. (first and rest or line) end
  end
  for word, form in pairs(found) do
    local one = {known = {}, words = {}}
    add_named(one.known, form)
    walk(form, nothing, function(token) one.words[#one.words + 1] = token end)
    found[word] = one
  end
  return found
end

--- What the main text says of a command; "" where it says nothing.
function M.about(text, command)
  for line in text:gmatch("[^\n]+") do
    local rest = line:match("^       (orun.*)$")
    if rest and (rest .. " "):sub(1, #command + 1) == command .. " " then
      return rest:match("%(([^;:)]*)") or ""
    end
  end
  return ""
end

return M
