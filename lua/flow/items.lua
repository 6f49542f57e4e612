--- orun.flow.items: the items of a file, read one by one, as they are asked for.
--
--     for line in items(io.stdin) do … end
--     for name in items(file, "\0") do … end

local PIECE <const> = 1 << 16

--- @param file  open to read; closed by nobody here
-- @param ending  a byte other than the newline with which they end; nil: the newline
-- @return an iterator: item. The last one may lack its ending. Raises what cannot be read.
return function(file, ending)
  if not ending then return file:lines("l") end
  local parts, rest, from = {}, "", 1
  return function()
    while rest do
      local at = rest:find(ending, from, true)
      if at then
        parts[#parts + 1] = rest:sub(from, at - 1)
        local item = table.concat(parts)
        parts, from = {}, at + 1
        return item
      end
      parts[#parts + 1] = rest:sub(from)
      local why
      rest, why = file:read(PIECE)
      if why then error(why, 0) end
      from = 1
    end
    local last = table.concat(parts)
    parts = {}
    if last ~= "" then return last end
  end
end
