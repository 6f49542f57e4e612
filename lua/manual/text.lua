--- orun.manual.text: blocks of the manual as lines for a terminal.
--
--     local text = require "orun.manual.text"
--     local shown = text.render({{kind = "para", text = "Some *words*."}}, {width = 20})
--     print(shown:match("%S.*%S"))  --> Some words.

local markdown = require "orun.manual.markdown"

local M = {}

local MOST <const> = 100 -- columns of a line that is still easy to read
local BOLD <const>, PLAIN <const> = "\27[1m", "\27[m"

local function columns(text) return utf8.len(text) or #text end

-- Words as lines: the first after `first`, the others after `rest`.
local function filled(text, width, first, rest)
  local lines, line, used = {}, first, columns(first)
  local empty = true
  for word in text:gmatch("%S+") do
    if not empty and used + 1 + columns(word) > width then
      lines[#lines + 1], line, used, empty = line, rest, columns(rest), true
    end
    line = empty and line .. word or line .. " " .. word
    used, empty = used + columns(word) + (empty and 0 or 1), false
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n") .. "\n"
end

local render = {}

function render.heading(block, how)
  return how.bold(markdown.plain(block.text)) .. "\n"
end

function render.para(block, how)
  return filled(block.verbatim and block.text or markdown.plain(block.text), how.width, "  ", "  ")
end

function render.code(block)
  return (("\n" .. block.text:gsub("\n+$", "")):gsub("\n([^\n]+)", "\n    %1"):sub(2)) .. "\n"
end

function render.list(block, how)
  local lines = {}
  for i, item in ipairs(block.items) do
    local mark = block.ordered and ("  %d. "):format(i) or "  - "
    lines[i] = filled(markdown.plain(item), how.width, mark, (" "):rep(#mark))
  end
  return table.concat(lines)
end

-- What the columns between the first and the last say of a row.
local function between(head, cells)
  local words = {}
  for i = 2, #cells - 1 do
    if cells[i] ~= "" then
      words[#words + 1] = ("%s: %s"):format(head[i], markdown.plain(cells[i]))
    end
  end
  return words[1] and " (" .. table.concat(words, "; ") .. ")" or ""
end

-- A row is its first cell, the last one, and what is between them.
function render.table(block, how)
  local rows = {}
  for i, cells in ipairs(block.rows) do
    local last = cells[2] and markdown.plain(cells[#cells]) or ""
    rows[i] = "  " .. how.bold(markdown.plain(cells[1])) .. "\n"
      .. filled(last .. between(block.head, cells), how.width, "      ", "      ")
  end
  return table.concat(rows)
end

--- Blocks as text.
-- @param how {width = columns, colour = bold headings are wanted}
function M.render(blocks, how)
  local parts = {}
  local given = {width = math.min(how.width or MOST, MOST), bold = function(words)
    return how.colour and BOLD .. words .. PLAIN or words
  end}
  for i, block in ipairs(blocks) do parts[i] = render[block.kind](block, given) end
  return table.concat(parts, "\n")
end

return M
