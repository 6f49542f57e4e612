--- orun.command.trust: `orun trust`, which Lua code of projects may run.

local trust = require "orun.agents.trust"

local USAGE <const> = [[
usage: orun trust [PATH]
       orun trust --list
       orun trust --remove [PATH]

Lua files of a project (.orun/agents, .orun/workflows) are run when the script that
runs lies in that project, or when they are trusted. This trusts them as they are now:
those of the project PATH, by default the nearest one going up from the working
directory, or the one file PATH. A file that changes is not trusted any more.

  --list     what is trusted, and whether it is as it was
  --remove   trust it no longer; without PATH: the nearest project's
]]

local UNKNOWN <const> = "what is trusted cannot be read: "

local function say(...) print((orun.clean(table.concat({...})):gsub("\n", " "))) end

local function fail(...)
  io.stderr:write("orun trust: ", orun.clean(table.concat{...}), "\n")
  return 1
end

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
  if not files then return fail(why) end
  if #files == 0 then
    return fail(why, ": there are no Lua files in .orun/agents or .orun/workflows")
  end
  local known, problem = trust.load()
  if not known then return fail(UNKNOWN, problem) end
  for _, file in ipairs(files) do
    local text, wrong = trust.text(file)
    if not text then return fail(file, ": ", wrong) end
    known[file] = text
  end
  local done, wrong = trust.save(known)
  if not done then return fail("it cannot be remembered: ", wrong) end
  for _, file in ipairs(files) do say("trusted: ", file) end
  return 0
end

local function list()
  local paths, known, problem = {}, trust.load()
  if not known then return fail(UNKNOWN, problem) end
  for path in pairs(known) do paths[#paths + 1] = path end
  table.sort(paths)
  for _, path in ipairs(paths) do
    local text = trust.text(path)
    say(path, text == known[path] and "" or text and "  (changed: not run)" or "  (gone)")
  end
  return 0
end

-- Also what is not there any more: then the path goes by its letters.
local function remove(path)
  local project = path == nil and nearest() or nil
  local at = project or path and (orun.real(path) or path)
  if not at then return fail("there is no .orun in this folder or above it") end
  local gone, known, problem = {}, trust.load()
  if not known then return fail(UNKNOWN, problem) end
  for file in pairs(known) do
    if trust.within(file, at) then gone[#gone + 1] = file end
  end
  table.sort(gone)
  if #gone == 0 then return fail(at, ": nothing there is trusted") end
  for _, file in ipairs(gone) do known[file] = nil end
  local done, wrong = trust.save(known)
  if not done then return fail("it cannot be forgotten: ", wrong) end
  for _, file in ipairs(gone) do say("not trusted any more: ", file) end
  return 0
end

return function(first, second, third)
  if first == "--help" or first == "-h" then
    io.write(USAGE)
    return 0
  elseif first == "--list" and second == nil then
    return list()
  elseif first == "--remove" and third == nil then
    return remove(second)
  elseif second ~= nil or first and first:sub(1, 1) == "-" then
    io.stderr:write(USAGE)
    return 2
  end
  return add(first)
end
