--- orun.workflow: another script, run as a function.
--
--     local orun = require "orun"
local check = require "orun.util.check"
local find = require "orun.flow.find"
local trust = require "orun.agents.trust"

local workflow

-- The folder of the code that called `workflow`; nil: it is one that orun brings, beside which
-- there is nothing. A tail call leaves no trace of the caller: then it is whose workflow that was,
-- which is a local of the call that runs it.
local function folder_here()
  for level = 3, math.huge do
    local info = debug.getinfo(level, "Sf")
    if not info then break end
    local source = info.source
    if info.func == workflow then source = select(2, debug.getlocal(level, 3)) end
    source = type(source) == "string" and source or ""
    if source:sub(1, #find.CHUNK) == find.CHUNK then return nil end
    local path = source:match("^@(.*)$")
    if path then return path:match("^(.*/)[^/]*$") or "" end
  end
  local script = orun.script_place()
  return script and script:match("^(.*/)") or ""
end

-- The code of a named workflow; nil, why there is none, and whether it is there.
local function named(name, path)
  local found, why = find.find(name)
  if found then
    local chunk, wrong = find.load(found)
    return chunk, wrong, not found.unfit
  end
  return nil, why or ("there is no file %s, and no workflow of that name; 'orun workflows' lists "
    .. "those there are"):format(path)
end

-- The code; nil, why not, and whether it is there and not Lua.
local function read(name, folder)
  local path = name:sub(1, 1) == "/" and name or (folder or "") .. name
  if not folder and not name:find("/", 1, true) then return named(name, path) end
  local real, why, absent = orun.real(path)
  local text
  if real then text, why = trust.text(real) end
  if text then
    local code = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "", 1)
    local chunk, wrong = load(code, "@" .. path, "t")
    return chunk, wrong, true
  end
  if real or absent ~= "absent" then return nil, ("cannot read %s: %s"):format(path, why) end
  if name:find("/", 1, true) then return nil, "there is no file " .. path end
  return named(name, path)
end

--- Runs another script and returns what it returns.
-- @param name  string: a file, relative to the folder of the calling script; or the name of
--              a workflow, as `orun NAME` has it
-- @param args  one value, `...` in the file; nil: none. Those that orun brings take a table of
--              words and options: {"HEAD~1", json = true}
-- @return what the file returns
-- Raises if the file does not exist, may not run or is not Lua; and what the file raises.
-- @usage local text = orun.workflow("summary", {"a.txt", "b.txt"})
function workflow(name, args)
  local source
  check.argument("orun.workflow", "name", name, "text")
  local chunk, why, syntax = read(name, folder_here())
  source = chunk and debug.getinfo(chunk, "S").source
  if not source and syntax then error("orun.workflow: " .. why, 0) end
  if not source then error(check.message("orun.workflow", "name", name, why), 2) end
  local results = table.pack(chunk(args))
  return table.unpack(results, 1, results.n)
end

return workflow
