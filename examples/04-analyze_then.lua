--- Pattern 3 of the guide: analysis in the background, then implementation.
--
-- $ orun examples/04-analyze_then.lua
--
-- The analysis reads a whole spec in a task of its own; only its plan comes
-- back. Meanwhile the script does something else.

local orun = require "orun"

local SPEC <const> = [[
# Shop
## 1. Cart
needs: nothing
## 2. Payment
needs: 1
## 3. Receipt
needs: 1, 2
]]

--- The sections of the spec as batches: one task each, blocked by what it needs.
local function decompose(text)
  local batches = {}
  for _, name, needs in text:gmatch("## (%d+)%. (%a+)\nneeds: ([^\n]+)") do
    local blockers = {}
    for number in needs:gmatch("%d+") do blockers[#blockers + 1] = math.tointeger(number) end
    batches[#batches + 1] = {tasks = {{name = name}}, blockedBy = blockers}
  end
  return batches
end

--- Gives each task of the plan something to run.
local function with_work(batches)
  for _, batch in ipairs(batches) do
    for _, task in ipairs(batch.tasks) do
      task.run = function(name) return name .. " implemented" end
      task.input = task.name
    end
  end
  return batches
end

local analysis = {description = "Decompose the spec", run = decompose, input = SPEC}
local done = orun.analyze_then(analysis, {
  meanwhile = function() return "wrote the release notes" end,
  plan = with_work,
  progress = false,
})

print("meanwhile: " .. done.meanwhile)
print(("the plan has %d tasks"):format(#done.plan))
for _, result in ipairs(done.results) do print(result.output) end

--> meanwhile: wrote the release notes
--> the plan has 3 tasks
--> Cart implemented
--> Payment implemented
--> Receipt implemented
