--- orun.view_events: every event of a run in a file, as JSON lines (--events FILE;
--- event_lines.lua says what they are).

local event_lines = require "orun.event_lines"

return function(path)
  local file, why = io.open(path, "w")
  if not file then error(("cannot write events: %s"):format(why), 0) end
  file:setvbuf("full", 1 << 16)
  local function check(ok, problem)
    if not ok then error(("cannot write events to %s: %s"):format(path, problem), 0) end
  end
  return event_lines.new(
    function(text) check(file:write(text)) end,
    function() check(file:flush()) end,
    function() check(file:close()) end)
end
