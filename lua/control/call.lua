--- orun.control.call: a call that a program made on the control socket.
--
-- Runs in a state of its own, in the name of the task whose program it is
-- (runtime/control/connection.h). A call is {"call": NAME, "args": {...}}, NAME one of
-- control/task_tools.lua or control/run_tools.lua; the reply is a line of JSON, {"ok": true,
-- "result": ...} or {"ok": false, "error": "in words", "reason": one of
--   request    no call: no JSON, no such name, arguments that do not fit
--   refused    the primitive raised; or, with its own words, already_claimed,
--              already_resolved, blocked, removed, illegal
-- }. The socket itself adds token, ended, too_big and failed.

local check = require "orun.util.check"
local json = require "orun.json"
local schema = require "orun.schema"
local run_tools = require "orun.control.run_tools"
local task_tools = require "orun.control.task_tools"

local MAX_ERROR <const> = 64 << 10
local DEPTH <const> = 120 -- levels of a reply: a value's 100, and what is around it

local function try(value, name)
  return pcall(json.encode, value, {lossy = true, name = name, depth = DEPTH})
end

-- Leave out what JSON cannot express of an entry, or of each entry of a list:
-- one of them must not hide the others. A note says what is left out, and why.
local function prune(entry)
  local notes = {}
  for key, value in pairs(entry) do
    local ok, text = try(value, tostring(key))
    if not ok and (key == "task" or key == "tasks") then
      for _, each in pairs(key == "task" and {value} or value) do prune(each) end
    elseif not ok then
      entry[key] = nil
      notes[#notes + 1] = tostring(text):gsub("^json%.encode: ", "")
    end
  end
  table.sort(notes)
  if notes[1] then
    entry.note = "left out, because JSON cannot express it: " .. table.concat(notes, "; ")
  end
end

local function encode(reply)
  local ok, text = try(reply, "result")
  if not ok and type(reply.result) == "table" then
    prune(reply.result)
    ok, text = try(reply, "result")
  end
  if ok then return text .. "\n", reply.ok end
  return encode{ok = false, reason = "failed", error = tostring(text)}
end

local function refused(reason, ...)
  local text = (...):format(select(2, ...))
  if #text > MAX_ERROR then text = text:sub(1, MAX_ERROR) .. " ..." end
  return encode{ok = false, reason = reason, error = text}
end

-- Models write null for what they do not mean.
local function without_nulls(args)
  for key, value in pairs(args) do
    if value == json.null then args[key] = nil end
  end
  return args
end

local TOOLS <const> = {}
for _, tools in ipairs{task_tools, run_tools} do
  for name, tool in next, tools do TOOLS[name] = tool end
end

local function why_not(request, tools)
  if type(request) ~= "table" or type(request.call) ~= "string" then
    return "a call is {\"call\": name, \"args\": {...}}; the names are " .. check.listed(tools)
  end
  if not tools[request.call] then
    return ("there is no call %q; the names are %s"):format(request.call:sub(1, 100),
      check.listed(tools))
  end
  if request.args ~= nil and (type(request.args) ~= "table" or json.is_array(request.args)
      and next(request.args) ~= nil) then
    return ("%s: args must be an object"):format(request.call)
  end
end

local M = {TOOLS = TOOLS}

--- Do what a request, {call=, args=}, asks for.
-- @param tools  the calls that there are; M.TOOLS are those of programs
-- @return the reply, a line; and whether it says yes: what was claimed stays so
function M.perform(request, tools)
  local why = why_not(request, tools)
  if why then return refused("request", "%s", why) end
  local tool, args = tools[request.call], without_nulls(request.args or {})
  local fits, errors = assert(schema.new(tool.schema)):check(args)
  if not fits then
    return refused("request", "%s: %s", request.call, table.concat(errors, "; "))
  end
  local ok, value = pcall(tool.run, args)
  if not ok then
    if type(value) == "table" and value.reason then
      return refused(value.reason, "%s", value.message)
    end
    return refused("refused", "%s", (tostring(value):gsub("^%[orun%][^:]*:%d+: ", "")))
  end
  return encode{ok = true, result = value}
end

--- The same of a text.
function M.perform_text(text)
  local request, why = json.decode(text)
  if request == nil then return refused("request", "%s", why) end
  return M.perform(request, TOOLS)
end

return M
