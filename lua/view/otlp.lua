--- orun.view.otlp: a run as a trace, sent to a collector by OTLP/HTTP with JSON.
--
-- It is there when OTEL_EXPORTER_OTLP_ENDPOINT (…/v1/traces is added) or
-- OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, unless OTEL_SDK_DISABLED is true. Of the
-- specification's variables these count, too: OTEL_EXPORTER_OTLP_HEADERS, …_TIMEOUT
-- (milliseconds, 10000), OTEL_SERVICE_NAME (orun), OTEL_RESOURCE_ATTRIBUTES; and TRACEPARENT:
-- the run is a span below that one.
--
-- A span a run, a task below the task that started it, with links to its blockers, and below
-- each task its attempts where there were several. Attributes: orun.task.id, .kind, .agent,
-- .key, .status, .error_kind, .attempts, code.file.path and code.line.number, and of agents
-- gen_ai.request.model, gen_ai.usage.input_tokens and .output_tokens, orun.cost.usd.
--
-- Spans are sent when their tasks have ended, BATCH at a time, the rest at the end. A collector
-- that cannot be reached never fails the run: it is said once on stderr, and what was not
-- sent then is tried once more at the end.

local check = require "orun.util.check"
local how = require "orun.record.how"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local title = require "orun.record.title"

local BATCH <const> = 512
local INTERNAL <const>, OK <const>, ERROR <const> = 1, 1, 2

local function env(name)
  local text = os.getenv(name)
  return text ~= "" and text or nil
end

local function endpoint_of()
  if (env "OTEL_SDK_DISABLED" or ""):lower() == "true" then return nil end
  local whole = env "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
  local base = env "OTEL_EXPORTER_OTLP_ENDPOINT"
  return whole or base and base:gsub("/*$", "") .. "/v1/traces"
end

-- "a=1,b=x%20y" -> function over names and values.
local function pairs_of(text)
  local list = {}
  for part in (text or ""):gmatch("[^,]+") do
    local name, value = part:match("^%s*([^=%s]+)%s*=%s*(.-)%s*$")
    if name then
      list[#list + 1] = {name, (value:gsub("%%(%x%x)", function(x)
        return string.char(tonumber(x, 16))
      end))}
    end
  end
  return list
end

local function headers_of()
  local headers = {"Content-Type: application/json"}
  local text = env "OTEL_EXPORTER_OTLP_TRACES_HEADERS" or env "OTEL_EXPORTER_OTLP_HEADERS"
  for _, pair in ipairs(pairs_of(text)) do
    headers[#headers + 1] = ("%s: %s"):format(pair[1], (pair[2]:gsub("[\r\n]", "")))
  end
  return headers
end

local function hex(bytes)
  local file <close> = io.open("/dev/urandom", "rb")
  local text = file and file:read(bytes)
  if not text then error("/dev/urandom cannot be read", 0) end
  return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- Ids in a row, from a random first one: unique in the trace.
local function ids()
  local base, n = hex(4), 0
  return function()
    n = n + 1
    return ("%s%08x"):format(base, n)
  end
end

local function value_of(x)
  if math.type(x) == "integer" then return {intValue = ("%d"):format(x)} end
  if type(x) == "number" then return {doubleValue = x} end
  return {stringValue = tostring(x)}
end

-- {name = value} as OTLP has attributes, in the order of names.
local function attributes(t)
  local list = json.array{}
  for i, name in ipairs(check.sorted(t)) do list[i] = {key = name, value = value_of(t[name])} end
  return list
end

local function resource()
  local all = {["service.name"] = env "OTEL_SERVICE_NAME" or "orun",
               ["service.version"] = orun.version, ["telemetry.sdk.name"] = "orun",
               ["telemetry.sdk.language"] = "lua"}
  for _, pair in ipairs(pairs_of(env "OTEL_RESOURCE_ATTRIBUTES")) do
    if pair[1] ~= "service.name" or not env "OTEL_SERVICE_NAME" then all[pair[1]] = pair[2] end
  end
  return {attributes = attributes(all)}
end

local function attributes_of(t)
  local r = t.report or {}
  return attributes{
    ["orun.task.id"] = t.id, ["orun.task.kind"] = t.kind, ["orun.task.agent"] = t.agent,
    ["orun.task.key"] = t.key, ["orun.task.status"] = how(t),
    ["orun.task.error_kind"] = t.error_kind, ["orun.task.attempts"] = #t.attempts,
    ["orun.phase"] = t.phase, ["code.file.path"] = t.file, ["code.line.number"] = t.line,
    ["process.exit.code"] = t.exit_code, ["gen_ai.request.model"] = r.model,
    ["gen_ai.usage.input_tokens"] = r.input_tokens,
    ["gen_ai.usage.output_tokens"] = r.output_tokens, ["orun.cost.usd"] = r.cost,
  }
end

local Exporter = {}
Exporter.__index = Exporter

-- Nanoseconds of the Unix epoch at `at` seconds of the run, in decimal.
function Exporter:time(at)
  return ("%d"):format(math.floor((self.begun + at) * 1e9))
end

function Exporter:span(fields)
  local s = self.spans
  s[#s + 1] = {traceId = self.trace, spanId = fields.id, parentSpanId = fields.parent,
    name = fields.name, kind = INTERNAL, startTimeUnixNano = self:time(fields.from),
    endTimeUnixNano = self:time(fields.to), attributes = fields.attributes, links = fields.links,
    status = fields.failed and {code = ERROR, message = fields.failed} or {code = OK}}
end

function Exporter:id_of(t)
  self.span_ids[t] = self.span_ids[t] or self.next_id()
  return self.span_ids[t]
end

function Exporter:links_of(t)
  local links = json.array{}
  for i, b in ipairs(t.blockers) do
    links[i] = {traceId = self.trace, spanId = self:id_of(b),
                attributes = attributes{["orun.link"] = "blockedBy"}}
  end
  return links[1] and links
end

function Exporter:add_task(t, to)
  local id, failed = self:id_of(t), nil
  if t.status ~= "completed" and t.status then failed = t.error or t.status end
  self:span{id = id, parent = t.parent and self:id_of(t.parent) or self.root, name = title.of(t),
            from = t.added, to = to, attributes = attributes_of(t), links = self:links_of(t),
            failed = failed}
  for i, a in ipairs(#t.attempts > 1 and t.attempts or {}) do
    self:span{id = self.next_id(), parent = id, name = "attempt " .. i, from = a.from,
              to = a.to or to, attributes = attributes{["orun.task.id"] = t.id},
              failed = a.error_kind}
  end
end

-- Send what there is; what the collector does not take stays for the end.
function Exporter:send()
  if not self.spans[1] then return true end
  local body = json_line{resourceSpans = {{resource = self.resource, scopeSpans = {
    {scope = {name = "orun", version = orun.version}, spans = self.spans}}}}}
  local status, why = self.v.post(self.endpoint, self.headers, body, self.timeout)
  if status and status >= 200 and status < 300 then
    self.spans = {}
    return true
  end
  why = why or ("the answer's status is %d"):format(status)
  if not self.warned then
    self.warned = true
    self.v.put(("orun: the trace cannot be sent to %s: %s\n"):format(self.endpoint, why))
  end
  return false
end

local function new(v, endpoint)
  local trace, parent = (env "TRACEPARENT" or ""):match("^%x%x%-(%x+)%-(%x+)%-%x%x")
  if not trace or #trace ~= 32 or #parent ~= 16 then trace, parent = nil, nil end
  local next_id = ids()
  return setmetatable({
    v = v, endpoint = endpoint, headers = headers_of(), trace = trace or hex(16),
    above = parent, root = next_id(), next_id = next_id, span_ids = {}, spans = {},
    resource = resource(), begun = v.unix_time(),
    timeout = math.min((tonumber(env "OTEL_EXPORTER_OTLP_TIMEOUT" or "") or 10000) / 1000, 60),
  }, Exporter)
end

return function(_, v)
  local endpoint = endpoint_of()
  if not endpoint then return {done = true} end
  local model, x, live = v.model(), new(v, endpoint), true
  return {
    event = function(e)
      local t = model.by_id[e.task]
      if e.event == "ended" and t then x:add_task(t, e.at) end
    end,
    tick = function()
      if live and #x.spans >= BATCH then live = x:send() end
    end,
    close = function(now)
      for _, t in ipairs(model.tasks) do
        if not t.ended then x:add_task(t, now) end
      end
      x:span{id = x.root, parent = x.above, name = (model.name or "orun"):match("[^/]*$"),
             from = 0, to = now, attributes = attributes{["orun.tasks"] = #model.tasks,
                                     ["orun.script"] = model.name}}
      x:send()
    end,
  }
end
