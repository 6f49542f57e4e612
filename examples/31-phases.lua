-- 31-phases.lua — headings for displays and reports, which follow what starts a task.
--
--     $ orun --output grouped --progress plain examples/31-phases.lua

local orun = require "orun"

-- From here on; a Task may have its own, and what it starts inherits that.
orun.phase "research"
local found = orun.map({"a", "b"}, function(name) return name:upper() end)

local function verify(name)
  return TaskOutput(orun.start{run = string.lower, input = name}).output == name:lower()
end
local verified = orun.fan_out(found, function(name)
  return {run = verify, input = name, phase = "verify"}
end)
print(found[1], verified[1].output)

--> A	true
