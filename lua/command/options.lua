--- orun.command.options: how commands read their words, and how they end.
--
--     local options = require "orun.command.options"
--     local OPTIONS <const> = {["--json"] = {"json"}, ["--owner"] = {"owner", options.word}}
--     return options.command("orun x", HELP, function(...)
--       local args = options.read(OPTIONS, {...})
--       if args[1] then options.usage("%s is one word too many", args[1]) end
--       ...
--     end)
--
-- An option is {field, value, needs}: its word goes to `field` as value(name, word) has it; without
-- `value` it is a flag. `needs` is what a message asks for where the word is missing or empty.

local M = {}

local FAILED <const>, USAGE <const> = 1, 2

--- The words make no sense: the command ends with 2.
-- @param text, ...  as of string.format
function M.usage(text, ...)
  error({usage = text:format(...)}, 0)
end

--- The command cannot do it: it ends with 1.
function M.refuse(text, ...)
  error({refusal = text:format(...)}, 0)
end

--- Print all of a text, or end.
function M.write(text)
  local ok, why = orun.write(text)
  if not ok then error({unwritten = why}, 0) end
end

--- Print a message of a command on standard error.
function M.complain(command, text)
  io.stderr:write(command, ": ", orun.clean(text), "\n")
end

--- Which of these may have been meant, as the end of a message.
function M.near(word, names)
  local near = orun.nearest(word, names)
  return near and (", did you mean %s?"):format(near) or ""
end

--- The keys of a table that match a pattern, in order.
function M.names(t, pattern)
  local list = {}
  for name in pairs(t) do
    if name:find(pattern) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

--- A value: the word as it is.
function M.word(_, word) return word end

-- The value of an option whose word is `inline`, or the one that `following` returns.
local function value_of(option, name, inline, following)
  local _, value, needs = table.unpack(option, 1, 3)
  if not value and inline then M.usage("%s takes no value", name) end
  if not value then return true end
  local word = inline or following()
  if not word or needs and word == "" then M.usage("%s needs %s", name, needs or "a value") end
  return value(name, word)
end

local function unknown(known, name)
  local names = M.names(known, "^%-%-")
  names[#names + 1] = "--help"
  M.usage(known.unknown or "unknown option %s%s", name, M.near(name, names))
end

--- Read words: {[1] = the first that is not an option, …, field = value, …}. Nothing after "--"
--- is an option; --help and -h end the command.
function M.read(known, words)
  local args, at, plain = {}, 0, false
  local function following()
    at = at + 1
    return words[at]
  end
  for word in following do
    local name, inline = word:match("^(%-%-[%a-]+)=(.*)$")
    name = name or word
    if plain or name == "-" or name:sub(1, 1) ~= "-" then
      args[#args + 1] = word
    elseif name == "--" then
      plain = true
    elseif name == "--help" or name == "-h" then
      error({help = true}, 0)
    elseif known[name] then
      args[known[name][1]] = value_of(known[name], name, inline, following)
    else
      unknown(known, name)
    end
  end
  return args
end

--- The function of a command: it runs `body`, which returns the exit code, and ends as that has it.
-- @param command  "orun tasks"
-- @param help     what --help prints
function M.command(command, help, body)
  return function(...)
    local ok, code = pcall(body, ...)
    if ok then return code or 0 end
    if type(code) ~= "table" then error(code, 0) end
    if code.help then
      io.write(help)
      return 0
    elseif code.unwritten then
      return require("orun.util.refusal").unwritten(command, code.unwritten)
    elseif code.refusal then
      M.complain(command, code.refusal)
      return FAILED
    elseif code.usage then
      M.complain(command, ("%s\nTry '%s --help'."):format(code.usage, command))
      return USAGE
    end
    error(code, 0)
  end
end

return M
