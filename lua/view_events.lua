--- orun.view_events: every event of a run in a file, as JSON lines (--events FILE), or "-".
--
-- events_file.lua documents the file.

local events_file = require "orun.events_file"
local refusal = require "orun.refusal"
local sink = require "orun.sink"

return function(path, v)
  local file, why, name = sink.open(path)
  if not file then refusal.raise("cannot write events: %s", why) end
  local writer = events_file.writer(file, name, v.processors())
  return {
    event = function(e) writer:put(e) end,
    tick = function() writer:flush() end,
    close = function(now) writer:close(now, v.busy()) end,
  }
end
