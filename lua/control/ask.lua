--- orun.control.ask: a call that the program which embeds orun makes (runtime/embed/orun_ask.c).
--
-- The calls are those of programs (control/call.lua), in the script's name, and a few that
-- only such a program may make.

local call = require "orun.control.call"
local json = require "orun.json"

local OPEN <const> = {type = "object"} -- the primitive checks it

local TOOLS <const> = {
  Agent = {schema = OPEN, run = function(input)
    orun.agent(input)
    return {name = input.name}
  end},
  Config = {schema = OPEN, run = function(input)
    return orun.config(next(input) ~= nil and input or nil)
  end},
  Limit = {schema = OPEN, run = function(input)
    local name = input.name
    input.name = nil
    if next(input) ~= nil then orun.limit(name, input) end
    return orun.limit(name)
  end},
}
for name, tool in pairs(call.TOOLS) do TOOLS[name] = tool end

--- Make a call.
-- @param name  of it
-- @param args  JSON of an object, or nil
-- @return the result as JSON; or nil, why not, and the reason, a word of control/call.lua
return function(name, args)
  local value, why
  if args then
    value, why = json.decode(args)
    if value == nil then return nil, ("%s: args: %s"):format(name, why), "request" end
  end
  local line, fine = call.perform({call = name, args = value}, TOOLS)
  if fine then return line:sub(#'{"ok":true,"result":' + 1, -3) end
  local reply = json.decode(line)
  return nil, reply.error, reply.reason
end
