--- Right: a form is asked for, and what does not have it is a failed task.
--
-- $ orun -q --strict examples/anti_patterns/no_form_right.lua
--
-- With `schema` an agent that is a program or an API is told the form, too.

local orun = require "orun"
orun.agent{name = "Explore", run = function(_, task)
  return {area = task.description, findings = 3}
end}

local FORM <const> = {type = "object", required = {"area", "findings"}}
local handles = {}
for i, area in ipairs{"routes", "views"} do
  handles[i] = orun.start{subagent_type = "Explore", prompt = "Look at " .. area,
                          description = area, schema = FORM}
end
for _, handle in ipairs(handles) do
  local result = TaskOutput(handle)
  if result.ok then
    print(result.output.area, result.output.findings)
  else
    print(result.error)
  end
end

--> routes	3
--> views	3
