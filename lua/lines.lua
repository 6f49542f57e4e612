--- orun.lines: the lines of what is read piece by piece.
--
--     for line in lines(reader) do ... end
--
-- `reader:read()` gives the next piece, nil at the end, or nil and a message
-- when it broke off, which is raised. Lines are given without their newline; a
-- last one that has none is a line, too.

return function(reader)
  local parts, text, from = {}, "", 1
  return function()
    while true do
      local at = text and text:find("\n", from, true)
      if at then
        parts[#parts + 1] = text:sub(from, at - 1)
        from = at + 1
        break
      end
      if text then parts[#parts + 1] = text:sub(from) end
      local message
      text, message = reader:read()
      from = 1
      if message then error(message, 2) end
      if not text then break end
    end
    local line = table.concat(parts)
    parts = {}
    if text or line ~= "" then return line end
  end
end
