--- stored: what it costs to keep facts, beside SQLite and the disk alone.

local measure = require "measure"

local KEEP <const> = os.getenv("KEEP") or "build/bench/keep"

-- Numbers that keep.c prints, on a file in the build folder: on a disk, as a
-- user's store would be, and not in memory.
local function keep(...)
  local words = {KEEP, ...}
  words[#words + 1] = "build/bench/keep.store"
  local numbers = {}
  for n in measure.shell(table.concat(words, " ")):gmatch("%S+") do
    numbers[#numbers + 1] = tonumber(n)
  end
  return table.unpack(numbers)
end

local function rate(ns) return ("%.0f /s"):format(1e9 / ns) end

local function store()
  for _, clients in ipairs{8, 64} do
    local n = measure.size(400, 100) * clients
    local r = measure.rounds({
      {"store", function() return keep("store", clients, n) end},
      {"raw", function() return keep("raw", clients, n) end},
      {"sync", function() return keep("sync", 200) end},
    })
    -- Rates, of which more is better: the ratio of times the other way round.
    local ratio = r.ratio("raw", "store")
    measure.row{measure = ("facts kept, %d clients"):format(clients), measured = rate(r.store),
      anchor = ("SQLite alone %s"):format(rate(r.raw)), ratio = ratio,
      note = ("a sync of this disk takes %s; SQLite alone: one thread, %d rows in a commit")
        :format(measure.us(r.sync / 1e9), clients)}
  end
end

local function reopen()
  local n = measure.size(100000, 20000)
  local size
  local r = measure.rounds({
    {"open", function()
      local seconds, bytes = keep("reopen", n)
      size = bytes
      return seconds
    end},
  }, 3)
  local all = r.open * 100000 / n
  measure.row{measure = "100,000 outcomes opened and loaded", measured = measure.s(all),
    goal = "<= 1 s", met = all <= 1}
  measure.row{measure = "an outcome of 256 B in the file", measured = measure.bytes(size / n)}
end

-- Seconds that a run in a process of its own takes for n tasks, from the first to the last.
local RUN <const> = [[
local n, slots = tonumber(arg[1]), tonumber(arg[2])
local command, tasks, began = {table.unpack(arg, 3)}, {}, orun.now()
orun.config{processes = slots}
for i = 1, n do tasks[i] = Task{command = command, input = i, run_in_background = true} end
for i = 1, n do assert(TaskOutput(tasks[i]).status == "completed") end
print(orun.now() - began)
]]

-- On the disk whose syncs `keep` measures.
local STORE <const> = "build/bench/kept.store"

local function run(script, options, one)
  os.execute(("rm -f '%s'*"):format(STORE))
  return tonumber(measure.shell(("%s --no-history -q %s '%s' %d %d %s"):format(
    measure.orun_program, options, script, one.n, one.slots, one.command)))
end

-- A run that is kept beside the same one that is not. The goals are for disks that are not
-- slower than this.
local SYNC <const> = 0.5e-3

local function kept()
  local script = os.tmpname()
  local file = assert(io.open(script, "w"))
  file:write(RUN)
  file:close()
  for _, one in ipairs{
    {command = "sleep 0.05", n = measure.size(2000, 400), slots = 20, most = 1.05},
    {command = "true", n = measure.size(2000, 500), slots = 5, most = 1.10},
  } do
    local r = measure.rounds({
      {"kept", function() return run(script, "--store " .. STORE, one) end},
      {"other", function() return run(script, "--no-store", one) end},
      {"sync", function() return keep("sync", 200) end},
    }, measure.size(7, 3), measure.size(60, 20))
    local ratio, sync = r.ratio("kept", "other"), r.sync / 1e9
    local met
    if ratio <= one.most or sync < SYNC then met = ratio <= one.most end
    measure.row{measure = ("%d x %s, -j %d, kept"):format(one.n, one.command, one.slots),
      measured = measure.s(r.kept), anchor = "not kept " .. measure.s(r.other), ratio = ratio,
      goal = ("<= %.2f x"):format(one.most), met = met,
      note = ("a sync of this disk takes %s%s"):format(measure.us(sync),
        sync < SYNC and "" or "; the goal is for those of less than 500 us")}
  end
  os.execute(("rm -f '%s' '%s'*"):format(script, STORE))
end

return {{"store", store}, {"kept", kept}, {"reopen", reopen}}
