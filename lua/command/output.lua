--- orun.command.output: `orun output RUN TASK`, what a task of a kept run has printed or returned.

local json = require "orun.json"
local options = require "orun.command.options"
local pick = require "orun.command.pick"
local tasks = require "orun.kept.tasks"
local terminal = require "orun.terminal"

local COMMAND <const> = "orun output"
local HELP <const> = [[
usage: orun output [RUN] TASK [--stderr] [--store FILE]

Prints what a task of a kept run has printed, or returned: a text as it is, anything
else as JSON. RUN is an id or the end of one (orun runs lists them), TASK is an id as
orun show has it. Without RUN, it is the newest.

  --stderr      what its program printed to standard error
  --store FILE  a run in FILE; otherwise in ORUN_STORE, or one kept by default

Exit codes: 0 done, 1 no such run or task, or it cannot be read, 2 usage.
]]

local function as_json(value)
  local ok, text = pcall(json.encode, value, {lossy = true, name = "output"})
  return ok and text or tostring(text)
end

return options.command(COMMAND, HELP, function(...)
  local args = options.read({["--stderr"] = {"stderr"}, ["--store"] = pick.STORE}, {...})
  if not args[1] then options.usage("the id of a task is missing") end
  if args[3] then options.usage("%s is one word too many", args[3]) end
  local word, id = args[2] and args[1], args[2] or args[1]
  local run = pick.run(pick.all(COMMAND, args), word)
  local bytes, why = tasks.output(run, pick.task(run, id), args.stderr, as_json)
  if not bytes then options.refuse("%s", why) end
  options.write(terminal.is(1) and orun.clean(bytes) or bytes)
end)
