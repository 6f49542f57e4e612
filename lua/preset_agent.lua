--- orun.preset_agent: agents that are programs whose output orun understands,
--- orun.agent{preset="claude"}.
--
-- The program is started with the prompt on standard input; its lines are read
-- as they come, and what it does, uses and costs is reported; in the end its
-- output says whether it did what was asked (preset.lua has the rules).
--
-- Fields of such a type, beside those every type has
--   preset      "claude", "codex", "gemini", "opencode", or a table: see preset.lua
--   model       Task{model=} takes its place
--   system      the system prompt; where the program has no place for one it stands before
--               the prompt
--   agent       the name of an agent that the program itself knows
--   tools       array: what it may use without asking, in the program's own words
--   args        array: more arguments
--   max_turns
--   sandbox     codex: "read-only", "workspace-write", …
--   mcp         false: the program is not told of the MCP server with the run's tasks
--   cwd, env    of the program

local check = require "orun.check"
local json = require "orun.json"
local preset = require "orun.preset"
local typed = require "orun.typed"

local M = {}

local KNOWN <const> = {"claude", "codex", "gemini", "opencode"}
local OWN <const> = {"model", "system", "agent", "tools", "args", "max_turns", "sandbox", "mcp",
  "cwd", "env"}
local COMMON <const> = {"name", "description", "timeout", "retry", "limit", "priority",
  "memory_limit", "max_output", "secrets", "rate", "budget", "isolation", "account"}
local WANTS <const> = {model = "string", system = "string", agent = "string", tools = "table",
  args = "table", max_turns = "integer", sandbox = "string", mcp = "boolean",
  cwd = "string", env = "table"}
local COUNTS <const> = {"input_tokens", "output_tokens", "cache_read_tokens",
  "cache_write_tokens", "reasoning_tokens"}

local REPORT_EACH <const> = 0.2 -- seconds between two reports of counts
local GO_ON <const> = "You were interrupted. Go on with what you were asked to do and finish it; "
  .. "then answer as you were asked to."

local function preset_of(config)
  return config.own or require("orun.preset_" .. config.preset)
end

-- ---- one run of the program ----

local Run <const> = {__name = "orun.preset.run"}
Run.__index = Run

-- Report what has changed: what it does at once, counts now and then, and all of
-- it at the end.
function Run:report(s, last)
  local now = orun.now()
  local news = s.activity ~= self.activity or s.session_id ~= self.session
  if not last and not news and now - self.reported < REPORT_EACH then return end
  self.reported, self.activity, self.session = now, s.activity, s.session_id or self.session
  local usage = preset.add_usage(preset.add_usage(nil, self.usage), s.usage)
  local counts
  for _, name in ipairs(COUNTS) do
    if usage and math.type(usage[name]) == "integer" then
      counts = counts or {}
      counts[name] = usage[name]
    end
  end
  orun.report{activity = s.activity, usage = counts, model = s.model, session_id = s.session_id,
              cost = self:cost(s)}
end

-- US dollars of this attempt so far. Some programs tell that of the whole session.
function Run:cost(s)
  if not s.cost then return self.spent end
  if self.preset.session_cost then return math.max(0, s.cost - self.before) end
  return (self.spent or 0) + s.cost
end

-- The arguments without gaps, and the private files they name.
function Run:command(o)
  local words, places = {}, {}
  local given = self.preset.argv(o)
  for at in pairs(given) do places[#places + 1] = at end
  table.sort(places)
  local texts, files = {system_file = o.system, mcp_file = o.mcp}, nil
  for _, at in ipairs(places) do
    local word = given[at]
    if word then
      words[#words + 1] = word
      for name, text in pairs(texts) do
        if tostring(word):find("{" .. name .. "}", 1, true) then
          files = files or {}
          files[name] = text
        end
      end
    end
  end
  return words, files
end

-- Run it once; gives what its lines said, and how it ended.
function Run:once(prompt, resume)
  local config, s = self.config, {}
  local o = {model = self.model, agent = config.agent, tools = config.tools, args = config.args,
             max_turns = config.max_turns, sandbox = config.sandbox, resume = resume,
             system = self.preset.system == "file" and config.system or nil,
             mcp = self.preset.mcp and config.mcp ~= false and orun.mcp_config() or nil}
  if config.system and not o.system and not resume then
    prompt = config.system .. "\n\n" .. prompt
  end
  local command, files = self:command(o)
  local started, why, kind = orun.exec{stream = true, command = command, files = files,
    input = prompt, cwd = config.cwd, env = config.env, max_output = "64KiB"}
  if not started then orun.fail{kind = kind, message = why} end
  local program <close> = started
  for line in program:lines(16 << 20) do
    self.preset.line(s, line)
    self:report(s, false)
  end
  local ending = program:wait()
  self:report(s, true)
  return s, ending
end

--- Say something; gives the answer. `again`: it is about the answer before.
function Run:say(text, again)
  local resume
  if again and self.preset.resumes then
    resume = self.session
  elseif again then
    text = self.first .. "\n\n" .. text
  elseif self.preset.resumes and self.task.resume then
    resume, text = self.task.resume.session_id, GO_ON
  end
  self.first = self.first or text
  local s, ending = self:once(text, resume)
  local wrong = preset.judge(self.preset, s, ending)
  if wrong then
    local partial = type(s.text) == "string" and s.text ~= "" and s.text or nil
    orun.fail{kind = wrong.kind, message = wrong.message, partial = partial}
  end
  self.usage = preset.add_usage(self.usage, s.usage)
  if not self.preset.session_cost then self.spent = self:cost(s) end
  return s.text
end

-- The prompt, an empty line, the input: as for any program.
local function prompt_of(input, task)
  local text = task.prompt or ""
  if input == nil then return text end
  return text .. (text ~= "" and "\n\n" or "")
    .. (type(input) == "string" and input or json.encode(input))
end

--- Do a task. config is what `define` made.
function M.run(config, input, task)
  local run = setmetatable({
    config = config, preset = preset_of(config), task = task, model = task.model or config.model,
    before = task.resume and task.resume.cost or 0, reported = 0,
  }, Run)
  return typed.ask(task.schema, prompt_of(input, task), function(text, again)
    return run:say(text, again)
  end)
end

-- ---- definition ----

local function wrong(t, text, ...)
  error(("agent %q: " .. text):format(tostring(t.name), ...), 0)
end

local function check_strings(t, field)
  for i, word in pairs(t[field] or {}) do
    if math.type(i) ~= "integer" or type(word) ~= "string" then
      wrong(t, "%s[%s] = %s: an array of strings is wanted", field, check.show(i),
        check.show(word))
    end
  end
end

local function check_fields(t)
  local known = {preset = true}
  for _, list in ipairs{OWN, COMMON} do
    for _, field in ipairs(list) do known[field] = true end
  end
  for field, value in pairs(t) do
    if not known[field] then
      local near = check.nearest(tostring(field), known)
      wrong(t, "unknown field %s%s", check.show(field),
        near and (", did you mean '%s'?"):format(near) or "")
    end
    local want = WANTS[field]
    local got = math.type(value) == "integer" and want == "integer" and "integer" or type(value)
    if want and got ~= want then
      wrong(t, "%s = %s: a %s is wanted", field, check.show(value), want)
    end
  end
  check_strings(t, "tools")
  check_strings(t, "args")
  for name, value in pairs(t.env or {}) do
    if type(name) ~= "string" or type(value) ~= "string" then
      wrong(t, "env is a table {NAME=\"value\"}")
    end
  end
  if t.max_turns and t.max_turns < 1 then wrong(t, "max_turns = %d: 1 or more", t.max_turns) end
end

-- A preset of the user's: what is wrong with it is said when it is defined.
local function check_own(t, own)
  for field, want in pairs{program = "string", argv = "function", line = "function"} do
    if type(own[field]) ~= want then
      wrong(t, "preset.%s = %s: a %s is wanted", field, check.show(own[field]), want)
    end
  end
  if own.judge ~= nil and type(own.judge) ~= "function" then
    wrong(t, "preset.judge = %s: a function is wanted", check.show(own.judge))
  end
end

--- A type's table, for orun.agent, out of one with preset=. Raises for what makes
--- no sense.
function M.define(t)
  local config = {}
  check_fields(t)
  if type(t.preset) == "table" then
    check_own(t, t.preset)
    config.own = t.preset
  else
    for _, name in ipairs(KNOWN) do
      if t.preset == name then config.preset = name end
    end
    if not config.preset then
      wrong(t, "preset = %s: one of these is wanted: %s; or a table {program=, argv=, line=}",
        check.show(t.preset), table.concat(KNOWN, ", "))
    end
  end
  if t.isolation ~= nil then wrong(t, "isolation: the program is a process already") end
  for _, field in ipairs(OWN) do config[field] = t[field] end
  local made = {slots = "process", typed = true, run = function(input, task)
    return require("orun.preset_agent").run(config, input, task)
  end}
  for _, field in ipairs(COMMON) do made[field] = t[field] end
  local account = preset_of(config).program:gsub("^.*/", ""):gsub("[^%w_-]", "_")
  made.account = t.account or account
  return made
end

return M
