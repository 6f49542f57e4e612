--- orun.command.options: how commands and workflows read their words, and how they end.
--
--     local options = require "orun.command.options"
--     local OPTIONS <const> = {["--json"] = {"json"}, ["--owner"] = {"owner", options.word}}
--     return options.command("orun x", HELP, function(...)
--       local args = options.read(OPTIONS, {...})
--       if args[1] then options.usage("%s is one word too many", args[1]) end
--       ...
--     end)
--
-- An option is {field, value, needs}: its word goes to `field` as value(name, word) has it; without
-- `value` it is a flag. `needs` is what a message asks for where the word is missing or empty.
-- Beside them `unknown` is the message for another one, and `first = true` ends the options with
-- the first word that is none, for commands whose own words follow.
--
-- A workflow (lua/workflow/) begins with `arguments` and ends with `answer`:
--
--     local args = options.arguments({["--size"] = {"size", options.count, "a number"}}, ...)
--     return options.answer(args, {size = args.size, exit_code = 0}, "done\n")

local check = require "orun.util.check"

local M = {}

local FAILED <const>, USAGE <const> = 1, 2

--- What --help prints, by command, of those that were loaded.
M.HELP = {}

--- The words make no sense: the command ends with 2.
-- @param text, ...  as of string.format
function M.usage(text, ...)
  error({usage = text:format(...)}, 0)
end

--- The command cannot do it: it ends with 1.
function M.refuse(text, ...)
  error({refusal = text:format(...)}, 0)
end

--- Print all of a text, or end.
function M.write(text)
  local ok, why = orun.write(text)
  if not ok then error({unwritten = why}, 0) end
end

--- Print a message of a command on standard error.
function M.complain(command, text)
  io.stderr:write(command, ": ", orun.clean(text), "\n")
end

--- Which of these may have been meant, as the end of a message.
function M.near(word, names)
  local near = orun.nearest(word, names)
  return near and (", did you mean %s?"):format(near) or ""
end

--- The keys of a table that match a pattern, in order.
function M.names(t, pattern)
  local list = {}
  for name in pairs(t) do
    if name:find(pattern) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

--- A value: the word as it is.
function M.word(_, word) return word end

--- A value: a whole number, 1 or more.
function M.count(name, word)
  local n = math.tointeger(tonumber(word))
  if not n or n < 1 then M.usage("%s %s: expected a whole number, 1 or more", name, word) end
  return n
end

--- A value: a time in seconds, of "1.5", "250ms", "30s", "5m" or "2h".
function M.duration(name, word)
  local seconds = check.seconds(tonumber(word) or word)
  if not seconds or seconds == math.huge then
    M.usage("%s %s: expected a time, such as 30s or 250ms", name, word)
  end
  return seconds
end

--- What makes a value that is one of these words.
function M.one_of(...)
  local words = {...}
  return function(name, word)
    if check.among(words, word) then return word end
    M.usage("%s %s: expected %s%s", name, word, table.concat(words, ", "), M.near(word, words))
  end
end

-- The value of an option whose word is `inline`, or the one that `following` returns.
local function value_of(option, name, inline, following)
  local _, value, needs = table.unpack(option, 1, 3)
  if not value and inline then M.usage("%s takes no value", name) end
  if not value then return true end
  local word = inline or following()
  if not word or needs and word == "" then M.usage("%s needs %s", name, needs or "a value") end
  return value(name, word)
end

local function unknown(known, name)
  local names = M.names(known, "^%-%-")
  names[#names + 1] = "--help"
  M.usage(known.unknown or "unknown option %s%s", name, M.near(name, names))
end

-- "-j4" is "-j" and "4", where -j has a value.
local function short(known, word)
  local name, rest = word:match("^(%-%a)(.+)$")
  if name and not known[word] and known[name] and known[name][2] then return name, rest end
  return word
end

--- Read words: {[1] = the first that is not an option, …, field = value, …}. Nothing after "--"
--- is an option; --help and -h end the command.
function M.read(known, words)
  local args, at, plain = {}, 0, false
  local function following()
    at = at + 1
    return words[at]
  end
  for word in following do
    local name, inline = word:match("^(%-%-[%a-]+)=(.*)$")
    if not name then name, inline = short(known, word) end
    if plain or name == "-" or name:sub(1, 1) ~= "-" then
      args[#args + 1] = word
      plain = plain or known.first
    elseif name == "--" then
      plain = true
    elseif name == "--help" or name == "-h" then
      error({help = true}, 0)
    elseif known[name] then
      args[known[name][1]] = value_of(known[name], name, inline, following)
    else
      unknown(known, name)
    end
  end
  return args
end

--- The function of a command: it runs `body`, which returns the exit code, and ends as that has it.
-- @param command  "orun tasks"
-- @param help     what --help prints
function M.command(command, help, body)
  M.HELP[command] = help
  return function(...)
    local ok, code = pcall(body, ...)
    if ok then return code or 0 end
    if type(code) ~= "table" then error(code, 0) end
    if code.help then
      io.write(help)
      return 0
    elseif code.unwritten then
      return require("orun.util.refusal").unwritten(command, code.unwritten)
    elseif code.refusal then
      M.complain(command, code.refusal)
      return FAILED
    elseif code.usage then
      M.complain(command, ("%s\nTry '%s --help'."):format(code.usage, command))
      return USAGE
    end
    error(code, 0)
  end
end

-- ---- workflows ----

--- The options that all workflows have.
local SHARED <const> = {
  ["--dry-run"] = {"dry_run"}, ["--json"] = {"json"}, ["--yes"] = {"yes"}, ["-y"] = {"yes"},
  ["--jobs"] = {"jobs", M.count, "a number"}, ["-j"] = {"jobs", M.count, "a number"},
  ["--backend"] = {"backend", M.word, "a name"},
}

--- Print a text of help; it ends the workflow well.
function M.help(text)
  io.write(text)
  os.exit(0)
end

-- The options as `known` has them, with the shared ones, and what they change.
local function read_shared(known, words, fields)
  local all = {}
  for _, from in ipairs{SHARED, known} do
    for name, option in pairs(from) do all[name] = option end
  end
  local args = M.read(all, words)
  for name, value in pairs(fields) do args[name] = value end
  if known.check then known.check(args) end
  local ok, why = pcall(orun.config, {processes = args.jobs, backend = args.backend})
  if not ok then M.usage("%s", (tostring(why):gsub("^.-: ", "", 1))) end
  return args
end

-- What `arguments` does when the words make no sense, or ask for help.
local function refuse(why, source, called)
  if type(why) ~= "table" or not (why.usage or why.help) then error(why, 0) end
  local name = "orun " .. tostring(arg and arg[0])
  if called then error(("orun.workflow: %s"):format(why.usage or "--help has no place here"), 0) end
  if why.help then M.help(require("orun.flow.find").head_of(source)) end
  M.complain(name, ("%s\nTry '%s --help'."):format(why.usage, name))
  os.exit(USAGE)
end

--- The arguments of a workflow: as `read` gives them, with the options all workflows have
--- (dry_run, json, yes, jobs, backend; the last two hold for the run from here on). Words that
--- make no sense end it with 2, and --help prints the comment at its head.
-- @param known  its own options, as of read; `check`: function(args) that may call usage
-- @param ...    the chunk's own `...`: words; or the table that orun.workflow has passed, whose
--               elements are words and whose fields are values: {"HEAD~1", json = true}
-- @return args; `called`: orun.workflow has called it
function M.arguments(known, ...)
  local source = debug.getinfo(2, "S").source
  local words, fields, given = {...}, {}, (...)
  local called = select("#", ...) == 1 and type(given) ~= "string"
  if called then
    words = {}
    for name, value in pairs(given or {}) do
      if math.type(name) then words[name] = tostring(value) else fields[name] = value end
    end
  end
  local ok, args = pcall(read_shared, known, words, fields)
  if not ok then refuse(args, source, called) end
  args.called = called
  return args
end

--- What ends a workflow that cannot go on: function(text, ...), as of string.format, which prints
--- the text with the workflow's name, and ends the run with an exit code; one that a script has
--- called raises it.
function M.failing(name, args, code)
  return function(text, ...)
    text = text:format(...)
    if args.called then error(name .. ": " .. text, 0) end
    M.complain(name, text)
    os.exit(code, true)
  end
end

--- How a workflow ends: prints the text, or with --json the result; neither when a script has
--- called it. `exit_code` in the result is that of the run.
-- @return the result
function M.answer(args, result, text)
  if args.called then return result end
  if args.json then
    print(require("orun.util.json_line")(result))
  elseif text then
    io.write(text)
  end
  return result
end

return M
