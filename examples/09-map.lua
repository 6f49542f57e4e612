--- A function over many items, in parallel, with the outputs in order.
--
-- $ orun examples/09-map.lua
--
-- Items are sent in chunks that grow with what they are seen to cost, so a
-- hundred thousand small ones are no burden.

local orun = require "orun"

local function collatz(n)
  local steps = 0
  while n ~= 1 do
    n = n % 2 == 0 and n // 2 or 3 * n + 1
    steps = steps + 1
  end
  return steps
end

local numbers = {}
for i = 1, 20000 do numbers[i] = i end

local steps = orun.map(numbers, collatz)

local best = 1
for n, count in ipairs(steps) do
  if count > steps[best] then best = n end
end
print(("%d outputs; %d takes %d steps"):format(#steps, best, steps[best]))

-- An error is raised with the item it belongs to, or kept with the outputs when one asks.
local ok, message = pcall(orun.map, {1, 0, 2}, function(n) return 10 // n end)
print(tostring(ok) .. " " .. message:match("items%[%d%]"))
local outputs = orun.map({1, 0, 2}, function(n) return 10 // n end, {on_failure = "go_on"})
print(("%d and %d; item %d failed"):format(outputs[1], outputs[3], outputs.failed[1].index))

--> 20000 outputs; 17647 takes 278 steps
--> false items[2]
--> 10 and 5; item 2 failed
