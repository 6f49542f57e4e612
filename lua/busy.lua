--- orun.busy: how busy the machine was, with this run and with everything else.
--
--     local since = busy.start()
--     since()  --> 0.97: the part of all processors' time that was used since; nil: not known

local M = {}

local LEAST <const> = 10 -- ticks of the system's clock: of less it tells nothing

-- Ticks of all processors, and those in which they had nothing to do.
local function ticks()
  local file <close> = io.open("/proc/stat", "rb")
  local line = file and file:read("l")
  local all, idle, n = 0, 0, 0
  for figure in (line or ""):gmatch("%f[%d]%d+") do
    n = n + 1
    if n > 8 then break end -- guests are counted already
    all = all + tonumber(figure)
    if n == 4 or n == 5 then idle = idle + tonumber(figure) end
  end
  return all, idle
end

--- Begin to watch.
-- @return function() -> the part of all processors' time that was used since then; nil where
--   the system does not tell, or too little time has passed
function M.start()
  local all, idle = ticks()
  return function()
    local now, rests = ticks()
    if now - all < LEAST then return nil end
    return math.min(math.max(1 - (rests - idle) / (now - all), 0), 1)
  end
end

return M
