--- orun.command.interactive: lines of standard input, run as they come (`orun -i`).
--
-- As Lua's own program has it: a line that is an expression shows its values, one that
-- is not whole is gone on with, and an error ends only its own. _PROMPT and _PROMPT2 of
-- the script are the prompts.

local orun = require "orun"

local function prompt(name, usual)
  local text = _G[name]
  io.stdout:write(text == nil and usual or tostring(text))
  io.stdout:flush()
end

-- The chunk of the line and of those behind it that it needs; nil when input has ended, or
-- nil and what is wrong.
local function chunk_of(line)
  local code = line:gsub("^=", "return ")
  local chunk = load("return " .. code, "=stdin", "t", _G)
  if chunk then return chunk end
  while true do
    local whole, why = load(code, "=stdin", "t", _G)
    if whole or not why:find("<eof>$") then return whole, why end
    prompt("_PROMPT2", ">> ")
    local more = io.read()
    if not more then return nil, why end
    code = code .. "\n" .. more
  end
end

-- What was raised, with a traceback as far down as the line; a stop is for nobody here.
local function explain(problem)
  if orun.stopping() then return problem end
  local meta = getmetatable(problem)
  local shown = type(problem) == "string" or type(problem) == "number"
    or (type(meta) == "table" and meta.__tostring)
  local text = debug.traceback(shown and tostring(problem)
    or ("(error object is a %s value)"):format(type(problem)), 2)
  return (text:gsub("\n[^\n]*\n\t%[orun%]/command/interactive%.lua:[^\n]*\n", "\n"))
end

local function show(ok, ...)
  if not ok and orun.stopping() then error(..., 0) end
  if not ok then
    io.stderr:write(..., "\n")
  elseif select("#", ...) > 0 then
    local shown, why = pcall(_G.print, ...)
    if not shown and orun.stopping() then error(why, 0) end
    if not shown then io.stderr:write("error calling 'print' (", tostring(why), ")\n") end
  end
end

return function()
  io.stdout:write(("orun %s, %s\n"):format(orun.version, _VERSION))
  while true do
    prompt("_PROMPT", "> ")
    local line = io.read()
    if not line then break end
    local chunk, why = chunk_of(line)
    if chunk then
      show(xpcall(chunk, explain))
    elseif why then
      io.stderr:write(why, "\n")
    end
  end
  io.stdout:write("\n")
end
