--- orun.llm: agents that are LLM APIs, orun.agent{api="anthropic"} or "openai".
--
-- A conversation over streamed HTTP, with a tool loop: the model asks for tools,
-- they run as tasks (llm/tools.lua), their results go back, until it answers. The
-- two dialects (llm/anthropic.lua, llm/openai.lua) say how that is written.
--
-- Fields of such a type, beside those every type has
--   api          "anthropic", "openai" (and what speaks like it)
--   model        its name; Task{model=} takes its place. Default: $ORUN_MODEL
--   system       the system prompt
--   max_tokens   of one answer; an answer that is cut there has failed
--   temperature
--   effort       how much it thinks: "minimal", "low", "medium", "high", "xhigh" or "max", of
--                which a model may know some
--   tools        array: names of built-in ones, or {name=, description=, schema=, run=}; see
--                llm/tools.lua. None unless given
--   root         the folder the built-in tools stay in; default: the working directory
--   permissions  "read": neither `run` nor tools of the type's own that say they need
--                more (llm/tools.lua); "full", the default: all its tools
--   max_turns    requests of one task, 50
--   base_url     default: $ANTHROPIC_BASE_URL, $OPENAI_BASE_URL, else the service's own
--   key_env      the variable with the key; default ANTHROPIC_API_KEY, OPENAI_API_KEY
--   key_file     a file with the key, of mode 0600, where the variable is not set
--   headers      more of them
--   extra        fields of the request's body, as they are
--   price        US dollars of a million tokens, {input_tokens=, output_tokens=, …}: then
--                results have a cost
--   idle_timeout seconds without a byte of the stream, 300

local backends = require "orun.agents.backends"
local check = require "orun.util.check"
local json = require "orun.json"
local preset = require "orun.preset"
local rope = require "orun.llm.rope"
local sse = require "orun.llm.sse"
local typed = require "orun.schema.typed"

local M = {}

local COMMON <const> = {"name", "description", "timeout", "retry", "limit", "priority",
  "memory_limit", "max_output", "secrets", "rate", "budget", "isolation", "account", "cwd",
  "base", "permissions"}
local OWN <const> = {model = "string", system = "string", max_tokens = "integer",
  temperature = "number", effort = "string", root = "string", max_turns = "integer",
  base_url = "string", key_env = "string", key_file = "string", headers = "table",
  extra = "table", price = "table", idle_timeout = "number", api = "string"}

--- What an agent may do unless its type or its task says otherwise: all that its tools can.
M.PERMISSIONS = "full"

local MAX_TURNS <const> = 50
local IDLE <const> = 300
local ERROR_BODY <const> = 64 << 10 -- bytes of an error's body that are looked at
local REPORT_EACH <const> = 0.2     -- seconds between two reports of what is being said

local function dialect_of(name)
  if check.among(backends.LLMS, name) then return require("orun.llm." .. name) end
  error(("agent: api = %s: expected %q or %q"):format(check.show(name),
    table.unpack(backends.LLMS)), 0)
end

-- ---- one request ----

-- What the type says of the key; nil where none is needed.
local function key_of(config, dialect)
  local env = config.key_env or dialect.key_env
  local key, why = orun.key{env = env, file = config.key_file}
  if key then return key end
  local unset = not os.getenv(env) and not config.key_file
  if unset and config.base_url and dialect.key_env == "OPENAI_API_KEY" then return nil end
  return nil, why
end

local function url_of(config, dialect)
  local base = config.base_url or os.getenv(dialect.base_env) or dialect.base
  return base:gsub("/+$", "") .. dialect.path
end

local function headers_of(config, dialect, key)
  local headers = {["content-type"] = "application/json", accept = "text/event-stream"}
  for name, value in pairs(dialect.headers(key)) do headers[name] = value end
  for name, value in pairs(config.headers or {}) do headers[name:lower()] = value end
  return headers
end

-- The failure of an answer that is not a stream.
local function refused(dialect, r)
  local body = ""
  while #body < ERROR_BODY do
    local piece = r:read()
    if not piece then break end
    body = body .. piece
  end
  local failure = dialect.failure(r.status, body:sub(1, ERROR_BODY))
  if r.status >= 300 and r.status < 400 then
    failure.message = failure.message .. " (redirects are not followed: say the right base_url)"
  end
  local ms = tonumber(r.headers["retry-after-ms"])
  failure.retry_after = require "orun.llm.retry_after"(r.headers["retry-after"])
    or ms and ms >= 0 and math.min(ms / 1000, 3600) or nil
  return failure
end

-- What the model has said so far, for a failure in the middle of it.
local function partial_of(s)
  local text = s.text or ""
  for _, block in ipairs(s.blocks or {}) do
    if block.type == "text" then text = text .. block.text end
  end
  return text ~= "" and text or nil
end

local function read_events(dialect, r, s, on_event)
  local reader = sse.new(function(name, data)
    dialect.event(s, name, data)
    on_event()
  end)
  while true do
    local piece, why, kind = r:read()
    if not piece then
      if why then return {kind = kind, message = why} end
      return nil
    end
    local ok, broken = pcall(reader.feed, reader, piece)
    if not ok and orun.stopping() then error(broken, 0) end
    if not ok then return {kind = "http", message = tostring(broken)} end
  end
end

-- Read the stream into s; a failure when it breaks.
local function read_stream(dialect, r, s, on_event)
  local failure = read_events(dialect, r, s, on_event)
  rope.settle(s, s.blocks or {}, s.calls or {})
  return failure
end

-- One turn of the model: {text, calls, usage, model, ...} and the message it was.
local function turn(talk)
  local config, dialect = talk.config, talk.dialect
  local key, no_key = key_of(config, dialect)
  if no_key then orun.fail{kind = "http", message = no_key} end
  local response, why, kind = orun.http{
    url = url_of(config, dialect), method = "POST", stream = true, timeout = "24h",
    headers = headers_of(config, dialect, key), idle_timeout = config.idle_timeout or IDLE,
    body = json.encode(dialect.body(talk.options, talk.messages), {lossy = true}),
    max_body = "256MiB",
  }
  if not response then orun.fail{kind = kind, message = why} end
  local r <close> = response
  if r.status ~= 200 then orun.fail(refused(dialect, r)) end
  if not (r.headers["content-type"] or ""):find("^text/event%-stream") then
    orun.fail{kind = "http", message = ("%s: expected an event stream, got %q"):format(r.url,
      r.headers["content-type"] or "untyped")}
  end
  local s = {}
  local failure = read_stream(dialect, r, s, function() talk:progress(s) end)
  local answer, wrong
  if not failure then answer, wrong = dialect.finish(s) end
  failure = failure or wrong
  if failure then
    failure.partial = partial_of(s)
    orun.fail(failure)
  end
  return answer, dialect.said(s)
end

-- ---- the conversation ----

local Talk <const> = {__name = "orun.llm.talk"}
Talk.__index = Talk

-- US dollars of the counts. What was read from a cache or written to one costs as other
-- input does, unless the price says it.
local function cost_of(price, usage)
  if not price then return nil end
  local cost = 0
  for name, n in pairs(usage) do
    local each = price[name] or name:find("^cache_") and price.input_tokens or 0
    cost = cost + n * each / 1e6
  end
  return cost
end

-- Report what is being said, now and then.
function Talk:progress(s)
  local now = orun.ticks()
  if now - self.reported < REPORT_EACH then return end
  self.reported = now
  rope.settle(s, s.blocks or {}, s.calls or {})
  local text = partial_of(s)
  orun.report{activity = text and preset.short(text:match("[^\n]*%S[^\n]*%s*$") or text),
              model = s.model}
end

function Talk:spent(answer)
  self.usage = preset.add_usage(self.usage, answer.usage)
  orun.report{usage = self.usage, cost = self.usage and cost_of(self.config.price, self.usage),
              model = answer.model}
end

-- Why an answer without calls is none, or nil.
local function not_an_answer(answer, turns, most)
  if answer.cut then return "exit", "the answer was cut at max_tokens" end
  if answer.refused then return "exit", "the model refused to answer" end
  if #answer.calls > 0 and turns >= most then
    return "exit", ("it used all the %d turns it was allowed (max_turns)"):format(most)
  end
  if #answer.calls == 0 and not answer.text:find("%S") then
    return "exit", "the answer is empty"
  end
end

--- Say something; returns the text of the answer, once the tools it asked for have run.
function Talk:say(text)
  local most = self.config.max_turns or MAX_TURNS
  self.messages[#self.messages + 1] = {role = "user", content = text}
  while true do
    local answer, said = turn(self)
    self.turns = self.turns + 1
    self:spent(answer)
    self.messages[#self.messages + 1] = said
    local kind, why = not_an_answer(answer, self.turns, most)
    if kind then
      orun.fail{kind = kind, message = why, partial = answer.text ~= "" and answer.text or nil}
    end
    if #answer.calls == 0 then return answer.text end
    local results = self.tools:answer(answer.calls)
    for _, message in ipairs(self.dialect.results(results)) do
      self.messages[#self.messages + 1] = message
    end
  end
end

-- The prompt and the input, as for programs.
local function prompt_of(input, task)
  local text = preset.prompt(input, task)
  local _, bad = utf8.len(text)
  if bad then
    orun.fail{kind = "http", message = ("the prompt's byte %d is not UTF-8, and a request in JSON "
      .. "can hold nothing else"):format(bad)}
  end
  return text
end

--- Do a task. config is what `define` made.
function M.run(config, input, task)
  local dialect = dialect_of(config.api)
  if task.worktree and config.root and config.root:sub(1, 1) == "/" then
    orun.fail{kind = "spawn", message = ("root = %s leads out of the task's worktree: give a "
      .. "relative one"):format(check.show(config.root))}
  end
  local tools = require("orun.llm.tools").open(config.tools, config.root, task.permissions)
  local talk = setmetatable({
    config = config, dialect = dialect, messages = {}, turns = 0, reported = 0, tools = tools,
    options = {model = task.model or config.model, system = config.system,
               max_tokens = config.max_tokens, temperature = config.temperature,
               effort = config.effort,
               extra = config.extra, tools = tools:offered()},
  }, Talk)
  return typed.ask(task.schema, prompt_of(input, task), function(text) return talk:say(text) end)
end

-- ---- definition ----

local wrong <const> = preset.wrong

local function check_own(t)
  for _, field in ipairs(check.sorted(OWN)) do
    local value, want = t[field], OWN[field]
    local got = math.type(value) == "integer" and want == "integer" and "integer" or type(value)
    if value ~= nil and got ~= want then
      wrong(t, "%s = %s: expected a %s", field, check.show(value), want)
    end
  end
  for _, field in ipairs{"max_tokens", "max_turns", "idle_timeout"} do
    if t[field] and t[field] <= 0 then wrong(t, "%s = %s: it must be above 0", field, t[field]) end
  end
  local effort = t.effort and backends.bad_effort(t.effort)
  if effort then wrong(t, "%s", effort) end
  for name, value in pairs(t.headers or {}) do
    if type(name) ~= "string" or type(value) ~= "string" or value:find("[\r\n\0]") then
      wrong(t, "headers[%s] = %s: names and values are strings of one line", check.show(name),
        check.show(value))
    end
  end
end

--- A type's table, for orun.agent, out of one with api=. Raises for what makes no
--- sense, and when there is no key.
function M.define(t)
  local dialect = dialect_of(t.api)
  preset.check_known(t, "unknown field", t, OWN, COMMON, {"tools"})
  check_own(t)
  local config = {tools = require("orun.llm.tools").check(t.name, t.tools or {})}
  for field in next, OWN do config[field] = t[field] end
  config.model = t.model or os.getenv "ORUN_MODEL"
  if not config.model then
    wrong(t, "model is missing: say which is to answer (or set ORUN_MODEL)")
  end
  local _, no_key = key_of(config, dialect)
  if no_key then wrong(t, "no key: %s", no_key) end
  local made = {slots = "http", typed = true, run = function(input, task)
    return require("orun.llm").run(config, input, task)
  end}
  for _, field in ipairs(COMMON) do made[field] = t[field] end
  made.permissions = t.permissions or M.PERMISSIONS
  made.account = t.account or config.key_env or dialect.key_env
  return made
end

return M
