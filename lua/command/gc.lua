--- orun.command.gc: `orun gc --older-than 30d`, old runs are removed.

local check = require "orun.util.check"
local format = require "orun.util.format"
local options = require "orun.command.options"
local pick = require "orun.command.pick"
local remove = require "orun.kept.remove"

local COMMAND <const> = "orun gc"
local HELP <const> = [[
usage: orun gc --older-than TIME [--store FILE]
       orun gc --all [--store FILE]

Removes the runs that were kept and whose last try began longer ago than TIME, such as
30d, 12h or 90m, and says which; --all removes all. A run that is going on stays.

  --store FILE  runs in FILE; otherwise in ORUN_STORE, or those kept by default

Exit codes: 0 done, 1 not all of them, 2 usage.
]]

local function time_of(name, word)
  local seconds = check.seconds(word)
  if not seconds then options.usage("%s needs a time, such as 30d, 12h or 90m", name) end
  return seconds
end

local OPTIONS <const> = {["--all"] = {"all"}, ["--store"] = pick.STORE,
  ["--older-than"] = {"age", time_of, "a time, such as 30d, 12h or 90m"}}

return options.command(COMMAND, HELP, function(...)
  local args = options.read(OPTIONS, {...})
  if args[1] then options.usage("%s is one word too many", args[1]) end
  if not args.age and not args.all then options.usage("say --older-than TIME, or --all") end
  if args.age and args.all then options.usage("either --older-than or --all") end
  local all, code = pick.all(COMMAND, args)
  local before, count, bytes = os.time() - (args.age or 0), 0, 0
  for _, run in ipairs(all) do
    local old = args.all or math.max(run.begun, run.again or 0) < before
    if old and not run.live then
      local ok, why = remove(run)
      if ok then
        count, bytes = count + 1, bytes + run.bytes
        options.write(run.id .. "\n")
      else
        options.complain(COMMAND, why)
        code = 1
      end
    end
  end
  options.write(("%d run%s removed, %s\n"):format(count, count == 1 and "" or "s",
    format.bytes(bytes)))
  return code > 0 and 1 or 0
end)
