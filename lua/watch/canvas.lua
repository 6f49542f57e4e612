--- orun.watch.canvas: lines on a screen, of which only those that changed are sent.
--
--     local canvas = require "orun.watch.canvas"(screen)
--     canvas:draw({{"title", style = "bold"}, {"one"}}, 80, 24)
--
-- Glossary
--   line    {text, style = STYLE or nil}; the text is safe to show and has room
--   style   bold, dim, bar (as wide as the screen, inverted), bad, good

local terminal = require "orun.terminal"

local Canvas = {__name = "orun.canvas"}
Canvas.__index = Canvas

local PLAIN <const> = {bold = "\27[1m", dim = "\27[2m", bar = "\27[7m", bad = "\27[1m", good = ""}
local COLOURED <const> = {bold = "\27[1m", dim = "\27[2m", bar = "\27[7m", bad = "\27[31m",
                          good = "\27[32m"}

-- What is sent for a line.
local function bytes_of(self, line, columns)
  local text, style = line[1], line.style
  local shown, used = terminal.fit(text, columns)
  if style == "bar" then shown, used = shown .. (" "):rep(columns - used), columns end
  if style then shown = self.styles[style] .. shown .. "\27[0m" end
  return used < columns and shown .. "\27[K" or shown
end

--- Have the screen show these lines, from its top on, and nothing else.
-- @return true; nil when the terminal has gone
function Canvas:draw(lines, columns, rows)
  local out = {}
  if columns ~= self.columns or rows ~= self.rows then
    self.columns, self.rows, self.sent = columns, rows, {}
    out[1] = "\27[0m\27[2J"
  end
  for row = 1, rows do
    local bytes = lines[row] and bytes_of(self, lines[row], columns) or "\27[K"
    if bytes ~= (self.sent[row] or "\27[K") then
      out[#out + 1] = ("\27[%d;1H%s"):format(row, bytes)
      self.sent[row] = bytes
    end
  end
  if not out[1] then return true end
  return self.screen:write(table.concat(out))
end

--- The screen shows something else by now: everything is sent again.
function Canvas:forget() self.columns = nil end

return function(screen)
  local no_colour = os.getenv("NO_COLOR")
  return setmetatable({screen = screen, sent = {},
    styles = no_colour and no_colour ~= "" and PLAIN or COLOURED}, Canvas)
end
