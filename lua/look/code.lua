--- orun.look.code: functions that look at files, each for one thing.
--
--     local found = require "orun.look.code".look("secrets", root, {"a.c", "b.lua"})
--
-- Glossary
--   finding  {file =, line =, severity = "critical", "important" or "minor", message =,
--            whole = true: the file cannot be used, even if this line did not change}

local json = require "orun.json"
local orun = require "orun"

local M = {}

local MAX_BYTES <const> = 1 << 20
local LONG <const> = 60 -- lines of a function
-- In halves, so that this file does not find itself.
local LATER <const> = {"TO" .. "DO", "FIX" .. "ME", "XX" .. "X"}
local KEYS <const> = {
  {"AKIA%w%w%w%w%w%w%w%w%w%w%w%w%w%w%w%w", "a key of AWS"},
  {"%-%-%-%-%-BEGIN [%u ]*PRIVATE KEY%-%-%-%-%-", "a private key"},
  {"gh[pousr]_%w%w%w%w%w%w%w%w%w%w%w%w%w%w%w%w%w%w%w%w", "a token of GitHub"},
  {"sk%-ant%-[%w_-]+", "a key of Anthropic"}, {"xox[abp]%-%w+%-%w+", "a token of Slack"},
}
local WORDS <const> = {"passw[o]?r?d", "secret", "api[_-]?key", "access[_-]?token"}

local function lines(text)
  local n = 0
  local next_line = (text:sub(-1) == "\n" and text or text .. "\n"):gmatch("([^\n]*)\n")
  return function()
    n = n + 1
    local line = next_line()
    if line then return n, line end
  end
end

-- ---- what is looked for: function(text, path, add, root) ----

local LOOK = {}

function LOOK.marks(text, _, add)
  for n, line in lines(text) do
    if line:find("^<<<<<<< ") or line:find("^>>>>>>> ") then
      add(n, "critical", "a mark of a merge conflict")
    end
    for _, word in ipairs(LATER) do
      if line:find("%f[%w]" .. word .. "%f[%W]") then add(n, "minor", word .. " is left") end
    end
  end
end

function LOOK.secrets(text, _, add)
  for n, line in lines(text) do
    for _, key in ipairs(KEYS) do
      if line:find(key[1]) then add(n, "critical", key[2] .. " stands in the file") end
    end
    local lower = line:lower()
    for _, word in ipairs(WORDS) do
      if lower:find(word .. "[\"']?%s*[:=]+%s*[\"'][^\"'%s]%S%S%S%S%S%S%S+[\"']") then
        add(n, "important", "what looks like a password or key stands in the file")
        break
      end
    end
  end
end

-- A function begins and ends at the margin, in C and in Lua.
function LOOK.length(text, path, add)
  local c = path:find("%.[ch]$")
  if not c and not path:find("%.lua$") then return end
  local from
  for n, line in lines(text) do
    if c and line == "{" or not c and line:find("^local function ") or line:find("^function ") then
      from = n
    elseif from and line:find(c and "^}" or "^end") then
      if n - from + 1 > LONG then
        add(from, "minor", ("a function of %d lines"):format(n - from + 1))
      end
      from = nil
    end
  end
end

function LOOK.syntax(text, path, add)
  if path:find("%.lua$") then
    local code = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "", 1)
    local chunk, why = load(code, "=file", "t")
    if not chunk then
      local line, what = why:match("^file:(%d+): (.*)$")
      add(tonumber(line), "critical", "it is not Lua: " .. (what or why), true)
    end
  elseif path:find("%.json$") then
    local value, why = json.decode(text)
    if value == nil and why then add(nil, "critical", why:match("[^\n]*")) end
  end
end

-- Links of Markdown to files that are not there.
function LOOK.links(text, path, add, root)
  if not path:find("%.md$") then return end
  local folder, fenced = path:match("^(.*/)") or "", false
  for n, line in lines(text) do
    if line:find("^%s*```") then fenced = not fenced end
    for target in (fenced and "" or line:gsub("`[^`]*`", "")):gmatch("%]%(([^)%s]+)%)") do
      local file = target:gsub("[#?].*$", "")
      local at = file:sub(1, 1) == "/" and root .. file or root .. "/" .. folder .. file
      if file ~= "" and not file:find("^%a[%w+.-]*:") and not orun.real(at) then
        add(n, "important", ("the link to %s leads nowhere"):format(file))
      end
    end
  end
end

-- ---- the files ----

-- Its text; nil for what is no text, or too long to be written by a person.
local function read(path)
  local folder, name = path:match("^(.*/)([^/]*)$")
  local kind = (orun.entries(folder) or {})[name]
  local file <close> = kind == "file" and io.open(path, "rb")
  local text = file and file:read(MAX_BYTES + 1)
  return text and #text <= MAX_BYTES and not text:find("\0", 1, true) and text or nil
end

--- What there is to look for.
M.NAMES = {"marks", "secrets", "length", "syntax", "links"}

--- Looks at files for one thing.
-- @param name   one of NAMES
-- @param root   the folder the paths begin in
-- @param paths  array
-- @return {findings = array}
function M.look(name, root, paths)
  local findings = json.array{}
  for _, path in ipairs(paths) do
    local text = read(root .. "/" .. path)
    if text then
      LOOK[name](text, path, function(line, severity, message, whole)
        findings[#findings + 1] = {file = path, line = line, severity = severity,
          message = message, whole = whole}
      end, root)
    end
  end
  return {findings = findings}
end

return M
