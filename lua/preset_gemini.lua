--- orun.preset_gemini: `gemini -o stream-json`.
--
-- The answer is what the assistant's messages add up to. An error is a JSON
-- object on stderr after a stack trace, and the exit code is the HTTP status
-- modulo 256, or one of a few of its own.

local json = require "orun.json"
local preset = require "orun.preset"

local field = preset.field

local COUNTS <const> = {
  input_tokens = "input_tokens", output_tokens = "output_tokens",
  cache_read_tokens = "cached",
}
local CODES <const> = {
  [41] = {"exit", "it is not signed in"},
  [42] = {"exit", "the input was refused"},
  [52] = {"exit", "its configuration is broken"},
  [53] = {"exit", "it used all the turns it was allowed"},
  [54] = {"exit", "a tool failed"},
  [55] = {"exit", "the folder is not trusted"},
  [429 & 255] = {"rate", "HTTP 429"},
  [401 & 255] = {"http", "HTTP 401: the key is wrong or missing"},
  [403 & 255] = {"http", "HTTP 403"},
  [500 & 255] = {"http", "HTTP 500"},
  [503 & 255] = {"http", "HTTP 503"},
}

local function argv(o)
  local a = {"gemini", "-o", "stream-json", "--skip-trust"}
  local function add(...)
    for _, word in ipairs{...} do a[#a + 1] = word end
  end
  if o.model then add("-m", o.model) end
  if o.resume then add("-r", o.resume) end
  add(table.unpack(o.args or {}))
  return a
end

local on = {}

function on.init(s, event)
  s.session_id = preset.text(event, "session_id") or s.session_id
  s.model = preset.text(event, "model") or s.model
end

function on.message(s, event)
  if field(event, "role") ~= "assistant" then return end
  local text = preset.text(event, "content") or ""
  s.text = field(event, "delta") and (s.text or "") .. text or text
  s.activity = preset.short(s.text)
end

function on.tool_use(s, event)
  s.activity = preset.tool(tostring(field(event, "tool_name") or "tool"),
    field(event, "parameters"))
end

function on.result(s, event)
  s.usage = preset.usage(field(event, "stats"), COUNTS) or s.usage
  if field(event, "status") == "error" then
    s.error = tostring(field(event, "error", "message") or "it says error and no more")
  end
end

local function line(s, text)
  local event = preset.event(text)
  local handler = event and on[field(event, "type")]
  if handler then handler(s, event) end
end

-- The message of the JSON object that ends stderr, nil when there is none.
local function told(stderr)
  local from = 1
  while from do
    local at = stderr:find("{", from, true)
    local value = at and json.decode((stderr:sub(at):gsub("%s+$", "")))
    local message = field(value, "error", "message")
    if message then return tostring(message) end
    from = at and at + 1
  end
end

local function judge(s, ending)
  local code = ending.code
  if not s.error and (code == 0 or not code) then return nil end
  local known = CODES[code]
  local said = s.error or told(ending.stderr or "") or known and known[2]
  if not said then return nil end
  return {kind = known and known[1] or preset.kind_of_words(said), message = "gemini: " .. said}
end

return {program = "gemini", argv = argv, line = line, judge = judge, takes = {},
        resumes = true}
