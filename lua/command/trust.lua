--- orun.command.trust: `orun trust`, which Lua code of projects may run.

local check = require "orun.util.check"
local options = require "orun.command.options"
local trust = require "orun.agents.trust"

local HELP <const> = [[
usage: orun trust [PATH]
       orun trust --list
       orun trust --remove [PATH]

Lua files of a project (.orun/agents, .orun/workflows) are run when the script that
runs lies in that project, or when they are trusted. This trusts them as they are now:
those of the project PATH, by default the nearest one going up from the working
directory, or the one file PATH. A file that changes is no longer trusted.

  --list     what is trusted, and whether it is as it was
  --remove   trust it no longer; without PATH: the nearest project's
]]

local UNKNOWN <const> = "what is trusted cannot be read: "

local function say(...) print((orun.clean(table.concat({...})):gsub("\n", " "))) end

local function fail(...) options.refuse("%s", table.concat{...}) end

-- The nearest folder with .orun in it, going up.
local function nearest()
  local at = orun.real(".")
  while at do
    if orun.real((at == "/" and "" or at) .. "/.orun") then return at end
    at = at ~= "/" and (at:match("^(.*)/[^/]*$"):gsub("^$", "/")) or nil
  end
end

-- The files that are meant: an array of paths, links followed; or nil and why none are.
local function meant(path)
  if path == nil then
    local project = nearest()
    if not project then return nil, "there is no .orun in this folder or above it" end
    return trust.files(project), project
  end
  local real = orun.real(path)
  if not real then return nil, path .. ": there is no such file or folder" end
  if orun.entries(real) then return trust.files(real), real end
  return {real}, real
end

local function add(path)
  local files, why = meant(path)
  if not files then fail(why) end
  if #files == 0 then
    fail(why, ": there are no Lua files in .orun/agents or .orun/workflows")
  end
  local known, problem = trust.load()
  if not known then fail(UNKNOWN, problem) end
  for _, file in ipairs(files) do
    local text, wrong = trust.text(file)
    if not text then fail(file, ": ", wrong) end
    known[file] = text
  end
  local done, wrong = trust.save(known)
  if not done then fail("it cannot be remembered: ", wrong) end
  for _, file in ipairs(files) do say("trusted: ", file) end
end

local function list()
  local known, problem = trust.load()
  if not known then fail(UNKNOWN, problem) end
  for _, path in ipairs(check.sorted(known)) do
    local text = trust.text(path)
    say(path, text == known[path] and "" or text and "  (changed: not run)" or "  (gone)")
  end
end

-- A path that no longer exists is compared as it is written.
local function remove(path)
  local project = path == nil and nearest() or nil
  local at = project or path and (orun.real(path) or path)
  if not at then fail("there is no .orun in this folder or above it") end
  local gone, known, problem = {}, trust.load()
  if not known then fail(UNKNOWN, problem) end
  for _, file in ipairs(check.sorted(known)) do
    if trust.within(file, at) then gone[#gone + 1] = file end
  end
  if #gone == 0 then fail(at, ": nothing there is trusted") end
  for _, file in ipairs(gone) do known[file] = nil end
  local done, wrong = trust.save(known)
  if not done then fail("it cannot be forgotten: ", wrong) end
  for _, file in ipairs(gone) do say("no longer trusted: ", file) end
end

return options.command("orun trust", HELP, function(...)
  local args = options.read({["--list"] = {"list"}, ["--remove"] = {"remove"}}, {...})
  local path, extra = args[1], args[2]
  if args.list then extra = path or args.remove and "--remove" end
  if extra then options.usage("%s is one word too many", extra) end
  local act = args.list and list or args.remove and remove or add
  act(path)
end)
