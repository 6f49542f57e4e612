--- Plays the programs of some seeds, which crash and go on (crash.lua), in the
--- test build:
---
---     build/test/orun spec/graph/crash_run.lua FROM TO
---
--- Prints how many crashes and outcomes there were, or the first seed that breaks
--- a promise, and ends with 1.

package.path = "./?.lua;" .. package.path

local crash = require "spec.graph.crash"

local seed, what, kept = crash.run(math.tointeger(arg[1]), math.tointeger(arg[2]))
if seed then
  print(("seed %d: %s"):format(seed, what))
  os.exit(1)
end
print(("%d crashes, %d outcomes"):format(what, kept))
