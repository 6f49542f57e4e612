--- orun.agents: the agent types that the script did not define.
--
-- They come from files, nearest first: .orun/agents/*.lua of the project; its agent
-- files (.claude/agents, .opencode/agents, .gemini/agents, .codex/agents: of each the
-- nearest folder going up from the working directory); those in the user's home; and
-- the built-in ones. Nothing is read until a Task asks for a type that the script has
-- not defined, or `orun agents` runs.
--
-- A Lua file is code, and is run when a type is looked for, and only where agents/trust.lua says
-- that it may be. To list is not to run: neither `list` nor `orun plan` runs any.
--
--     for _, agent in ipairs(orun.agents.list().agents) do print(agent.name, agent.source) end
--
-- `list` reports files that are broken, and files hidden by others of the same name. A Task
-- call that asks for a broken one fails with the reason.
--
-- Glossary
--   entry       one type or file: {name =, source = path, line =, and def, or broken, or
--               unread: why a Lua file was not run}
--   def         the definition: see agents/file.lua; of a Lua file what it passes to orun.agent

local backend = require "orun.agents.backend"
local backends = require "orun.agents.backends"
local check = require "orun.util.check"
local code = require "orun.agents.code"
local form = require "orun.agents.file"
local trust = require "orun.agents.trust"

local M = {}

local MAX_BYTES <const> = 1 << 20
local MAX_DEPTH <const> = 8
local MAX_FILES <const> = 2000

--- Where agent files lie: orun's own in Lua, and those of the presets (`files`), by
--- precedence.
local PLACES <const> = {
  {runner = "lua", ending = ".lua", project = {".orun/agents"}, home = {}, precedence = 0},
}
for _, name in ipairs(backends.PROGRAMS) do
  local files = require("orun.preset." .. name).files
  if files then
    local place = {runner = name}
    for field, value in pairs(files) do place[field] = value end
    PLACES[#PLACES + 1] = place
  end
end
table.sort(PLACES, function(a, b) return a.precedence < b.precedence end)

-- ---- folders ----

local function parent_of(path)
  if path == "/" then return nil end
  local up = path:match("^(.*)/[^/]*$")
  return up ~= "" and up or "/"
end

local function joined(folder, name)
  return folder == "/" and "/" .. name or folder .. "/" .. name
end

-- Paths in the working directory are shown relative to it, those in the home with ~.
local function shown(path, places)
  if places.cwd ~= "/" and path:sub(1, #places.cwd + 1) == places.cwd .. "/" then
    return path:sub(#places.cwd + 2)
  end
  if places.home and path:sub(1, #places.home + 1) == places.home .. "/" then
    return "~/" .. path:sub(#places.home + 2)
  end
  return path
end

-- The nearest folder called so, going up; that of the home is the user's, not a
-- project's.
-- Its path, links followed, and the project: the folder it was found in.
local function nearest(name, places)
  local at = places.cwd
  while at and at ~= places.home do
    local real = orun.real(joined(at, name))
    if real then return real, at end
    at = parent_of(at)
  end
end

-- May the folder be trusted? Its owner must be the user, or the owner of the working directory.
-- Otherwise anybody could put agents into /tmp that others below it would use.
local function trusted(folder, places)
  local _, owner, ours = orun.real(folder)
  return ours or owner == places.owner
end

-- ---- files ----

-- One walk: what it finds goes to `entries`.
local Scan <const> = {__name = "orun.agents.scan"}
Scan.__index = Scan

function Scan:add(entry)
  self.entries[#self.entries + 1] = entry
  return entry
end

function Scan:broken(path, why, line, name)
  return self:add{source = path, broken = why, line = line, name = name}
end

local function text_of(path, kind)
  if kind ~= "file" then return nil, ("expected a file, got %s"):format(kind) end
  local file, why = io.open(path, "rb")
  if not file then return nil, (why:gsub("^.*: ", "")) end
  local f <close> = file
  local text = f:read(MAX_BYTES + 1) or ""
  if #text > MAX_BYTES then return nil, "it has more than a MiB" end
  return text
end

-- The file a definition names for its text, from its own folder.
local function add_system_file(d, path)
  local file = d.system_file
  d.system_file = nil
  if not file then return nil end
  if file:sub(1, 1) ~= "/" then file = joined(parent_of(path), file) end
  local entries = orun.entries(parent_of(file) or "/")
  local kind = entries and entries[file:match("[^/]*$")]
  local text, why = text_of(file, kind or "absent")
  if not text then return ("prompt = {file:%s}: %s"):format(file, why) end
  d.system = text
end

function Scan:read(place, path, kind, stem)
  local text, why = text_of(path, kind)
  if not text then return self:broken(path, why, 1, stem) end
  local d, wrong, line, name = form.read(place.runner, text, stem)
  if not d then return self:broken(path, wrong, line, name) end
  wrong = add_system_file(d, path)
  if wrong then return self:broken(path, wrong, d.line, d.name) end
  self:add{name = d.name, source = path, line = d.line, def = d, disabled = d.disabled}
end

-- Why the file is not to be run, or nil; and what there is to know of it without.
function Scan:unread_lua(path, text, stem)
  local may, why = trust.may(path, text, self.project)
  if self.runs and may then return false end
  local wrong, line = code.check(path, text)
  if wrong then return self:broken(path, wrong, line, stem) end
  return self:add{name = stem, source = path, line = 1, def = {}, lua = true,
                  unread = may and "only a run runs it" or why, trusted = may}
end

function Scan:read_lua(path, kind, stem)
  local text, why = text_of(path, kind)
  if not text then return self:broken(path, why, 1, stem) end
  if self:unread_lua(path, text, stem) then return end
  local found, wrong, line = code.run(path, text)
  for _, one in ipairs(found) do
    local def = {}
    for field, value in next, one.def do def[field] = value end
    if def.name == nil then def.name = stem end
    local bad = type(def.name) ~= "string" and "its name is not a text" or form.bad_name(def.name)
    if bad then
      self:broken(path, bad, one.line, stem)
    else
      self:add{name = def.name, source = path, line = one.line, def = def, lua = true}
    end
  end
  if wrong then self:broken(path, wrong, line, stem) end
end

-- `stem`: the file's name without its ending, with the folders it is in when they count.
function Scan:file(place, path, kind, stem)
  self.files = self.files + 1
  if self.files > MAX_FILES then
    if self.files == MAX_FILES + 1 then
      self:broken(path, ("it and what follows are not read: there are more than %d files"):format(
        MAX_FILES), 1)
    end
    return
  end
  if place.runner == "lua" then
    self:read_lua(path, kind, stem)
  else
    self:read(place, path, kind, stem)
  end
end

-- `within`: what the names of its files begin with.
function Scan:folder(place, folder, depth, within)
  local entries, why = orun.entries(folder)
  if not entries then return self:broken(folder, why, 1) end
  for _, name in ipairs(check.sorted(entries)) do
    local kind, path = entries[name], joined(folder, name)
    if name:sub(1, 1) == "." then
      goto next
    elseif kind == "linked folder" and place.deep then
      self:broken(path, "links to folders are not followed", 1)
    elseif kind == "folder" and place.deep and depth < MAX_DEPTH then
      self:folder(place, path, depth + 1, place.pathnames and within .. name .. "/" or "")
    elseif kind == "folder" and place.deep then
      self:broken(path, ("folders are followed %d deep"):format(MAX_DEPTH), 1)
    elseif name:sub(-#place.ending) == place.ending and #name > #place.ending
        and not (kind == "folder" or name:upper() == "README.MD") then
      self:file(place, path, kind, within .. name:sub(1, -#place.ending - 1))
    end
    ::next::
  end
end

function Scan:place(place, folder)
  if self.seen[folder] then return end
  self.seen[folder] = true
  if trusted(folder, self.places) then
    self:folder(place, folder, 1, "")
  else
    self:broken(folder, "the folder is another user's, and is not read", 1)
  end
end

local function places_here()
  local cwd, owner = orun.real(".")
  local home = os.getenv "HOME"
  home = home and home:sub(1, 1) == "/" and orun.real(home) or nil
  return {cwd = cwd or "/", owner = owner, home = home}
end

-- In the home XDG_CONFIG_HOME takes the place of .config.
local function in_home(name, places)
  local config = os.getenv "XDG_CONFIG_HOME"
  local rest = name:match("^%.config/(.*)$")
  if rest and config and config:sub(1, 1) == "/" then return orun.real(joined(config, rest)) end
  return places.home and orun.real(joined(places.home, name))
end

-- What the files say of these places, those that win first; `runs`: Lua files that may be
-- are run.
local function walk(places, list, runs)
  local s = setmetatable({entries = {}, files = 0, seen = {}, places = places, runs = runs}, Scan)
  for _, place in ipairs(list) do
    for _, name in ipairs(place.project) do
      local folder
      folder, s.project = nearest(name, places)
      if folder then s:place(place, folder) end
    end
  end
  for _, place in ipairs(list) do
    for _, name in ipairs(place.home) do
      local folder = in_home(name, places)
      if folder then s:place(place, folder) end
    end
  end
  return s
end

-- Every entry, those that win first; `runs` as of walk.
local function scan(runs)
  local places = places_here()
  local s = walk(places, PLACES, runs)
  for _, def in ipairs(require "orun.agents.builtin") do
    s:add{name = def.name, def = def, builtin = true}
  end
  for _, entry in ipairs(s.entries) do
    entry.source = entry.builtin and "built in" or shown(entry.source, places)
  end
  return s.entries
end

-- ---- types ----

local function place_of(entry)
  return entry.line and ("%s:%d"):format(entry.source, entry.line) or entry.source
end

local function is_whole_type(def)
  return def.command ~= nil or def.run ~= nil or def.api ~= nil or def.preset ~= nil
end

-- The table for orun.agent, and what to tell of it; nil and why there is none.
local function type_of(entry)
  local def = entry.def
  if entry.unread then return nil, entry.unread, true end
  if entry.lua and is_whole_type(def) then return def, {} end
  local wrong = entry.lua and form.misfit(def)
  if wrong then return nil, wrong end
  local name, why = backend.choose(not entry.lua and def.runner or nil)
  if not name then return nil, why, true end
  local t, notes = backend.type_of(def, name)
  return t, notes, nil, name, why
end

-- The types of the entries that count, and those that are broken or hidden.
local function sort_out(entries)
  local agents, broken, hidden, by_name = {}, {}, {}, {}
  for _, entry in ipairs(entries) do
    local first = entry.name and by_name[entry.name]
    if entry.broken then
      broken[#broken + 1] = entry
    elseif entry.disabled then
      hidden[#hidden + 1] = {entry = entry, why = entry.disabled}
    elseif first then
      hidden[#hidden + 1] = {entry = entry, why = "hidden by " .. place_of(first)}
    else
      by_name[entry.name] = entry
      agents[#agents + 1] = entry
    end
  end
  return agents, broken, hidden
end

--- What there is. No Lua file is run for that.
-- @return {agents = {{name =, source =, line =, runner =, backend =, why =, type =,
--   notes =}, …}, broken = {{source =, line =, why =}, …}, hidden = {the same, name =}}:
--   `type` is the table for orun.agent, absent when there is no backend for it, and of a
--   Lua file, which has `unread` (why it was not run) and `trusted` (whether a run would)
function M.list()
  local agents, broken, hidden = sort_out(scan(false))
  local all = {agents = {}, broken = {}, hidden = {}}
  for _, entry in ipairs(broken) do
    table.insert(all.broken, {source = entry.source, line = entry.line, why = entry.broken})
  end
  for _, one in ipairs(hidden) do
    table.insert(all.hidden, {name = one.entry.name, source = one.entry.source,
                              line = one.entry.line, why = one.why})
  end
  for _, entry in ipairs(agents) do
    local t, notes, lacking, name, why = type_of(entry)
    if not t and not lacking then
      table.insert(all.broken, {source = entry.source, line = entry.line, why = notes})
    else
      local about = {}
      for _, note in ipairs(entry.def.notes or {}) do
        table.insert(about, ("%s:%d: %s"):format(entry.source, note.line, note.text))
      end
      for _, text in ipairs(t and notes or {}) do table.insert(about, text) end
      table.insert(all.agents, {name = entry.name, source = entry.source, line = entry.line,
        runner = entry.lua and "lua" or entry.def.runner, backend = name,
        why = why or not t and notes or nil, type = t, def = entry.def, notes = about,
        unread = entry.unread, trusted = entry.trusted})
    end
  end
  table.sort(all.agents, function(a, b) return a.name < b.name end)
  return all
end

--- What a file of opencode says that its agent is for: "primary", "subagent" or "all";
--- nil when there is no such file, or it does not say.
function M.opencode_mode(name)
  for _, place in ipairs(PLACES) do
    if place.runner == "opencode" then
      for _, entry in ipairs(walk(places_here(), {place}).entries) do
        if entry.name == name and entry.def then return entry.def.mode end
      end
    end
  end
end

-- What the user should know of broken files, told once a run. The error of the call that
-- asks for `name` tells what is wrong with that one's file.
local function warn(entries, name)
  local lines = {}
  for _, entry in ipairs(entries) do
    if entry.broken and entry.name ~= name then
      lines[#lines + 1] = ("orun: %s:%d: %s"):format(entry.source, entry.line or 1, entry.broken)
    end
  end
  if #lines > 5 then
    lines[6] = ("orun: and %d more; see: orun agents"):format(#lines - 5)
  end
  for i = 1, math.min(#lines, 6) do orun.log(lines[i]) end
end

-- Lua files that were not looked into, as an addition to a message.
local function unread_words(entries)
  local names = {}
  for _, entry in ipairs(entries) do
    if entry.unread and #names < 5 then names[#names + 1] = entry.source end
  end
  if #names == 0 then return "" end
  return ("; not run, and so not known, are %s (see: orun agents, orun trust --help)"):format(
    table.concat(names, ", "))
end

local function unknown(name, defined, entries)
  local known, list = {}, {}
  for word in defined:gmatch("[^\n]+") do
    if not known[word] then list[#list + 1] = word end
    known[word] = true
  end
  for _, entry in ipairs(entries) do
    if entry.name and not entry.broken and not entry.disabled and not known[entry.name] then
      list[#list + 1] = entry.name
      known[entry.name] = true
    end
  end
  local near = check.nearest(name, known)
  return ("Task: subagent_type \"%s\" is not defined%s; the known ones are: %s%s"):format(name,
    near and (", did you mean \"%s\"?"):format(near) or "", table.concat(list, ", "),
    unread_words(entries))
end

-- In a plan only the name of a Lua file is known: this replaces what it would define.
local function planned(name, entries, define)
  for _, entry in ipairs(entries) do
    if entry.unread then
      return pcall(define, {name = name, command = {"true"}})
    end
  end
  return false
end

-- What a file says that its backend does not do: told when the type is defined, which is
-- once a run.
local function tell(entry, t, notes)
  for _, text in ipairs(entry.builtin and {} or notes) do
    orun.log(("orun: %s: agent \"%s\": %s"):format(place_of(entry), t.name, text))
  end
end

-- What is wrong with a type, without its name, which is said already.
local function unnamed(why, name)
  local said = ('agent "%s": '):format(name)
  return why:sub(1, #said) == said and why:sub(#said + 1) or why
end

--- Define the type `name`. Called by Task when the script has defined none.
-- @param defined  the names that are defined, a line each
-- @param told     broken files were told before
-- @param define   orun.agent, which gives way to a definition made meanwhile
-- @return true; nil and the message of the Task call
function M.find(name, defined, told, define)
  local _, _, plan = orun.script_place()
  local entries = scan(not plan)
  if not told then warn(entries, name) end
  for _, entry in ipairs(entries) do
    if entry.name == name and not entry.disabled then
      local t, notes
      if entry.unread and plan then break end
      if not entry.broken then t, notes = type_of(entry) end
      local why = entry.broken or entry.unread and "this Lua file is not run: " .. entry.unread
        or notes
      if t then
        local ok, wrong = pcall(define, t)
        if ok then
          tell(entry, t, notes)
          return true
        end
        if orun.stopping() then error(wrong, 0) end
        why = wrong
      end
      return nil, ("Task: subagent_type \"%s\" (%s): %s"):format(name, place_of(entry),
        unnamed(why, name))
    end
  end
  if plan and planned(name, entries, define) then return true end
  return nil, unknown(name, defined, entries)
end

return M
