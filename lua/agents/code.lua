--- orun.agents.code: agent types that Lua files define.
--
-- Whether such a file may be run is agents/trust.lua's to say.

local check = require "orun.util.check"

local M = {}

-- That memory is out is nothing to say of a file.
local function reason(wrong)
  local text = tostring(wrong)
  if text == "not enough memory" then error(text, 0) end
  return text
end

-- The code of the file as a function; nil and what is wrong.
local function compile(path, text, env)
  if text:sub(1, 1) == "\27" then return nil, path .. ":1: bytecode is refused" end
  local code = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "", 1)
  return load(code, "@" .. path, "t", env)
end

-- What a Lua file defines: it returns a table, or calls orun.agent, as often as it
-- likes. Its globals are its own.
local function run(path, text)
  local found = {}
  local function agent(t)
    if type(t) ~= "table" then
      error("agent: expected a table, got " .. check.show(t), 2)
    end
    found[#found + 1] = {def = t, line = debug.getinfo(2, "l").currentline}
    return t.name
  end
  local own = setmetatable({agent = agent}, {__index = orun})
  local env = setmetatable({orun = own, require = function(name)
    return name == "orun" and own or require(name)
  end}, {__index = _G})
  local chunk, wrong = compile(path, text, env)
  if not chunk then return found, reason(wrong) end
  local ok, given = pcall(chunk)
  if not ok and orun.stopping and orun.stopping() then error(given, 0) end
  if not ok then return found, reason(given) end
  if type(given) == "table" then
    found[#found + 1] = {def = given, line = 1}
  elseif #found == 0 then
    return found, "it neither returns a table of orun.agent's fields nor calls orun.agent"
  end
  return found
end

-- "path:12: what" -> what, 12
local function blame(path, wrong)
  local at = path:gsub("%p", "%%%0")
  local line, text = wrong:match("^" .. at .. ":(%d+): (.*)$")
  if line then return text, tonumber(line) end
  line, text = wrong:match("^[^\n]-:(%d+): (.*)$")
  return text or wrong, tonumber(line) or 1
end

--- What is wrong with the file as far as it can be seen without running it.
-- @return nil; or what, and the line
function M.check(path, text)
  local chunk, wrong = compile(path, text, {})
  if not chunk then return blame(path, reason(wrong)) end
end

--- Run the file.
-- @return array of {def =, line =}; and what is wrong and the line, or nil
function M.run(path, text)
  local found, wrong = run(path, text)
  if wrong then return found, blame(path, wrong) end
  return found
end

return M
