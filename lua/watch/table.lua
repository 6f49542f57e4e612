--- orun.watch.table: tasks as lines of a table, as wide as there is room.
--
-- Where there is little room columns are left out: below 40 columns there is the id, the
-- state and what the task is; from 40 on the time; from 60 on the agent, tokens and cost,
-- where a task has them; from 100 on what it does has a column of its own.
--
-- Glossary
--   layout   how wide each column is: fitted to the rows there are

local format = require "orun.util.format"
local terminal = require "orun.terminal"
local words = require "orun.watch.words"

local M = {}

-- Each has its name, how wide it may be, from which width of the table on it is there, and
-- what stands in it.
local COLUMNS <const> = {
  {name = "ID", most = 8, from = 0, of = function(e) return e.id end},
  {name = "STATE", most = 9, from = 0, of = words.state},
  {name = "TIME", least = 6, most = 9, from = 40, right = true,
   of = function(e) return e.elapsed and format.duration(e.elapsed) end},
  {name = "TOKENS", most = 6, from = 60, right = true, of = words.tokens},
  {name = "COST", most = 8, from = 60, right = true, of = words.cost},
  {name = "AGENT", most = 16, from = 60, of = function(e) return e.agent end},
}

local NOTE_FROM <const> = 100  -- columns of a table in which a note has its own
local GAP <const> = "  "

local function put(text, width, right)
  local shown, used = terminal.fit(text or "", width)
  local blank = (" "):rep(width - used)
  return right and blank .. shown or shown .. blank
end

local function flat(text) return (text:gsub("%s+", " ")) end

local function width_of(text)
  local _, used = terminal.fit(text, 1 << 20)
  return used
end

-- How wide the column must be for the rows; 0: none has something there.
local function needed(column, rows)
  local wide = 0
  for _, e in ipairs(rows) do
    local text = column.of(e)
    if text then wide = math.max(wide, width_of(text), column.least or #column.name) end
  end
  return math.min(wide, column.most)
end

--- The layout for these rows.
-- @param columns  how wide the table is
function M.layout(rows, columns)
  local layout, left = {}, columns
  for _, column in ipairs(COLUMNS) do
    local width = columns >= column.from and needed(column, rows) or 0
    if width > 0 and width + #GAP < left then
      layout[#layout + 1] = {column = column, width = width}
      left = left - width - #GAP
    end
  end
  layout.rest = left
  if columns >= NOTE_FROM then
    local title = 4
    for _, e in ipairs(rows) do
      title = math.max(title, width_of(flat(e.description or "")))
    end
    layout.title = math.min(title, left // 2)
  end
  return layout
end

local function cells(layout, of)
  local parts = {}
  for i, c in ipairs(layout) do parts[i] = put(of(c.column), c.width, c.column.right) end
  return parts
end

-- What the task is and what it does, in one column or in two.
local function text_of(layout, title, note)
  if layout.title then
    local rest = layout.rest - layout.title - #GAP
    return put(title, layout.title) .. GAP .. terminal.fit(note or "", rest)
  end
  if note then title = title == "" and note or title .. ": " .. note end
  return (terminal.fit(title, layout.rest))
end

--- The names of the columns.
function M.header(layout)
  local parts = cells(layout, function(column) return column.name end)
  parts[#parts + 1] = text_of(layout, "TASK", layout.title and "NOW")
  return (table.concat(parts, GAP):gsub(" +$", ""))
end

--- The line of one task; safe to show.
function M.line(layout, entry)
  local parts = cells(layout, function(column) return column.of(entry) end)
  parts[#parts + 1] = text_of(layout, flat(entry.description or ""), words.note(entry))
  return (table.concat(parts, GAP):gsub(" +$", ""))
end

return M
