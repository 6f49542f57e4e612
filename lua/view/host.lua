--- orun.view.host: every event, as a line of JSON, for the program that embeds orun.

local events_file = require "orun.record.file"

return function(_, v)
  local lines = {setvbuf = function() end, flush = function() return true end,
                 close = function() return true end}
  function lines.write(_, line)
    v.line(line)
    return true
  end
  local writer = events_file.writer(lines, "the host", v.processors())
  return {
    event = function(e) writer:put(e) end,
    close = function(now) writer:close(now, v.busy()) end,
  }
end
