--- Wrong: the prompt asks for no form, and an agent gives nothing back.
--
-- $ orun -q --strict examples/anti_patterns/no_form_wrong.lua
--
-- The stand-in for an agent answers only who asks for a form. (An agent of a preset, such as
-- claude, that ends without an answer has failed: that cannot be overlooked.)

local orun = require "orun"
orun.agent{name = "Explore", run = function(_, task)
  return task.prompt:find("findings") and "views: 3 findings" or ""
end}

local a = orun.start{subagent_type = "Explore", prompt = "Look at routes", description = "routes"}
local b = orun.start{subagent_type = "Explore", prompt = "Look at views. Return your findings.",
                     description = "views"}
for _, handle in ipairs{a, b} do
  local result = TaskOutput(handle)
  print(result.description, result.status, #result.output .. " bytes")
end

--> routes	completed	0 bytes
--> views	completed	17 bytes
--> orun: ...:13: t1 (Explore: routes) gave nothing, where others of its type gave an answer
-->     Task{..., prompt = prompt .. "\nReturn your findings in this format: ...", schema = {...}}
