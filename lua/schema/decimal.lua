--- orun.schema.decimal: numbers as they were written, in decimal.
--
-- 19.99 is not a multiple of 0.01 as floats divide, and is one for anyone who wrote
-- them. A number stands here for the shortest decimal that reads back as it: digits
-- and a power of ten, with which whole numbers calculate exactly.
--
-- Glossary
--   digits   of the number, without sign, point and zeros at either end
--   power    of ten that the digits are multiplied by

local M = {}

-- digits and power of a finite number.
local function parts(x)
  local text
  if math.type(x) == "integer" then
    text = ("%d"):format(x)
  else
    for precision = 1, 17 do
      text = ("%." .. precision .. "g"):format(x)
      if tonumber(text) == x then break end
    end
  end
  local whole, fraction, exponent = text:match("^%-?(%d+)%.?(%d*)e?([-+]?%d*)$")
  local digits = (whole .. fraction):gsub("^0+", "")
  local power = (math.tointeger(tonumber(exponent)) or 0) - #fraction
  local kept = digits:gsub("0+$", "")
  return kept, power + #digits - #kept
end

-- x + y and 10 * x modulo m, where none of them reaches m.
local function add(x, y, m)
  return x >= m - y and x - (m - y) or x + y
end

local function ten_times(x, m)
  local two = add(x, x, m)
  local four = add(two, two, m)
  return add(add(four, four, m), two, m)
end

--- Is the number a whole multiple of the step?
-- @param x     a number; one that is not finite is a multiple of nothing
-- @param step  a finite number above 0
-- @usage decimal.is_multiple(19.99, 0.01)  --> true
function M.is_multiple(x, step)
  if x ~= x or x == math.huge or x == -math.huge then return false end
  if x == 0 then return true end
  local digits, power = parts(x)
  local divisor, divisor_power = parts(step)
  local zeros, m = power - divisor_power, math.tointeger(tonumber(divisor))
  if zeros < 0 then return false end -- the digits do not end in 0
  local rest = 0
  for digit in (digits .. ("0"):rep(zeros)):gmatch(".") do
    rest = add(ten_times(rest, m), tonumber(digit) % m, m)
  end
  return rest == 0
end

--- The least multiple of the step that is not below the number (both finite, the step
--- above 0), as near as a float comes to it.
-- @usage decimal.at_least(19.981, 0.01)  --> 19.99
function M.at_least(x, step)
  if M.is_multiple(x, step) then return x end
  local times = -(-x // step)
  local n = tonumber(("%.15g"):format(times * step))
  return n < x and tonumber(("%.15g"):format((times + 1) * step)) or n
end

return M
