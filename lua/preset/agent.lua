--- orun.preset.agent: agents that are programs whose output means something,
-- orun.agent{preset="claude"} and its like.
--
-- The program gets the prompt on standard input, its lines are read as they come,
-- what they tell is reported (orun.report), and its end is judged by the preset's
-- rules: a run without an answer has failed. All it printed stays readable: it is what
-- orun.output(task) reads, and the result's output_file.
--
-- Fields of such a type, beside those every type has
--   preset       "claude", "codex", "gemini", "opencode", or a table (preset/init.lua)
--   model        its name; Task{model=} takes its place. Default: the program's own
--   system       the system prompt
--   args         array: more arguments (strings and numbers), as they are
--   agent        the agent of the program's own that is to answer
--   tools        array: the tools it may use without being asked
--   max_turns    turns of one run of the program
--   effort       how much its model thinks: "minimal", "low", "medium", "high", "xhigh", "max"
--   sandbox      what the program may do, in its own words
--   permissions  "read": it changes nothing; "edit" (the default): it may change the
--                files where it works, and run what its program thinks harmless or can
--                confine; "full": all. Task{permissions=} takes its place
--   mcp          false: it does not get the run's tasks as tools, where the preset can
--                give it them
--   cwd, env     of the program; a Task's take their place
--   timeout      an hour, unless given: these programs try for long
--   account      what all share that are held back when one is told to slow down;
--                the program's name, unless given
-- agent, tools, max_turns, effort and sandbox are refused where the preset has no such option.
--
-- Glossary
--   job    one attempt of a task
--   run    of the program, in a job: one, and one more for each answer that is to be
--          put right
--   state  what the preset has read of a run (preset/init.lua calls it s)

local backends = require "orun.agents.backends"
local check = require "orun.util.check"
local lines = require "orun.util.lines"
local preset = require "orun.preset"
local typed = require "orun.schema.typed"

local M = {}

--- The presets that come with orun.
M.NAMES = backends.PROGRAMS

local OWN <const> = {model = "string", system = "string", args = "words", agent = "string",
  tools = "strings", max_turns = "count", effort = "string", sandbox = "string",
  permissions = "string", mcp = "boolean"}
local OPTIONAL <const> = {"agent", "tools", "max_turns", "effort", "sandbox", "permissions"}
local UNLESS_TOLD <const> = {"agent", "tools", "max_turns", "effort", "sandbox"}
local COMMON <const> = {"name", "description", "timeout", "retry", "limit", "priority",
  "memory_limit", "max_output", "secrets", "rate", "budget", "account", "cwd", "env",
  "isolation", "base"}
local PRESET <const> = {program = "string", argv = "function", line = "function",
  judge = "function", system = "string", resumes = "boolean", session_cost = "boolean",
  takes = "strings", grants = "strings", mcp = "mcp", env = "function"}
local USAGE <const> = {input_tokens = "input_tokens", output_tokens = "output_tokens",
  cache_read_tokens = "cache_read_tokens", cache_write_tokens = "cache_write_tokens",
  reasoning_tokens = "reasoning_tokens"}

--- What an agent may do unless its type or its task says otherwise.
M.PERMISSIONS = "edit"

local LEVELS <const> = {read = true, edit = true, full = true}
-- What the sandboxes of codex come to.
local SANDBOXES <const> = {["read-only"] = "read", ["workspace-write"] = "edit",
                           ["danger-full-access"] = "full"}
local TIMEOUT <const> = "1h"
local LONGEST_LINE <const> = 16 << 20 -- bytes; a longer one is read in pieces, and means nothing
local STDERR <const> = 64 << 10       -- bytes of it that are looked at
local REPORT_EACH <const> = 0.2       -- seconds between two reports
local SESSION <const> = 95            -- bytes of a session's id, at most
local GO_ON <const> = "You were interrupted. Go on with the task where you stopped, and end with "
  .. "the answer that was asked for."

local function preset_of(config)
  local p = config.preset
  return type(p) == "string" and require("orun.preset." .. p) or p
end

-- ---- what is reported of a run ----

-- Text for a display, without what could break its line; nil for none.
local function line_of(text)
  return type(text) == "string" and text ~= "" and text:gsub("%c", " ") or nil
end

-- The id of a session, which will be an argument: nothing that could be an option.
local function session_of(s)
  local id = s.session_id
  return type(id) == "string" and #id <= SESSION and id:find("^%w[%w%-_.:]*$") and id or nil
end

local function counts_of(usage)
  return type(usage) == "table" and preset.usage(usage, USAGE) or nil
end

local Job <const> = {__name = "orun.preset_agent.job"}
Job.__index = Job

-- What the run has cost, without what its session had cost before; a session that has
-- cost less now does not count its earlier runs.
function Job:cost_of(s)
  local cost = preset.dollars(s.cost)
  if not cost or not self.preset.session_cost or cost < self.before.cost then return cost end
  return cost - self.before.cost
end

-- What the run has used, without what its session had used before.
function Job:usage_of(s)
  local whole, run = counts_of(s.session_usage), counts_of(s.usage)
  return whole and preset.usage_since(whole, self.before.usage, run) or run
end

-- What the session has used, this run included: what it told, or what is known of it.
function Job:session_now(s)
  local cost, usage = self:cost_of(s) or 0, self:usage_of(s)
  return {cost = self.before.cost + cost,
          usage = preset.add_usage(preset.add_usage(nil, self.before.usage), usage)}
end

-- Report what a run has said so far; `ended`: it has ended.
function Job:tell(s, ended)
  local session = session_of(s)
  self.session, self.reported_at, self.news = session or self.session, orun.ticks(), false
  local cost = self:cost_of(s)
  orun.report{
    activity = not ended and line_of(s.activity) or nil, model = line_of(s.model or self.model),
    session_id = session, session = self:session_now(s), cost = cost and self.cost + cost,
    usage = preset.add_usage(preset.add_usage(nil, self.usage), self:usage_of(s)),
    denials = self:denials_of(s),
  }
end

-- All that the runs of the job were not allowed, the same once; nil for nothing.
function Job:denials_of(s)
  if not self.denials and not s.denials then return nil end
  local sum = {denials = table.move(self.denials or {}, 1, #(self.denials or {}), 1, {})}
  for _, one in ipairs(type(s.denials) == "table" and s.denials or {}) do
    preset.deny(sum, tostring(one.tool), line_of(one.what))
  end
  return sum.denials
end

-- ---- one run ----

-- The command: strings (numbers become such), without the gaps.
local function command_of(p, options)
  local given, last, command = p.argv(options), 0, {}
  if type(given) ~= "table" then
    error(("preset %s: argv gave a %s; expected an array of arguments"):format(p.program,
      type(given)), 0)
  end
  for i in pairs(given) do last = math.max(last, math.tointeger(i) or 0) end
  for i = 1, last do
    local word = given[i]
    if type(word) == "string" or math.type(word) then
      command[#command + 1] = tostring(word)
    elseif word then
      error(("preset %s: argv[%d] = %s: expected a string or a number"):format(p.program, i,
        check.show(word)), 0)
    end
  end
  return command
end

local function mentions(command, mark)
  for _, word in pairs(command) do
    if type(word) == "string" and word:find(mark, 1, true) then return true end
  end
  return false
end

-- The lines of a run as they come, and reports of what they tell: not more than one
-- in a while, but for the session, and none is left out when the program pauses. What
-- could not be kept is told by its end.
function Job:lines_of(log, s)
  local reader = {}
  function reader.read()
    while true do
      local piece, why = log:read(self.news and REPORT_EACH or nil)
      if why ~= "timeout" then return piece end
      self:tell(s)
    end
  end
  return lines(reader, LONGEST_LINE)
end

-- The option of args that says itself what the agent may do, or nil.
local function grant_in(args, p)
  for _, arg in ipairs(args or {}) do
    local word = tostring(arg)
    for _, option in ipairs(p.grants or {}) do
      if word == option or word:sub(1, #option + 1) == option .. "=" then return option end
    end
  end
end

-- What argv and env are given.
function Job:options(resume)
  local p, config, task = self.preset, self.config, self.task
  local o = {resume = resume, env = task.env or {}}
  for name in pairs(OWN) do o[name] = config[name] end
  o.model = task.model or config.model
  o.mcp = p.mcp and config.mcp ~= false
  o.permissions = task.permissions or config.permissions
  local grant = grant_in(config.args, p)
  if o.permissions ~= config.permissions then
    o.sandbox = nil
    if grant then
      orun.fail{kind = "spawn", message = ("permissions = \"%s\": the args of the agent type have "
        .. "%s, which says otherwise; leave it out of args"):format(o.permissions, grant)}
    end
  elseif grant then
    o.permissions = nil
  end
  return o
end

-- The variables of the program: the preset's precede.
function Job:env_of(o)
  if not self.preset.env then return self.task.env end
  local env = {}
  for name, value in pairs(self.task.env or {}) do env[name] = value end
  for name, value in pairs(self.preset.env(o)) do env[name] = value end
  return env
end

-- Run the program once; returns the state, and why it has failed.
function Job:run_once(text, resume)
  local p, config, options = self.preset, self.config, self:options(resume)
  self.model = options.model
  local command, files, env = command_of(p, options), {}, self:env_of(options)
  if mentions(command, "{mcp_file}") or mentions(env or {}, "{mcp_file}") then
    files.mcp_file = type(p.mcp) == "function" and p.mcp(options) or orun.mcp_config()
  end
  if config.system and mentions(command, "{system_file}") then
    files.system_file = config.system
  elseif config.system and not resume then
    text = config.system .. "\n\n" .. text
  end
  local started, why, kind = orun.exec{
    stream = true, transcript = true, command = command, input = text, files = files,
    cwd = self.task.cwd, env = env, max_output = STDERR,
  }
  if not started then return {}, {kind = kind, message = why} end
  local log <close> = started
  local s = {permissions = options.permissions}
  for line in self:lines_of(log, s) do
    p.line(s, line)
    self.news = true
    local known = s.session_id == self.session or not session_of(s)
    if not known or orun.ticks() - self.reported_at >= REPORT_EACH then self:tell(s) end
  end
  local ending = log:wait()
  if ending.stderr_file then -- the reason is at its end
    ending.stderr = orun.output(ending, "stderr"):tail(10000, STDERR)
  end
  local wrong = preset.judge(p, s, ending) -- which may find more that was denied
  self:tell(s, true)
  return s, wrong
end

-- The run has ended: what it took is that of the job's runs before the next.
function Job:spent(s)
  local before = self:session_now(s)
  self.usage = preset.add_usage(self.usage, self:usage_of(s))
  self.cost = self.cost + (self:cost_of(s) or 0)
  self.before, self.denials = before, self:denials_of(s)
end

-- Run it, resuming the session if there is one. A session that no longer exists is started
-- anew.
function Job:run(text, session, go_on)
  local s, wrong
  if session then
    s, wrong = self:run_once(go_on, session)
    if not (wrong and not session_of(s) and wrong.kind == "exit") then return s, wrong end
  end
  self.before = {cost = 0}
  return self:run_once(text)
end

-- The answer to a text. `again`: it is a correction of what was answered before.
function Job:ask(text, again)
  local session, go_on = self.session, text
  if again then
    text = ("%s\n\nYour answer was:\n\n%s\n\n%s"):format(self.first, self.answer, text)
  else
    local earlier = self.preset.resumes and self.task.resume or {}
    session, go_on, self.first = earlier.session_id, GO_ON, text
    self.before = {cost = earlier.cost or 0, usage = earlier.usage}
  end
  local s, wrong = self:run(text, self.preset.resumes and session or nil, go_on)
  self:spent(s)
  self.answer = s.text ~= nil and tostring(s.text) or nil
  if not wrong then return self.answer end
  orun.fail{kind = wrong.kind, message = wrong.message, retry_after = wrong.retry_after,
            partial = self.answer ~= "" and self.answer or nil}
end

--- Do a task. config is what `define` made.
function M.run(config, input, task)
  local job = setmetatable({config = config, preset = preset_of(config), task = task,
                            reported_at = -math.huge, cost = 0, before = {cost = 0}}, Job)
  local answer = typed.ask(task.schema, preset.prompt(input, task), function(text, again)
    return job:ask(text, again)
  end)
  if job.denials then
    orun.log(("orun: %s is completed, and was not allowed to use %s"):format(task.id,
      preset.listed(job.denials)))
  end
  return answer
end

-- ---- definition ----

local wrong <const> = preset.wrong

-- Is v an array of strings, and of what `other` is true for?
local function is_array(v, other)
  if type(v) ~= "table" then return false end
  local n = 0
  for _, word in pairs(v) do
    if type(word) ~= "string" and not (other and other(word)) then return false end
    n = n + 1
  end
  return n == #v
end

-- What a field may be: what is wanted, when the value is something else.
local WANTS <const> = {
  string = {"a string", function(v) return type(v) == "string" end},
  boolean = {"true or false", function(v) return type(v) == "boolean" end},
  ["function"] = {"a function", function(v) return type(v) == "function" end},
  mcp = {"true, false or a function", function(v)
    return type(v) == "boolean" or type(v) == "function"
  end},
  count = {"a whole number above 0", function(v) return math.type(v) == "integer" and v > 0 end},
  strings = {"an array of strings", function(v) return is_array(v) end},
  words = {"an array of strings and numbers", function(v) return is_array(v, math.type) end},
}

local function check_field(t, where, name, value, kind)
  local want = WANTS[kind]
  if value ~= nil and not want[2](value) then
    wrong(t, "%s%s = %s: expected %s", where, name, check.show(value), want[1])
  end
end

-- The preset meant, which is data or the name of one that comes with orun.
local function check_preset(t)
  local p = t.preset
  if check.among(M.NAMES, p) then return require("orun.preset." .. p) end
  if type(p) ~= "table" then
    wrong(t, "preset = %s: there are %s; or give a table {program=, argv=, line=}", check.show(p),
      table.concat(M.NAMES, ", "))
  end
  preset.check_known(t, "unknown field of preset:", p, PRESET)
  for name, kind in pairs(PRESET) do check_field(t, "preset.", name, p[name], kind) end
  for _, name in ipairs{"program", "argv", "line"} do
    if p[name] == nil then
      wrong(t, "preset.%s is missing; it is a %s", name, PRESET[name])
    end
  end
  if p.system and p.system ~= "file" then
    wrong(t, "preset.system = %s: expected \"file\", or nothing", check.show(p.system))
  end
  return p
end

-- Options the program has no way to take are not dropped silently.
local function check_taken(t, p)
  local takes = p.takes or UNLESS_TOLD
  for _, name in ipairs(OPTIONAL) do
    if t[name] ~= nil and not check.among(takes, name) then
      wrong(t, "%s: %s has no such option; %s, or give it as it is in args", name, p.program,
        takes[1] and "it takes " .. table.concat(takes, ", ") or "leave it out")
    end
  end
  if t.mcp and not p.mcp then
    wrong(t, "mcp = true: the preset of %s has no way to pass an MCP server", p.program)
  end
  local retry = t.retry
  if type(retry) == "table" and retry.resume and not p.resumes then
    wrong(t, "retry.resume: the preset of %s does not say that it can go on with a session "
      .. "(resumes = true)", p.program)
  end
end

local function check_own(t)
  preset.check_known(t, "unknown field", t, OWN, COMMON, {"preset"})
  for name, kind in pairs(OWN) do check_field(t, "", name, t[name], kind) end
  for _, name in ipairs{"model", "sandbox"} do
    if t[name] and not t[name]:find("^%w[%w._/:@+%[%]%-]*$") then
      wrong(t, "%s = %s: expected a name", name, check.show(t[name]))
    end
  end
  local why = t.agent and require("orun.agents.file").bad_name(t.agent)
  if why then wrong(t, "agent: %s", why) end
  local effort = t.effort and not t.effort:find("^%d+$") and backends.bad_effort(t.effort)
  if effort then wrong(t, "%s", effort) end
  if t.permissions and not LEVELS[t.permissions] then
    wrong(t, "permissions = %s: expected \"read\", \"edit\" or \"full\"", check.show(t.permissions))
  end
  for i, tool in ipairs(t.tools or {}) do
    if not tool:find("^[%w_*]") then
      wrong(t, "tools[%d] = %s: expected the name of a tool", i, check.show(tool))
    end
  end
end

--- What the agents of a type with a preset may do, nil where that has no use for it.
function M.permissions(t)
  if not check.among(preset_of(t).takes or UNLESS_TOLD, "permissions") then return nil end
  return t.permissions or SANDBOXES[t.sandbox] or M.PERMISSIONS
end

-- A program's name as that of an account.
local function account_of(program)
  local name = program:gsub("^.*/", ""):gsub("[^%w_-]", "_"):sub(1, 60)
  return name:find("^[%a_]") and name or "_" .. name
end

--- A type's table, for orun.agent, out of one with preset=. Raises for what makes
--- no sense. Whether the program is there is seen when a task asks for it.
function M.define(t)
  local p = check_preset(t)
  check_own(t)
  check_taken(t, p)
  local config = {preset = t.preset}
  for name in pairs(OWN) do config[name] = t[name] end
  if config.system == "" then config.system = nil end
  config.permissions = M.permissions(t)
  local made = {slots = "process", typed = true, run = function(input, task)
    return require("orun.preset.agent").run(config, input, task)
  end}
  for _, name in ipairs(COMMON) do made[name] = t[name] end
  made.permissions = config.permissions
  if made.timeout == nil then made.timeout = TIMEOUT end
  if made.account == nil then made.account = account_of(p.program) end
  return made
end

return M
