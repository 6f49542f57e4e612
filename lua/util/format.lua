--- orun.util.format: what people read: the one way orun writes a duration, a size, a count, a
--- cost, and a text of others in a line.
--
--     local format = require "orun.util.format"
--     print(format.duration(125), format.bytes(1536))  --> 2 m 05 s	1.5 KiB
--
-- C code writes durations and sizes in the same form, with buf_seconds and buf_bytes, and the
-- page of a report with time and bytes of report/page.js.

local M = {}

-- Three figures at most, and no zeros at the end of a fraction.
local function three(x)
  local text = (x < 9.995 and "%.2f" or x < 99.95 and "%.1f" or "%.0f"):format(x)
  return text:find(".", 1, true) and text:gsub("%.?0+$", "") or text
end

-- Whole and in the first unit of which it has less than `base`: the figure and the unit, nil
-- where it has none.
local function scaled(n, base, units)
  local i = 0
  while n >= base * 0.9995 and units[i + 1] do n, i = n / base, i + 1 end
  return i == 0 and ("%.0f"):format(n) or three(n), units[i]
end

--- Seconds: "0 s", "250 ms", "2.5 s", "42.1 s", "3 m 04 s", "2 h 05 m".
function M.duration(s)
  if s < 0.0000005 or s ~= s then return "0 s" end
  if s < 0.0009995 then return ("%.0f µs"):format(s * 1e6) end
  if s < 0.9995 then return ("%.0f ms"):format(s * 1e3) end
  if s < 59.95 then return three(s) .. " s" end
  local minutes <const> = (s + 0.5) // 60
  if minutes < 60 then return ("%.0f m %02.0f s"):format(minutes, (s + 0.5) // 1 % 60) end
  return ("%.0f h %02.0f m"):format(minutes // 60, minutes < 2^53 and minutes % 60 or 0)
end

--- A number of things: "950", "3.2k", "12.3k", "4.56M".
function M.count(n)
  local figure, unit = scaled(n, 1000, {"k", "M", "G", "T"})
  return figure .. (unit or "")
end

--- Bytes: "1 byte", "950 bytes", "1.5 KiB", "12 MiB".
function M.bytes(n)
  local figure, unit = scaled(n, 1024, {"KiB", "MiB", "GiB", "TiB"})
  return figure .. " " .. (unit or n == 1 and "byte" or "bytes")
end

--- US dollars, with as many digits as tell something: "$1.50", "$0.042", "$0.00042".
function M.cost(usd)
  return (usd >= 0.0995 and "$%.2f" or usd >= 0.00995 and "$%.3f" or "$%.5f"):format(usd)
end

--- A text of others as one harmless line, at most so many characters wide;
--- nil: as wide as it is.
function M.line(text, width)
  local line = orun.clean((tostring(text):gsub("%s+", " "))):gsub("\n", " ")
  local n = utf8.len(line)
  if not n or not width or n <= width then return line end
  return line:sub(1, utf8.offset(line, math.max(1, width - 2)) - 1) .. "..."
end

return M
