--- orun.testing.code: the source text of a function, to be run elsewhere.
--
--     local text = code.of(function(call) return call.prompt end)
--     text  --> function(call) return call.prompt end
--
-- It is looked for where the function says it was written, and taken when it compiles to the same
-- code, so it is never another's.

local M = {}

-- The lines from one to another of what a function was compiled from; nil: it cannot be had.
local function lines_of(info)
  local path, text = info.source:match("^@(.*)$"), info.source
  if path then
    local file = io.open(path)
    if not file then return nil end
    text = file:read "a"
    file:close()
  end
  local lines, at = {}, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    at = at + 1
    if at >= info.linedefined and at <= info.lastlinedefined then lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n")
end

-- Does the text make this function?
local function makes(text, f, line)
  local chunk = load(("\n"):rep(line - 1) .. "return " .. text, "=code")
  local ok, made = pcall(chunk or error)
  return ok and type(made) == "function" and string.dump(made, true) == string.dump(f, true)
end

--- The source of a function that uses no local variable of outside.
-- @return text, "function(…) … end"; nil and why not
function M.of(f)
  for i = 1, 255 do
    local var = debug.getupvalue(f, i)
    if not var then break end
    if var ~= "_ENV" then
      return nil, ("its function uses %s of outside, which is not there where the script runs; "
        .. "put it into the function"):format(var)
    end
  end
  local info = debug.getinfo(f, "S")
  local text = lines_of(info)
  for from in (text or ""):gmatch("()function") do
    local rest = text:sub(from):gsub("^function%s+[%w_.:]+%s*%(", "function(", 1)
    for to in rest:gmatch("end()") do
      local piece = rest:sub(1, to - 1)
      if makes(piece, f, info.linedefined) then return piece end
    end
  end
  return nil, "the source of its function cannot be read"
end

return M
