--- Stand-ins for claude, codex, gemini and opencode: programs that print what the
--- real ones do, case by case.
---
---     local bin = agents.install()     -- a folder for PATH
---
--- The first word of the prompt names the case; other words are answered. A call
--- that resumes a session is the case "resumed". What a program was called with is
--- left in the file $FAKE_LOG: a line of its arguments, then the prompt.

local h = require "spec.support.helper"
local json = require "orun.json"

local M = {}

-- The program: finds its case, and runs the file of it.
local PROGRAM <const> = [==[
#!/bin/sh
name=${0##*/} here=${0%/*}
prompt=$(cat)
if [ -n "$FAKE_LOG" ]; then
    { printf 'ARGS'; printf ' [%s]' "$@"; printf '\n%s\n' "$prompt"; } >>"$FAKE_LOG"
    for word; do
        [ -f "$word" ] && { printf 'FILE '; cat "$word"; echo; } >>"$FAKE_LOG"
    done
fi
case " $* " in
*" --resume "* | *" resume "* | *" -s ses"* | *" -r "*) case=resumed ;;
*) case=${prompt%%[!a-z0-9-]*} ;;
esac
first=$(printf '%s\n' "$prompt" | head -n 1)
[ -f "$here/$name.$case" ] || case=else
. "$here/$name.$case"
]==]

-- A case's file: prints the lines (tables are JSON; %FIRST% is the prompt's first
-- line), then does what `last` says.
local function script(lines, last)
  local out = {}
  for i, line in ipairs(lines) do
    local text = type(line) == "table" and json.encode(line) or line
    out[i] = ("printf '%%s\\n' %s"):format(h.quote(text)):gsub("%%FIRST%%", "'\"$first\"'")
  end
  out[#out + 1] = last
  return table.concat(out, "\n") .. "\n"
end

-- ---- claude ----

local function claude_result(fields)
  local e = {type = "result", subtype = "success", is_error = false, session_id = "s-1",
             total_cost_usd = 0.25, usage = {input_tokens = 10, output_tokens = 4}}
  for name, value in pairs(fields) do e[name] = value end
  return e
end

local function claude_does(tool, input)
  return {type = "assistant", message = {model = "fake-sonnet",
    content = {{type = "tool_use", name = tool, input = input}}}}
end

local function claude()
  local init = {type = "system", subtype = "init", session_id = "s-1", model = "fake-sonnet"}
  local function api_error(status, text)
    return claude_result{is_error = true, api_error_status = status, result = text,
                         terminal_reason = "api_error"}
  end
  local many = {init}
  for _ = 1, 10 do
    many[#many + 1] = claude_result{result = ""}
    many[#many + 1] = claude_result{result = "early"}
  end
  many[#many + 1] = claude_result{result = "the last"}
  return {
    ["else"] = script{init, claude_result{result = "did: %FIRST%"}},
    resumed = script{init, claude_result{result = 'went on: {"n": 2}', total_cost_usd = 0.75}},
    ["api-error"] = script({init, api_error(500, "API Error: 500 down")}, "exit 1"),
    ["rate-once"] = 'if [ -e "$FAKE_LOG.rated" ]; then\n'
      .. script{init, claude_result{result = "after the wait"}}
      .. 'exit\nfi\n: >"$FAKE_LOG.rated"\n'
      .. script({init, api_error(429, "API Error: 429 slow down")}, "exit 1"),
    ["max-turns"] = script({init, claude_result{subtype = "error_max_turns", is_error = true,
      errors = {"Reached maximum number of turns (2)"}}}, "exit 1"),
    budget = script({init, claude_result{subtype = "error_max_budget_usd", is_error = true}},
      "exit 1"),
    interrupted = script{init, claude_result{subtype = "error_during_execution", is_error = true,
      errors = {"it was interrupted"}}},
    silent = script{init},
    empty = script{init, claude_result{result = ""}},
    garbage = script{"Welcome to the jungle", '{"type":'},
    dies = script({init}, "kill -9 $$"),
    killed = script({init}, "exit 143"),
    usage = script({}, "echo \"error: unknown option '--frob'\" >&2\nexit 1"),
    many = script(many),
    chatter = script{init, "not JSON", claude_does("Read", {file_path = "a.lua"}),
      claude_result{result = "read it"}},
    slow = script({init, claude_does("Bash", {command = "make"})}, "sleep 60"),
    leaves = "sh -c 'trap \"\" TERM; sleep 60' &\n" .. script{init, claude_result{
      result = "left one"}},
    json = script{init, claude_result{result = 'Here: {"n": "x"}'}},
  }
end

-- ---- codex ----

local function codex()
  local begun = {type = "thread.started", thread_id = "th-1"}
  local function said(text)
    return {type = "item.completed", item = {type = "agent_message", text = text}}
  end
  local ended = {type = "turn.completed", usage = {input_tokens = 7, cached_input_tokens = 2,
    output_tokens = 3, reasoning_output_tokens = 1}}
  local function failed(text) return {type = "turn.failed", error = {message = text}} end
  return {
    ["else"] = script{begun, {type = "item.started", item = {type = "command_execution",
      command = "ls"}}, said "thinking", said "did: %FIRST%", ended},
    resumed = script{begun, said "went on", ended},
    fails = script({begun, {type = "error", message = "Reconnecting... 1/2"},
      failed "stream error: 500"}, "exit 1"),
    warns = script{begun, {type = "item.completed", item = {type = "error",
      message = "a warning"}}, said "warned", ended},
    silent = script{begun},
    killed = script({begun}, "exit 143"),
  }
end

-- ---- gemini ----

local function gemini()
  local begun = {type = "init", session_id = "g-1", model = "fake-pro"}
  local function said(text)
    return {type = "message", role = "assistant", content = text, delta = true}
  end
  local ended = {type = "result", status = "success", stats = {input_tokens = 9,
    output_tokens = 2, total_tokens = 11}}
  return {
    ["else"] = script{begun, said "did: ", said "%FIRST%", ended},
    resumed = script{begun, said "went on", ended},
    unauthorized = script({}, "printf '%s\\n' 'at a' '"
      .. '{"error":{"message":"API key not valid","code":401}}' .. "' >&2\nexit 145"),
    untrusted = script({}, "echo 'the folder is not trusted' >&2\nexit 55"),
    turns = script({begun}, "exit 53"),
    silent = script{begun},
  }
end

-- ---- opencode ----

local function opencode()
  local function event(kind, part) return {type = kind, sessionID = "ses-1", part = part} end
  local tokens = {input = 5, output = 2, reasoning = 0, cache = {read = 1, write = 0}}
  local function steps(...)
    local lines = {}
    for _, text in ipairs{...} do
      lines[#lines + 1] = event("step_start", {reason = "start"})
      lines[#lines + 1] = event("text", {text = text})
      lines[#lines + 1] = event("step_finish", {reason = "stop", cost = 0.5, tokens = tokens})
    end
    return script(lines)
  end
  return {
    ["else"] = steps("looking", "did: %FIRST%"),
    resumed = steps "went on",
    fails = script({{type = "error", sessionID = "ses-1", error = {name = "APIError",
      data = {message = "Unauthorized", statusCode = 401}}}}, "exit 1"),
    ["unknown-agent"] = "echo '! agent \"nobody\" not found. Falling back to default agent' >&2\n"
      .. steps "as the default",
    silent = script{},
  }
end

--- Put all four into a new folder; gives its path.
function M.install()
  local bin = h.tmpdir()
  for name, cases in pairs{claude = claude(), codex = codex(), gemini = gemini(),
      opencode = opencode()} do
    h.write(bin .. "/" .. name, PROGRAM)
    for case, text in pairs(cases) do h.write(("%s/%s.%s"):format(bin, name, case), text) end
  end
  os.execute(("cd %s && chmod +x claude codex gemini opencode"):format(h.quote(bin)))
  return bin
end

return M
