-- module.lua — a Lua program of your own, run by a Lua of your own.
--
-- Run it where orun was built (after `make install`, without LUA_CPATH):
--
--     $ LUA_CPATH='build/module/?.so;;' lua5.4 examples/embed/module.lua
--
-- No global is set and nothing is replaced: the primitives are fields of the
-- module. The same file is a script for the command, too.

local orun = require "orun"

orun.agent{name = "upper", command = {"tr", "a-z", "A-Z"}}

local results = orun.fan_out{
  {subagent_type = "upper", prompt = "one"},
  {run = function(n) return n * n end, input = 12},
  {run = function() error("on purpose", 0) end},
}
for _, r in ipairs(results) do print(r.status, r.output or r.error) end

local ok, why = pcall(orun.Task, {promt = "x"})
print(ok, why)

-- At the end: wait for what still runs, and raise what failed and was never
-- read. Without it, what still runs is cancelled.
orun.finish()

--> completed	ONE
--> completed	144
--> failed	on purpose
--> false	Task: unknown field "promt", did you mean 'prompt'?
