--- orun.util.lines: the lines of what is read piece by piece.
--
--     for line in lines(reader) do ... end
--
-- `reader:read()` returns the next piece, nil at the end, or nil and a message
-- when it broke off, which is raised. Lines are given without their newline; a
-- last one that has none is a line, too. A line longer than `longest` bytes
-- (1 MiB) comes in pieces of that size: no writer decides how much memory a
-- line takes.

local check = require "orun.util.check"

local LONGEST <const> = 1024 * 1024

return function(reader, longest)
  longest = longest or LONGEST
  check.argument("lines", "longest", longest, "count")
  local parts, held = {}, 0     -- of a line whose end has not come
  local text, from = "", 1      -- what was read, and where it goes on
  local function keep(last)
    parts[#parts + 1], held = text:sub(from, last), held + last + 1 - from
  end
  local function line()
    local whole = table.concat(parts)
    parts, held = {}, 0
    return whole
  end
  return function()
    while text do
      local at = text:find("\n", from, true)
      local last = (at or #text + 1) - 1
      if last + 1 - from > longest - held then
        last = from + longest - held - 1
        keep(last)
        from = last + 1
        return line()
      end
      keep(last)
      if at then
        from = at + 1
        return line()
      end
      local message
      text, message = reader:read()
      from = 1
      if message then error(message, 2) end
    end
    if held > 0 then return line() end
  end
end
