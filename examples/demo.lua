--- What `make demo` runs: eleven tasks look at a folder of source code at once.
--
-- $ orun examples/demo.lua
--
-- Give it another folder to look at that one. Lua functions and ordinary programs are started
-- together, one of them fails on purpose, and the script puts together what comes back.

local orun = require "orun"

local folder = arg[1] or "."

local MISSING <const> = "Read a file that is missing"

-- ------------------------------------------------------------ the tasks
-- Each gets the names of files, and returns a small table: the text of the files never reaches
-- the script.

local function text_of(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function lines_of(path) return text_of(path):gmatch("([^\n]*)\n") end

-- The first so many of an array, by the measure of each: the most first.
local function most(all, n)
  table.sort(all, function(a, b)
    if a.n ~= b.n then return a.n > b.n end
    return a.name < b.name
  end)
  return {count = #all, top = {table.unpack(all, 1, n)}}
end

-- How many of each name there are, as an array.
local function tally(names)
  local all, at = {}, {}
  for _, name in ipairs(names) do
    if not at[name] then
      at[name] = {name = name, n = 0}
      all[#all + 1] = at[name]
    end
    at[name].n = at[name].n + 1
  end
  return all
end

--- Lines of code, comments and blanks for each language.
local function count_lines(files)
  local comment <const> = {c = "^%s*[/*]", h = "^%s*[/*]", lua = "^%s*%-%-", sh = "^%s*#"}
  local kinds = {}
  for _, path in ipairs(files) do
    local kind = path:match("%.(%w+)$")
    local k = kinds[kind] or {files = 0, code = 0, comment = 0, blank = 0}
    kinds[kind] = k
    k.files = k.files + 1
    for line in lines_of(path) do
      local what = not line:find("%S") and "blank"
        or comment[kind] and line:find(comment[kind]) and "comment" or "code"
      k[what] = k[what] + 1
    end
  end
  return kinds
end

-- Every function that begins in the first column: its name, its place, its lines, and whether
-- a comment stands above it.
local function functions_of(files)
  local all = {}
  for _, path in ipairs(files) do
    local number, found, above, c = 0, nil, "", path:find("%.[ch]$")
    for line in lines_of(path) do
      number = number + 1
      local name = c and line:match("^([%a_][%w_]*)%([^;]*$")
        or not c and (line:match("^local function ([%w_.:]+)%(")
          or line:match("^function ([%w_.:]+)%("))
      if name then
        found = {name = ("%s  %s:%d"):format(name, path, number), from = number,
                 told = above:find("^%s*%-%-") or above:find("%*/%s*$")}
      elseif found and (line == "}" or line == "end") then
        found.n = number - found.from + 1
        all[#all + 1], found = found, nil
      end
      -- The line above the name of a C function is its type.
      if not line:find("^[%a_][%w_ *]*$") then above = line end
    end
  end
  return all
end

local function longest_functions(files) return most(functions_of(files), 3) end

--- Long functions that no comment explains.
local function unexplained(files)
  local all = {}
  for _, f in ipairs(functions_of(files)) do
    if not f.told and f.n > 10 then all[#all + 1] = f end
  end
  return most(all, 3)
end

--- Which files others include or require the most.
local function most_used(files)
  local names = {}
  for _, path in ipairs(files) do
    for line in lines_of(path) do
      names[#names + 1] = line:match('^#%s*include "([^"]+)"')
        or line:match('require[ (]*"([^"]+)"')
    end
  end
  return most(tally(names), 3)
end

--- Source files that no test names.
local function untested(files)
  local tests, all = {}, {}
  for _, path in ipairs(files) do
    if path:find("spec") or path:find("test") then tests[#tests + 1] = text_of(path) end
  end
  local text = table.concat(tests, "\n")
  for _, path in ipairs(files) do
    local stem = path:match("([%w_-]+)%.%w+$")
    if stem and path:find("%.c$") and not text:find(stem, 1, true) then
      all[#all + 1] = {name = path, n = #text_of(path)}
    end
  end
  return most(all, 3)
end

--- Lua files that do not parse.
local function broken(files)
  local all = {}
  for _, path in ipairs(files) do
    local ok = load((text_of(path):gsub("^#[^\n]*", "")), path, "t")
    if not ok then all[#all + 1] = {name = path, n = 1} end
  end
  return most(all, 3)
end

--- Links in the documentation to files that are not there.
local function dead_links(files)
  local all = {}
  for _, path in ipairs(files) do
    for link in text_of(path):gmatch("%[[^%]%[]+%]%(([%w_./#-]+)%)") do
      local target = (path:match("^.*/") or "") .. link:gsub("#.*", "")
      local file = io.open(target)
      if file then file:close() else all[#all + 1] = {name = path .. " -> " .. link, n = 1} end
    end
  end
  return most(all, 3)
end

-- Programs. A shell only where one is wanted; the names of files go to standard input.
local function program(name, command)
  orun.agent{name = name, command = {"sh", "-c", command}}
end
program("largest", "xargs -d '\\n' wc -c /dev/null | grep -v ' total$' | sort -rn | head -n 3")
program("unsafe", "xargs -d '\\n' grep -nwE '(strcpy|strcat|sprintf|gets) ?\\(' /dev/null || true")
program("words", "xargs -d '\\n' cat /dev/null | wc -w")
program("missing", "cat /no/such/file")

-- ------------------------------------------------------------ the work

--- Sorted paths below the folder whose names end in one of the endings.
local function files_of(endings)
  local found = {}
  local list = orun.exec{command = {"find", "-L", folder, "-type", "f",
    "-not", "-path", "*/.*/*", "-not", "-path", "*/build/*"}, max_output = "16MiB"}
  for path in list.output:gmatch("[^\n]+") do
    if endings[path:match("%.(%w+)$")] then found[#found + 1] = path:gsub("^%./", "") end
  end
  table.sort(found)
  return found
end

local all = files_of{c = true, h = true, lua = true, sh = true, md = true}
local code = files_of{c = true, h = true, lua = true}
local c_files = files_of{c = true, h = true}
local lua_files, docs = files_of{lua = true}, files_of{md = true}

local function names(files) return table.concat(files, "\n") .. "\n" end

local specs = {
  {description = "Count lines by language", run = count_lines, input = all},
  {description = "Find the largest files", subagent_type = "largest", prompt = names(code)},
  {description = "Find the longest functions", run = longest_functions, input = code},
  {description = "Find code without comment", run = unexplained, input = code},
  {description = "Find unsafe calls of C", subagent_type = "unsafe", prompt = names(c_files)},
  {description = "Find what is used the most", run = most_used, input = code},
  {description = "Find files without tests", run = untested, input = code},
  {description = "Parse every Lua file", run = broken, input = lua_files},
  {description = "Count words of the docs", subagent_type = "words", prompt = names(docs)},
  {description = "Check links of the docs", run = dead_links, input = docs},
  {description = MISSING, subagent_type = "missing", prompt = "none\n"},
}

local limits = orun.config()
print(("Looking at %s: %d files, %d tasks; %d workers for Lua, %d programs at once"):format(
  folder, #all, #specs, limits.workers, limits.processes))
print()

local began = orun.now()
local results = orun.fan_out(specs, {each = function(result)
  result.ended = orun.now() - began
end})
local took = orun.now() - began

-- ------------------------------------------------------------ what they found

-- When each task was at work: a bar from its start to its end.
local WIDTH <const> = 30
local outputs = {}
for _, result in ipairs(results) do
  outputs[result.description] = result.output
  local from = math.floor(WIDTH * math.max(0, result.ended - result.duration) / took)
  local to = math.min(WIDTH, math.max(from + 1, math.ceil(WIDTH * result.ended / took)))
  from = math.min(from, to - 1)
  print(("%-27s |%s%s%s| %6.0f ms%s"):format(result.description, (" "):rep(from),
    ("#"):rep(to - from), (" "):rep(WIDTH - to), result.duration * 1000,
    result.ok and "" or "  " .. result.status))
end

print(("\n%-10s %8s %8s %9s %8s"):format("LANGUAGE", "files", "code", "comments", "blank"))
local lines = outputs["Count lines by language"] or {}
for _, kind in ipairs{"c", "h", "lua", "md"} do
  local k = lines[kind] or {files = 0, code = 0, comment = 0, blank = 0}
  print((".%-9s %8d %8d %9d %8d"):format(kind, k.files, k.code, k.comment, k.blank))
end

local function section(title, rows)
  print("\n" .. title)
  for i = 1, 3 do print("  " .. (rows[i] or "-")) end
end

-- Rows of what `most` returned: each with its figure.
local function rows_of(description, form)
  local found = outputs[description] or {count = 0, top = {}}
  local rows = {}
  for i, one in ipairs(found.top) do rows[i] = form:format(one.n, one.name) end
  return rows
end

local function text_rows(description)
  local rows = {}
  for line in (outputs[description] or ""):gmatch("[^\n]+") do rows[#rows + 1] = line end
  return rows
end

section("THE LARGEST FILES, in bytes", text_rows("Find the largest files"))
section("THE LONGEST FUNCTIONS, in lines", rows_of("Find the longest functions", "%5d  %s"))
section("USED THE MOST, by so many files", rows_of("Find what is used the most", "%5d  %s"))

local function count(title, description)
  print(("  %-35s %6d"):format(title, outputs[description] and outputs[description].count or 0))
end

print("\nIN NUMBERS")
print(("  %-35s %6d"):format("words of documentation",
  math.tointeger(tonumber(outputs["Count words of the docs"])) or 0))
print(("  %-35s %6d"):format("unsafe calls (strcpy, gets, ...)",
  #text_rows("Find unsafe calls of C")))
count("functions over 10 lines, no comment", "Find code without comment")
count("C files that no test names", "Find files without tests")
count("Lua files that do not parse", "Parse every Lua file")
count("links to files that are missing", "Check links of the docs")
for _, result in ipairs(results.failed) do
  print(("\n%s: %s (%s)%s"):format(result.description, result.status, result.error_kind,
    result.description == MISSING and ", as it was meant to; the others went on" or ""))
end

--> ~ Looking at %.: %d+ files, 11 tasks; %d+ workers for Lua, %d+ programs at once
-->
--> ~ Count lines by language     |[ #]+| +%d+ ms
--> ~ Find the largest files      |[ #]+| +%d+ ms
--> ~ Find the longest functions  |[ #]+| +%d+ ms
--> ~ Find code without comment   |[ #]+| +%d+ ms
--> ~ Find unsafe calls of C      |[ #]+| +%d+ ms
--> ~ Find what is used the most  |[ #]+| +%d+ ms
--> ~ Find files without tests    |[ #]+| +%d+ ms
--> ~ Parse every Lua file        |[ #]+| +%d+ ms
--> ~ Count words of the docs     |[ #]+| +%d+ ms
--> ~ Check links of the docs     |[ #]+| +%d+ ms
--> ~ Read a file that is missing |[ #]+| +%d+ ms  failed
-->
--> LANGUAGE      files     code  comments    blank
--> ~ %.c +%d+ +%d+ +%d+ +%d+
--> ~ %.h +%d+ +%d+ +%d+ +%d+
--> ~ %.lua +%d+ +%d+ +%d+ +%d+
--> ~ %.md +%d+ +%d+ +%d+ +%d+
-->
--> THE LARGEST FILES, in bytes
--> ~   +%d+ %S+
--> ~   +%d+ %S+
--> ~   +%d+ %S+
-->
--> THE LONGEST FUNCTIONS, in lines
--> ~   +%d+  %S+  %S+:%d+
--> ~   +%d+  %S+  %S+:%d+
--> ~   +%d+  %S+  %S+:%d+
-->
--> USED THE MOST, by so many files
--> ~   +%d+  %S+
--> ~   +%d+  %S+
--> ~   +%d+  %S+
-->
--> IN NUMBERS
--> ~   words of documentation +%d+
--> ~   unsafe calls %(strcpy, gets, %.%.%.%) +%d+
--> ~   functions over 10 lines, no comment +%d+
--> ~   C files that no test names +%d+
--> ~   Lua files that do not parse +%d+
--> ~   links to files that are missing +%d+
-->
--> Read a file that is missing: failed (exit), as it was meant to; the others went on
