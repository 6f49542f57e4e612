-- 34-workflow.lua — a script that others run as a function.
--
--     $ orun examples/34-workflow.lua
--
-- Without arguments it is the script; with some it is the function. What a script returns
-- says how it went: false, or nil and a text, is exit code 1; `orun --json` prints a table.

local orun = require "orun"

local args = ...
if type(args) == "table" then
  return {sum = Task{run = function(n) return n[1] + n[2] end, input = args}.output}
end

local report = orun.workflow("34-workflow.lua", {20, 22})
print(report.sum)

--> 42
