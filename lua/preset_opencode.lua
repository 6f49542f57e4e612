--- orun.preset_opencode: `opencode run --format json`.
--
-- The answer is the text after the last step_start. Costs and tokens are told
-- for each step. An agent it does not know is replaced by the default one, with
-- exit code 0 and one line on stderr: that is a failure here.

local preset = require "orun.preset"

local field = preset.field

local COUNTS <const> = {
  input_tokens = "input", output_tokens = "output", reasoning_tokens = "reasoning",
  cache_read_tokens = {"cache", "read"}, cache_write_tokens = {"cache", "write"},
}

local function argv(o)
  local a = {"opencode", "run", "--format", "json"}
  local function add(...)
    for _, word in ipairs{...} do a[#a + 1] = word end
  end
  if o.model then add("-m", o.model) end
  if o.agent then add("--agent", o.agent) end
  if o.resume then add("-s", o.resume) end
  add(table.unpack(o.args or {}))
  return a
end

local on = {}

function on.step_start(s)
  s.text = nil
end

function on.text(s, part)
  s.text = (s.text or "") .. (preset.text(part, "text") or "")
  s.activity = preset.short(s.text)
end

function on.tool_use(s, part)
  s.activity = preset.tool(tostring(field(part, "tool") or "tool"), field(part, "state", "input"))
end

function on.step_finish(s, part)
  s.usage = preset.add_usage(s.usage, preset.usage(field(part, "tokens"), COUNTS))
  local cost = field(part, "cost")
  if math.type(cost) then s.cost = (s.cost or 0) + cost end
end

function on.error(s, _, event)
  local problem = field(event, "error")
  s.error = {
    status = field(problem, "data", "statusCode"),
    text = tostring(field(problem, "data", "message") or field(problem, "name") or "an error"),
  }
end

local function line(s, text)
  local event = preset.event(text)
  if not event then return end
  s.session_id = preset.text(event, "sessionID") or s.session_id
  local handler = on[field(event, "type")]
  if handler then handler(s, field(event, "part"), event) end
end

local function judge(s, ending)
  local fallback = (ending.stderr or ""):match("[^\n]*[Aa]gent[^\n]*not found[^\n]*")
    or (ending.stderr or ""):match("[^\n]*[Ff]alling back to default agent[^\n]*")
  if fallback then
    return {kind = "exit", message = "opencode did not use the agent asked for: " .. fallback}
  end
  if not s.error then return nil end
  local kind = s.error.status and preset.kind_of_status(s.error.status)
    or preset.kind_of_words(s.error.text)
  return {kind = kind, message = "opencode: " .. s.error.text}
end

return {program = "opencode", argv = argv, line = line, judge = judge, takes = {"agent"},
        resumes = true}
