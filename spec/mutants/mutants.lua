--- mutants: shows that the specs of the scheduler and of the store can fail.
---
---     make mutants                      every mutant of list.lua
---     make mutants ONLY='two-claims'    these only
---     make mutants SHORT=1              graphs alone where they catch it
---
--- Each is built in a folder of its own (one file compiled, and linked), plays
--- random graphs and runs the unit specs of the scheduler, or those or the measure
--- of spec/soak that it names. One that nobody catches fails the whole. `make`
--- says how to compile and link.

package.path = "./?.lua;" .. package.path

local h = require "spec.support.helper"
local graphs = require "spec.graph.graphs"
local mutants = require "spec.mutants.list"

local GRAPHS <const> = 2000
local PATIENCE <const> = 30 -- seconds with one graph; a mutant may hang
local LIMIT <const> = 120   -- seconds with the unit specs
local COLUMNS <const> = { 21, 44, 7 }
local UNITS <const> = { "sched/claims", "sched/durable", "sched/edges", "sched/limits",
                        "base/queue", "sched/rank", "sched/retry", "sched/sched", "task/states",
                        "task/timers", "sched/waits" }

local short = (os.getenv("SHORT") or "") ~= ""

local function line(cells)
  local out = {}
  for i, cell in ipairs(cells) do
    out[i] = cell .. (" "):rep((COLUMNS[i] or 0) - utf8.len(cell))
  end
  return (table.concat(out, " "):gsub("%s+$", ""))
end

-- ---- one, in a process of its own ----

local function must(mutant, command)
  local r = h.sh(command, { limit = 300 })
  if r.code ~= 0 then error(("mutants: %s: %s"):format(mutant.name, r.err), 0) end
end

local function mutated(mutant)
  local text = assert(h.read("runtime/" .. mutant.file))
  local from, to = text:find(mutant.old, 1, true)
  if not from or text:find(mutant.old, to + 1, true) then
    error(("mutants: %s: its old text is not once in %s"):format(mutant.name, mutant.file), 0)
  end
  return text:sub(1, from - 1) .. mutant.new .. text:sub(to + 1)
end

local function build(mutant, folder)
  local source = folder .. "/" .. mutant.file:match("[^/]+$")
  local object = source:gsub("c$", "o")
  local objects = {}
  must(mutant, "mkdir -p " .. folder)
  h.write(source, mutated(mutant))
  must(mutant, ("%s -w -o %s %s"):format(os.getenv("MUTANT_COMPILE"), object, source))
  for each in os.getenv("MUTANT_OBJECTS"):gmatch("%S+") do
    local own = each:match("[^/]+$") == object:match("[^/]+$")
    objects[#objects + 1] = own and object or each
  end
  must(mutant, ("%s -o %s/orun %s %s"):format(os.getenv("MUTANT_LINK"), folder,
    table.concat(objects, " "), os.getenv("MUTANT_LIBS")))
  return h.root .. "/" .. folder .. "/orun"
end

local function by_graphs(bin)
  local report = graphs.run(1, GRAPHS, { bin = bin, jobs = 1, patience = PATIENCE })
  if not report then return nil end
  local seed, steps = report:match("seed (%d+)"), report:match("\n(%d+) steps: ")
  return ("graphs: seed %s, %s"):format(seed or "?", steps and steps .. " steps" or "hangs"), report
end

local function by_units(bin, units)
  local words = { "spec/support/suite.lua", "--no-keep-going", bin = bin, limit = LIMIT,
                  env = { ORUN_TEST_BIN = bin, ORUN_BIN = units.whole and bin or nil } }
  for i, unit in ipairs(units) do
    local folder = unit:find "^command/" and "spec/" or "spec/unit/"
    words[i + 2] = folder .. unit .. "_spec.lua"
  end
  local r = h.orun(words)
  if r.code == 0 then return nil end
  local spec = r.out:match("spec/[%w/]+/(%w+)_spec.lua @ %d+")
  return "units: " .. (spec or r.code == 124 and "hangs" or "signal " .. (r.signal or r.code))
end

-- A measure of spec/soak, in its own words: {name, rounds}.
local function by_measure(bin, measure)
  local r = h.orun { "spec/soak/soak.lua", "--alone", measure[1], tostring(measure[2]), bin = bin,
    limit = LIMIT, env = { ORUN_BIN = bin } }
  if r.code == 0 then return nil end
  local first = r.out:match("RESULT\t[1-9]%d*\tseed %d+: ([^\n]+)")
  return ("soak %s: %s"):format(measure[1], first or "breaks")
end

local function try(mutant)
  local began = orun.now()
  local folder = "build/mutants/" .. mutant.name
  local bin = build(mutant, folder)
  local graph, report
  if not mutant.units and not mutant.measure then graph, report = by_graphs(bin) end
  local unit
  if mutant.measure then
    unit = by_measure(bin, mutant.measure)
  elseif not (graph and short) then
    unit = by_units(bin, mutant.units or UNITS)
  end
  h.sh("rm -rf " .. folder)
  local caught = graph and unit and graph .. "; " .. unit or graph or unit
  print(line { mutant.name, caught or "NOBODY", ("%.1f"):format(orun.now() - began),
    mutant.breaks })
  if short and report then print(report) end
  os.exit(caught and 0 or 1)
end

-- ---- all ----

local function named(name)
  for _, mutant in ipairs(mutants) do
    if mutant.name == name then return mutant end
  end
  error("mutants: there is none called " .. name, 0)
end

local function chosen()
  local all = {}
  for name in (os.getenv("ONLY") or ""):gmatch("%S+") do all[#all + 1] = named(name) end
  return #all > 0 and all or mutants
end

local function main()
  local all, started, missed = chosen(), {}, 0
  local jobs = tonumber(h.lines(h.sh("nproc").out)[1]) or 1
  print(line { "mutant", "caught by", "seconds", "what it breaks" })
  for i, mutant in ipairs(all) do
    for next_one = #started + 1, math.min(i + jobs - 1, #all) do
      started[next_one] = h.start { arg[0], "--one", all[next_one].name, bin = h.bin }
    end
    local r = started[i]:wait(10 * LIMIT)
    local told = r and r.out .. r.err or mutant.name .. " does not end\n"
    io.write(told)
    io.flush()
    if not r or r.code ~= 0 then missed = missed + 1 end
  end
  print(("# %d of %d mutants were caught"):format(#all - missed, #all))
  if missed > 0 then os.exit(1) end
end

if arg[1] == "--one" then try(named(arg[2])) else main() end
