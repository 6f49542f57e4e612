--- chains: ten chains of four naps, whose lengths are log-normal, five at once.
--
--     orun spec/bench/chains.lua SEED SECONDS MODE
--
-- SECONDS is the sum of all naps. MODE is "tasks": each nap is a task that waits for the
-- one before it in its chain; or "chunks": stage by stage five are started and waited for.
-- Prints the lower bound and the seconds it took. Each nap has a key, so that a second run
-- knows how long they are.

local CHAINS <const>, STAGES <const>, SLOTS <const>, SPREAD <const> = 10, 4, 5, 0.8

-- The naps, stage by stage, and no schedule's time is below the second result.
local function naps(seed, seconds)
  math.randomseed(seed)
  local all, sum, longest = {}, 0, 0
  for i = 1, CHAINS * STAGES do
    local normal = math.sqrt(-2 * math.log(1 - math.random()))
      * math.cos(2 * math.pi * math.random())
    all[i] = math.exp(SPREAD * normal)
    sum = sum + all[i]
  end
  for i = 1, #all do all[i] = all[i] * seconds / sum end
  for chain = 1, CHAINS do
    local span = 0
    for i = chain, #all, CHAINS do span = span + all[i] end
    longest = math.max(longest, span)
  end
  return all, math.max(longest, seconds / SLOTS)
end

local function task(i, nap, blocker)
  return Task{key = "nap " .. i, run = function(s) orun.sleep(s) end, input = nap, pool = "five",
              blockedBy = {blocker}, run_in_background = true}
end

local run = {}

function run.tasks(all)
  local handles = {}
  for i, nap in ipairs(all) do handles[i] = task(i, nap, handles[i - CHAINS]) end
  for _, handle in ipairs(handles) do TaskOutput(handle) end
end

function run.chunks(all)
  for first = 1, #all, SLOTS do
    local handles = {}
    for i = first, first + SLOTS - 1 do handles[#handles + 1] = task(i, all[i]) end
    for _, handle in ipairs(handles) do TaskOutput(handle) end
  end
end

local all, bound = naps(tonumber(arg[1]), tonumber(arg[2]))
orun.limit("five", SLOTS)
local began = orun.now()
run[arg[3]](all)
print(bound, orun.now() - began)
