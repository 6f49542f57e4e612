--- orun.pattern.numbers: a number for each of those that are at work at the same time.
--
-- Not for scripts. A pattern with a `limit` gives its tasks the numbers 1 to limit
-- (Task's `slot`), each the lowest that none of those that run has.

local Numbers = {}
Numbers.__index = Numbers

--- The lowest number that is free, which `who` has from now on.
function Numbers:take(who)
  local n = self.low
  while self.used[n] do n = n + 1 end
  self.used[n], self.of[who], self.low = true, n, n + 1
  return n
end

--- The number of `who` is free.
function Numbers:free(who)
  local n = self.of[who]
  if not n then return end
  self.used[n], self.of[who] = nil, nil
  if n < self.low then self.low = n end
end

--- No number is used yet.
-- @return `take` and `free`
return function()
  return setmetatable({used = {}, of = {}, low = 1}, Numbers)
end
