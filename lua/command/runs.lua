--- orun.command.runs: `orun runs`, the runs that were kept.

local format = require "orun.util.format"
local grid = require "orun.util.grid"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local options = require "orun.command.options"
local pick = require "orun.command.pick"
local tasks = require "orun.kept.tasks"

local COMMAND <const> = "orun runs"
local HELP <const> = [[
usage: orun runs [--json] [--store FILE]

Lists the runs that were kept, the newest first: the id, when it began, the script,
how its last try ended, how many of its tasks completed and failed, and bytes.

  --json        for programs
  --store FILE  those in FILE; otherwise in ORUN_STORE, or those kept by default

orun show RUN lists the tasks of one, orun resume RUN goes on with it, orun rm RUN
removes it. RUN is an id or the end of one; the newest where there is none.

Exit codes: 0 done, 1 a store cannot be read, 2 usage.
]]

-- A row; a run whose tasks cannot be read is complained about.
local function row_of(run, counts)
  return {run.id, os.date("%Y-%m-%d %H:%M", math.floor(run.begun)), run.state,
    counts and ("%d"):format(counts.completed) or "?",
    counts and ("%d"):format(counts.failed) or "?",
    format.bytes(run.bytes), orun.clean(run.script or "?")}
end

local function print_table(all, counts)
  local rows = {{"run", "began", "state", "done", "failed", "size", "script"}}
  for i, run in ipairs(all) do rows[i + 1] = row_of(run, counts[i]) end
  for _, line in ipairs(grid(rows, {[4] = true, [5] = true, [6] = true})) do
    options.write(line .. "\n")
  end
end

local function print_json(all, counts)
  local list = json.array()
  for i, run in ipairs(all) do
    list[i] = {id = run.id, state = run.state, exit_code = run.exit_code, script = run.script,
      cwd = run.cwd, store = run.file, began = run.begun, tried = run.again, ended = run.ended,
      tries = run.tries, bytes = run.bytes, pid = run.live and run.pid or nil,
      completed = counts[i] and counts[i].completed, failed = counts[i] and counts[i].failed}
  end
  options.write(json_line({runs = list}, true) .. "\n")
end

return options.command(COMMAND, HELP, function(...)
  local args = options.read({["--json"] = {"json"}, ["--store"] = pick.STORE}, {...})
  if args[1] then options.usage("%s is one word too many", args[1]) end
  local all, broken = pick.all(COMMAND, args)
  local counts = {}
  for i, run in ipairs(all) do
    local why
    counts[i], why = tasks.counts(run)
    if not counts[i] then
      options.complain(COMMAND, why)
      counts[i], broken = false, broken + 1
    end
  end
  if args.json then
    print_json(all, counts)
  elseif all[1] then
    print_table(all, counts)
  elseif broken == 0 then
    options.write("no run is kept\n")
  end
  return broken > 0 and 1 or 0
end)
