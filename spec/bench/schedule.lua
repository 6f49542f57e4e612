--- How good the order of tasks is, once it is known how long they take.

local measure = require "measure"

local FOLDER <const> = arg[0]:match("^(.*)/[^/]*$") or "."

-- Run the chains; the bound, and seconds.
local function chains(state, seed, seconds, mode)
  local text = measure.shell(("XDG_STATE_HOME=%s %s %s/chains.lua %d %g %s"):format(state,
    measure.orun_program, FOLDER, seed, seconds, mode))
  return text:match("(%S+)%s+(%S+)")
end

local function schedule()
  local seconds, state = measure.size(5, 2), os.tmpname()
  os.remove(state)
  local bounds, first, known, chunked = {}, {}, {}, {}
  for seed = 1, measure.size(5, 3) do
    local own = state .. "/" .. seed
    bounds[seed], first[seed] = chains(own, seed, seconds, "tasks")
    bounds[seed], known[seed] = chains(own, seed, seconds, "tasks")
    chunked[seed] = select(2, chains(own, seed, seconds, "chunks"))
  end
  os.execute("rm -rf " .. state)
  local function ratio(a, b)
    local all = {}
    for i = 1, #a do all[i] = a[i] / b[i] end
    return measure.median(all)
  end
  local quality, gain = ratio(known, bounds), ratio(chunked, known)
  measure.row{measure = "4 x 10 log-normal naps, 5 at once, known", ratio = quality,
    measured = measure.s(measure.median(known)), goal = "<= 1.05 x bound", met = quality <= 1.05,
    anchor = "bound " .. measure.s(measure.median(bounds))}
  measure.row{measure = "the same, chunk by chunk of 5", ratio = gain,
    measured = measure.s(measure.median(chunked)), goal = ">= 1.8 x that", met = gain >= 1.8,
    note = ("the first run, of which nothing was known: %.2f x bound"):format(
      ratio(first, bounds))}
end

return {{"schedule", schedule}}
