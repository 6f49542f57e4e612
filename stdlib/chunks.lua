--- orun.chunks: an array cut into pieces of a size.
--
-- For the guide's "batch appropriately": start so many, wait for them, start the
-- next. orun.fan_out with `limit` does better: it starts the next task as soon
-- as one has ended.
--
--     local orun = require "orun"
--     for _, few in ipairs(orun.chunks({1, 2, 3, 4, 5}, 2)) do
--       print(table.concat(few, " "))
--     end
--     --> 1 2
--     --> 3 4
--     --> 5

local check = require "orun.util.check"

--- Cuts an array.
-- @param array  array without holes; it stays as it is
-- @param size   elements in a piece, 1 or more; the last may have fewer
-- @return array of arrays, none of them empty
local function chunks(array, size)
  local n = check.array("orun.chunks", "array", array)
  check.argument("orun.chunks", "size", size, "count")
  local out = {}
  for from = 1, n, size do
    out[#out + 1] = table.move(array, from, math.min(from + size - 1, n), 1, {})
  end
  return out
end

return chunks
