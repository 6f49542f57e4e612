-- A folder to work in, in which a shell line has been run; it goes with its variable:
--
--     local dir, _ <close> = require "scratch" "touch a.c b.c"

local orun = require "orun"

local function scratch(line)
  local path = orun.exec{command = {"mktemp", "-d"}, check = true}:match "%S+"
  orun.exec{command = {"sh", "-c", line}, cwd = path, check = true}
  return path, setmetatable({}, {__close = function() orun.exec("rm", "-rf", path) end})
end

return scratch
