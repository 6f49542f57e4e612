--- orun.pattern.ranges: cuts the items 1..n into chunks of a useful size.
--
-- Not for scripts: orun.map is. The first chunks hold one item; what they took
-- is learnt, and later ones are sized to take a few milliseconds, growing step
-- by step, and shrinking towards the end so that all workers finish together.
--
-- Glossary
--   range  consecutive items still to be taken: {first, last}
--   cost   seconds one item takes, as last measured

--- Seconds a chunk is meant to take, and the least worth a task of its own.
local AIM <const> = 0.003
local LEAST <const> = 0.0002

--- A chunk is at most so many times as long as the longest before it.
local GROWTH <const> = 8

--- No item costs less: a clock that did not move says nothing.
local CHEAPEST <const> = 1e-9

local Ranges = {__name = "orun.ranges"}
Ranges.__index = Ranges

--- All of 1..n, for so many workers.
function Ranges.new(n, workers)
  return setmetatable({
    stack = {{first = 1, last = n}},
    last = n,
    left = n,
    size = 1,
    longest = 1,
    workers = workers,
  }, Ranges)
end

--- Takes the next chunk.
-- @return first, last; or nil when nothing is left
function Ranges:take()
  local stack = self.stack
  while stack[1] and stack[#stack].first > stack[#stack].last do stack[#stack] = nil end
  local range = stack[#stack]
  if not range then return nil end
  local first, last = range.first, math.min(range.first + self.size - 1, range.last)
  range.first = last + 1
  self.left = self.left - (last - first + 1)
  return first, last
end

--- Puts items back that were taken but not done.
function Ranges:give_back(first, last)
  last = math.min(last, self.last)
  if first > last then return end
  self.stack[#self.stack + 1] = {first = first, last = last}
  self.left = self.left + last - first + 1
end

--- Drops all items from `index` on.
function Ranges:cut(index)
  self.last, self.left = math.min(self.last, index - 1), 0
  for _, range in ipairs(self.stack) do
    range.last = math.min(range.last, self.last)
    self.left = self.left + math.max(0, range.last - range.first + 1)
  end
end

--- Learns from a chunk of `items` items that took `seconds`.
function Ranges:learn(items, seconds)
  local cost = math.max(seconds / items, CHEAPEST)
  local fair = self.left / (2 * self.workers)
  local wish = math.max(LEAST / cost, math.min(AIM / cost, fair))
  self.longest = math.max(self.longest, items)
  self.size = math.max(1, math.floor(math.min(wish, self.longest * GROWTH)))
end

return Ranges
