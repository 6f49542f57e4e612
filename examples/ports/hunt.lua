-- hunt.lua — a bug hunt: rounds of three hunters, until two rounds find nothing new or the
-- budget is nearly used up.
--
--     $ orun examples/ports/hunt.lua

local orun = require "model"

local BUGS <const> = {type = "object", required = {"bugs"}}

orun.config{budget = {tasks = 20}}
local found, dry, round = {}, 0, 0
while dry < 2 and orun.limit().budget.tasks - orun.limit().spent.tasks >= 3 do
  round, dry = round + 1, dry + 1
  for _, hunt in ipairs(orun.map({"logic", "memory", "races"}, function(where)
    local prompt = ("Hunt for bugs in %s, round %d"):format(where, round)
    return orun.ask(prompt, {schema = BUGS}) or {bugs = {}}
  end)) do
    for _, bug in ipairs(hunt.bugs) do
      if not found[bug] then found[bug], found[#found + 1], dry = true, bug, 0 end
    end
  end
end
print(round, table.concat(found, ", "))

--> 4	logic 1, memory 1, races 1, logic 2, memory 2, races 2
