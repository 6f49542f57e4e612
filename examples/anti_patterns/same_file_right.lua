--- Right: one after the other. A task in the foreground has ended when the next one starts.
--
-- $ orun -q --strict examples/anti_patterns/same_file_right.lua

local orun = require "orun"
local config = os.tmpname()
orun.agent{name = "editor", command = {"sh", "-c", 'cat >>"$0"', config}}

for _, feature in ipairs{"A", "B"} do
  Task{subagent_type = "editor", prompt = "feature " .. feature .. "\n", writes = {config}}
end
for line in io.lines(config) do print(line) end
os.remove(config)

--> feature A
--> feature B
