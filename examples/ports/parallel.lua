-- parallel.lua — GNU parallel's everyday calls, each above the orun that does the same.
--
--     $ orun examples/ports/parallel.lua

local orun = require "orun"

local function show(outputs) print(table.concat(outputs, " ")) end

-- parallel -k echo {} {#} ::: a b c        (in the order of the input, {#}: the number)
show(orun.map({"a", "b", "c"}, {command = function(x, i) return {"echo", "-n", x, i} end}))

-- parallel -j2 'echo {} | tr a-z A-Z' :::: names.txt        (a shell's line, two at once)
show(orun.map({"tea", "rye"}, {command = {"tr", "a-z", "A-Z"}}, {limit = 2}))

-- parallel echo {1}{2} ::: A B ::: 1 2                      (every pair)
local pairs_of = {}
for _, letter in ipairs{"A", "B"} do
  for _, digit in ipairs{1, 2} do pairs_of[#pairs_of + 1] = letter .. digit end
end
show(orun.map(pairs_of, {command = function(x) return {"echo", "-n", x} end}))

-- parallel -n2 echo ::: 1 2 3 4 5                           (two arguments each)
show(orun.map(orun.chunks({"1", "2", "3", "4", "5"}, 2), {command = function(few)
  return {"echo", "-n", table.concat(few, "+")}
end}))

-- seq 9 | parallel --pipe -N4 wc -l                         (four lines to each program)
local lines = {}
for i = 1, 9 do lines[i] = i .. "\n" end
show(orun.map(orun.chunks(lines, 4), function(few)
  return (Task{command = {"wc", "-l"}, input = table.concat(few)}.output:gsub("%s", ""))
end))

-- parallel --retries 3 --timeout 10 --halt soon,fail=1 sh -c ::: true false true
local results = orun.fan_out({"exit 0", "exit 3", "exit 0"}, function(line)
  return {command = {"sh", "-c", line}}
end, {limit = 1, on_failure = "drain", defaults = {retry = 2, timeout = "10s"}})
for i, result in ipairs(results) do
  print(i, result.status, result.status == "failed" and result.exit_code, result.attempts or 0)
end

-- parallel --halt now,success=1 ...                         (the first to succeed)
print(orun.race{{command = {"sleep", "60"}}, {command = {"echo", "-n", "quick"}}}.output)

-- parallel --joblog jobs.tsv ...                            (a line as each ends)
orun.fan_out({"true", "false"}, function(name) return {command = {name}} end, {limit = 1,
  each = function(result) print(result.description, result.status) end})

-- sem --id net -j2 curl ...                                 (two at once of what shares "net")
orun.limit("net", 2)
show(orun.map({"x", "y", "z"}, {command = function(x) return {"echo", "-n", x} end, pool = "net"}))

--> a 1 b 2 c 3
--> TEA RYE
--> A1 A2 B1 B2
--> 1+2 3+4 5
--> 4 4 1
--> 1	completed	false	1
--> 2	failed	3	3
--> 3	cancelled	false	0
--> quick
--> true	completed
--> false	failed
--> x y z
