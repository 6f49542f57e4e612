--- orun.flow.find: the workflows that have a name, and where they are.
--
--     local find = require "orun.flow.find"
--     local found, why = find.find "review"
--     print(found and found.path or why)
--
-- NAME is NAME.lua in the nearest .orun/workflows of a project, going up from the working
-- directory; then in the user's folder, $XDG_CONFIG_HOME/orun/workflows (~/.config); then
-- among those that orun brings (lua/workflow/). "spec:execute" is spec/execute.lua.
--
-- A project's workflow is its code: it runs only where agents/trust.lua says so. It is not
-- passed over when it may not: another one of that name is not what was asked for.
--
-- Glossary
--   place  a folder of workflows: {from = "project", "user" or "orun", folder =, project =}

local check = require "orun.util.check"
local orun = require "orun"
local trust = require "orun.agents.trust"

local M = {}

local FOLDER <const> = ".orun/workflows/"
local MODULE <const> = "orun.workflow."
local MAX_DEPTH <const> = 4

--- How the chunks of those that orun brings are called, before the file's name.
M.CHUNK = "=[workflow]/"

-- ---- places ----

-- The folders of projects, nearest first. The home's is the user's, and not a project's.
local function projects()
  local at, home, list = orun.real ".", os.getenv "HOME", {}
  home = home and home:sub(1, 1) == "/" and orun.real(home)
  while at and at ~= home do
    local folder = (at == "/" and at or at .. "/") .. FOLDER
    if orun.real(folder) then
      list[#list + 1] = {from = "project", folder = folder, project = at}
    end
    if at == "/" then break end
    at = at:match("^(.*)/[^/]*$"):gsub("^$", "/")
  end
  return list
end

local function user_folder()
  local config, home = os.getenv "XDG_CONFIG_HOME", os.getenv "HOME"
  if config and config:sub(1, 1) == "/" then return config .. "/orun/workflows/" end
  if home and home:sub(1, 1) == "/" then return home .. "/.config/orun/workflows/" end
end

local function places()
  local list, user = projects(), user_folder()
  if user and orun.real(user) then list[#list + 1] = {from = "user", folder = user} end
  list[#list + 1] = {from = "orun"}
  return list
end

-- Folders of other users are not looked into: they could be above this one, in /tmp.
local function ours(folder)
  local _, owner, mine = orun.real(folder)
  local _, here = orun.real "."
  return mine or owner == here
end

-- ---- names ----

--- Where a workflow of that name is below a folder of workflows; nil: it is no such name.
-- @usage require "orun.flow.find".file "spec:execute"  --> spec/execute.lua
function M.file(name)
  for part in (name .. ":"):gmatch("([^:]*):") do
    if not part:find("^[%w_][%w_-]*$") then return nil end
  end
  return name:gsub(":", "/") .. ".lua"
end

-- The modules of those that orun brings, which return the source: {[name] = module}.
local function bundled()
  local modules = {}
  for _, module in ipairs(orun.bundled "workflow/") do
    local name = module:sub(#MODULE + 1):gsub("%.", ":")
    if M.file(name) then modules[name] = module end
  end
  return modules
end

--- What the file says of itself: the comment at its head, as text.
function M.head(text)
  local lines = {}
  text = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*\n", "")
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local words = line:match("^%-%-+ ?(.*)$")
    if not words then break end
    lines[#lines + 1] = words
  end
  return #lines > 0 and table.concat(lines, "\n") .. "\n" or "It says nothing of itself.\n"
end

-- Its first line, without its name.
local function about(text)
  return (M.head(text):match("^[^\n]*"):gsub("^orun [%w:_-]+: ", ""))
end

-- ---- one workflow ----

-- Its text as it is there, and its path; nil, and why it cannot be read if it is there.
local function text_at(place, name)
  local file = M.file(name)
  if place.from == "orun" then
    local module = bundled()[name]
    if not module then return nil end
    return require(module), "orun's own " .. file
  end
  local path = place.folder .. file
  local real, why, absent = orun.real(path)
  if not real and absent == "absent" then return nil end
  if not real then return nil, ("cannot read %s: %s"):format(path, why) end
  if not ours(place.folder) then return nil, path .. " is not run: it is another user's" end
  local text
  text, why = trust.text(real)
  if not text then return nil, ("cannot read %s: %s"):format(path, why) end
  return text, path
end

-- Why it may not run, or nil.
local function unfit(place, path, text)
  if place.from ~= "project" then return nil end
  local may, why = trust.may(path, text, place.project)
  if not may then return ("%s is not run: %s"):format(path, why) end
end

local function entry(place, name, text, path)
  return {name = name, from = place.from, path = path, text = text, about = about(text),
          unfit = unfit(place, path, text),
          chunk = place.from == "orun" and M.CHUNK .. M.file(name) or "@" .. path}
end

--- The comment at the head of the file with that chunk name; "" where it is none.
function M.head_of(chunk)
  local path = chunk:match("^@(.*)$")
  local file <close> = path and io.open(path, "rb")
  local module = chunk:sub(1, #M.CHUNK) == M.CHUNK
    and MODULE .. chunk:sub(#M.CHUNK + 1):gsub("%.lua$", ""):gsub("/", ".")
  return M.head(module and require(module) or file and file:read("a") or "")
end

--- The workflow that a name means.
-- @return {name =, from = "project", "user" or "orun", path =, text =, about = one line,
--   chunk = what to load it as, unfit = why it may not run, or nil}; nil where there is none,
--   nil and why where it cannot be read
function M.find(name)
  for _, place in ipairs(M.file(name) and places() or {}) do
    local text, path = text_at(place, name)
    if text then return entry(place, name, text, path) end
    if path then return nil, path end
  end
end

--- The code of a workflow that was found; nil and why there is none.
function M.load(found)
  if found.unfit then return nil, found.unfit end
  local code = found.text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "", 1)
  return load(code, found.chunk, "t")
end

-- ---- all of them ----

local function add(list, place, name)
  local text, path = text_at(place, name)
  local one = text and entry(place, name, text, path)
    or {name = name, from = place.from, path = place.folder .. M.file(name), unfit = path}
  local first = list[name]
  one.hidden = first and first.path
  list[name] = first or one
  list[#list + 1] = one
end

local function walk(list, place, folder, before, depth)
  local entries = orun.entries(folder) or {}
  for _, file in ipairs(check.sorted(entries)) do
    local stem = file:match("^(.+)%.lua$")
    if entries[file] == "folder" and depth < MAX_DEPTH and M.file(file) then
      walk(list, place, folder .. file .. "/", before .. file .. ":", depth + 1)
    elseif entries[file] ~= "folder" and stem and M.file(before .. stem) then
      add(list, place, before .. stem)
    end
  end
end

--- All there are, by name; `hidden`: the path of the one that has its name before it.
-- @return array as of find, without a text where one cannot be read
function M.list()
  local list = {}
  for _, place in ipairs(places()) do
    if place.from ~= "orun" then
      walk(list, place, place.folder, "", 1)
    else
      for _, name in ipairs(check.sorted(bundled())) do add(list, place, name) end
    end
  end
  local order = {}
  for i, one in ipairs(list) do order[one] = i end
  table.sort(list, function(a, b)
    if a.name ~= b.name then return a.name < b.name end
    return order[a] < order[b]
  end)
  return list
end

--- The names there are.
function M.names()
  local names = {}
  for _, one in ipairs(M.list()) do
    if not one.hidden then names[#names + 1] = one.name end
  end
  return names
end

return M
