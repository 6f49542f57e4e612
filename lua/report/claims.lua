--- orun.report.claims: the figures of `orun bench guide`, each beside what the guide says of it.
--
--     io.write(claims(measured))   -- what lua/workflow/bench.lua prints with --json

local format = require "orun.util.format"
local grid = require "orun.util.grid"

--- @return the table, as text
return function(m)
  local slots = m.slots
  local rows = {{"", "measured", "gain", "the guide says"}}
  local function row(name, measured, gain, claim)
    rows[#rows + 1] = {name, measured or "", gain or "", claim or ""}
  end
  local function times(name, way, beside, claim)
    if not way then return end
    row("  " .. name, format.duration(way.seconds),
      beside and ("%.1f x"):format(beside.seconds / way.seconds), claim)
  end
  row "10 independent tasks"
  times("one by one", m.one_by_one, nil, "~30 min")
  times(("in chunks of %d"):format(slots), m.chunks, m.one_by_one, "3-6 x")
  times(("in %d slots"):format(slots), m.in_slots, m.one_by_one, "3-6 x")
  times(("in %d slots, the longest first"):format(slots), m.longest_first, m.one_by_one)
  times("all at once", m.all_at_once, m.one_by_one, "6 x, ~5 min")
  row "research and exploration"
  times("one by one", m.pair.one_by_one, nil, "~10 min")
  times("both at once", m.pair.at_once, m.pair.one_by_one, "2 x, ~5 min")
  row "context"
  local c = m.context
  local function size(bytes, tokens)
    return ("%s, ~%s tokens"):format(format.bytes(bytes), format.count(tokens))
  end
  row("  made by the agents", size(c.made, c.tokens.made), nil, "100 %")
  row("  handed to the script", size(c.handed, c.tokens.handed),
    ("%.3g %% saved"):format(c.saved * 100), "80-85 % saved")
  row "one of 10 tasks fails: not done are"
  row("  one by one", ("%d"):format(m.blocked.one_by_one), nil, "all that follow")
  row("  as tasks", ("%d"):format(m.blocked.slots), nil, "only dependents")
  row "the first result is there after"
  row("  one by one", format.duration(m.one_by_one.first), nil, "each task")
  row(("  in chunks of %d"):format(slots), format.duration(m.chunks.first), nil, "each batch")
  row(("  in %d slots"):format(slots), format.duration(m.in_slots.first))
  row "a task is worth it from"
  for _, name in ipairs{"functions", "programs"} do
    local seconds = m.break_even[name]
    local text = not seconds and "never" or seconds == 0 and "the shortest on"
    row("  " .. name, text or format.duration(seconds), nil, "30 s")
  end
  return table.concat(grid(rows, {[2] = true, [3] = true}), "\n") .. "\n"
end
