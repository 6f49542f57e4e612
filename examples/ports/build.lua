-- build.lua — fifteen targets, as in a Makefile: what is not older than what it is made of is
-- not made again.
--
--     $ orun examples/ports/build.lua
--
-- `cat` stands for the compiler, the linker and the others.

local orun = require "orun"
local dir = Task{command = {"mktemp", "-d"}}.output:match "%S+"

local RULES <const> = {
  {"1.o", "1.c", "all.h"}, {"2.o", "2.c", "all.h"}, {"3.o", "3.c", "all.h"}, {"4.o", "4.c"},
  {"5.o", "5.c"}, {"core.a", "1.o", "2.o", "3.o"}, {"net.a", "4.o", "5.o"},
  {"app", "core.a", "net.a"}, {"core.t", "core.a"}, {"net.t", "net.a"},
  {"app.t", "app"}, {"tests", "core.t", "net.t", "app.t"},
  {"app.html", "app.md"}, {"app.1", "app.md"}, {"app.tar", "app", "app.html", "app.1"},
}

local function made(path) return (orun.files(path)[1] or {mtime = -1}).mtime end

local function build()
  local targets, all = {}, {}
  for i, rule in ipairs(RULES) do
    local target, inputs, after = rule[1], {table.unpack(rule, 2)}, {}
    for _, input in ipairs(inputs) do after[#after + 1] = targets[input] end
    all[i] = orun.start{description = target, cwd = dir, blockedBy = after, run = function()
      local fresh = made(target) >= 0
      for _, input in ipairs(inputs) do fresh = fresh and made(input) <= made(target) end
      if fresh then return false end
      return Task{command = {"sh", "-c", 'cat "$@" > "$0"', table.unpack(rule)}}.ok
    end}
    targets[target] = all[i]
  end
  local new = orun.list(orun.wait_all(all)):filter(function(result) return result.output end)
  local names = new:map(function(result) return result.description end)
  return table.concat({#new .. " made", table.unpack(names)}, " ")
end

Task{cwd = dir, command = {"touch", "1.c", "2.c", "3.c", "4.c", "5.c", "all.h", "app.md"}}
print(build())
print(build())
Task{cwd = dir, command = {"touch", "4.c"}}
print(build())
Task{command = {"rm", "-r", dir}}

--> 15 made 1.o 2.o 3.o 4.o 5.o core.a net.a app core.t net.t app.t tests app.html app.1 app.tar
--> 0 made
--> 7 made 4.o net.a app net.t app.t tests app.tar
