--- orun.util.json_line: anything as one line of JSON, for files, terminals and other programs.
--
--     local json_line = require "orun.util.json_line"
--     print(json_line{name = "caf\xE9", ratio = 0/0})  --> {"name":"caf�","ratio":null}
--
-- It never raises: what JSON cannot say is replaced (salvage of json.encode). And what could
-- drive a terminal is written as an escape of JSON, \u202e, so that whoever reads the data has
-- them as they were.

local json = require "orun.json"

-- Is that character, beyond ASCII, one that orun.clean would replace?
local function unsafe(character)
  return orun.clean(character) ~= character
end

local HOW <const> = {salvage = true, unsafe = unsafe, depth = 200}

--- The value as JSON.
-- @param whole  true: what looks like one of this process's secrets stays, for data that
--               were asked for
return function(value, whole)
  local text = json.encode(value, HOW)
  return whole and text or orun.clean(text) -- there are only secrets left that it replaces
end
