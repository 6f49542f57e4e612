--- orun.util.grid: rows of cells as lines whose columns are aligned.
--
--     local lines = grid({{"task", "took"}, {"t1", "2 s"}}, {[2] = true})

local function width_of(cell) return utf8.len(cell) or #cell end

--- @param rows   arrays of strings, as many in each
-- @param right  {[column] = true}: its cells are aligned on the right
-- @return the lines, without blanks at their end
return function(rows, right)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for c, cell in ipairs(row) do widths[c] = math.max(widths[c] or 0, width_of(cell)) end
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for c, cell in ipairs(row) do
      local pad = (" "):rep(widths[c] - width_of(cell))
      cells[c] = right and right[c] and pad .. cell or cell .. pad
    end
    lines[i] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return lines
end
