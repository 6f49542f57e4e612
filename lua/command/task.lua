--- orun.command.task: `orun task …`, the list for programs, and for shells.
--
-- Options are data (COMMANDS below); the calls are those of control/task_tools.lua.
-- Human output is one line a task, shown as orun shows text; --json prints the
-- result as it came.

local client = require "orun.control.client"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local options = require "orun.command.options"

local usage <const>, write <const> = options.usage, options.write

local DONE <const>, FAILED <const>, USAGE <const> = 0, 1, 2
local NOTHING <const>, TIMED_OUT <const> = 3, 4

local HELP <const> = [[
usage: orun task COMMAND [options] [--json]

  list [--status S] [--owner NAME] [--kind item|task|all]
  get ID
  create --subject TEXT [--description TEXT] [--active-form TEXT] [--blocked-by IDS]
         [--metadata JSON]
  claim [ID | --next] [--owner NAME] [--wait]
  update ID [--status S] [--output TEXT] [--error TEXT] [--owner NAME]
         [--add-blocked-by IDS] [--add-blocks IDS] [--metadata JSON]
  run --prompt TEXT [--agent TYPE] [--description TEXT] [--model M]
      [--permissions read|edit|full] [--blocked-by IDS] [--background]
  output ID [--wait] [--timeout SECONDS]
  stop ID

For programs that a run of orun has started: what they do is done in the name of
their task. IDS are ids with commas between. A TEXT of - is read from standard
input. What a task claims and does not end goes back when it ends.

Exit codes: 0 done, 1 refused or failed, 2 usage, 3 nothing to claim, 4 the
task of `output` has not ended.
]]

-- ---- options ----

-- What an option's word means: its value, or a usage error.
local kinds = {word = options.word}

function kinds.text(name, word)
  if word == "-" then return io.read("a") end
  if not utf8.len(word) then usage("%s is not UTF-8", name) end
  return word
end

function kinds.ids(_, word)
  local ids = json.array()
  for id in word:gmatch("[^,%s]+") do ids[#ids + 1] = id end
  return ids
end

function kinds.json(name, word)
  local value, why = json.decode(word)
  if type(value) ~= "table" then usage("%s %s: expected a JSON object%s", name, word,
    why and " (" .. why .. ")" or "") end
  local fine, wrong = pcall(json.encode, value, {lossy = true, name = name})
  if not fine then usage("%s", (tostring(wrong):gsub("^json%.encode: ", ""))) end
  return value
end

function kinds.seconds(name, word)
  local n = tonumber(word)
  if not n or n < 0 or n ~= n or n == math.huge then
    usage("%s %s: expected a number of seconds, 0 or more", name, word)
  end
  return n
end

-- Options (options.lua) with the field of the call. `id`: the first word is one.
local COMMANDS <const> = {
  list = {call = "TaskList", ["--status"] = {"status", kinds.word},
    ["--owner"] = {"owner", kinds.text}, ["--kind"] = {"kind", kinds.word}},
  get = {call = "TaskGet", id = "needed"},
  create = {call = "TaskCreate", needs = {"--subject"}, ["--subject"] = {"subject", kinds.text},
    ["--description"] = {"description", kinds.text}, ["--blocked-by"] = {"blockedBy", kinds.ids},
    ["--active-form"] = {"activeForm", kinds.text},
    ["--metadata"] = {"metadata", kinds.json}},
  claim = {call = "TaskClaim", id = "optional", ["--next"] = {"next"}, ["--wait"] = {"wait"},
    ["--owner"] = {"owner", kinds.text}},
  update = {call = "TaskUpdate", id = "needed", ["--status"] = {"status", kinds.word},
    ["--output"] = {"output", kinds.text}, ["--error"] = {"error", kinds.text},
    ["--owner"] = {"owner", kinds.text}, ["--add-blocked-by"] = {"addBlockedBy", kinds.ids},
    ["--subject"] = {"subject", kinds.text}, ["--description"] = {"description", kinds.text},
    ["--active-form"] = {"activeForm", kinds.text},
    ["--add-blocks"] = {"addBlocks", kinds.ids}, ["--metadata"] = {"metadata", kinds.json}},
  run = {call = "Task", needs = {"--prompt"}, ["--prompt"] = {"prompt", kinds.text},
    ["--agent"] = {"subagent_type", kinds.word}, ["--description"] = {"description", kinds.text},
    ["--model"] = {"model", kinds.word}, ["--permissions"] = {"permissions", kinds.word},
    ["--blocked-by"] = {"blockedBy", kinds.ids},
    ["--background"] = {"run_in_background"}},
  output = {call = "TaskOutput", id = "needed", ["--wait"] = {"block"},
    ["--timeout"] = {"timeout", kinds.seconds}},
  stop = {call = "TaskStop", id = "needed"},
}
for _, command in pairs(COMMANDS) do command["--json"] = {"json"} end

-- The arguments of the call, and whether JSON is wanted.
local function read(word, command, words)
  local args = options.read(command, words)
  local as_json = args.json
  local extra = args[command.id and 2 or 1]
  if extra then usage("%s: %s is one word too many", word, extra) end
  args.task_id, args[1], args.json = args[1], nil, nil
  if command.id == "needed" and not args.task_id then
    usage("%s: the id of a task is missing", word)
  end
  for _, name in ipairs(command.needs or {}) do
    if args[command[name][1]] == nil then usage("%s: %s is missing", word, name) end
  end
  if args.next and args.task_id then usage("claim: either an id or --next") end
  args.next = nil
  if word == "output" then args.block = args.block or args.timeout ~= nil end
  return args, as_json
end

-- ---- what is printed ----

local function print_line(...)
  local parts = {}
  for i = 1, select("#", ...) do
    local part = select(i, ...)
    parts[#parts + 1] = part ~= nil and orun.clean(tostring(part)):gsub("[\t\n]", " ") or nil
  end
  write(table.concat(parts, "\t") .. "\n")
end

local function print_entry(t)
  local blocked = t.blockedBy and t.blockedBy[1] and "blocked by " .. table.concat(t.blockedBy, ",")
  print_line(t.id, t.status or "in_progress", t.subject or "-", t.owner, blocked or nil)
end

-- A text for a person, lines and all.
local function print_text(text)
  if text == "" then return end
  write(orun.clean(text) .. (text:sub(-1) == "\n" and "" or "\n"))
end

local function text_of(value)
  return type(value) == "string" and value or json.encode(value, {lossy = true})
end

local prints = {}

function prints.TaskList(result)
  for _, entry in ipairs(result.tasks) do print_entry(entry) end
end

function prints.TaskGet(result)
  if type(result.task) ~= "table" then return end
  print_entry(result.task)
  if result.task.description then print_text(result.task.description) end
end

function prints.TaskClaim(result)
  if type(result.task) ~= "table" then return end
  print_line(result.task.id, result.task.subject)
end

function prints.TaskCreate(result) print_line(result.task.id) end

function prints.TaskUpdate() end

function prints.TaskStop() end

function prints.TaskOutput(result)
  if result.output ~= nil then print_text(text_of(result.output)) end
end

function prints.Task(result)
  if result.status == "async_launched" then print_line(result.task_id) end
  prints.TaskOutput(result)
end

-- ---- exit codes ----

local ENDED <const> = {completed = DONE, failed = FAILED, cancelled = FAILED,
                       async_launched = DONE}

local function code_of(call, result, id)
  if call == "TaskClaim" and type(result.task) ~= "table" then return NOTHING end
  if call == "TaskGet" and type(result.task) ~= "table" then
    options.refuse("%s: no such task", id)
  end
  if call ~= "TaskOutput" and call ~= "Task" then return DONE end
  local code = ENDED[result.status] or TIMED_OUT
  if code == FAILED then
    options.refuse("%s is %s: %s", result.task_id, result.status,
      result.error or "no reason was given")
  end
  return code
end

return options.command("orun task", HELP, function(word, ...)
  local command = COMMANDS[word]
  if not command then
    word = options.read({}, {word})[1]
    if not word then
      write(HELP)
      return USAGE
    end
    usage("unknown command %s%s", word, options.near(word, options.names(COMMANDS, "")))
  end
  local args, as_json = read(word, command, {...})
  local result, message, reason = client.call(command.call, args)
  if result == nil then
    if as_json then write(json_line({error = message, reason = reason}, true) .. "\n") end
    options.complain("orun task", message)
    return reason == "request" and USAGE or FAILED
  end
  if as_json then
    write(json_line(result, true) .. "\n")
  else
    prints[command.call](result)
  end
  return code_of(command.call, result, args.task_id)
end)
