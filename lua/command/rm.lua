--- orun.command.rm: `orun rm RUN…`, kept runs are removed.

local options = require "orun.command.options"
local pick = require "orun.command.pick"
local remove = require "orun.kept.remove"
local runs = require "orun.kept.runs"

local COMMAND <const> = "orun rm"
local HELP <const> = [[
usage: orun rm RUN... [--store FILE]

Removes what is kept of these runs. RUN is an id or the end of one (orun runs lists
them), or the name of a file in the folder of runs that cannot be read. A run that is
going on is not removed.

  --store FILE  runs in FILE; otherwise in ORUN_STORE, or those kept by default

Exit codes: 0 done, 1 not all of them, 2 usage.
]]

-- The run that a word means, or a store that is none any more.
local function find(all, broken, word)
  for _, one in ipairs(broken) do
    local name = one.file:match("[^/]*$")
    if one.own and (word == one.file or word == name or word .. ".db" == name) then return one end
  end
  return pick.run(all, word)
end

return options.command(COMMAND, HELP, function(...)
  local args = options.read({["--store"] = pick.STORE}, {...})
  if not args[1] then options.usage("the run to be removed is missing") end
  local place, own = runs.place(args.store)
  if not place then options.refuse("the runs that were kept cannot be found: %s", own) end
  local all, broken = runs.all(place, own)
  local wanted = {}
  for i, word in ipairs(args) do wanted[i] = find(all, broken, word) end
  local code = 0
  for _, run in ipairs(wanted) do
    local ok, why = remove(run)
    if not ok then
      options.complain(COMMAND, why)
      code = 1
    end
  end
  return code
end)
