--- orun.util.line_width: how many columns lines for a person have.
--
-- COLUMNS says it, else the terminal. Shells know COLUMNS, but do not tell it to what they run.

local USUAL <const>, LEAST <const>, MOST <const> = 80, 40, 400

--- @param columns of the terminal; nil: it is none
-- @param usual columns where neither is known; 80
return function(columns, usual)
  columns = math.tointeger(tonumber(os.getenv "COLUMNS")) or columns
  if not columns or columns <= 0 then return usual or USUAL end
  return math.max(LEAST, math.min(columns, MOST))
end
