--- orun.look.merge: what several reviewers have found, as one list.
--
--     local all = merge.new()
--     all:add("luacheck", {{file = "a.lua", line = 3, severity = "minor", message = "unused"}})
--     print(all:text())
--
-- The same said of one place by two is one finding, with both names. The most severe come first.

local json = require "orun.json"
local orun = require "orun"

local M = {}

local RANK <const> = {critical = 1, important = 2, minor = 3}

local All <const> = {__name = "orun.look.merge"}
All.__index = All

-- A text of others, as one harmless line.
local function line_of(text)
  return (orun.clean(tostring(text)):gsub("%s+", " "))
end

--- Adds what one has found.
function All:add(by, findings)
  for _, one in ipairs(findings) do
    local line = math.type(one.line) and one.line or nil
    local said = one.message:lower():gsub("%W+", " "):match("^ ?(.-) ?$")
    local key = ("%s\0%s\0%s"):format(one.file, line, said)
    local known = self.known[key]
    if not known then
      known = {file = one.file, line = line, severity = one.severity, message = one.message,
        by = json.array{}}
      self.known[key] = known
      table.insert(self.findings, known)
    end
    known.whole = known.whole or one.whole
    if RANK[one.severity] < RANK[known.severity] then known.severity = one.severity end
    if known.by[#known.by] ~= by then table.insert(known.by, by) end
  end
end

--- One has failed, so what it would have found is not there.
function All:lack(by, why)
  table.insert(self.failed, {by = by, error = why})
end

--- Keeps what is said of whole files (`whole`, wherever its line is) and of lines that changed.
-- @param files  as of look/changes.lua
function All:keep(files)
  local lines, kept = {}, json.array{}
  for _, file in ipairs(files) do lines[file.path] = file.lines end
  for _, one in ipairs(self.findings) do
    local changed = lines[one.file]
    if one.whole or not (changed and one.line) or changed[one.line] then kept[#kept + 1] = one end
  end
  self.findings = kept
end

--- Is there one of this severity, or a higher one?
function All:has(severity)
  for _, one in ipairs(self.findings) do
    if RANK[one.severity] <= RANK[severity] then return true end
  end
  return false
end

--- {findings = array, failed = array of {by =, error =}, counts = {critical =, …}}
function All:result()
  table.sort(self.findings, function(a, b)
    if a.severity ~= b.severity then return RANK[a.severity] < RANK[b.severity] end
    if a.file ~= b.file then return a.file < b.file end
    if a.line ~= b.line then return (a.line or 0) < (b.line or 0) end
    return a.message < b.message
  end)
  local counts = {critical = 0, important = 0, minor = 0}
  for _, one in ipairs(self.findings) do counts[one.severity] = counts[one.severity] + 1 end
  return {findings = self.findings, failed = self.failed, counts = counts}
end

--- The same for people.
function All:text()
  local result, lines = self:result(), {}
  for _, one in ipairs(result.findings) do
    lines[#lines + 1] = ("%-9s  %s%s: %s (%s)"):format(one.severity, line_of(one.file),
      one.line and ":" .. one.line or "", line_of(one.message), table.concat(one.by, ", "))
  end
  for _, one in ipairs(result.failed) do
    lines[#lines + 1] = ("not looked at by %s: %s"):format(one.by, line_of(one.error))
  end
  lines[#lines + 1] = #result.findings == 0 and "nothing found"
    or ("%d critical, %d important, %d minor"):format(result.counts.critical,
      result.counts.important, result.counts.minor)
  return table.concat(lines, "\n") .. "\n"
end

--- Nothing is found yet.
function M.new()
  return setmetatable({findings = json.array{}, known = {}, failed = json.array{}}, All)
end

return M
