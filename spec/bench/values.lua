--- values: what it costs to carry a value into a task and back.

local cjson = require "cjson"
local measure = require "measure"

-- The program that hashes values (hash.c).
local HASHES <const> = "build/bench/hash"

-- About 1 KB as JSON: what an agent's task looks like.
local function message()
  local words = {}
  for i = 1, 76 do words[i] = ("word%d"):format(i) end
  return {
    id = 4711, title = "Review the change", priority = 3, ratio = 0.75, done = false,
    text = table.concat(words, " "),
    files = {"runtime/sched/sched.c", "runtime/task/board.c", "spec/sched_spec.lua"},
    tags = {"review", "code", "small"},
    counts = {12, 7, 0, 99, 100000, 31},
    owner = {name = "worker-7", host = "build-3", since = 1712345678},
    limits = {memory = 33554432, seconds = 90, tokens = 12000},
    notes = {{line = 10, text = "why?"}, {line = 77, text = "name it"},
             {line = 310, text = "a test is missing here"}},
  }
end

local function give_back(input) return input end

local function nothing() end

-- Processor seconds, and seconds by the clock, of one of n tasks.
local function tasks(n, run, input)
  local seconds, cpu = measure.time(function()
    local handles = {}
    for i = 1, n do handles[i] = Task{run = run, input = input, run_in_background = true} end
    for i = 1, n do assert(TaskOutput(handles[i]).status == "completed") end
  end)
  return cpu / n, seconds / n
end

local function value()
  local n = measure.size(10000, 3000)
  local table_1k = message()
  local text = cjson.encode(table_1k)
  assert(#text > 900 and #text < 1200, #text)
  local function json()
    for _ = 1, 2 * n do cjson.decode(cjson.encode(table_1k)) end
  end
  local walls = {}
  local r = measure.rounds({
    {"with", function()
      local cpu, seconds = tasks(n, give_back, table_1k)
      walls[#walls + 1] = seconds
      return cpu
    end},
    {"without", function() return (tasks(n, nothing)) end},
    {"json", function() return select(2, measure.time(json)) / n end},
  }, measure.size(9, 3))
  local ours = {}
  for i, cpu in ipairs(r.all.with) do ours[i] = cpu - r.all.without[i] end
  local ratios = {}
  for i, cpu in ipairs(ours) do ratios[i] = r.all.json[i] / cpu end
  local ratio = measure.median(ratios)
  measure.row{measure = ("table of %d B into a task and back"):format(#text),
    measured = measure.us(measure.median(ours)), anchor = "lua-cjson, same " .. measure.us(r.json),
    ratio = 1 / ratio, goal = ">= 2 x lua-cjson", met = ratio >= 2,
    note = ("%.2f x as fast; processor time of two copies each, over a task without (%s);"
      .. " such a task takes %s by the clock"):format(ratio, measure.us(r.without),
      measure.us(measure.median(walls)))}
end

-- What is asked before a task begins, in a run that is kept: is this work known?
local function hash()
  local all = {}
  for round = 1, measure.size(9, 3) do
    local row = {}
    for n in measure.shell(HASHES):gmatch("%d+") do row[#row + 1] = tonumber(n) end
    all[round] = row
  end
  local function median(i)
    local column = {}
    for round, row in ipairs(all) do column[round] = row[i] end
    return measure.median(column)
  end
  local string, bytes, small, plain = median(1), median(2), median(3), median(4)
  local rate = 64e9 / string -- MB/s
  measure.row{measure = "hash of a string of 64 MB", measured = ("%.0f MB/s"):format(rate),
    anchor = ("SHA-256 %.0f MB/s"):format(64e9 / bytes), ratio = string / bytes,
    goal = ">= 200 MB/s", met = rate >= 200}
  measure.row{measure = "hash of a small function, four captures",
    measured = measure.us(small / 1e9), anchor = "SHA-256, its bytes " .. measure.us(plain / 1e9),
    ratio = small / plain, goal = "<= 20 us", met = small <= 20e3,
    note = ("one that captures itself: %s; processor time"):format(measure.us(median(5) / 1e9))}
end

return {{"value", value}, {"hash", hash}}
