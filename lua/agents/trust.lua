--- orun.agents.trust: whether Lua code that lies in a project may run.
--
-- A folder that somebody else wrote, a repository that was cloned, may have Lua files
-- in .orun/agents and .orun/workflows. Such a file is run
--   when the script that runs lies in that project, for its code runs anyway,
--   when the user trusted it (`orun trust`), and it has not changed since, or
--   with --trust, for machines without a person.
-- Code of -e and of standard input lies nowhere: the working directory does not count.
-- A link counts as what it leads to.
--
-- What is trusted is in the user's state folder, in the file `trust`: of each file its
-- path, links followed, and its whole text.
--
-- Glossary
--   project   the folder that has the .orun folder

local check = require "orun.util.check"
local state = require "orun.util.state_dir"

local M = {}

local FOLDERS <const> = {"agents", "workflows"}
local MAX_BYTES <const> = 1 << 20
local MAX_DEPTH <const> = 4 -- of folders
local ABSENT <const> = 2 -- ENOENT

-- ---- what is remembered ----

-- path -> text
local function parse(bytes)
  local known, at = {}, 1
  while true do
    local head, last, path_size, size = bytes:find("^(%d+) (%d+)\n", at)
    if not head then return known end
    local from = last + 1 + tonumber(path_size)
    known[bytes:sub(last + 1, from - 1)] = bytes:sub(from, from + tonumber(size) - 1)
    at = from + tonumber(size) + 1
  end
end

--- What is trusted: path -> text; nil and why it cannot be known.
function M.load()
  local path, why = state.path "trust"
  if not path then return nil, why end
  local file <close>, problem, code = io.open(path, "rb")
  if not file and code == ABSENT then return {} end
  if not file then return nil, problem end
  local text
  text, problem = file:read("a")
  if not text then return nil, ("%s: %s"):format(path, problem) end
  return parse(text)
end

--- Remember this instead.
-- @return true; nil and why it cannot be
function M.save(known)
  local folder, why = state.folder()
  if not folder then return nil, why end
  local path = folder .. "/trust"
  local new = ("%s.%08x"):format(path, math.random(0, 0xFFFFFFFF))
  local file
  file, why = orun.private_file(new)
  if not file then return nil, why end
  local parts = {}
  for i, name in ipairs(check.sorted(known)) do
    parts[i] = ("%d %d\n%s%s\n"):format(#name, #known[name], name, known[name])
  end
  local done, closed, late
  done, why = file:write(table.concat(parts))
  closed, late = file:close()
  if done and not closed then done, why = nil, late end
  if done then done, why = os.rename(new, path) end
  if not done then os.remove(new) end
  return done, why
end

-- ---- files ----

--- Is `path` the folder, or in it? Both absolute, links followed.
function M.within(path, folder)
  return path == folder or folder == "/" or path:sub(1, #folder + 1) == folder .. "/"
end

--- The text of a file.
-- @return the text; nil and why not
function M.text(path)
  local entries = orun.entries(path:match("^(.*)/[^/]*$") .. "/")
  local kind = entries and entries[path:match("[^/]*$")]
  if kind ~= "file" then return nil, "it is not a file" end
  local file <close>, why = io.open(path, "rb")
  if not file then return nil, (why:gsub("^.*: ", "")) end
  local text = file:read(MAX_BYTES + 1) or ""
  if #text > MAX_BYTES then return nil, "it has more than a MiB" end
  return text
end

--- The project's Lua files, their paths with links followed, in order.
function M.files(project)
  local found, seen = {}, {}
  local function walk(at, depth)
    local entries = orun.entries(at) or {}
    for _, name in ipairs(check.sorted(entries)) do
      local real = name:sub(-4) == ".lua" and orun.real(at .. "/" .. name)
      if entries[name] == "folder" and depth < MAX_DEPTH then
        walk(at .. "/" .. name, depth + 1)
      elseif real and not seen[real] then
        found[#found + 1], seen[real] = real, true
      end
    end
  end
  for _, folder in ipairs(FOLDERS) do walk(project .. "/.orun/" .. folder, 1) end
  return found
end

-- ---- the question ----

--- May the file be run?
-- @param path     where it is
-- @param text     what was read there
-- @param project  the folder whose .orun it is in
-- @return true; false and why not, in words that follow "is not run: "
function M.may(path, text, project)
  local script, all = orun.script_place()
  local real, root = orun.real(path), orun.real(project)
  if all then return true end
  if not real or not root then return false, "it no longer exists" end
  if script and M.within(script, root) and M.within(real, root) then return true end
  local known = (M.load() or {})[real]
  if known == text then return true end
  local how = ("`orun trust %s` trusts it as it is now"):format(real)
  if known then return false, "it has changed since it was trusted; " .. how end
  local elsewhere = script and ("because the running script is not in " .. root)
    or "and files of a project run only when they are"
  return false, ("it is not trusted, %s; %s"):format(elsewhere, how)
end

return M
