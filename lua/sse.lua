--- orun.sse: server-sent events, as they come in pieces.
--
--     local reader = sse.new(function(event, data) ... end)
--     reader:feed(piece)       -- any number of times
--
-- Lines end with LF, CRLF or CR, wherever the pieces were cut. An event without
-- a name is "message". Comments, ids and retry times are read past. An event
-- that was not ended by an empty line is none.

local M = {}

local MAX_EVENT <const> = 16 << 20 -- bytes of one event

local Reader <const> = {__name = "orun.sse"}
Reader.__index = Reader

--- A reader that calls `on_event(name, data)` for each event.
function M.new(on_event)
  return setmetatable({on_event = on_event, rest = "", data = {}, size = 0, first = true}, Reader)
end

local function take_line(self, line)
  if line == "" then
    local name, data = self.name or "message", self.data
    self.name, self.data, self.size = nil, {}, 0
    if #data > 0 then self.on_event(name, table.concat(data, "\n")) end
    return
  end
  local field, value = line:match("^([^:]*):? ?(.*)$")
  if field == "data" then
    self.size = self.size + #value
    if self.size > MAX_EVENT then
      error(("an event of the stream has more than %d bytes"):format(MAX_EVENT), 0)
    end
    self.data[#self.data + 1] = value
  elseif field == "event" then
    self.name = value
  end
end

--- Take the next piece of the stream.
-- Raises when one event is larger than 16 MiB.
function Reader:feed(piece)
  local text = self.rest .. piece
  if self.first and #text >= 3 then
    self.first = false
    if text:sub(1, 3) == "\u{FEFF}" then text = text:sub(4) end
  end
  local from = 1
  while true do
    local at = text:find("[\r\n]", from)
    -- Whether a CR at the end stands alone shows with the next piece.
    if not at or at == #text and text:byte(at) == 13 then break end
    take_line(self, text:sub(from, at - 1))
    from = text:sub(at, at + 1) == "\r\n" and at + 2 or at + 1
  end
  self.rest = text:sub(from)
  if #self.rest > MAX_EVENT then
    error(("a line of the stream has more than %d bytes"):format(MAX_EVENT), 0)
  end
end

return M
