--- programs: what starting and watching other programs costs.

local measure = require "measure"
local orun = require "orun"

local GIB <const> = 1 << 30

-- A make above this one is not asked for slots.
local MAKE <const> = "MAKEFLAGS= MAKELEVEL= make -s -C %s -j%d"
local MAKE_ORDERED <const> = MAKE .. " -O >/dev/null"

-- Starts n tasks of an agent type, collects them in order, gives the results.
local function run_all(n, agent, each)
  local handles = {}
  for i = 1, n do
    handles[i] = Task{subagent_type = agent, allow_empty = true, run_in_background = true}
  end
  for i = 1, n do
    local result = TaskOutput(handles[i])
    assert(result.status == "completed", result.error)
    if each then each(i, result) end
  end
end

local function slots_of(n)
  orun.config{processes = n}
end

-- A folder with files of these names and texts, and how to remove it.
local function folder(files)
  local dir = measure.shell("mktemp -d"):gsub("\n", "")
  for name, text in pairs(files) do
    local file <close> = assert(io.open(dir .. "/" .. name, "w"))
    file:write(text)
  end
  return dir, setmetatable({}, {__close = function() os.execute("rm -r " .. dir) end})
end

-- Files with which make and ninja run a command n times.
local function build_files(n, command)
  local targets = {}
  for i = 1, n do targets[i] = "t" .. i end
  local all = table.concat(targets, " ")
  local ninja = {"rule r", "  command = " .. command}
  for i = 1, n do ninja[#ninja + 1] = ("build %s: r"):format(targets[i]) end
  return {
    Makefile = (".PHONY: all %s\nall: %s\n%s:\n\t@%s\n"):format(all, all, all, command),
    ["build.ninja"] = table.concat(ninja, "\n") .. "\n",
  }
end

-- How other tools run n commands: {program, shell command}, installed or not.
local function others(n, slots, command, dir)
  return {
    {"make", MAKE:format(dir, slots)},
    {"xargs", ("seq %d | xargs -P %d -I{} %s"):format(n, slots, command)},
    {"ninja", ("ninja --quiet -C %s -j%d >/dev/null"):format(dir, slots)},
  }
end

-- The sides of those that are installed, each giving seconds for one of n.
local function other_sides(n, slots, command, dir)
  local sides = {}
  for _, tool in ipairs(others(n, slots, command, dir)) do
    if measure.installed(tool[1]) then
      sides[#sides + 1] = {tool[1], function()
        return measure.time(measure.shell, tool[2]) / n
      end}
    else
      measure.note("%s is not installed: skipped", tool[1])
    end
  end
  return sides
end

local function per_second(seconds)
  return ("%.0f/s"):format(1 / seconds)
end

-- 2,000 for each tool, in rounds short enough to meet the same weather.
local function spawn_at(slots)
  local n = measure.size(400, 200)
  local dir, guard = folder(build_files(n, "true"))
  local _ <close> = guard
  slots_of(slots)
  local sides = other_sides(n, slots, "true", dir)
  table.insert(sides, 1, {"orun", function() return measure.time(run_all, n, "true") / n end})
  sides[#sides + 1] = {"vfork", function()
    return measure.anchor("spawn", n, slots, "true") / 1e9
  end}
  if measure.installed("parallel") then
    local few = n // 8
    local command = ("seq %d | parallel -j%d true 2>/dev/null"):format(few, slots)
    sides[#sides + 1] = {"parallel", function()
      return measure.time(measure.shell, command) / few
    end}
  else
    measure.note("parallel is not installed: skipped")
  end
  local r = measure.rounds(sides, measure.size(5, 3), measure.size(25, 5))
  local function row(tool, factor)
    local goal = factor and (">= %g x %s"):format(factor, tool)
    local met
    if factor then met = 1 / r.ratio("orun", tool) >= factor end
    measure.row{measure = ("%d x true a round, %d slots"):format(n, slots),
      measured = per_second(r.orun), anchor = tool .. " " .. per_second(r[tool]),
      ratio = 1 / r.ratio("orun", tool), goal = goal, met = met}
  end
  local factors = {make = 1.05, parallel = 8, xargs = 1, ninja = 1}
  for i = 2, #sides do row(sides[i][1], factors[sides[i][1]]) end
end

local function spawn()
  orun.agent{name = "true", description = "does nothing", command = {"true"}}
  run_all(20, "true")
  spawn_at(2)
  spawn_at(8)
end

local function resident()
  local n = measure.size(300, 200)
  orun.agent{name = "true", description = "does nothing", command = {"true"}}
  slots_of(2)
  run_all(20, "true")
  local ballast
  local r = measure.rounds({
    {"small", function()
      ballast = nil
      collectgarbage()
      return measure.time(run_all, n, "true") / n
    end},
    {"big", function()
      ballast = ("x"):rep(GIB)
      return measure.time(run_all, n, "true") / n
    end},
  }, measure.size(9, 3), 20)
  assert(ballast)
  local ratio = r.ratio("big", "small")
  measure.row{measure = ("%d x true with 1 GiB resident, 2 slots"):format(n),
    measured = per_second(r.big), anchor = "without it " .. per_second(r.small),
    ratio = ratio, goal = "<= 1.05 x its time", met = ratio <= 1.05,
    note = ("most resident: %s"):format(measure.bytes(measure.resident("VmHWM")))}
end

local function slots()
  local n, at_once = measure.size(640, 160), 32
  local ideal = n / at_once * 0.1
  local dir, guard = folder(build_files(n, "sleep 0.1"))
  local _ <close> = guard
  orun.agent{name = "sleep", description = "sleeps", command = {"sleep", "0.1"}}
  slots_of(at_once)
  run_all(20, "sleep")
  local sides = other_sides(n, at_once, "sleep 0.1", dir)
  table.insert(sides, 1, {"orun", function() return measure.time(run_all, n, "sleep") / n end})
  local r = measure.rounds(sides, 3, measure.size(20, 4))
  local share = ideal / (r.orun * n)
  local beside = {}
  for i = 2, #sides do
    local name = sides[i][1]
    beside[#beside + 1] = ("%s %.1f %%"):format(name, ideal / (r[name] * n) * 100)
  end
  measure.row{measure = ("%d x sleep 0.1 at %d slots: ideal / measured"):format(n, at_once),
    measured = ("%.1f %%"):format(share * 100), anchor = beside[1],
    ratio = r.make and r.ratio("make", "orun"), goal = ">= 97 %",
    met = share >= 0.97, note = table.concat(beside, ", ")}
end

local function nap_tasks(n)
  local handles = {}
  local function nap() orun.sleep(0.3) end
  for i = 1, n do handles[i] = Task{run = nap, pool = "naps", run_in_background = true} end
  for i = 1, n do assert(TaskOutput(handles[i]).status == "completed") end
end

local function naps()
  local n = 10
  local dir, guard = folder(build_files(n, "sleep 0.3"))
  local _ <close> = guard
  orun.agent{name = "nap", description = "sleeps", command = {"sleep", "0.3"}}
  run_all(1, "nap")
  for _, at_once in ipairs{5, 10} do
    local ideal = n / at_once * 0.3
    orun.limit("naps", at_once)
    slots_of(at_once)
    local sides = other_sides(n, at_once, "sleep 0.3", dir)
    table.remove(sides) -- ninja's own start is longer than the others'
    table.insert(sides, 1, {"tasks", function() return measure.time(nap_tasks, n) / ideal end})
    table.insert(sides, 2, {"programs", function()
      return measure.time(run_all, n, "nap") / ideal
    end})
    local r = measure.rounds(sides, measure.size(5, 2))
    local make = r.make and r.make * n / ideal
    for _, kind in ipairs{{"tasks", 1.005}, {"programs", 1.012}} do
      measure.row{measure = ("ten naps of 0.3 s, %d at once, as %s"):format(at_once, kind[1]),
        measured = ("%.4f x ideal"):format(r[kind[1]]),
        anchor = make and ("make %.4f"):format(make), ratio = make and r[kind[1]] / make,
        goal = ("<= %g x ideal"):format(kind[2]), met = r[kind[1]] <= kind[2]}
    end
  end
end

-- Copies a file to `out`, each line tagged when there is a tag.
local function copy(path, out, tag)
  local file <close> = assert(io.open(path, "rb"))
  if tag then out:write(tag) end
  for block in file:lines(1 << 16) do
    if tag then block = block:gsub("\n", "\n" .. tag) end
    out:write(block)
  end
end

local function output()
  local n, size, at_once = measure.size(100, 20), 5000000, 4
  local print_it = ("%s print %d"):format(measure.anchor_program, size)
  local here = os.getenv("PWD") or "."
  local program = measure.anchor_program
  if program:sub(1, 1) ~= "/" then program = here .. "/" .. program end
  local dir, guard = folder(build_files(n, print_it:gsub("^%S+", program)))
  local _ <close> = guard
  orun.agent{name = "print", description = "prints 5 MB", command =
    {program, "print", tostring(size)}}
  slots_of(at_once)
  local null <close> = assert(io.open("/dev/null", "w"))
  local function ordered(tagged)
    local paths = {}
    local seconds = measure.time(run_all, n, "print", function(i, result)
      paths[i] = result.output_file
      copy(result.output_file, null, tagged and ("[%d]\t"):format(i))
    end)
    for _, path in ipairs(paths) do os.remove(path) end
    return seconds
  end
  local sides = {
    {"plain", function() return ordered(false) end},
    {"tagged", function() return ordered(true) end},
    {"make", function()
      return (measure.time(measure.shell, MAKE_ORDERED:format(dir, at_once)))
    end},
  }
  if measure.installed("parallel") then
    local few = math.max(1, n // 20)
    local command = ("seq %d | parallel -j%d -k --tag '%s print %d #' 2>/dev/null >/dev/null")
      :format(few, at_once, program, size)
    sides[#sides + 1] = {"parallel", function()
      return measure.time(measure.shell, command) * n / few
    end}
  end
  local r = measure.rounds(sides, 3, measure.size(15, 4))
  local goal = n / 100
  for _, kind in ipairs{{"plain", "ordered"}, {"tagged", "ordered, each line tagged"}} do
    measure.row{measure = ("%d x 5 MB of output, %s"):format(n, kind[2]),
      measured = measure.s(r[kind[1]]), anchor = "make -O " .. measure.s(r.make),
      ratio = r.ratio(kind[1], "make"), goal = ("<= %.1f s"):format(goal),
      met = r[kind[1]] <= goal}
  end
  if r.parallel then
    measure.note("parallel -k --tag would take %s (ratio to the tagged: %.1f)",
      measure.s(r.parallel), r.ratio("parallel", "tagged"))
  end
  local most = measure.resident("VmHWM")
  measure.row{measure = "its memory in orun, at most", measured = measure.bytes(most),
    goal = "<= 64 MiB", met = most <= 64 << 20}
end

-- A Lua task in a process of its own, start to result, beside one in a thread
-- and the start of the smallest program.
local function isolated()
  local n = measure.size(60, 20)
  local function nothing() end
  local function tasks(isolation)
    return function()
      for _ = 1, n do
        assert(Task{run = nothing, isolation = isolation}.status == "completed")
      end
    end
  end
  local function programs()
    for _ = 1, n do assert(orun.exec("true").exit_code == 0) end
  end
  local function side(name, fn)
    return {name, function() return measure.time(fn) / n end}
  end
  programs()
  local r = measure.rounds({side("process", tasks "process"), side("thread", tasks()),
    side("program", programs)}, measure.size(9, 3))
  measure.row{measure = "no-op task, isolation=\"process\", one by one",
    measured = measure.us(r.process), anchor = "orun.exec(\"true\") " .. measure.us(r.program),
    ratio = r.ratio("process", "program"),
    note = ("%.0f times a task in a thread, which takes %s"):format(
      r.ratio("process", "thread"), measure.us(r.thread))}
end

return {
  {"spawn", spawn}, {"resident", resident}, {"slots", slots}, {"naps", naps},
  {"output", output}, {"isolated", isolated},
}
