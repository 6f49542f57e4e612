--- What `make demo` runs: a dozen agents look at a source tree at once.
--
-- $ orun examples/demo.lua
--
-- Give it another folder to look at that one. It is pattern 1 of the guide on
-- real input: Lua functions and ordinary programs are started together, one of
-- them fails on purpose, and the script puts together what comes back.

local orun = require "orun"

local folder = arg[1] or "."

local ORACLE <const> = "Ask the oracle"

-- ------------------------------------------------------------ the agents
-- Each gets the names of files, and gives back a small table: the files' text
-- never reaches the script.

local function text_of(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

--- Lines of code, comments and blanks for each kind of file.
local function count_lines(files)
  local comment <const> = {c = "^%s*[/*]", h = "^%s*[/*]", lua = "^%s*%-%-", sh = "^%s*#"}
  local kinds = {}
  for _, path in ipairs(files) do
    local kind = path:match("%.(%w+)$")
    local k = kinds[kind] or {kind = kind, files = 0, code = 0, comment = 0, blank = 0}
    kinds[kind] = k
    k.files = k.files + 1
    for line in text_of(path):gmatch("([^\n]*)\n") do
      local what = not line:find("%S") and "blank"
        or comment[kind] and line:find(comment[kind]) and "comment" or "code"
      k[what] = k[what] + 1
    end
  end
  return kinds
end

--- How many functions there are, and the longest.
local function rank_functions(files)
  local all = {}
  for _, path in ipairs(files) do
    local name, start, number = nil, nil, 0
    for line in text_of(path):gmatch("([^\n]*)\n") do
      number = number + 1
      local found = line:match("^local function ([%w_.:]+)%(")
        or line:match("^function ([%w_.:]+)%(") or line:match("^([%a_][%w_]*)%(")
        or line:match("^[%a_][%w_ *]-([%a_][%w_]*)%([^;]*$")
      if found then name, start = found, number end
      if name and (line == "}" or line == "end") then
        all[#all + 1] = {name = name, path = path, lines = number - start + 1}
        name = nil
      end
    end
  end
  table.sort(all, function(a, b)
    if a.lines ~= b.lines then return a.lines > b.lines end
    return a.path .. a.name < b.path .. b.name
  end)
  local median = all[(#all + 1) // 2]
  return {count = #all, median = median and median.lines or 0, top = {table.unpack(all, 1, 5)}}
end

--- Which layer includes which: counts, and includes that go up.
local function map_layers(files)
  local layer_of, layer_by_name, layers, highest, includes, up = {}, {}, {}, -1, 0, {}
  for _, path in ipairs(files) do
    local layer = text_of(path):match("^[^\n]*Layer (%d+)")
    local stem, name = path:match("^(.-([^/]+))%.h$")
    if layer and stem then
      layer_of[stem] = math.tointeger(layer)
      layer_by_name[name] = layer_of[stem]
    end
  end
  for _, path in ipairs(files) do
    local from = layer_of[path:match("^(.*)%.%w+$")]
    if from then
      layers[from] = layers[from] or {files = 0, includes = 0}
      highest = math.max(highest, from)
      layers[from].files = layers[from].files + 1
      for name in text_of(path):gmatch('#%s*include "([^"]+)%.h"') do
        layers[from].includes = layers[from].includes + 1
        local to = layer_by_name[name] or 0
        includes = includes + 1
        if to > from then up[#up + 1] = path .. " -> " .. name .. ".h" end
      end
    end
  end
  return {layers = layers, highest = highest, includes = includes, up = up}
end

--- The longest lines.
local function longest_lines(files)
  local all = {}
  for _, path in ipairs(files) do
    local number = 0
    for line in text_of(path):gmatch("([^\n]*)\n") do
      number = number + 1
      if #line > 79 then all[#all + 1] = {at = path .. ":" .. number, length = #line} end
    end
  end
  table.sort(all, function(a, b)
    return a.length > b.length or a.length == b.length and a.at < b.at
  end)
  return {count = #all, longest = all[1]}
end

--- Blocks of six lines that stand in more than one place.
local function repeated_blocks(files)
  local seen, repeated = {}, 0
  for _, path in ipairs(files) do
    local window = {}
    for line in text_of(path):gmatch("%s*([^\n]*)\n") do
      if #line > 3 then
        table.insert(window, line)
        if #window > 6 then table.remove(window, 1) end
        local block = table.concat(window, "\n")
        if #window == 6 and seen[block] then repeated, window = repeated + 1, {} end
        seen[block] = true
      end
    end
  end
  return repeated
end

--- Calls that have a safer form. A program does it; its exit code 1 is no failure.
local function risky_calls(files)
  local run = orun.exec{command = {"grep", "-nE", "\\b(strcpy|strcat|sprintf|gets|system) ?\\(",
    "/dev/null", table.unpack(files)}}
  if run.code and run.code > 1 then error(run.stderr, 0) end
  local places = {}
  for place, call in run.stdout:gmatch("([^\n:]+:%d+):[^\n]-([%a_]+) ?%([^\n]*") do
    places[#places + 1] = place .. " " .. call
  end
  return places
end

-- Programs. A shell only where one is wanted: prompts go to standard input.
orun.agent{name = "luacheck", command = {"sh", "-c", "xargs luacheck -q --no-color 2>&1 | tail -1"}}
orun.agent{name = "cppcheck", timeout = "4m",
  command = {"sh", "-c", "xargs cppcheck -q --std=c11 --template='{file}:{line} {id}' 2>&1"}}
orun.agent{name = "oracle",
  command = {"sh", "-c", "echo 'nobody knows what comes next' >&2; exit 3"}}

-- ------------------------------------------------------------ the work

local function installed(program)
  return orun.exec{command = {program, "--version"}}.code == 0
end

--- Sorted paths below the folder whose names end in one of the endings.
local function files_of(endings)
  local found = {}
  local list = orun.exec{command = {"find", "-L", folder, "-type", "f",
    "-not", "-path", "*/.*/*", "-not", "-path", "*/build/*"}, max_output = "16MiB"}
  for path in list.stdout:gmatch("[^\n]+") do
    if endings[path:match("%.(%w+)$")] then found[#found + 1] = path:gsub("^%./", "") end
  end
  table.sort(found)
  return found
end

local all = files_of{c = true, h = true, lua = true, sh = true, md = true}
local code = files_of{c = true, h = true, lua = true}
local headed = files_of{c = true, h = true}
local c_files, lua_files = files_of{c = true}, files_of{lua = true}

local specs, skipped = {}, {}
local function lua(description, run, input)
  specs[#specs + 1] = {description = description, run = run, input = input}
end
local function program(description, name, files)
  if #files == 0 then return end
  if name ~= "oracle" and not installed(name) then
    skipped[#skipped + 1] = description
    return
  end
  local prompt = table.concat(files, "\n") .. "\n"
  specs[#specs + 1] = {description = description, subagent_type = name, prompt = prompt}
end

lua("Count lines by kind", count_lines, all)
lua("Rank functions by size", rank_functions, code)
lua("Map includes by layer", map_layers, headed)
lua("Find the longest lines", longest_lines, code)
lua("Find repeated blocks", repeated_blocks, code)
lua("Look for risky calls", risky_calls, headed)
-- Four parts, so that four can be checked at once.
for part, files in ipairs(orun.chunks(c_files, math.max(1, (#c_files + 3) // 4))) do
  program(("Check C, part %d"):format(part), "cppcheck", files)
end
program("Check Lua", "luacheck", lua_files)
program(ORACLE, "oracle", {"Will it work?"})

local limits = orun.config()
print(("Looking at %s: %d files, %d tasks; %d workers for Lua, %d programs at once"):format(
  folder, #all, #specs, limits.workers, limits.processes))
print()

local began = orun.now()
local results = orun.fan_out(specs, {each = function(result)
  result.ended = orun.now() - began
end})
local took = orun.now() - began

-- ------------------------------------------------------------ the synthesis

local function seconds(s)
  return s < 1 and ("%.0f ms"):format(s * 1000) or ("%.2f s"):format(s)
end

-- When each task was at work: a bar from its start to its end.
local WIDTH <const> = 36
local at_work, outputs = 0, {}
for _, result in ipairs(results) do
  at_work = at_work + result.duration
  outputs[result.description] = result.output
  local from = math.floor(WIDTH * math.max(0, result.ended - result.duration) / took)
  local to = math.min(WIDTH, math.max(from + 1, math.ceil(WIDTH * result.ended / took)))
  from = math.min(from, to - 1)
  print(("%-23s |%s%s%s| %7s%s"):format(result.description, (" "):rep(from),
    ("#"):rep(to - from), (" "):rep(WIDTH - to), seconds(result.duration),
    result.status == "completed" and "" or "  " .. result.status))
end
for _, description in ipairs(skipped) do
  print(("%-23s  skipped: its program is not installed"):format(description))
end

local lines = outputs["Count lines by kind"] or {}
print(("\n%-12s %8s %8s %9s %8s"):format("LINES", "files", "code", "comments", "blank"))
for _, kind in ipairs{"c", "h", "lua", "md"} do
  local k = lines[kind] or {files = 0, code = 0, comment = 0, blank = 0}
  print(("  %-10s %8d %8d %9d %8d"):format("." .. kind, k.files, k.code, k.comment, k.blank))
end

local functions = outputs["Rank functions by size"] or {count = 0, median = 0, top = {}}
print(("\nFUNCTIONS: %d, half of them at most %d lines long; the longest"):format(
  functions.count, functions.median))
for _, f in ipairs(functions.top) do
  print(("  %4d  %-32s %s"):format(f.lines, f.name, f.path))
end

local map = outputs["Map includes by layer"] or {includes = 0, up = {}, layers = {}, highest = -1}
print(("\nLAYERS: %d includes, %d of them upwards"):format(map.includes, #map.up))
for number = 0, map.highest do
  local layer = map.layers[number] or {files = 0, includes = 0}
  print((("  %d  %3d files %4d includes  %s"):format(number, layer.files, layer.includes,
    ("="):rep(math.min(40, (layer.includes + 2) // 3))):gsub("%s+$", "")))
end

local function some(list, what)
  return ("  %d %s%s"):format(#list, what, list[1] and ", such as " .. list[1] or "")
end

local findings, checked = 0, false
for description, output in pairs(outputs) do
  if description:find("^Check C") then
    checked, findings = true, findings + select(2, output:gsub("\n", ""))
  end
end
local long = outputs["Find the longest lines"] or {count = 0}
print("\nFINDINGS")
print(some(map.up, "includes that go up a layer"))
print(some(outputs["Look for risky calls"] or {}, "risky calls"))
print(("  %d lines over 79 bytes%s"):format(long.count,
  long.longest and (", the longest %d: %s"):format(long.longest.length, long.longest.at) or ""))
print(("  %d blocks of six lines that stand twice"):format(outputs["Find repeated blocks"] or 0))
print(checked and ("  cppcheck: %d findings"):format(findings) or "  cppcheck: not run")
print("  luacheck: " .. (outputs["Check Lua"] or "not run"):gsub("%s+$", ""):lower())
for _, result in ipairs(results.failed) do
  print(("  %s: %s (%s)%s"):format(result.description, result.status, result.error_kind,
    result.description == ORACLE and ", as it was meant to; the others went on" or ""))
end

-- Tasks that share a processor slow each other down, so the first figure is not
-- what they would take one after the other; the last one is how many were at
-- work at a time.
print(("\n%s of task time in %s: %.1f tasks at work at a time"):format(seconds(at_work),
  seconds(took), at_work / took))

--> ~ Looking at %.: %d+ files, %d+ tasks; %d+ workers for Lua, %d+ programs at once
-->
--> ~ Count lines by kind     |[ #]+| +[%d.]+ m?s
--> ~ Rank functions by size  |[ #]+| +[%d.]+ m?s
--> ~ Map includes by layer   |[ #]+| +[%d.]+ m?s
--> ~ Find the longest lines  |[ #]+| +[%d.]+ m?s
--> ~ Find repeated blocks    |[ #]+| +[%d.]+ m?s
--> ~ Look for risky calls    |[ #]+| +[%d.]+ m?s
--> ~ %u[%a ,]+%d? +.+
--> ~ %u[%a ,]+%d? +.+
--> ~ %u[%a ,]+%d? +.+
--> ~ %u[%a ,]+%d? +.+
--> ~ %u[%a ,]+%d? +.+
--> ~ %u[%a ,]+%d? +.+
-->
--> LINES           files     code  comments    blank
--> ~   %.c        +%d+ +%d+ +%d+ +%d+
--> ~   %.h        +%d+ +%d+ +%d+ +%d+
--> ~   %.lua      +%d+ +%d+ +%d+ +%d+
--> ~   %.md       +%d+ +%d+ +%d+ +%d+
-->
--> ~ FUNCTIONS: %d+, half of them at most %d+ lines long; the longest
--> ~  +%d+  [%w_.]+ +%S+
--> ~  +%d+  [%w_.]+ +%S+
--> ~  +%d+  [%w_.]+ +%S+
--> ~  +%d+  [%w_.]+ +%S+
--> ~  +%d+  [%w_.]+ +%S+
-->
--> ~ LAYERS: %d+ includes, %d+ of them upwards
--> ~   0 +%d+ files +%d+ includes *=*
--> ~   1 +%d+ files +%d+ includes *=*
--> ~   2 +%d+ files +%d+ includes *=*
--> ~   3 +%d+ files +%d+ includes *=*
--> ~   4 +%d+ files +%d+ includes *=*
--> ~   5 +%d+ files +%d+ includes *=*
--> ~   6 +%d+ files +%d+ includes *=*
--> ~   7 +%d+ files +%d+ includes *=*
--> ~   8 +%d+ files +%d+ includes *=*
-->
--> FINDINGS
--> ~   %d+ includes that go up a layer.*
--> ~   %d+ risky calls.*
--> ~   %d+ lines over 79 bytes.*
--> ~   %d+ blocks of six lines that stand twice
--> ~   cppcheck: .+
--> ~   luacheck: .+
-->   Ask the oracle: failed (exit), as it was meant to; the others went on
-->
--> ~ [%d.]+ m?s of task time in [%d.]+ m?s: [%d.]+ tasks at work at a time
