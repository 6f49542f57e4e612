-- build.lua — fifteen targets, as in a Makefile: what is not older than what it is made of is
-- not made again.
--
--     $ orun examples/ports/build.lua
--
-- `cat` stands for the compiler, the linker and the others.

local orun = require "orun"
local dir, _ <close> = require "scratch" "touch 1.c 2.c 3.c 4.c 5.c all.h app.md"

local RULES <const> = {
  {"1.o", "1.c", "all.h"}, {"2.o", "2.c", "all.h"}, {"3.o", "3.c", "all.h"}, {"4.o", "4.c"},
  {"5.o", "5.c"}, {"core.a", "1.o", "2.o", "3.o"}, {"net.a", "4.o", "5.o"},
  {"app", "core.a", "net.a"}, {"core.t", "core.a"}, {"net.t", "net.a"},
  {"app.t", "app"}, {"tests", "core.t", "net.t", "app.t"},
  {"app.html", "app.md"}, {"app.1", "app.md"}, {"app.tar", "app", "app.html", "app.1"},
}

local function build()
  local targets = {}
  local results = orun.wait_all(orun.list(RULES):map(function(rule)
    local target, inputs = rule[1], orun.list{table.unpack(rule, 2)}
    local made = inputs:filter(function(input) return targets[input] end)
    targets[target] = orun.start{description = target, cwd = dir, reads = inputs,
      writes = {target}, blockedBy = made:map(function(input) return targets[input] end),
      command = {"sh", "-c", 'cat "$@" > "$0"', table.unpack(rule)}}
    return targets[target]
  end))
  local new = orun.list(results):filter(function(result) return not result.fresh end)
  return #new, table.concat(new:map(function(result) return result.description end), " ")
end

print(build())
print(build())
Task{cwd = dir, command = {"touch", "-d", "1 minute", "4.c"}}
print(build())

--> 15	1.o 2.o 3.o 4.o 5.o core.a net.a app core.t net.t app.t tests app.html app.1 app.tar
--> ~ 0%s
--> 7	4.o net.a app net.t app.t tests app.tar
