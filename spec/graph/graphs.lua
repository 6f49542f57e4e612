--- Plays many graphs, in as many processes as there are processors; a failure,
--- a crash and a hang too, comes back as text that names the seed and the
--- shortest list of steps that fails so.

local h = require "spec.support.helper"
local shrink = require "spec.graph.shrink"

local M = {}

local SCRIPT <const> = "spec/graph/run.lua"

local function processors()
  return math.tointeger(tonumber(h.lines(h.sh("nproc").out)[1])) or 1
end

-- ---- one that dies ----

-- The line of an assertion, or how it ended.
local function death_of(r)
  local said = r.err:match("[^\n]*Assertion[^\n]*")
  return said or r.signal and "it dies of signal " .. r.signal or "it ends with code " .. r.code
end

-- Play in a process of its own, which may die of it.
local function play_apart(path, bin)
  return function(slots, steps)
    local lines = { shrink.text(slots) }
    for _, step in ipairs(steps) do lines[#lines + 1] = shrink.text(step) end
    h.write(path, table.concat(lines, "\n") .. "\n")
    local r = h.orun { SCRIPT, "--play", path, bin = bin, limit = 10 }
    return r.code ~= 0 and death_of(r) or nil, steps
  end
end

local function crash_report(seed, r, bin)
  local path = h.tmpdir() .. "/steps"
  local all = {}
  h.orun { SCRIPT, "--trace", tostring(seed), path, bin = bin, limit = 10 }
  for line in io.lines(path) do all[#all + 1] = load(line)() end
  local slots = table.remove(all, 1)
  local small, steps, why = shrink.shrink(slots, all, play_apart(path, bin), 400)
  local told = ("seed %d: %s\n"):format(seed, death_of(r))
  if not small then return told .. r.out .. r.err end
  return ("%s%d steps: %s\n  %s\n"):format(told, #steps, why,
    table.concat(shrink.lines(small, steps), "\n  "))
end

-- ---- many ----

-- Wait for the end of a process; nil when it is at one seed for `patience`
-- seconds, in which it could also make a failure small.
local function wait_for(p, patience)
  local at, since = nil, os.time()
  while os.time() - since <= patience do
    local r = p.process:wait(1)
    if r then return r end
    local now = h.read(p.at)
    if now ~= at then at, since = now, os.time() end
  end
end

-- The end of a process, as text: nil when all was well.
local function wrong_with(p, patience, bin, seen)
  local r = wait_for(p, patience)
  local seed = tonumber(h.read(p.at) or "")
  if not r then
    p.process:kill("KILL")
    return ("seed %s: it does not end\n"):format(seed)
  end
  if r.code == 0 then
    for what, n in r.out:gmatch("([^\t\n]+)\t(%d+)\n") do seen[what] = (seen[what] or 0) + n end
    return nil
  end
  if r.code == 1 and r.out:find("^seed ") then return r.out end
  return seed and crash_report(seed, r, bin) or "no graph was played: " .. r.out .. r.err
end

--- Play the graphs of the seeds `from` to `to`. Gives nil and how often what
--- happened, or the report of the first failures. `bin` plays them (the test
--- build), in `jobs` processes; one that is at one seed for `patience` seconds
--- (120) counts as failed.
function M.run(from, to, opts)
  opts = opts or {}
  local bin, jobs = opts.bin or h.test_bin, opts.jobs or processors()
  local all, size = {}, (to - from) // jobs + 1
  for first = from, to, size do
    local at = h.tmpdir() .. "/at"
    all[#all + 1] = { at = at, process = h.start { SCRIPT, tostring(first),
      tostring(math.min(first + size - 1, to)), at, bin = bin } }
  end
  local wrong, seen = {}, {}
  for _, p in ipairs(all) do
    wrong[#wrong + 1] = wrong_with(p, (opts.patience or 120) * h.slow, bin, seen)
  end
  if #wrong > 0 then return table.concat(wrong, "\n") end
  return nil, seen
end

return M
