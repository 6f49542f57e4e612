--- orun.event_lines: every event of a run as JSON lines.
--
-- The first line is {"event":"run","version":1}, the last {"event":"run_ended","at":SECONDS};
-- between them stand the events that view.lua documents, in the order they happened, with
-- their fields. Fields and events may be added; what is there keeps its meaning while the
-- version stays.

local json = require "orun.json"

local M = {}

local VERSION <const> = 1

--- A view that writes them.
-- @param write  function(text), of whole lines
-- @param tick   function(), after the events of a while; may be nil
-- @param close  function(), after the last; may be nil
-- @return {event=, tick=, close=} for view.lua
function M.new(write, tick, close)
  local function put(row) write(json.encode(row) .. "\n") end
  put{event = "run", version = VERSION}
  return {
    event = put,
    tick = tick,
    close = function(now)
      put{event = "run_ended", at = now}
      if close then close() end
    end,
  }
end

return M
