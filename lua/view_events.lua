--- orun.view_events: every event of a run in a file, as JSON lines (--events FILE).
--
-- The first line is {"event":"run","version":1,"orun":VERSION}, the last
-- {"event":"run_ended","at":SECONDS}; between them stand the events that
-- view.lua documents, in the order they happened, with their fields. Fields and
-- events may be added; what is there keeps its meaning while the version stays.

local json = require "orun.json"

local VERSION <const> = 1

return function(path)
  local file, why = io.open(path, "w")
  if not file then error(("cannot write events: %s"):format(why), 0) end
  file:setvbuf("full", 1 << 16)
  local function check(ok, problem)
    if not ok then error(("cannot write events to %s: %s"):format(path, problem), 0) end
  end
  local function put(row)
    check(file:write(json.encode(row), "\n"))
  end
  put{event = "run", version = VERSION}
  return {
    event = put,
    tick = function() check(file:flush()) end,
    close = function(now)
      put{event = "run_ended", at = now}
      check(file:close())
    end,
  }
end
