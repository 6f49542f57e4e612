--- orun bench: measures here and now what the parallel execution guide claims.
--
-- usage: orun bench guide [options]
--
-- Ten tasks that do not need each other, of 1 to 5 minutes and 30 in all, are done one by one, in
-- chunks of five, each of which waits for its slowest, in five slots, and so on; a pair of tasks
-- stands for research and exploration; then one task of ten fails, which two others need. Each
-- figure stands beside the guide's. What can be had depends on who does the tasks:
--
--   sleeping agents (unless told otherwise) are programs that sleep for 100 ms a minute and print
--   a thousand lines. They use no processor, so what is lost beside the ideal is orun's doing.
--   What they print is made up, and so is what is saved of it.
--
--   --commands      programs that compute: they shuffle and sort numbers. So many at once as there
--                   are processors is all they can gain
--   --agent NAME    agents of that type, or of the program of that name (claude, codex, gemini,
--                   opencode): each answers a short question about the files of this folder. That
--                   is 42 answers, and costs what they cost
--   --minute TIME   what sleeping agents take for a minute (100ms)
--   --numbers N     what programs of --commands sort for a minute (30000)
--   -j N            so many slots, and so many in a chunk (5)
--   --dry-run       say what would be started, and start nothing
--   --json          print it as JSON: times in seconds
--
-- The last rows are the break-even: with less work than that a task is not worth starting
-- (orun.report.break_even has how it is measured).
--
-- Exit codes: 0 measured, 1 a task failed that should not, 2 wrong options.

local orun = require "orun"
local backends = require "orun.agents.backends"
local break_even = require "orun.report.break_even"
local check = require "orun.util.check"
local claims = require "orun.report.claims"
local context_of = require "orun.report.context"
local format = require "orun.util.format"
local options = require "orun.command.options"

local FAILED <const> = 1
local SLEEPING <const> = "sleeping agents"
local MINUTES <const> = {2, 4, 1, 5, 3, 3, 2, 5, 1, 4} -- of the ten: 30, the longest 5
local PAIR <const> = {5, 5}
local FAILS <const>, NEEDING <const> = 2, {[5] = true, [9] = true} -- of ten; those that need it
local HOW <const> = " Look at the files of this folder, change nothing, answer in one sentence."
local QUESTIONS <const> = {"Which languages is this written in?", "Which is the longest file?",
  "Which files are tests?", "How is it built?", "What is it for?", "What does it depend on?",
  "Which function is called most often?", "Where are errors reported?", "How is it configured?",
  "Which comment says that something is still to be done?"}

local OPTIONS <const> = {
  ["--commands"] = {"commands"}, ["--agent"] = {"agent", options.word, "the name of an agent type"},
  ["--minute"] = {"minute", options.duration, "a time"},
  ["--numbers"] = {"numbers", options.count, "a number"},
}

function OPTIONS.check(args)
  if not args[1] then options.usage("what to measure is expected: guide") end
  options.one_of("guide")("bench", args[1])
  if args[2] then options.usage("%s is one word too many", args[2]) end
  if (args.commands and 1 or 0) + (args.agent and 1 or 0) + (args.minute and 1 or 0) > 1 then
    options.usage("one of --commands, --agent and --minute is expected")
  end
  if args.numbers and not args.commands then options.usage("--numbers is for --commands") end
end

local args = options.arguments(OPTIONS, ...)
local slots, minute = args.jobs or 5, args.minute or 0.1
local kind = args.agent and "agent" or args.commands and "commands" or SLEEPING

local function fail(text, ...)
  if args.called then error("orun bench: " .. text:format(...), 0) end
  options.complain("orun bench", text:format(...))
  os.exit(FAILED)
end

-- ---- who does the tasks ----

-- A program that reads a number and prints many lines; the last is its answer.
local function program(script)
  return {program = "sh", argv = function() return {"sh", "-c", "read -r n; " .. script} end,
          line = function(s, text) s.text = text end}
end

local KINDS <const> = {
  [SLEEPING] = {unit = minute, preset = program 'sleep "$n"; seq 1000; echo "slept $n s"'},
  commands = {unit = args.numbers or 30000,
              preset = program 'seq "$n" | sort -R | sort -n | tail -n 1000'},
}

-- A task of so many minutes.
local function task_of(minutes, i)
  if args.agent then
    return {subagent_type = args.agent, prompt = QUESTIONS[i] .. HOW, permissions = "read",
            description = QUESTIONS[i]}
  end
  return {subagent_type = "bench", prompt = ("%.6g\n"):format(minutes * KINDS[kind].unit),
          description = ("task %d, %d min"):format(i, minutes)}
end

local function tasks_of(minutes)
  local list = {}
  for i, m in ipairs(minutes) do list[i] = task_of(m, i) end
  return list
end

-- The same minutes, the most first.
local function longest_first(minutes)
  local list = table.move(minutes, 1, #minutes, 1, {})
  table.sort(list, function(a, b) return a > b end)
  return list
end

-- ---- measures ----

-- Does tasks in chunks of so many, each chunk when the one before has ended, so many at once.
-- Returns the seconds, those until a result was there to be shown, and the results.
local function run(name, tasks, size, limit)
  orun.phase(name)
  local began, first, all = orun.ticks(), nil, {}
  for _, chunk in ipairs(orun.chunks(tasks, size)) do
    local ok, results = pcall(orun.fan_out, chunk, {limit = limit, on_failure = "stop",
      each = function() first = first or size == #tasks and orun.ticks() - began or nil end})
    if not ok and orun.stopping() then error(results, 0) end
    if not ok then fail("%s", (tostring(results):match("subagent_type.*") or results)) end
    first = first or orun.ticks() - began
    for _, result in ipairs(results) do
      if result.status == "failed" then fail("%s: %s", result.description, result.error) end
      all[#all + 1] = result
    end
  end
  return {seconds = orun.ticks() - began, first = first}, all
end

-- How many of ten tasks were not done because one failed: one after another, by a script that
-- ends then; and as tasks that say what they need.
local function blocked()
  local tasks, counts = tasks_of(MINUTES), {of = #MINUTES}
  tasks[FAILS] = {command = {"false"}, description = "a task that fails"}
  local function count(name, results)
    counts[name] = 0
    for _, result in ipairs(results) do
      if result.status == "cancelled" then counts[name] = counts[name] + 1 end
    end
  end
  orun.phase "one fails"
  count("one_by_one", orun.fan_out(tasks, {limit = 1, on_failure = "stop"}))
  for i in pairs(NEEDING) do tasks[i].blockedBy = {FAILS} end
  count("slots", orun.batches({{tasks = tasks}}, {limit = slots, progress = false}))
  return counts
end

local function measure()
  local m, results = {kind = args.agent or kind, slots = slots}
  if kind == SLEEPING then m.minute = minute end
  local ten, some = tasks_of(MINUTES), #MINUTES
  m.one_by_one = run("one by one", ten, some, 1)
  m.chunks = run("in chunks", ten, slots, slots)
  m.in_slots, results = run("in slots", ten, some, slots)
  if not args.agent then
    m.longest_first = run("the longest first", tasks_of(longest_first(MINUTES)), some, slots)
    m.all_at_once = run("all at once", ten, some, some)
  end
  m.context = context_of(results)
  local pair = tasks_of(PAIR)
  m.pair = {one_by_one = run("a pair, one by one", pair, #pair, 1), at_once = run("a pair", pair,
    #pair, #pair)}
  m.blocked = blocked()
  orun.phase "break-even"
  m.break_even = break_even(orun.config().workers, slots)
  return m
end

-- ---- all of it ----

local who = kind == SLEEPING
  and ("sleeping agents, %s for each minute"):format(format.duration(minute))
  or kind == "commands" and "programs that sort" or "agents of the type " .. args.agent
local head = ("%s; %d slots, %d workers"):format(format.line(who), slots, orun.config().workers)
if args.dry_run then
  local ways = args.agent and 3 or 5
  return options.answer(args, {kind = args.agent or kind, slots = slots, ways = ways}, ("%s: %d "
    .. "tasks, which are ten in %d ways; 4 in pairs; 8 beside one that fails\n"):format(head,
    ways * #MINUTES, ways))
end
if KINDS[kind] then
  orun.agent{name = "bench", preset = KINDS[kind].preset}
elseif backends.KNOWN[args.agent] then
  local field = check.among(backends.PROGRAMS, args.agent) and "preset" or "api"
  local ok, why = pcall(orun.agent, {name = args.agent, [field] = args.agent})
  if not ok then fail("%s", why) end
end
orun.config{processes = math.max(slots, #MINUTES)}
local measured = measure()
return options.answer(args, measured, head .. "\n\n" .. claims(measured))
