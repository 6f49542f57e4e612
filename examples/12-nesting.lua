--- A task may start tasks, to any useful depth.
--
-- $ orun examples/12-nesting.lua
--
-- While a task waits for its children it takes no place from anybody, so this
-- works with a single worker too. Functions travel with what they capture.

local orun = require "orun"

local function sum(numbers)
  if #numbers == 1 then return numbers[1] end
  local half = #numbers // 2
  local left = orun.start{
    run = sum,
    input = table.move(numbers, 1, half, 1, {}),
  }
  local right = orun.start{
    run = sum,
    input = table.move(numbers, half + 1, #numbers, 1, {}),
  }
  return TaskOutput(left).output + TaskOutput(right).output
end

local numbers = {}
for i = 1, 32 do numbers[i] = i end
local total = Task{description = "Sum", run = sum, input = numbers}
print(total.output)

-- The patterns work inside tasks as they do outside.
local team = Task{
  description = "A team of teams",
  run = function()
    local results = orun.fan_out{
      function() return #orun.map({1, 2, 3}, function(n) return n end) end,
      function() return orun.race{function() return 4 end}.output end,
    }
    return results[1].output + results[2].output
  end,
}
print(team.output)

--> 528
--> 7
