--- orun.preset: what is known of the programs that are agents.
--
-- A preset is data: how a program is called and what its output means. The
-- ones in preset_claude.lua, preset_codex.lua, preset_gemini.lua and
-- preset_opencode.lua are written as anybody's would be:
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
--            sandbox, mcp (unless the type has mcp=false). An argument may hold
--            {system_file} or {mcp_file}: the path of a private file with that
--            text, which goes with the program
--   line     function(s, text): one line of standard output, as it comes. s is
--            a table of the preset's own, in which it keeps
--              text        the answer so far
--              activity    what the agent does now, in a few words
--              usage       {input_tokens, output_tokens, cache_read_tokens, ...}
--              cost        US dollars
--              model, session_id
--   judge    function(s, ending) -> nil, or {kind=, message=}: why this is no
--            success. ending has code, signal, stderr. Whatever it says, a
--            program that ended badly or gave no answer has failed
--   system   "file" when argv takes {system_file}; else it stands before the
--            prompt
--   takes    array: which of agent, tools, max_turns, sandbox argv understands; all
--            unless given
--   mcp      true when argv takes {mcp_file}: MCP servers in JSON, which are what
--            orun.mcp_config gives: the run's tasks, as the agent's tools
--   resumes  true when argv understands o.resume, a session id
--   session_cost  true when s.cost is that of the whole session, with the runs of
--            it that were before
--
-- Nothing here runs a program: preset_agent.lua does.

local json = require "orun.json"

local M = {}

local SHOWN <const> = 80

--- An event of a program that prints JSON lines.
-- @param text  one line
-- @return the table; nil for a line that is no JSON object
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

--- As field, for a table to go through: an empty one when it is no table.
function M.rows(t, ...)
  local rows = M.field(t, ...)
  return type(rows) == "table" and rows or {}
end

--- As field, for a text: nil when it is none.
function M.text(t, ...)
  local text = M.field(t, ...)
  return type(text) == "string" and text or nil
end

--- What an agent is to do: the prompt, an empty line, the input.
-- @param input  any value; what is no string is written as JSON
-- @param task   the second argument of the task's function
function M.prompt(input, task)
  local text = task.prompt or ""
  if input == nil then return text end
  return text .. (text ~= "" and "\n\n" or "")
    .. (type(input) == "string" and input or json.encode(input))
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

--- What a tool is used for, in a few words: its name and the argument that says
--- most.
function M.tool(name, input)
  for _, key in ipairs{"command", "file_path", "path", "pattern", "query", "url", "description"} do
    local value = M.field(input, key)
    if type(value) == "string" then return M.short(("%s %s"):format(name, value)) end
  end
  return M.short(name)
end

--- The counts of `from` under the names results have.
-- @param from   the program's own table, or nil
-- @param names  our name -> its name
-- @return table, or nil when it has none of them
function M.usage(from, names)
  local usage
  for ours, theirs in pairs(names) do
    local n = M.field(from, table.unpack(type(theirs) == "table" and theirs or {theirs}))
    if math.type(n) then
      usage = usage or {}
      usage[ours] = n
    end
  end
  return usage
end

--- Add counts to counts.
function M.add_usage(sum, usage)
  if not usage then return sum end
  sum = sum or {}
  for name, n in pairs(usage) do sum[name] = (sum[name] or 0) + n end
  return sum
end

--- The error_kind of an HTTP status an agent reports.
function M.kind_of_status(status)
  return (status == 429 or status == 529) and "rate" or "http"
end

--- The error_kind of an error that is only told in words.
function M.kind_of_words(message)
  local low = message:lower()
  for _, words in ipairs{"rate limit", "rate_limit", "too many requests", "usage limit",
      "overloaded", "quota exceeded", "resource_exhausted"} do
    if low:find(words, 1, true) then return "rate" end
  end
  return (low:find("%f[%d]429%f[%D]") or low:find("%f[%d]529%f[%D]")) and "rate" or "exit"
end

--- What an agent's ending means, for any preset.
-- @param p       the preset
-- @param s       what its `line` kept
-- @param ending  table: code, signal, stderr, error, error_kind (as orun.exec
--   gives them)
-- @return nil for success; else {kind =, message =}
function M.judge(p, s, ending)
  local wrong = p.judge and p.judge(s, ending)
  if wrong then return wrong end
  if ending.error then
    return {kind = ending.error_kind or "exit", message = ending.error}
  end
  if not tostring(s.text or ""):find("%S") then
    return {kind = "exit", message = p.program
      .. " ended well but gave no answer; ask for one in the prompt, or see its output_file"}
  end
end

return M
