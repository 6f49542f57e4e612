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

return {{"store", store}, {"reopen", reopen}}
