--- What is done next to a graph: chosen at random, the same for the same seed.

local graph = require "spec.graph.graph"

local M = {}

local STEPS <const> = 60
local PATHS <const> = { "/f", "/d", "/d/f", "/d/g", "/x" }
local LIMITS <const> = { "a", "b" }
local AGENTS <const> = { "x", "y" }
local KINDS <const> = { "lua", "lua", "lua", "process", "item" }
local KEYS <const> = { "second", "minute", "hour", "unknown" }
local DURATIONS <const> = "spec/graph/durations" -- in the order of KEYS
local ENDS <const> = { "completed", "completed", "completed", "failed", "failed", "cancelled" }
local AWAITED <const> = { "task", "task", "task", "time", "item", "op", "collector" }

local random <const> = math.random

local function any(list)
  return list[random(#list)]
end

local function chance(percent)
  return random(100) <= percent
end

-- ---- whom ----

local function any_task(g)
  local n = #g.watch.tasks
  return n > 0 and random(n) or nil
end

-- A task whose code runs.
local function any_running(g)
  local running = g.watch.running
  return #running > 0 and running[random(#running)] or nil
end

local function any_worker(g)
  return chance(70) and any_running(g) or 0
end

-- ---- what ----

local choose <const> = {}

local function some_options(g, o)
  if chance(25) then o.timeout = random(8) end
  if chance(30) then o.limit = any(LIMITS) end
  if chance(20) then o.agent = any(AGENTS) end
  if chance(30) then o.retry = { max = random(3), backoff = random(0, 2) } end
  if chance(g.writes) then o.writes = { any(PATHS), chance(50) and any(PATHS) or nil } end
  if g.slots.history and chance(70) then o.key = any(KEYS) end
  if not g.slots.history and chance(4) then o.instant = chance(50) and "completed" or "failed" end
  if chance(30) then o.parent = any_running(g) end
end

function choose.add(g)
  local o = { kind = any(KINDS) }
  if chance(60) then
    o.blockers = {}
    for i = 1, random(0, 3) do o.blockers[i] = any_task(g) end
  end
  if chance(20) then o.despite_failure = true end
  if chance(20) then o.priority = random(-10, 10) end
  if chance(20) then o.detach = true end
  if o.kind ~= "item" then some_options(g, o) end
  return { "add", #g.watch.tasks + 1, o }
end

function choose.finish(g)
  local id = any_running(g)
  return id and { "finish", id, any(ENDS), chance(30) or nil }
end

function choose.late(g)
  local id = any_task(g)
  return id and { "late", id }
end

function choose.begin(g)
  local granted = g.slots.manual and g.sim:granted() or {}
  return #granted > 0 and { "begin", any(granted) }
end

function choose.advance()
  return { "advance", any { 0, 0.1, 0.25, 1, 1.25, 3 } }
end

function choose.stop(g)
  local id = any_task(g)
  return id and { "stop", id }
end

function choose.wait(g)
  local id = chance(95) and any_running(g) or (chance(30) and 0 or nil)
  if not id then return end
  local what = any(AWAITED)
  local seconds = (what == "time" or chance(30)) and random(0, 4) or nil
  if id == 0 and what == "op" then what = "idle" end
  if what == "task" then
    what = any_task(g)
  elseif what == "collector" then
    what = { random(3) }
  end
  return what and { "wait", id, what, seconds }
end

function choose.hurry()
  return { "hurry", chance(50) }
end

function choose.op_done()
  return { "op_done" }
end

function choose.collect(g)
  local ids = {}
  for i = 1, random(5) do ids[i] = any_task(g) end
  return { "collect", #g.collectors + 1, ids }
end

function choose.take(g)
  return #g.collectors > 0 and { "take", random(#g.collectors) }
end

function choose.claim(g)
  return { "claim", any_worker(g), chance(20) and any_task(g) or nil }
end

function choose.resolve(g)
  local item, who = any_task(g), any_worker(g)
  if not item then return end
  if chance(30) then return { "release", item, who } end
  return { "resolve", item, who, any { "completed", "failed", "cancelled" } }
end

function choose.block(g)
  local step = { "block" }
  for i = 1, random(4) do step[i + 1] = { any_task(g), any_task(g) } end
  return step
end

function choose.priority(g)
  local id = any_task(g)
  return id and { "priority", id, random(-10, 10) }
end

-- What is begun later than granted may be more than a limit lowered meanwhile.
function choose.limit(g)
  local name = any { "a", "b", "lua", "process" }
  local cap = random(4)
  if g.slots.manual and cap < g.watch.caps[name] then return end
  return { (name == "lua" or name == "process") and "slots" or "limit", name, cap }
end

local OFTEN <const> = {
  "add", "add", "add", "add", "add", "finish", "finish", "finish", "finish", "finish",
  "advance", "advance", "wait", "wait", "wait", "claim", "claim", "resolve", "resolve",
  "block", "block", "priority", "stop", "begin", "begin",
}
local SELDOM <const> = { "late", "limit", "op_done", "collect", "take", "take", "hurry" }

-- Of what keeps the run, whatever is asked: a look finds something now and then.
local function answer(g)
  local asked = {}
  for id in pairs(g.watch.asked) do asked[#asked + 1] = id end
  table.sort(asked)
  local id = #asked > 0 and any(asked)
  local found = id and g.watch.asked[id] == "look" and chance(25)
  return id and { "answer", id, found and any { "completed", "completed", "failed" } or nil }
end

local function next_step(g)
  if g.slots.durable and chance(30) then return answer(g) end
  return choose[any(chance(12) and SELDOM or OFTEN)](g)
end

local function some_slots()
  return {
    lua = random(4), process = random(2), limits = { a = random(2), b = 1 },
    agents = { x = random(2), y = 1 },
    manual = chance(10) or nil, no_ladder = chance(10) or nil,
    history = chance(30) and DURATIONS or nil,
  }
end

--- The slots of the graph with this seed; the random numbers that follow are
--- its own.
function M.slots(seed)
  math.randomseed(seed)
  local slots = some_slots()
  if seed % 3 == 0 then slots.durable = seed % 2 == 0 and "answered here" or seed end
  return slots
end

-- So many steps that could be done, or nearly so.
local function play_some(g, n)
  for _ = 1, n * 4 do
    if n == 0 then return end
    local step = next_step(g)
    if step and g:play(step) then n = n - 1 end
  end
end

--- Play a graph of this seed to its end. Gives the graph; raises when a promise
--- is broken. `begun(graph)` is called before its first step.
function M.play(seed, begun)
  local g = graph.new(M.slots(seed))
  g.writes = any { 10, 30, 90 } -- percent of the tasks
  if begun then begun(g) end
  play_some(g, STEPS)
  if chance(10) then g:play { "cancel_all" } end
  if g.slots.durable and chance(10) then
    g:play { "drain" }
    play_some(g, random(0, 6))
  end
  if chance(20) then
    g:play { "close" }
    play_some(g, random(0, 6))
  end
  g:drain()
  return g
end

return M
