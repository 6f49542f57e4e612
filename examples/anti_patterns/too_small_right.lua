--- Right: quick operations are done where they are, or put together by orun.map.
--
-- $ orun -q --strict examples/anti_patterns/too_small_right.lua

local orun = require "orun"

local sum = 0
for i = 1, 5000 do sum = sum + i * i end
print(sum)

-- Tasks of as many numbers as are worth one; for work that takes longer than this.
local numbers = {}
for i = 1, 5000 do numbers[i] = i end
sum = 0
for _, square in ipairs(orun.map(numbers, function(n) return n * n end)) do sum = sum + square end
print(sum)

--> 41679167500
--> 41679167500
