--- orun.figures: numbers as people read them, in few columns.

local M = {}

--- Seconds: 0.4s, 12.3s, 2m05s, 1h02m.
function M.duration(s)
  if s < 59.95 then return ("%.1fs"):format(s) end
  local whole <const> = math.floor(s + 0.5)
  if whole < 3600 then return ("%dm%02ds"):format(whole // 60, whole % 60) end
  return ("%dh%02dm"):format(whole // 3600, whole % 3600 // 60)
end

-- n in the first unit that makes it less than 1000, of three figures at most.
local function scaled(n, units)
  local i = 1
  while n >= 999.5 and units[i + 1] do n, i = n / 1000, i + 1 end
  return (n < 9.95 and i > 1 and "%.1f%s" or "%.0f%s"):format(n, units[i])
end

--- A number of things: 950, 3.2k, 12k, 1.2M.
function M.count(n)
  return scaled(n, {"", "k", "M", "G"})
end

--- Bytes: 950 B, 3.2 kB, 12 MB.
function M.bytes(n)
  return scaled(n, {" B", " kB", " MB", " GB", " TB"})
end

--- US dollars: $0.021, $1.20, $350.
function M.cost(usd)
  return (usd < 0.1 and "$%.3f" or usd < 100 and "$%.2f" or "$%.0f"):format(usd)
end

return M
