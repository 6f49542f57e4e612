--- Plays the graphs of some seeds, in the test build:
---
---     build/test/orun spec/graph/run.lua FROM TO [AT]
---     build/test/orun spec/graph/run.lua --trace SEED FILE
---     build/test/orun spec/graph/run.lua --play FILE
---
--- The first plays each, tells how often what happened, and ends with 1 at the
--- first that fails, made small. The seed it is at stands in the file AT, for
--- the case that it dies. The others are for that case (graphs.lua): the steps
--- of a seed, each written before it is done; and doing those of a file.

package.path = "./?.lua;" .. package.path

local choice = require "spec.graph.choice"
local shrink = require "spec.graph.shrink"

local function report(seed, slots, steps, why)
  print(("seed %d: %s"):format(seed, why))
  local small, left, reason = shrink.shrink(slots, steps)
  if not small then
    print("(these steps alone do not fail)")
    small, left, reason = slots, steps, why
  end
  print(("%d steps: %s"):format(#left, reason))
  print("  " .. table.concat(shrink.lines(small, left), "\n  "))
end

-- Play one; false when it failed, which is told.
local function attempt(seed, seen)
  local g
  local ok, why = xpcall(choice.play, function(e)
    return type(e) == "table" and e.promise or debug.traceback(e)
  end, seed, function(begun) g = begun end)
  if not ok then
    report(seed, g.slots, g.trace, why)
    return false
  end
  for what, n in pairs(g.watch.seen) do seen[what] = (seen[what] or 0) + n end
  return true
end

local function run(from, to, at)
  local file = at and assert(io.open(at, "w"))
  local seen = {}
  for seed = from, to do
    if file then
      file:seek("set")
      file:write(seed, "\n")
      file:flush()
    end
    if not attempt(seed, seen) then os.exit(1) end
  end
  for what, n in pairs(seen) do print(("%s\t%d"):format(what, n)) end
end

local function trace(seed, path)
  local file = assert(io.open(path, "w"))
  local function note(value)
    file:write(shrink.text(value), "\n")
    file:flush()
  end
  note(choice.slots(seed))
  choice.play(seed, function(g)
    local play = g.play
    function g.play(self, step)
      note(step)
      return play(self, step)
    end
  end)
end

local function play(path)
  local all = {}
  for line in io.lines(path) do all[#all + 1] = load(line)() end
  local why = shrink.play(all[1], table.move(all, 2, #all, 1, {}))
  if why then
    print(why)
    os.exit(1)
  end
end

if arg[1] == "--trace" then
  trace(math.tointeger(arg[2]), arg[3])
elseif arg[1] == "--play" then
  play(arg[2])
else
  run(math.tointeger(arg[1]), math.tointeger(arg[2]), arg[3])
end
