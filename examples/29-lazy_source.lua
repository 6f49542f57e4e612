-- 29-lazy_source.lua — a source that is asked for the next item when there is room for it.
--
--     $ orun examples/29-lazy_source.lua
--
-- A file, a queue or a generator may be endless: with `each` no result is kept.

local orun = require "orun"

local asked, at_most, ended = 0, 0, 0
local function numbers()
  asked = asked + 1
  at_most = math.max(at_most, asked - ended)
  return asked <= 100 and asked or nil
end

local sum = 0
orun.fan_out(numbers, function(n)
  return {run = function(x) return x * x end, input = n}
end, {limit = 4, each = function(result)
  sum, ended = sum + result.output, ended + 1
end})
print(sum, at_most <= 4 + 1)

-- An iterator of Lua is one, too.
local longest = 0
orun.fan_out(("some words of a text"):gmatch "%a+", function(word)
  return {command = {"printf", "%s", word}}
end, {limit = 2, each = function(result) longest = math.max(longest, #result.output) end})
print(longest)

--> 338350	true
--> 5
