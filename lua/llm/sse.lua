--- orun.llm.sse: server-sent events, as they come in pieces.
--
--     local reader = sse.new(function(event, data) ... end)
--     reader:feed(piece)       -- any number of times
--
-- Lines end with LF, CRLF or CR, wherever the pieces were cut. An event without
-- a name is "message". Comments, ids and retry times are read past. An event
-- that was not ended by an empty line is none.
--
-- Each byte is looked at once, and what is held of a line or an event is bounded: the
-- pieces of a line that has not ended are a rope, so a line in many small pieces costs no
-- more than one in a few.

local rope = require "orun.llm.rope"

local M = {}

local MAX_EVENT <const> = 16 << 20 -- bytes of one event …
local LINE <const> = 64            -- … of which a line takes so many beside its own

local Reader <const> = {__name = "orun.sse"}
Reader.__index = Reader

--- A reader that calls `on_event(name, data)` for each event.
function M.new(on_event)
  return setmetatable({on_event = on_event, parts = {}, held = 0, data = {}, size = 0,
                       head = ""}, Reader)
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
    self.size = self.size + #value + LINE
    if self.size > MAX_EVENT then
      error(("an event of the stream has more than %d bytes"):format(MAX_EVENT), 0)
    end
    self.data[#self.data + 1] = value
  elseif field == "event" then
    self.name = value
  end
end

-- Keep a piece of a line that has not ended.
local function keep(self, text)
  if text == "" then return end
  local parts = self.parts
  self.held = self.held + #text
  if self.held > MAX_EVENT then
    error(("a line of the stream has more than %d bytes"):format(MAX_EVENT), 0)
  end
  rope.put(parts, text)
end

-- The line ends with this.
local function finish(self, text)
  keep(self, text)
  local line = table.concat(self.parts)
  self.parts, self.held = {}, 0
  take_line(self, line)
end

-- What is left of the piece once a mark at the beginning of the stream is gone; "" as
-- long as that is not known.
local function after_mark(self, piece)
  if not self.head then return piece end
  local text = self.head .. piece
  if #text < 3 and ("\u{FEFF}"):sub(1, #text) == text then
    self.head = text
    return ""
  end
  self.head = nil
  return text:sub(1, 3) == "\u{FEFF}" and text:sub(4) or text
end

--- Take the next piece of the stream.
-- Raises when one event, or one line, is larger than 16 MiB.
function Reader:feed(piece)
  local text, from = after_mark(self, piece), 1
  if self.cr and text ~= "" then
    self.cr = false
    if text:byte() == 10 then from = 2 end -- of the CR that ended the piece before
  end
  while true do
    local at = text:find("[\r\n]", from)
    if not at then break end
    finish(self, text:sub(from, at - 1))
    from = at + 1
    if text:byte(at) == 13 then
      if text:byte(from) == 10 then from = from + 1 end
      self.cr = at == #text
    end
  end
  keep(self, text:sub(from))
end

return M
