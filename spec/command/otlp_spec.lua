--- A run as a trace that a collector is sent by OTLP/HTTP.

local h = require "spec.support.helper"
local json = require "cjson"
local server = require "spec.support.http_server"

local SCRIPT <const> = [[
  local orun = require "orun"
  orun.agent{name = "sh", command = {"sh"}}
  local a = Task{subagent_type = "sh", description = "first", prompt = "echo 1",
                 run_in_background = true}
  local b = Task{description = "second", blockedBy = {a}, run_in_background = true,
    retry = {max = 1, backoff = 0.001}, run = function()
      orun.report{model = "m1", usage = {input_tokens = 5, output_tokens = 7}, cost = 0.5}
      Task{description = "inner", run = function() end}
      error("no luck")
    end}
  print(TaskOutput(b).status)
]]

describe("a trace by OTLP", function()
  local s
  setup(function() s = server.start() end)
  teardown(function() s:stop() end)

  -- Run the script; gives the run, and the requests the collector has got.
  local function run(name, env, script)
    local dir = h.tmpdir()
    h.write(s.folder .. "/" .. name, "{}")
    h.write(dir .. "/s.lua", script or SCRIPT)
    env.OTEL_EXPORTER_OTLP_ENDPOINT = env.OTEL_EXPORTER_OTLP_ENDPOINT or s.url .. "/llm/" .. name
    local r = h.orun{"-q", dir .. "/s.lua", env = env}
    local requests = {}
    repeat
      local text = h.read(("%s/%s.%d.request"):format(s.folder, name, #requests + 1))
      if text then
        local head, body = text:match("^(.-)\r\n\r\n(.*)$")
        requests[#requests + 1] = {head = head, body = json.decode(body)}
      end
    until not text
    return r, requests
  end

  local function spans_of(request)
    local by_name = {}
    for _, span in ipairs(request.body.resourceSpans[1].scopeSpans[1].spans) do
      by_name[span.name] = by_name[span.name] or span
    end
    return by_name
  end

  local function attribute(list, name)
    for _, a in ipairs(list) do
      local v = a.value
      if a.key == name then return v.stringValue or v.intValue or v.doubleValue end
    end
  end

  it("has a span for the run and for each task, with links to blockers", function()
    local r, requests = run("one", {OTEL_EXPORTER_OTLP_HEADERS = "x-key=a%20b, x-other=2",
      OTEL_SERVICE_NAME = "nightly", OTEL_RESOURCE_ATTRIBUTES = "team=build"})
    assert.same({0, "failed\n", ""}, {r.code, r.out, r.err})
    assert.equal(1, #requests)
    local head = requests[1].head
    assert.matches("^POST /llm/one/v1/traces HTTP/1.1\r\n", head)
    assert.matches("\r\n[Xx]%-[Kk]ey: a b\r\n", head)
    assert.matches("Content%-Type: application/json", head)
    local resource = requests[1].body.resourceSpans[1].resource.attributes
    assert.same({"nightly", "build"}, {attribute(resource, "service.name"),
      attribute(resource, "team")})
    local spans = spans_of(requests[1])
    local root, first, second = spans["s.lua"], spans["sh: first"], spans.second
    assert.is_table(root, "no span of the run")
    assert.is_nil(root.parentSpanId)
    assert.equal(root.spanId, first.parentSpanId)
    assert.equal(first.spanId, second.links[1].spanId)
    assert.equal(second.spanId, spans.inner.parentSpanId)
    assert.equal(second.spanId, spans["attempt 1"].parentSpanId)
    assert.matches("no luck", second.status.message)
    assert.same({1, 2}, {first.status.code, second.status.code})
    assert.same({"t2", "lua", "2", "m1", "10"}, {attribute(second.attributes, "orun.task.id"),
      attribute(second.attributes, "orun.task.error_kind"),
      attribute(second.attributes, "orun.task.attempts"),
      attribute(second.attributes, "gen_ai.request.model"),
      attribute(second.attributes, "gen_ai.usage.input_tokens")})
    for _, span in pairs(spans) do
      assert.matches("^%x+$", span.traceId)
      assert.same({32, 16, root.traceId}, {#span.traceId, #span.spanId, span.traceId})
      assert.is_true(#span.startTimeUnixNano == 19
        and span.startTimeUnixNano <= span.endTimeUnixNano)
    end
  end)

  it("goes below the trace it is started in", function()
    local _, requests = run("two", {
      TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    local root = spans_of(requests[1])["s.lua"]
    assert.same({"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"},
      {root.traceId, root.parentSpanId})
  end)

  it("is sent in batches", function()
    local _, requests = run("three", {}, [[
      local orun = require "orun"
      for round = 1, 3 do
        local all = {}
        for i = 1, 600 do all[i] = Task{run = function() end, run_in_background = true} end
        for i = 1, 600 do TaskOutput(all[i]) end
        orun.sleep(0.25)
      end]])
    local spans = 0
    for _, r in ipairs(requests) do
      spans = spans + #r.body.resourceSpans[1].scopeSpans[1].spans
    end
    assert.equal(1801, spans)
    assert.is_true(#requests > 1)
  end)

  it("never fails the run: a collector that is not there is said once", function()
    local r = run("none", {OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:1"})
    assert.same({0, "failed\n"}, {r.code, r.out})
    assert.matches("^orun: the trace cannot be sent to http://127.0.0.1:1/v1/traces: [^\n]+\n$",
      r.err)
    r = run("none", {OTEL_EXPORTER_OTLP_ENDPOINT = s.url .. "/status?code=503#"})
    assert.matches("the answer's status is 503", r.err)
    r = run("none", {OTEL_EXPORTER_OTLP_ENDPOINT = "gopher://127.0.0.1"})
    assert.matches("rotocol", r.err)
  end)

  it("is not sent when that is turned off", function()
    local _, requests = run("off", {OTEL_SDK_DISABLED = "true"})
    assert.equal(0, #requests)
  end)
end)
