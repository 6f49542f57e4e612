--- orun.command.show: `orun show [RUN]`, the tasks of a run that was kept.

local format = require "orun.util.format"
local grid = require "orun.util.grid"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local line_width = require "orun.util.line_width"
local options = require "orun.command.options"
local pick = require "orun.command.pick"
local terminal = require "orun.terminal"

local COMMAND <const> = "orun show"
local HELP <const> = [[
usage: orun show [RUN] [--json] [--store FILE]

Lists what is kept of a run: its tasks, the try in which each ran, how it ended, how
long it took, what it cost. RUN is an id or the end of one (orun runs lists them);
without it, the newest.

  --json        for programs
  --store FILE  a run in FILE; otherwise in ORUN_STORE, or one kept by default

A task is called by the id that it had when it ran. Where a later try has given that
to another task, it has its try behind it, as t3@1.

Exit codes: 0 done, 1 no such run, or it cannot be read, 2 usage.
]]

local WIDTH <const> = 100
local FIELDS <const> = {"task_id", "try", "status", "description", "agent", "error", "error_kind",
  "exit_code", "signal", "attempts", "duration", "cost", "usage", "model", "phase", "file", "line",
  "bytes", "damaged"}

local function totals_of(tasks)
  local totals = {completed = 0, failed = 0, duration = 0}
  for _, task in ipairs(tasks) do
    if totals[task.status] then totals[task.status] = totals[task.status] + 1 end
    totals.duration = totals.duration + (task.duration or 0)
    if task.cost then totals.cost = (totals.cost or 0) + task.cost end
  end
  return totals
end

-- How the run stands, in a few words.
local function standing(run)
  local words = {run.state}
  if run.state == "going on" and run.pid then words[1] = "going on, process " .. run.pid end
  if run.state == "failed" then words[1] = "failed, exit code " .. run.exit_code end
  words[2] = run.tries > 1 and ("%d tries"):format(run.tries) or nil
  return table.concat(words, ", ")
end

local function title_of(task)
  local text = task.description or task.file and ("%s:%d"):format(task.file, task.line or 0) or ""
  local why = task.error and task.error:gsub("\nstack traceback:.*", "")
  if why then text = (text == "" and "" or text .. ": ") .. why end
  return text
end

local function print_text(run, tasks)
  local rows = {{"task", "try", "status", "took", "cost", "by", "what"}}
  for _, task in ipairs(tasks) do
    rows[#rows + 1] = {format.line(task.name, 20), ("%d"):format(task.try),
      task.damaged and "damaged" or format.line(task.status or "?", 12),
      task.duration and format.duration(task.duration) or "",
      task.cost and format.cost(task.cost) or "",
      format.line(task.agent or "", 20), format.line(title_of(task), WIDTH)}
  end
  local width = terminal.is(1) and line_width((terminal.size(1))) or nil
  options.write(("%s  %s\n"):format(run.id, format.line(run.script or "?", WIDTH)))
  options.write(("began %s, %s\n"):format(os.date("%Y-%m-%d %H:%M", math.floor(run.begun)),
    standing(run)))
  for _, line in ipairs(grid(rows, {[2] = true, [4] = true, [5] = true})) do
    options.write((width and terminal.fit(line, width) or line) .. "\n")
  end
  local totals = totals_of(tasks)
  options.write(("%d completed, %d failed; %s of work%s, %s\n"):format(totals.completed,
    totals.failed, format.duration(totals.duration),
    totals.cost and ", " .. format.cost(totals.cost) or "", format.bytes(run.bytes)))
end

local function print_json(run, tasks)
  local list = json.array()
  for i, task in ipairs(tasks) do
    list[i] = {id = task.name}
    for _, name in ipairs(FIELDS) do list[i][name] = task[name] end
  end
  options.write(json_line({id = run.id, state = run.state, exit_code = run.exit_code,
    script = run.script, cwd = run.cwd, store = run.file, began = run.begun, tried = run.again,
    ended = run.ended, tries = run.tries, bytes = run.bytes, pid = run.live and run.pid or nil,
    tasks = list, totals = totals_of(tasks)}, true) .. "\n")
end

return options.command(COMMAND, HELP, function(...)
  local args = options.read({["--json"] = {"json"}, ["--store"] = pick.STORE}, {...})
  if args[2] then options.usage("%s is one word too many", args[2]) end
  local run = pick.run(pick.all(COMMAND, args), args[1])
  local tasks = pick.tasks(run)
  if args.json then print_json(run, tasks) else print_text(run, tasks) end
end)
