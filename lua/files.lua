--- orun.files: the files whose paths match a pattern.
--
--     local orun = require "orun"
--     for _, file in ipairs(orun.files "src/**/*.c") do
--       print(file.path, file.size, file.mtime)
--     end
--
-- In a pattern `*` stands for any characters of one name, `?` for one, `[a-z]` for one of
-- these and `[!a-z]` for one that is none of these, and `**`, alone between slashes, for
-- folders at any depth, also none. A backslash takes its meaning from the next character.
-- A name that begins with a dot is found only where the pattern has the dot. `**` does not
-- follow links to folders.
--
-- Glossary
--   part   what stands between two slashes of a pattern, as matches() takes it
--   place  a folder of the walk, and which parts its entries may match: {path, active}

local orun = require "orun"
local check = require "orun.util.check"
local list = require "orun.list"

local ANY_DEPTH <const> = "**"
local CHARACTER <const> = "[^\x80-\xBF][\x80-\xBF]*"

-- ---- patterns ----

local function wrong(pattern, why)
  error(check.message("orun.files", "pattern", pattern, why), 0)
end

-- The Lua pattern of the set that begins at `at`, and where it ends.
local function set_of(pattern, text, at)
  local no, from = text:match("^%[([!^]?)()", at)
  local to = text:find("]", from + 1, true)
  if not to then wrong(pattern, "a '[' has no ']'; write \\[ for the character itself") end
  local inner = text:sub(from, to - 1)
  if inner:find("[\x80-\xFF]") then wrong(pattern, "a set has ASCII characters only") end
  inner = inner:gsub("[%%%]%[^]", "%%%0")
  return ("[%s%s]%s"):format(no ~= "" and "^\x80-\xBF" or "", inner,
    no ~= "" and "[\x80-\xBF]*" or ""), to + 1
end

-- {Lua pattern of what stands between two stars, ...}, and the name itself, where no
-- character has a meaning.
local function part_of(pattern, text)
  local pieces, plain, at = {""}, "", 1
  while at <= #text do
    local escape, c, after = text:match("^(\\?)(.?)()", at)
    local lua
    if c == "" then wrong(pattern, "nothing follows the backslash") end
    if escape == "" and c == "*" then
      pieces[#pieces + 1], lua = "", ""
    elseif escape == "" and c == "?" then
      lua = CHARACTER
    elseif escape == "" and c == "[" then
      lua, after = set_of(pattern, text, at)
    elseif escape == "" and c == "{" then
      wrong(pattern, "braces are not expanded; write \\{ for the character itself")
    end
    plain = not lua and plain and plain .. c
    pieces[#pieces] = pieces[#pieces] .. (lua or c:gsub("%W", "%%%0"))
    at = after
  end
  if pieces[2] and text:find("**", 1, true) and not text:find("\\*", 1, true) then
    wrong(pattern, "'**' stands alone between slashes, as in src/**/*.c")
  end
  return {pieces = pieces, name = plain, hidden = text:find("^\\?%.") ~= nil}
end

local function matches(part, name)
  local pieces, at = part.pieces, 1
  if name:sub(1, 1) == "." and not part.hidden then return false end
  for i, piece in ipairs(pieces) do
    local lua = (i == 1 and "^" or "") .. piece .. (i == #pieces and "$" or "")
    local from, to = name:find(lua, at)
    if not from then return false end
    at = to + 1
  end
  return true
end

-- The folder where the walk begins, and the parts below it.
local function parts_of(pattern, root)
  local parts, at = {}, pattern:match("^/+") and "/" or root
  if pattern:sub(-1) == "/" then wrong(pattern, "it ends with '/', and only files are found") end
  for text in pattern:gmatch("[^/]+") do
    local part = text == ANY_DEPTH and ANY_DEPTH or part_of(pattern, text)
    if text == ".." and parts[1] then wrong(pattern, "'..' stands at the beginning only") end
    if text == ".." then
      at = at and (at:gsub("/?$", "/..")) or ".."
    elseif text ~= "." and not (part == ANY_DEPTH and parts[#parts] == ANY_DEPTH) then
      parts[#parts + 1] = part
    end
  end
  if not parts[1] then wrong(pattern, "it names no file") end
  while parts[2] and parts[1].name do
    local name = table.remove(parts, 1).name
    at = at and (at:gsub("/?$", "/")) .. name or name
  end
  if parts[#parts] == ANY_DEPTH then parts[#parts + 1] = part_of(pattern, "*") end
  return at, parts
end

-- ---- the walk ----

-- The entries may match part i, too; and the next one, as `**` is also no folder at all.
local function with(active, i, parts)
  active[i] = true
  if parts[i] == ANY_DEPTH then active[i + 1] = true end
  return active
end

-- What an entry is to the walk: is it found, and which parts may its own entries match?
local function step(parts, active, name, kind)
  local found, below = false, nil
  for i in next, active do
    if parts[i] == ANY_DEPTH then
      if kind == "folder" and name:sub(1, 1) ~= "." then below = with(below or {}, i, parts) end
    elseif kind ~= "other" and matches(parts[i], name) then
      if i == #parts then
        found = found or kind == "file"
      elseif kind ~= "file" and kind ~= "broken link" then
        below = with(below or {}, i + 1, parts)
      end
    end
  end
  return found, below
end

local function walk(at, parts)
  local files, errors, places = {}, {}, {{path = at, active = with({}, 1, parts)}}
  while places[1] do
    local place = table.remove(places)
    local kinds, sizes, times = orun.scan(place.path or ".")
    if not kinds and (place.path == at or times ~= "absent") then
      errors[#errors + 1] = {path = place.path or ".", error = sizes}
    end
    local prefix = place.path and (place.path:gsub("/?$", "/")) or ""
    for name, kind in next, kinds or {} do
      local found, below = step(parts, place.active, name, kind)
      local path = prefix .. name
      if found then
        files[#files + 1] = {path = path, name = name, size = sizes[name], mtime = times[name]}
      end
      if below then places[#places + 1] = {path = path, active = below} end
    end
  end
  return files, errors
end

local function by_path(a, b) return a.path < b.path end

--- Finds files.
-- @param pattern  string, as above
-- @param root     folder where the walk begins; nil: the folder where the programs of the
--                 script or of the task begin
-- @return list (orun.list) of `{path, name, size, mtime}`, sorted by path: `path` begins
--         with `root`, `size` is in bytes, `mtime` in seconds since 1970;
--         array of `{path, error}`: folders that could not be read
-- Raises for a pattern that is wrong.
-- @usage orun.files("*.log", "/var/log"):map(function(file) return file.size end)
local function files(pattern, root)
  check.argument("orun.files", "pattern", pattern, "text")
  if root ~= nil then
    check.argument("orun.files", "root", root, "text")
    if pattern:sub(1, 1) == "/" then
      error(check.message("orun.files", "pattern", pattern, "it begins with '/', and there is a "
        .. "root"), 2)
    end
  end
  local ok, at, parts = pcall(parts_of, pattern, root)
  if not ok then error(at, orun.stopping() and 0 or 2) end
  local found, errors = walk(at, parts)
  table.sort(found, by_path)
  table.sort(errors, by_path)
  return list(found), errors
end

return files
