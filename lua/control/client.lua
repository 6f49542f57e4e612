--- orun.control.client: asking the run that started this program, or one that was found.
--
-- For `orun task`, `orun tasks` and `orun mcp`, which have no runtime of their own. One call
-- is made on a connection of its own; closing that ends what the call waits
-- for.
--
-- Glossary
--   reason   why a call is refused, see control/call.lua; also "outside" (no run
--            started this program), "gone" (it can no longer be reached) and
--            "busy" (no descriptor is left; later there may be one)

local json = require "orun.json"

local M = {}

local DEPTH <const> = 120 -- levels of a call: a value's 100, and what is around it

local OUTSIDE <const> = "ORUN_SOCKET is not set: this works in programs that a run of orun has "
  .. "started (a task's command, an agent), or with what orun.control() returns"

-- The path and the token of the run that started this program; or nil, a message.
local function own()
  local path, token = os.getenv("ORUN_SOCKET"), os.getenv("ORUN_TASK_TOKEN")
  if not path or path == "" then return nil, OUTSIDE end
  if not token or token == "" then
    return nil, "ORUN_TASK_TOKEN is not set: it goes with ORUN_SOCKET"
  end
  return path, token
end

--- Begin a call.
-- @param run  one that control/runs.lua found; nil: the one that started this program
-- @return the channel that will have the reply; nil, a message and a reason
function M.begin(name, args, run)
  local path, token = own()
  if run and run.socket ~= path then path, token = run.socket, run.token end
  if not path then return nil, token, "outside" end
  local fine, text = pcall(json.encode, {call = name, args = args},
    {lossy = true, name = name, depth = DEPTH})
  if not fine then
    return nil, (tostring(text):gsub("^json%.encode: [^:]-%.args%.", name .. ": ")), "request"
  end
  local channel, why, busy = orun.channel(path)
  if not channel then
    return nil, ("%sthe run cannot be reached at %s: %s"):format(run and "" or "ORUN_SOCKET: ",
      path, why), busy or "gone"
  end
  -- Reading shows whether the run has disconnected.
  channel:send(token:gsub("%s", "") .. " " .. text .. "\n")
  return channel
end

--- The reply that a channel has by now.
-- @return the result; or nil, a message and a reason; while there is none the
--   reason is "more"
function M.reply(channel)
  local line, why = channel:line()
  if not line then
    if why == "more" then return nil, nil, "more" end
    channel:close()
    return nil, why == "too_big" and "the reply is too long"
      or "the run has ended, or no memory was left in it for this call", "gone"
  end
  channel:close()
  local reply = json.decode(line)
  if type(reply) ~= "table" then return nil, "the run's reply is not a JSON object", "gone" end
  if reply.ok ~= true then return nil, tostring(reply.error), tostring(reply.reason) end
  return reply.result
end

--- Make a call and wait.
-- @param run  as of M.begin
-- @return the result; or nil, a message and a reason
function M.call(name, args, run)
  local channel, message, reason = M.begin(name, args, run)
  if not channel then return nil, message, reason end
  repeat
    orun.await{channel}
    local result
    result, message, reason = M.reply(channel)
    if result ~= nil then return result end
  until reason ~= "more"
  return nil, message, reason
end

return M
