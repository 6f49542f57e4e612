--- orun.command.tasks: `orun tasks …`, what a run does, seen from another terminal.
--
-- The run is one that this user has started, found by itself (control/runs.lua); what it is asked
-- is control/run_tools.lua. The full screen is watch/init.lua.

local client = require "orun.control.client"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local options = require "orun.command.options"
local registry = require "orun.control.runs"
local task_table = require "orun.watch.table"
local terminal = require "orun.terminal"
local words = require "orun.watch.words"

local refuse <const>, usage <const>, write <const> = options.refuse, options.usage, options.write

local DONE <const> = 0
local PATIENCE <const> = 5      -- seconds until a run answers
local PAGE <const> = 500        -- tasks asked for at once
local WIDE <const> = 400        -- columns of a table that nobody reads on a terminal
local PIECE <const> = 64 << 10  -- bytes of an output asked for at once

local HELP <const> = [[
usage: orun tasks [RUN] [--all] [--watch] [--json]
       orun tasks [RUN] output ID [--stderr]
       orun tasks [RUN] stop ID|all
       orun tasks [RUN] drain

Shows what a run of orun is doing: its tasks that have not ended, and those that
failed. Without RUN it shows your only live run, or lists your runs if there are
several. RUN is a run's name or the end of it, its process id, or its script.

  --all      tasks that have ended, too
  --watch    on the whole screen, live: Enter shows a task's output, s stops a
             task, S stops all, D drains, / filters, ? lists more keys; with
             several live runs you choose one there
  --json     for programs
  output ID  prints what a task has printed, or returned, so far
  stop ID    cancels a task and all it has started; `all` cancels all tasks
  drain      starts nothing more: tasks that wait, and new ones, are cancelled, no
             item of the list is handed out, and tasks that run go on

Exit codes: 0 done, 1 no run, several, or refused, 2 usage.
]]

local LIVE <const> = {"running", "queued", "blocked", "failed"}
local ALL <const> = {"running", "queued", "blocked", "failed", "cancelled", "completed"}

local function say(line) write(line .. "\n") end

-- ---- options ----

local OPTIONS <const> = {["--all"] = {"all"}, ["--watch"] = {"watch"}, ["-w"] = {"watch"},
  ["--json"] = {"json"}, ["--stderr"] = {"stderr"}}
local COMMANDS <const> = {"drain", "output", "stop"}
local KNOWN <const> = {drain = true, output = true, stop = true}

-- {run=, command=, id=, all=, …}
local function read(list)
  local args = options.read(OPTIONS, list)
  if args[1] and not KNOWN[args[1]] then
    args.run = table.remove(args, 1)
  end
  args.command, args.id = args[1], args[2]
  if args.command and not KNOWN[args.command] then
    usage("%s: unknown command%s", args.command, options.near(args.command, COMMANDS))
  end
  local drains = args.command == "drain"
  if args.command and not args.id and not drains then
    usage("%s: the id of a task is missing", args.command)
  end
  local extra = args[drains and 2 or 3]
  if extra then usage("%s is one word too many", extra) end
  if args.stderr and args.command ~= "output" then usage("--stderr is for output") end
  if args.command and (args.all or args.watch) then
    usage("%s takes no --%s", args.command, args.all and "all" or "watch")
  end
  if args.watch and args.json then usage("either --watch or --json") end
  return args
end

-- ---- the run ----

local function shown_run(run)
  return {name = run.name, pid = run.pid, script = run.script, cwd = run.cwd, began = run.began}
end

local function list_runs(list, as_json)
  if as_json then
    local shown = json.array()
    for i, run in ipairs(list) do shown[i] = shown_run(run) end
    say(json_line({runs = shown}, true))
    return
  end
  for _, run in ipairs(list) do
    say(orun.clean(("%s  %7d  %6s  %s"):format(run.name, run.pid,
      words.age(run), run.script)))
  end
end

-- The run that is meant; nil where --watch has the user choose.
local function find(args)
  local all, why = registry.all()
  if not all then refuse("the runs cannot be found: %s", why) end
  local list = args.run and registry.matching(all, args.run) or all
  if #list == 1 then return list[1] end
  if #all == 0 then
    refuse("no run of yours is going on (one can be found from its first task on)")
  end
  if args.watch and #list > 1 then return nil end
  if #list == 0 then list = all end
  list_runs(list, args.json)
  if args.run and list == all then
    refuse("%s: no run is called that; those above go on", args.run)
  end
  refuse("%d runs go on; say which: orun tasks %s", #list, list[#list].name)
end

-- The result of a call, or nil, a message and a reason; a refusal where the run is silent.
local function call(run, name, args)
  local channel, why, reason = client.begin(name, args, run)
  local late = terminal.clock() + PATIENCE
  while channel do
    orun.await({channel}, math.max(0, late - terminal.clock()))
    local result
    result, why, reason = client.reply(channel)
    if result ~= nil then return result end
    if reason ~= "more" then break end
    if terminal.clock() >= late then
      refuse("%s does not answer; is process %d suspended?", run.name, run.pid)
    end
  end
  return nil, why, reason
end

-- The result of a call; a refusal where the run says no, or nothing.
local function ask(run, name, args)
  local result, why, reason = call(run, name, args)
  if result ~= nil then return result end
  if reason == "gone" then why = run.name .. ": " .. why end
  refuse("%s", why)
end

-- ---- what is printed ----

-- All tasks in these states, and how many there are of each.
local function gather(run, states)
  local rows, seen, counts = {}, {}, nil
  for offset = 0, math.maxinteger, PAGE do
    local page = ask(run, "RunTasks", {states = states, offset = offset, limit = PAGE})
    counts = counts or page.counts
    for _, e in ipairs(page.tasks) do -- one that moved on meanwhile may come twice
      if not seen[e.id] then rows[#rows + 1] = e end
      seen[e.id] = true
    end
    if #page.tasks < PAGE then return rows, counts end
  end
end

local function print_json(run, rows, counts)
  local tasks = json.array()
  for i, e in ipairs(rows) do tasks[i] = e end
  say(json_line({run = shown_run(run), counts = counts, tasks = tasks}, true))
end

local function print_table(run, rows, counts)
  local columns = terminal.size(1) or WIDE
  say((terminal.fit(("%s  %s  %s"):format(run.script, run.name,
    words.age(run)), columns)))
  if rows[1] then
    local layout = task_table.layout(rows, columns)
    say(task_table.header(layout))
    for _, e in ipairs(rows) do say(task_table.line(layout, e)) end
  end
  say((terminal.fit(words.counts(counts), columns)))
end

local function show(run, args)
  local rows, counts = gather(run, args.all and ALL or LIVE)
  if args.json then print_json(run, rows, counts) else print_table(run, rows, counts) end
  return DONE
end

local function print_output(run, args)
  local at, attempt = 0, nil
  repeat
    local piece = ask(run, "RunOutput", {task_id = args.id, offset = at, limit = PIECE,
      stream = args.stderr and "stderr" or nil, attempt = attempt})
    local text = piece.text
    if terminal.is(1) then text = orun.clean(text) end
    write(text)
    at, attempt = piece.offset + #piece.text, piece.attempt
  until at >= piece.size or piece.text == ""
  return DONE
end

-- A run may end by what it is asked to stop, and does not answer then; it is asked once more,
-- for one that has no memory for an answer says nothing either.
local function stop(run, args)
  local name, what = "TaskStop", {task_id = args.id}
  if args.id == "all" then name, what = "RunStop", {} end
  local result, why, reason = call(run, name, what)
  if result == nil and reason == "gone" then
    call(run, name, what)
  elseif result == nil then
    refuse("%s", why)
  end
  return DONE
end

local function watch(run) -- nil: one is chosen
  local code, why = require("orun.watch")(run)
  if code then return code end
  refuse("--watch needs a terminal (%s); without one: orun tasks, or --json", why)
end

return options.command("orun tasks", HELP, function(...)
  local args = read{...}
  local run = find(args)
  if not run then return watch() end
  if args.command == "output" then return print_output(run, args) end
  if args.command == "stop" then return stop(run, args) end
  if args.command == "drain" then
    ask(run, "RunDrain", {})
    return DONE
  end
  if args.watch then return watch(run) end
  return show(run, args)
end)
