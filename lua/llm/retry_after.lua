--- orun.llm.retry_after: what a server's Retry-After header asks for.
--
--     retry_after("120")                            --> 120
--     retry_after("Sun, 06 Nov 1994 08:49:37 GMT")  --> seconds until then, 0 when it is past
--     retry_after("soon")                           --> nil
--
-- @param header  the header's value; of several, joined by commas, the longest
--   time counts. nil is fine
-- @param now     seconds since 1970; the present unless given
-- @return seconds from 0 to MAX; nil where nothing is said that makes sense

local MAX <const> = 3600

local MONTHS <const> = {Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8,
                        Sep = 9, Oct = 10, Nov = 11, Dec = 12}

-- Days from 1970-01-01 to a day of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day
    - 719469
end

local function date(text)
  local day, name, year, hour, minute, second =
    text:match("^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$")
  local month = MONTHS[name]
  if not month then return nil end
  return days(tonumber(year), month, tonumber(day)) * 86400 + tonumber(hour) * 3600
    + tonumber(minute) * 60 + tonumber(second)
end

return function(header, now)
  if type(header) ~= "string" then return nil end
  local at, longest = date(header), nil
  if at then return math.max(0, math.min(at - (now or os.time()), MAX)) end
  for word in header:gmatch("[^,]+") do
    local seconds = tonumber(word:match("^%s*(%d+%.?%d*)%s*$"))
    if seconds then longest = math.max(longest or 0, seconds) end
  end
  return longest and math.min(longest, MAX)
end
