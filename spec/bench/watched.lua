--- watched: what it costs that a run is shown, reported on and looked into.

local measure = require "measure"

local FOLDER <const> = arg[0]:match("^(.*)/[^/]*$") or "."

-- Seconds of a run of watched_run.lua.
local function run(options, how, n)
  local out = measure.shell(("XDG_STATE_HOME=/nonexistent %s --no-history %s %s/watched_run.lua "
    .. "%s %d 2>/dev/null"):format(measure.orun_program, options, FOLDER, how, n))
  return tonumber(out)
end

local SHOWN <const> = "--progress plain --report full"
local NOT <const> = "--progress none --report none"

local function compare(how, n, what, goal)
  local r = measure.rounds({
    {"shown", function() return run(SHOWN, how, n) end},
    {"not", function() return run(NOT, how, n) end},
  }, measure.size(9, 3), measure.size(40, 10))
  local ratio = r.ratio("shown", "not")
  local met
  if goal then met = ratio <= 1.02 end
  measure.row{measure = what, measured = measure.s(r.shown),
    anchor = "alone " .. measure.s(r["not"]), ratio = ratio, goal = goal, met = met}
end

local function watched()
  compare("programs", measure.size(400, 100), "progress, report and findings: programs of 50 ms",
    "<= 1.02 x")
  compare("functions", measure.size(20000, 4000), "    the same: functions that do nothing")
end

return {{"watched", watched}}
