--- orun.report.context: what agents printed or used, and what of it the script was handed.
--
--     print(context(orun.fan_out(tasks)).saved)   -- of a hundred bytes, so many did not come back
--
-- In bytes, and in tokens: those that agents report, else about four bytes each.

local orun = require "orun"

local TOKEN <const> = 4 -- bytes, about, where nobody counts

--- Adds it up.
-- @param results  array of results
-- @return {made =, handed =, saved = the part that was not handed, tokens = {made =, handed =}}
return function(results)
  local c = {made = 0, handed = 0, tokens = {made = 0, handed = 0}}
  for _, result in ipairs(results) do
    local printed, usage = orun.output(result):size(), result.usage or {}
    local used = (usage.input_tokens or 0) + (usage.output_tokens or 0)
      + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    c.made, c.handed = c.made + printed, c.handed + #tostring(result.output)
    c.tokens.made = c.tokens.made + (used > 0 and used or printed // TOKEN)
  end
  c.tokens.handed = c.handed // TOKEN
  c.saved = 1 - c.handed / math.max(c.made, c.handed, 1)
  return c
end
