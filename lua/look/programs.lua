--- orun.look.programs: programs that look at source, and what they say as findings.
--
--     local found = require "orun.look.programs".look("luacheck", root, {"a.lua"})
--
-- Each prints lines of "file:line:column: severity: message".

local json = require "orun.json"
local orun = require "orun"

local M = {}

local AT_ONCE <const> = 200 -- files of one call
local TIMEOUT <const> = "10m"
local SEVERITY <const> = {error = "important", fatal = "important", warning = "minor",
  style = "minor", performance = "minor", portability = "minor", note = "minor"}

--- By their names: what they look at and their arguments before the files; `unless` is a part of
--- what they say where a file cannot be judged alone, and notes = false leaves out their hints.
--- Where `compiles` is set, an error is of the whole file, which cannot be used.
M.PROGRAMS = {
  luacheck = {endings = {"lua"}, compiles = true, "--formatter", "plain",
    "--codes", "--no-color", "--"},
  shellcheck = {endings = {"sh", "bash"}, "-f", "gcc", "--"},
  cppcheck = {endings = {"c", "cc", "cpp"}, "--quiet", "--inline-suppr", "--enable=warning",
    "--template={file}:{line}:{column}: {severity}: {message} [{id}]"},
  gcc = {endings = {"c"}, unless = "No such file or directory", notes = false,
    compiles = true, "-fsyntax-only", "-w", "-fdiagnostics-color=never", "-I."},
}

local function finding(line, compiles)
  local file, at, rest = line:match("^(..-):(%d+):(.*)$")
  if not file then return nil end
  local words = rest:gsub("^%d+:", ""):gsub("^%s+", "")
  local kind, message = words:match("^(%l+)[%l ]*: (.*)$")
  if not kind then kind, message = words:match("^%((%u)%d+%)") == "E" and "error", words end
  return {file = file:gsub("^%./", ""), line = math.tointeger(tonumber(at)),
    severity = SEVERITY[kind] or "minor", message = message,
    whole = compiles and kind == "error" or nil}
end

local function call(name, root, paths, findings)
  local program = M.PROGRAMS[name]
  local command = {name}
  table.move(program, 1, #program, 2, command)
  for _, path in ipairs(paths) do
    command[#command + 1] = path:sub(1, 1) == "-" and "./" .. path or path
  end
  local r = orun.exec{command = command, cwd = root, timeout = TIMEOUT, max_output = "16MiB"}
  if r.error and r.error_kind ~= "exit" then orun.fail{kind = r.error_kind, message = r.error} end
  local said = r.output .. "\n" .. r.stderr
  if program.unless and said:find(program.unless, 1, true) then return end
  local before = #findings
  for line in said:gmatch("[^\n]+") do
    local note = program.notes == false and line:find(": note: ", 1, true)
    findings[#findings + 1] = not note and finding(line, program.compiles) or nil
  end
  if r.error and #findings == before and r.exit_code > 2 then
    orun.fail{kind = "exit", message = r.error}
  end
end

--- Runs one on files.
-- @param name   a key of PROGRAMS
-- @param root   the folder the paths begin in
-- @param paths  array
-- @return {findings = array}, as of look/code.lua. Raises where the program does not work.
function M.look(name, root, paths)
  local findings = json.array{}
  local most = M.PROGRAMS[name].unless and 1 or AT_ONCE
  for i = 1, #paths, most do
    call(name, root, table.move(paths, i, math.min(i + most - 1, #paths), 1, {}), findings)
  end
  return {findings = findings}
end

return M
