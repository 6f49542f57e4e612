--- orun.workflow: another script, run as a function.
--
--     local orun = require "orun"
--     local report = orun.workflow("steps/report.lua", {year = 2026})
--
-- It runs here, not as a task: it has the same globals, what it starts is started by the
-- caller, and what it raises is raised. In the file, `...` is what was passed. A workflow may
-- run others, to any depth; a loop of them is refused as deep as Lua refuses it.
--
-- The file is looked for in the folder of the script that calls; then a name without a slash
-- is looked for as .orun/workflows/NAME.lua, in the working directory and going up. Such a
-- file is code of a project, and agents/trust.lua says whether it may run.

local orun = require "orun"
local check = require "orun.util.check"
local trust = require "orun.agents.trust"

local FOLDER <const> = "/.orun/workflows/"

local workflow

-- The folder of the code that called `workflow`. A tail call leaves no trace of the caller:
-- then it is whose workflow that was, which is a local of the call that runs it.
local function folder_here()
  for level = 3, math.huge do
    local info = debug.getinfo(level, "Sf")
    if not info then break end
    local source = info.source
    if info.func == workflow then source = select(2, debug.getlocal(level, 3)) end
    local path = type(source) == "string" and source:match("^@(.*)$")
    if path then return path:match("^(.*/)[^/]*$") or "" end
  end
  local script = orun.script_place()
  return script and script:match("^(.*/)") or ""
end

-- The path of NAME.lua in the nearest project that has it, and the project. The home's folder
-- is the user's, and not a project's.
local function find(name)
  local at, home = orun.real ".", os.getenv "HOME"
  home = home and home:sub(1, 1) == "/" and orun.real(home)
  while at and at ~= home do
    local folder = at == "/" and FOLDER or at .. FOLDER
    if orun.real(folder .. name .. ".lua") then return folder .. name .. ".lua", at, folder end
    if at == "/" then break end
    at = at:match("^(.*)/[^/]*$")
    at = at == "" and "/" or at
  end
end

-- Folders of other users are not looked into: they could be above this one, in /tmp.
local function ours(folder)
  local _, owner, mine = orun.real(folder)
  local _, here = orun.real "."
  return mine or owner == here
end

local function read_workflow(name)
  local path, project, folder = find(name)
  if not path then return nil end
  if not ours(folder) then return nil, ("%s is not run: it is another user's"):format(path) end
  local text, why = trust.text(orun.real(path))
  if not text then return nil, ("cannot read %s: %s"):format(path, why) end
  local may
  may, why = trust.may(path, text, project)
  if not may then return nil, ("%s is not run: %s"):format(path, why) end
  return text, path
end

-- The code, and where it is; nil and why not.
local function read(name, folder)
  local path = name:sub(1, 1) == "/" and name or folder .. name
  local real, why, absent = orun.real(path)
  local text
  if real then text, why = trust.text(real) end
  if text then return text, path end
  if real or absent ~= "absent" then return nil, ("cannot read %s: %s"):format(path, why) end
  if name:find("/", 1, true) then return nil, "there is no file " .. path end
  text, why = read_workflow(name)
  return text, why or ("there is no file %s, and no %s%s.lua here or in a folder above"):format(
    path, FOLDER:sub(2), name)
end

--- Runs another script and returns what it returns.
-- @param name  string: a file, relative to the folder of the calling script; or the name of
--              a workflow of the project, without its ending
-- @param args  one value, `...` in the file; nil: none
-- @return what the file returns
-- Raises if the file does not exist, may not run or is not Lua; and what the file raises.
-- @usage local text = orun.workflow("summary", {"a.txt", "b.txt"})
function workflow(name, args)
  local source
  check.argument("orun.workflow", "name", name, "text")
  local text, path = read(name, folder_here())
  if not text then error(check.message("orun.workflow", "name", name, path), 2) end
  source = "@" .. path
  local code = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "", 1)
  local chunk, why = load(code, source, "t")
  if not chunk then error("orun.workflow: " .. why, 0) end
  local results = table.pack(chunk(args))
  return table.unpack(results, 1, results.n)
end

return workflow
