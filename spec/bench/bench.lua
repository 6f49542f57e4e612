--- bench: measures orun beside bare anchors, and says which goals are met.
--
--     make bench                          everything, in a few minutes
--     make bench QUICK=1                  a quick look
--     ./orun spec/bench/bench.lua noop spawn
--                                         these only (after the first command,
--                                         or the `make build/bench/…` of README.md)
--     ./orun spec/bench/bench.lua --list  their names
--
-- Each measure is a function in one of the files named in FILES and runs in a
-- process of its own, so none inherits the memory of another.

local FOLDER <const> = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = FOLDER .. "/?.lua;" .. package.path

local measure = require "measure"

local FILES <const> = {"tasks", "many", "values", "programs", "schedule", "watched", "stored",
  "outside"}
local COLUMNS <const> = {46, 14, 26, 7, 20, 4}

-- Every measure, in order: array of {name, function}.
local function measures()
  local all = {}
  for _, file in ipairs(FILES) do
    for _, one in ipairs(require(file)) do all[#all + 1] = one end
  end
  return all
end

local function line(cells)
  local out = {}
  for i, width in ipairs(COLUMNS) do
    out[i] = cells[i] .. (" "):rep(width - utf8.len(cells[i]))
  end
  return (table.concat(out, " "):gsub("%s+$", ""))
end

local function split(text)
  local cells = {}
  for one in (text .. "\t"):gmatch("(.-)\t") do cells[#cells + 1] = one end
  return cells
end

-- Prints what a measure tells, and counts.
local function show(text, counts)
  local kind, rest = text:match("^(%u+)\t(.*)$")
  if kind == "ROW" then
    local cells = split(rest)
    print(line(cells))
    if cells[6] ~= "" then counts[cells[6]] = (counts[cells[6]] or 0) + 1 end
  else
    print("    " .. (kind == "NOTE" and rest or text))
  end
  io.flush()
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Runs one measure in a process of its own; two workers, whatever the machine.
local function run(name, counts)
  local command = ("%s --workers 2 %s --alone %s"):format(
    quote(measure.orun_program), quote(arg[0]), quote(name))
  local pipe <close> = assert(io.popen(command))
  for text in pipe:lines() do show(text, counts) end
  if not pipe:close() then
    counts.failed = (counts.failed or 0) + 1
    print(("    %s: it could not be measured (above is why)"):format(name))
  end
end

local function load_average()
  local file <close> = assert(io.open("/proc/loadavg"))
  return file:read("n")
end

-- What can be said of the figures when others use the machine, too.
local function say_load(before, after)
  local busy = math.max(before, after) > 3
  print(("# load (tasks that wanted a processor): %.1f before, %.1f after%s"):format(before,
    after, busy and "; others were at work: trust the ratios, not the times" or ""))
end

local function alone(name)
  for _, one in ipairs(measures()) do
    if one[1] == name then return one[2]() end
  end
  error("no measure is called " .. name, 0)
end

local function chosen()
  local known, names = {}, {}
  for i, one in ipairs(measures()) do
    known[one[1]], names[i] = true, one[1]
  end
  if #arg == 0 then return names end
  for _, name in ipairs(arg) do
    if not known[name] then
      io.stderr:write(("bench: no measure is called '%s'; there are: %s\n"):format(
        name, table.concat(names, " ")))
      os.exit(2)
    end
  end
  return arg
end

local function main()
  local names, counts = chosen(), {}
  assert(io.open(measure.anchor_program),
    measure.anchor_program .. " is not there: make " .. measure.anchor_program):close()
  local before = load_average()
  print(line{"measure", "measured", "anchor in the same run", "ratio", "goal", "met?"})
  print(("-"):rep(122))
  for _, name in ipairs(names) do run(name, counts) end
  print(("# goals met: %d, not met: %d, not measured: %d"):format(
    counts.yes or 0, counts.NO or 0, counts["-"] or 0))
  say_load(before, load_average())
  if counts.failed then os.exit(1) end
end

if arg[1] == "--alone" then
  alone(arg[2])
elseif arg[1] == "--list" then
  for _, one in ipairs(measures()) do print(one[1]) end
else
  main()
end
