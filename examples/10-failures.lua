--- A failed task is data: it has a status, an error and a kind of error.
--
-- $ orun examples/10-failures.lua
--
-- Nothing here raises. What depends on a failed task is cancelled, unless it
-- says that it wants to run all the same.

local orun = require "orun"

local broken = orun.start{
  description = "Parse",
  run = function() error("line 7: unexpected comma", 0) end,
}
local skipped = orun.start{
  description = "Compile",
  run = function() return "never" end,
  blockedBy = {broken},
}
local cleanup = orun.start{
  description = "Clean up",
  run = function() return "swept" end,
  blockedBy = {broken},
  on_blocker_failure = "run",
}
local other = orun.start{
  description = "Something else",
  run = function() return 42 end,
}

for _, task in ipairs{broken, skipped, cleanup, other} do
  local result = TaskOutput(task)
  if result.ok then
    print(("%s: %s"):format(result.description, result.output))
  else
    print(("%s: %s (%s)"):format(result.description, result.status, result.error_kind))
  end
end
-- The first line of an error is what was raised; the rest says where.
print(TaskOutput(broken).error:match("[^\n]+"))

--> Parse: failed (lua)
--> Compile: cancelled (blocked)
--> Clean up: swept
--> Something else: 42
--> line 7: unexpected comma
