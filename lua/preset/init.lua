--- orun.preset: what is known of the programs that are agents.
--
-- A preset is data: how a program is called and what its output means. The
-- ones in preset/claude.lua, preset/codex.lua, preset/gemini.lua and
-- preset/opencode.lua are written as anybody's would be:
--
--     local mine = {
--       program = "mytool",
--       argv = function(o) return {"mytool", "--json", o.model and "-m=" .. o.model} end,
--       line = function(s, text)
--         local event = preset.event(text)
--         if event and event.answer then s.text = event.answer end
--       end,
--     }
--
-- Fields of a preset
--   program  the program's name, as it is looked up in PATH
--   argv     function(o) -> the command: an array, whose gaps are left out. The
--            prompt goes to standard input. o has what the agent type and the
--            task ask for: model, system, agent, tools, args, resume, max_turns,
--            sandbox, permissions ("read", "edit", "full"), mcp (unless the type has
--            mcp=false). An argument may hold {system_file} or {mcp_file}: the path of
--            a private file with that text, which goes with the program
--   env      function(o) -> {NAME = text}: variables of the program beside those of
--            the type and the task. A text may hold {mcp_file}, too
--   line     function(s, text): one line of standard output, as it comes. s is
--            a table of the preset's own, in which it keeps
--              text        the answer so far
--              activity    what the agent does now, in a few words
--              usage       of this run: {input_tokens, output_tokens, ...}. Input that
--                          was read from a cache or written to one is not in
--                          input_tokens but in cache_read_tokens and
--                          cache_write_tokens; reasoning_tokens are part of
--                          output_tokens
--              session_usage  the same of the whole session, with the runs of it that
--                          were before; it precedes usage
--              cost        US dollars
--              model, session_id
--              denials     what the agent was not allowed (preset.deny)
--   judge    function(s, ending) -> nil, or {kind=, message=}: why this is no
--            success. ending has exit_code, signal, stderr. Whatever it says, a
--            program that ended badly or gave no answer has failed
--   system   "file" when argv takes {system_file}; else it stands before the
--            prompt
--   takes    array: which of agent, tools, max_turns, effort, sandbox, permissions argv
--            understands; all but permissions unless given
--   mcp      true when argv or env tells the program of an MCP server, as o.mcp asks
--            for; or a function that gives the text of {mcp_file}, which else is what
--            orun.mcp_config gives: the run's tasks, as the agent's tools
--   grants   array: options of the program that say in args what permissions would
--   resumes  true when argv understands o.resume, a session id
--   session_cost  true when s.cost is that of the whole session, with the runs of
--            it that were before
-- and, only of those that come with orun (agents/backends.lua lists them),
--   from_file  function(d, t, note): completes t, a table for orun.agent, with what the
--            definition d of an agent file says (agents/file.lua); note(t, text, …) says
--            what cannot be carried over
--   login    how it is told who pays, for `orun doctor`: keys, variables that say so; file, what
--            it keeps once somebody has logged in, in `folder` of the home or in the folder that
--            the variable `home` names; how, what to type
--   files    where the program's own agent files lie, and how they are read: ending; project
--            and home, arrays of folders; deep: files of folders in them count; pathnames:
--            and are called by their path, as "team/review"; precedence among the presets,
--            the lowest first; read = function(f) that fills f.d (agents/file.lua)
--
-- Nothing here runs a program: preset/agent.lua does.

local check = require "orun.util.check"
local json = require "orun.json"
local rope = require "orun.llm.rope"

local M = {}

local SHOWN <const> = 80
local BEGUN <const> = 4096 -- bytes of an answer that are looked at for what is shown of it
local DEEPER <const> = 8    -- levels that a conversation has around an argument
local DENIED <const> = 100  -- denials that are kept of a run
local MOST <const> = 1 << 53 -- tokens: more is not a count of them

local reported = {} -- bad numbers that were already logged

-- Tools that change files, and those that run commands, as the programs call them.
local CHANGES <const> = {Write = true, Edit = true, MultiEdit = true, NotebookEdit = true,
  write_file = true, replace = true, edit = true, write = true, patch = true, multiedit = true,
  apply_patch = true, file_change = true}
local COMMANDS <const> = {Bash = true, bash = true, run_shell_command = true,
  command_execution = true, run = true}

--- What Anthropic calls the counts of a usage, for M.usage.
M.ANTHROPIC = {
  input_tokens = "input_tokens", output_tokens = "output_tokens",
  cache_read_tokens = "cache_read_input_tokens",
  cache_write_tokens = "cache_creation_input_tokens",
}

--- A command that begins with these words: the array, and a function(...) that adds words.
function M.command(...)
  local words = {...}
  return words, function(...)
    for _, word in ipairs{...} do words[#words + 1] = word end
  end
end

--- An event of a program that prints JSON lines.
-- @param text  one line
-- @return the table; nil for a line that is not a JSON object
function M.event(text)
  if not text:find("^%s*{") then return nil end
  local event = json.decode(text)
  return type(event) == "table" and event or nil
end

--- A field inside tables inside tables, nil when one of them is not there.
-- @usage preset.field({a = {b = 1}}, "a", "b")  --> 1
function M.field(t, ...)
  for _, name in ipairs{...} do
    if type(t) ~= "table" then return nil end
    t = t[name]
  end
  if t == json.null then return nil end
  return t
end

--- As field, but returns an empty table when the value is not a table.
function M.rows(t, ...)
  local rows = M.field(t, ...)
  return type(rows) == "table" and rows or {}
end

--- As field, but returns nil when the value is not a string.
function M.text(t, ...)
  local text = M.field(t, ...)
  return type(text) == "string" and text or nil
end

--- What an agent is to do: the prompt, an empty line, the input.
-- @param input  any value; JSON is made of what is not a string
-- @param task   the second argument of the task's function
function M.prompt(input, task)
  local text = task.prompt or ""
  if input == nil then return text end
  return text .. (text ~= "" and "\n\n" or "")
    .. (type(input) == "string" and input or json.encode(input, {lossy = true}))
end

--- Can a value a model has given stand in what is said to it again, and be handed to a
--- task? Not with an infinite number, or nested too deep.
-- @return true; nil and why not
function M.sayable(value)
  local wrapped = value
  for _ = 1, DEEPER do wrapped = {wrapped} end
  local ok, why = pcall(json.encode, wrapped, {lossy = true})
  if ok then return true end
  return nil, (tostring(why):gsub("^.-json%.encode: value[%[%]1]*", "", 1):gsub("^[.:]%s*", ""))
end

--- A piece more of the answer, of which `settle` makes s.text. What is shown of it is its first
--- line, so only its beginning is looked at.
function M.add(s, text)
  rope.add(s, "text", text)
  if #(s.begun or "") < BEGUN then
    s.begun = (s.begun or "") .. text:sub(1, BEGUN)
    s.activity = M.short(s.begun)
  end
end

--- The answer begins anew: what there was of it is none.
function M.restart(s)
  rope.settle(s)
  s.text, s.begun = nil, nil
end

--- s.text is what was added, as a whole.
function M.settle(s)
  rope.settle(s)
end

--- The first line of a text, cut to what fits into a line of a display.
function M.short(text)
  local line = tostring(text):match("[^\r\n]*%S[^\r\n]*") or ""
  line = line:match("^%s*(.-)%s*$")
  if #line <= SHOWN then return line end
  local cut = SHOWN - 3
  while cut > 0 and line:byte(cut + 1) & 0xC0 == 0x80 do cut = cut - 1 end
  return line:sub(1, cut) .. "..."
end

--- The argument of a tool that says most of what it is used for; nil for none.
function M.what(input)
  for _, key in ipairs{"command", "file_path", "filePath", "path", "pattern", "query", "url",
      "description"} do
    local value = M.text(input, key)
    if value then return M.short(value) end
  end
end

--- What a tool is used for, in a few words: its name and the argument that says
--- most.
function M.tool(name, input)
  local what = M.what(input)
  return M.short(what and ("%s %s"):format(name, what) or name)
end

--- Keep with s that the agent was not allowed to use a tool.
-- @param what  what for, in a few words, or nil
function M.deny(s, tool, what)
  s.denials = s.denials or {}
  for _, one in ipairs(s.denials) do
    if one.tool == tool and one.what == what then return end
  end
  if #s.denials < DENIED then s.denials[#s.denials + 1] = {tool = M.short(tool), what = what} end
end

--- Denials in a few words: the first, and how many more.
function M.listed(denials)
  local what = denials[1].what and (" (%s)"):format(denials[1].what) or ""
  local more = #denials > 1 and (" and %d more"):format(#denials - 1) or ""
  return denials[1].tool .. what .. more
end

--- Keep with s that the agent has used a tool, and was allowed to.
function M.did(s, tool)
  s.changed = s.changed or CHANGES[tool] or false
  s.worked = s.worked or CHANGES[tool] or COMMANDS[tool] or false
end

-- Why a run that was denied something is not what was asked for, or nil: it was denied a
-- change and made none, or did nothing of all it was denied.
local function denied(p, s)
  local list, first, change = {}, (s.denials or {})[1], false
  for _, one in ipairs(s.denials or {}) do
    if CHANGES[one.tool] and not change then first, change = one, true end
  end
  if not first or s.changed or not change and s.worked then return nil end
  list[1] = first
  for _, one in ipairs(s.denials) do
    if one ~= first then list[#list + 1] = one end
  end
  local advice = s.permissions == "full"
    and "its own settings keep it from that, for its permissions are \"full\""
    or ("give the task or its agent type more permissions, as permissions = \"%s\""):format(
      change and s.permissions == "read" and "edit" or "full")
  return {kind = "exit", message = ("%s was not allowed to use %s: %s"):format(p.program,
    M.listed(list), advice)}
end

--- Is it a count of tokens?
function M.is_count(n)
  n = math.type(n) and math.tointeger(n)
  return n ~= nil and n >= 0 and n <= MOST
end

--- The counts of `from` under the names results have. What is there and is not a count
--- (negative, infinite) is left out and logged once.
-- @param from   the program's own table, or nil
-- @param names  our name -> its name
-- @return table, or nil when it has none of them
function M.usage(from, names)
  local usage
  for ours, theirs in pairs(names) do
    local n = M.field(from, table.unpack(type(theirs) == "table" and theirs or {theirs}))
    if M.is_count(n) then
      usage = usage or {}
      usage[ours] = math.tointeger(n)
    elseif n ~= nil then
      M.odd("usage", ours, n)
    end
  end
  return usage
end

--- As usage, for programs that count in input_tokens what was read from a cache or
--- written to one.
function M.usage_of_all(from, names)
  local usage = M.usage(from, names)
  if usage and usage.input_tokens then
    usage.input_tokens = math.max(0, usage.input_tokens - (usage.cache_read_tokens or 0)
      - (usage.cache_write_tokens or 0))
  end
  return usage
end

--- Tell, once a task, that a figure of its agent makes no sense and is left out.
function M.odd(what, name, value)
  local key = what .. name
  if reported[key] then return end
  reported[key] = true
  orun.log(("orun: %s: an agent reported %s = %s, which is left out"):format(what, name,
    type(value) == "number" and tostring(value) or "a " .. type(value)))
end

--- US dollars that an agent has reported; nil for a bad number, which is logged once.
function M.dollars(cost)
  if cost == nil then return nil end
  if math.type(cost) and cost >= 0 and cost < math.huge then return cost end
  M.odd("cost", "dollars", cost)
end

--- Add counts to counts.
function M.add_usage(sum, usage)
  if not usage then return sum end
  sum = sum or {}
  for name, n in pairs(usage) do sum[name] = math.min(MOST, (sum[name] or 0) + n) end
  return sum
end

--- The usage of a run, from that of its session.
-- @param whole   the session's, with this run
-- @param before  the session's before this run, or nil
-- @param run     what the run tells of itself, or nil: it is not less than that
function M.usage_since(whole, before, run)
  local usage, less = {}, false
  for name, n in pairs(whole) do
    local earlier = before and before[name] or 0
    less = less or n < earlier
    usage[name] = n - earlier
  end
  if less then usage = M.add_usage(nil, whole) end -- it does not count the runs before
  for name, n in pairs(run or {}) do usage[name] = math.max(usage[name] or 0, n) end
  return usage
end

--- The error_kind of an HTTP status an agent reports.
function M.kind_of_status(status)
  return (status == 429 or status == 529) and "rate" or "http"
end

--- The error_kind of an error that is known only by its message.
function M.kind_of_words(message)
  local low = message:lower()
  for _, words in ipairs{"rate limit", "rate_limit", "too many requests", "usage limit",
      "overloaded", "quota exceeded", "resource_exhausted"} do
    if low:find(words, 1, true) then return "rate" end
  end
  if low:find("%f[%d]429%f[%D]") or low:find("%f[%d]529%f[%D]") then return "rate" end
  for _, words in ipairs{"api error", "unexpected status", "unauthorized", "invalid api key",
      "unable to connect", "connection refused", "connection error", "connection reset",
      "econnrefused", "econnreset", "enotfound", "etimedout", "fetch failed",
      "stream disconnected", "error sending request", "dns error"} do
    if low:find(words, 1, true) then return "http" end
  end
  return low:find("http %f[%d][45]%d%d%f[%D]") and "http" or "exit"
end

--- What an agent's ending means, for any preset.
-- @param p       the preset
-- @param s       what its `line` kept
-- @param ending  table: exit_code, signal, stderr, error, error_kind (as orun.exec
--   gives them)
-- @return nil for success; else {kind =, message =}
function M.judge(p, s, ending)
  M.settle(s)
  local wrong = p.judge and p.judge(s, ending)
  if wrong then return wrong end
  if ending.error then
    return {kind = ending.error_kind or "exit", message = ending.error}
  end
  wrong = denied(p, s)
  if wrong then return wrong end
  if not tostring(s.text or ""):find("%S") then
    return {kind = "exit", message = p.program
      .. " ended well but gave no answer; ask for one in the prompt, or see its output_file"}
  end
end

--- Names of tools without what is in parentheses: "Bash(git diff:*)" is Bash.
function M.bare_names(names)
  local list, seen = {}, {}
  for _, name in ipairs(names or {}) do
    local short = name:match("^([^%(]+)")
    if short and not seen[short] then
      seen[short] = true
      list[#list + 1] = short
    end
  end
  return list, seen
end

--- Raises what is wrong with the agent type in `t`.
function M.wrong(t, text, ...)
  error(("agent %q: " .. text):format(tostring(t.name), ...), 0)
end

--- Raises for a field that has none of the names.
-- @param what  what the message calls such a field
-- @param ...   arrays of names, and tables with names as keys
function M.check_known(t, what, fields, ...)
  local known = {}
  for _, names in ipairs{...} do
    for key, name in next, names do known[math.type(key) and name or key] = true end
  end
  for field in next, fields do
    if not known[field] then
      M.wrong(t, "%s %s%s", what, check.show(field), check.hint(field, known))
    end
  end
end

return M
