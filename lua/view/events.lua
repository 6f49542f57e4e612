--- orun.view.events: every event of a run in a file, as JSON lines (--events FILE), or "-".
--
-- record/file.lua documents the file.

local events_file = require "orun.record.file"
local refusal = require "orun.util.refusal"
local sink = require "orun.util.sink"

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
