--- orun.control.mcp: a run's tasks as tools for agents that speak MCP.
--
-- The Model Context Protocol over standard input and output, a message a line.
-- Two eras of it are spoken side by side:
--   2026-07-28               every request carries its version and what the client can
--                            in _meta; server/discover tells what this server is
--   2025-11-25, 2025-06-18   a client opens with initialize
-- A request with io.modelcontextprotocol/protocolVersion in its _meta is of the
-- first kind, whatever came before; any other of the second.
--
-- A tool is a call of the run (control/task_tools.lua), each on a connection of its own,
-- so calls that wait do not hold up others, and notifications/cancelled ends one by
-- closing its connection. With a progressToken, calls that wait get a notification of every
-- PROGRESS seconds. Calls that may wait for other tasks and calls that are quick are
-- counted separately: those beyond the limit of their kind are queued, so that quick ones
-- are answered whatever waits.
--
-- No message ends the server: what cannot be read, or answered, is an error with the
-- id of the request, or null.
--
-- Glossary
--   message   a decoded line
--   call      a tools/call whose reply is not there yet: {id, modern, name, args, kind,
--             channel (once the run was asked), ...}
--   kind      of a call: "waiting" (it may wait for tasks) or "quick"

local client = require "orun.control.client"
local json = require "orun.json"
local schema = require "orun.schema"
local tools = require "orun.control.task_tools"

local M = {}

local MODERN <const> = "2026-07-28"
local LEGACY <const> = {"2025-11-25", "2025-06-18"}
local META <const> = "io.modelcontextprotocol/"

local PARSE <const>, INVALID <const> = -32700, -32600
local NO_METHOD <const>, PARAMS <const> = -32601, -32602
local NO_VERSION <const>, INTERNAL <const> = -32022, -32603

local KINDS <const> = {"quick", "waiting"}
local MOST <const> = {quick = 50, waiting = 200} -- calls at once
local QUEUE <const> = 10000  -- calls of a kind that are not begun yet
local DEPTH <const> = 120    -- levels of a message: a value's 100, and what is around it
local PROGRESS <const> = 2   -- seconds between two notifications
local FINISH <const> = {quick = 60, waiting = 2} -- seconds after the end of input
local NAMES <const> = {"Task", "TaskClaim", "TaskCreate", "TaskGet", "TaskList", "TaskOutput",
                       "TaskStop", "TaskUpdate"}
local READ_ONLY <const> = {TaskGet = true, TaskList = true, TaskOutput = true}

local INSTRUCTIONS <const> = "The tasks of the orun run that this agent works for. Items of the "
  .. "list are shared with other workers: claim one with TaskClaim before working on it, end it "
  .. "with TaskUpdate, then claim the next until the task is null."

local Server <const> = {__name = "orun.mcp"}
Server.__index = Server

-- ---- sending ----

-- Raised when the client no longer reads; nothing else ends the server.
local GONE <const> = setmetatable({}, {__tostring = function() return "the client has gone" end})

local function send(message)
  message.jsonrpc = "2.0"
  local text = json.encode(message, {lossy = true, depth = DEPTH})
  if not orun.write(text .. "\n") then error(GONE, 0) end
end

-- `id` nil: the request's could not be read.
local function send_error(id, code, text, data)
  send{id = id == nil and json.null or id, error = {code = code, message = text, data = data}}
end

local function info() return {name = "orun", title = "orun tasks", version = orun.version} end

local function send_result(id, modern, result)
  if modern then
    result.resultType = "complete"
    result._meta = {[META .. "serverInfo"] = info()}
  end
  send{id = id, result = result}
end

-- ---- methods ----

local methods = {}

-- An empty object: a table without fields would be one, too, but says less.
local function object() return {} end

local function is_object(value) return type(value) == "table" and not json.is_array(value) end

function methods.initialize(_, id, params)
  local asked, version = params.protocolVersion, LEGACY[1]
  for _, known in ipairs(LEGACY) do
    if asked == known then version = known end
  end
  send_result(id, false, {protocolVersion = version, capabilities = {tools = object()},
                          serverInfo = info(), instructions = INSTRUCTIONS})
end

methods["server/discover"] = function(_, id, _, modern)
  if not modern then
    send_error(id, PARAMS, "_meta lacks " .. META .. "protocolVersion")
    return
  end
  send_result(id, true, {supportedVersions = {MODERN, LEGACY[1], LEGACY[2]},
    capabilities = {tools = object()}, instructions = INSTRUCTIONS, ttlMs = 3600000,
    cacheScope = "public"})
end

function methods.ping(_, id, _, modern)
  if modern then
    send_error(id, NO_METHOD, "ping: there is no such method in " .. MODERN)
  else
    send_result(id, false, object())
  end
end

methods["tools/list"] = function(_, id, params, modern)
  if params.cursor ~= nil then
    send_error(id, PARAMS, "tools/list: there is one page only")
    return
  end
  local list = {}
  for i, name in ipairs(NAMES) do
    list[i] = {name = name, description = tools[name].description,
      inputSchema = tools[name].schema, outputSchema = {type = "object"},
      annotations = {readOnlyHint = READ_ONLY[name] or false, openWorldHint = false}}
  end
  send_result(id, modern, {tools = list, ttlMs = modern and 3600000 or nil,
                           cacheScope = modern and "public" or nil})
end

local function tool_failed(id, modern, text)
  send_result(id, modern, {content = {{type = "text", text = text}}, isError = true})
end

local function without_nulls(args)
  local kept = {}
  for key, value in pairs(args) do
    if value ~= json.null then kept[key] = value end
  end
  return kept
end

-- Why the arguments are none, or nil.
local function misfit(name, args)
  if args ~= nil and not is_object(args) and next(args) ~= nil then
    return "the arguments are not an object"
  end
  local fits, errors = assert(schema.new(tools[name].schema)):check(args or object())
  return not fits and "the arguments do not fit: " .. table.concat(errors, "; ") or nil
end

-- Does the call end only when other tasks do?
local function may_wait(name, args)
  return name == "Task" and args.run_in_background ~= true
    or name == "TaskOutput" and args.block ~= false or name == "TaskClaim" and args.wait == true
end

methods["tools/call"] = function(self, id, params, modern)
  local name, args = params.name, params.arguments
  if type(name) ~= "string" or not tools[name] then
    send_error(id, PARAMS, ("there is no tool %s; there are: %s"):format(
      type(name) == "string" and name:sub(1, 100) or "without a name", table.concat(NAMES, ", ")))
    return
  end
  if args == json.null then args = nil end
  if args ~= nil and type(args) ~= "table" then
    send_error(id, PARAMS, "tools/call: arguments must be an object")
    return
  end
  args = args and without_nulls(args)
  local why = misfit(name, args)
  if why then return tool_failed(id, modern, why) end
  local kind = may_wait(name, args or {}) and "waiting" or "quick"
  local queue = self.queues[kind]
  if queue.last - queue.first + 1 >= QUEUE then
    return tool_failed(id, modern, ("%d calls are queued already"):format(QUEUE))
  end
  queue.last = queue.last + 1
  queue[queue.last] = {id = id, modern = modern, name = name, args = args, kind = kind,
    began = os.time(), notified = os.time(),
    progress = type(params._meta) == "table" and params._meta.progressToken or nil}
  self:begin()
end

-- ---- calls that are under way ----

local function call_answer(call, result, message)
  if result == nil then return tool_failed(call.id, call.modern, message) end
  local text = json.encode(result, {lossy = true, depth = DEPTH})
  send_result(call.id, call.modern, {content = {{type = "text", text = text}},
                                     structuredContent = result, isError = false})
end

local function call_tell(call, now)
  local token = call.progress
  if type(token) ~= "string" and math.type(token) ~= "integer" then return end
  if now - call.notified < PROGRESS then return end
  call.notified = now
  send{method = "notifications/progress", params = {progressToken = token,
    progress = now - call.began, message = call.name .. " waits"}}
end

-- The calls that are queued, as an array.
function Server:queued()
  local calls = {}
  for _, kind in ipairs(KINDS) do
    local queue = self.queues[kind]
    table.move(queue, queue.first, queue.last, #calls + 1, calls)
  end
  return calls
end

-- Ask the run for the call: true, or false when there is no descriptor left for it
-- and calls that are under way will give theirs back.
local function call_begin(self, call)
  local channel, message, reason = client.begin(call.name, call.args)
  if channel then
    call.channel, call.args = channel, nil
    self.under_way[call.kind] = self.under_way[call.kind] + 1
    self.calls[#self.calls + 1] = call
  elseif reason == "busy" and #self.calls > 0 then
    return false
  else
    tool_failed(call.id, call.modern, message)
  end
  return true
end

-- Begin what is queued, in order, as far as the limit of its kind allows.
function Server:begin()
  for _, kind in ipairs(KINDS) do
    local queue = self.queues[kind]
    while queue.first <= queue.last and self.under_way[kind] < MOST[kind]
        and call_begin(self, queue[queue.first]) do
      queue[queue.first] = nil
      queue.first = queue.first + 1
    end
  end
end

-- Has the reply of the call come? It is passed on then.
local function call_collect(self, call)
  local result, message, reason = client.reply(call.channel)
  if reason == "more" then return false end
  self.under_way[call.kind] = self.under_way[call.kind] - 1
  local ok, why = pcall(call_answer, call, result, message)
  if ok then return true end
  if why == GONE then error(why, 0) end
  tool_failed(call.id, call.modern, "the answer cannot be sent: " .. tostring(why))
  return true
end

-- Answer those whose reply has come, and begin others in their place.
function Server:collect()
  local left, now = {}, os.time()
  for _, call in ipairs(self.calls) do
    if not call_collect(self, call) then left[#left + 1] = call end
  end
  self.calls = left
  self:begin()
  for _, calls in ipairs{self.calls, self:queued()} do
    for _, call in ipairs(calls) do call_tell(call, now) end
  end
end

-- Abandon the calls for which `gone` returns true.
function Server:drop(gone)
  local calls, queued = self.calls, self:queued()
  self.calls, self.queues = {}, {quick = {first = 1, last = 0}, waiting = {first = 1, last = 0}}
  for _, call in ipairs(calls) do
    if not gone(call) then
      self.calls[#self.calls + 1] = call
    else
      call.channel:close()
      self.under_way[call.kind] = self.under_way[call.kind] - 1
    end
  end
  for _, call in ipairs(queued) do
    local queue = self.queues[call.kind]
    if not gone(call) then queue.last, queue[queue.last + 1] = queue.last + 1, call end
  end
  self:begin()
end

function Server:cancel(id)
  if id ~= nil then self:drop(function(call) return call.id == id end) end
end

-- ---- receiving ----

-- The version a request names in its _meta; nil: none, so it is of the older kind.
local function version_of(params)
  return is_object(params._meta) and params._meta[META .. "protocolVersion"] or nil
end

-- Is the request one that can be answered? An error is sent when not.
local function modern_check(id, params, version)
  if version ~= MODERN then
    send_error(id, NO_VERSION, "Unsupported protocol version",
      {supported = {MODERN, LEGACY[1], LEGACY[2]},
       requested = type(version) == "string" and version or nil})
    return false
  end
  if not is_object(params._meta[META .. "clientCapabilities"]) then
    send_error(id, PARAMS, "_meta lacks " .. META .. "clientCapabilities")
    return false
  end
  return true
end

function Server:request(id, method, params)
  local version = version_of(params)
  local handler = methods[method]
  if version ~= nil and not modern_check(id, params, version) then return end
  if not handler or (version and method == "initialize") then
    send_error(id, NO_METHOD, ("there is no method %s"):format(method:sub(1, 100)))
    return
  end
  handler(self, id, params, version ~= nil)
end

function Server:notify(method, params)
  if method == "notifications/cancelled" then self:cancel(params.requestId) end
end

-- Not a number that JSON cannot say again, such as 1e999.
local function is_id(id)
  return type(id) == "string" or math.type(id) ~= nil and id - id == 0
end

-- A line could not be read; `text` is what stands there as its id, "" for nothing. Who sent it
-- waits for an answer with that id.
local function refuse(text, code, message)
  local id = json.decode(text)
  send_error(is_id(id) and id or nil, code, message)
end

-- Why a line is not a message, from what json.decode said of it.
local function unread(why)
  return why:find("too many nested", 1, true) and "a message is nested too deep"
    or "the line is not JSON"
end

-- A line is a message, or an error is sent.
function Server:message(line)
  if line:find("^%s*$") then return end
  local message, why = json.decode(line)
  if message == nil then return refuse(self.input:id(line), PARSE, unread(why)) end
  if type(message) == "table" and json.is_array(message) then
    return send_error(nil, INVALID, "batches are not part of the protocol")
  end
  if type(message) ~= "table" then return send_error(nil, INVALID, "a message is an object") end
  local id, method, params = message.id, message.method, message.params
  if id ~= nil and not is_id(id) then
    return send_error(nil, INVALID, "an id is a string or an integer")
  end
  self.asked = id
  if message.jsonrpc ~= "2.0" then return send_error(id, INVALID, "jsonrpc must be \"2.0\"") end
  if method == nil and (message.result ~= nil or message.error ~= nil) then return end
  if type(method) ~= "string" then return send_error(id, INVALID, "a message has a method") end
  if params == nil or params == json.null then params = object() end
  if type(params) ~= "table" or (json.is_array(params) and next(params) ~= nil) then
    if id ~= nil then send_error(id, PARAMS, "params must be an object") end
    return
  end
  if id == nil then self:notify(method, params) else self:request(id, method, params) end
end

-- The same; a fault in doing so is an error of that request.
function Server:line(line)
  self.asked = nil
  local ok, why = pcall(self.message, self, line)
  if ok then return end
  if why == GONE then error(why, 0) end
  send_error(self.asked, INTERNAL, "the request failed: " .. tostring(why):sub(1, 1000))
end

function Server:await(input, seconds)
  local channels, tells = {input}, false
  for _, call in ipairs(self.calls) do
    channels[#channels + 1] = call.channel
    tells = tells or call.progress ~= nil
  end
  for _, call in ipairs(self:queued()) do tells = tells or call.progress ~= nil end
  orun.await(channels, seconds or tells and 1 or nil)
end

-- The client sends nothing more: open requests may still be answered, for a while.
function Server:finish()
  local began = os.time()
  local function late(call) return os.time() - began >= FINISH[call.kind] end
  self:collect()
  while #self.calls + #self:queued() > 0 do
    self:await(nil, 1)
    self:collect()
    self:drop(late)
  end
end

--- Serve standard input until it ends; what is not answered FINISH seconds after that
-- is given up.
-- @return the exit code
function M.serve()
  local input = orun.input()
  local self = setmetatable({input = input, calls = {}, under_way = {quick = 0, waiting = 0},
    queues = {quick = {first = 1, last = 0}, waiting = {first = 1, last = 0}}}, Server)
  while true do
    local line, why, id = input:line()
    if line then
      self:line(line)
    elseif why == "too_big" then
      refuse(id, INVALID, "a line has more than 4 MiB")
    elseif why == "end" then
      self:finish()
      return 0
    else
      self:collect()
      self:await(input)
    end
  end
end

return M
