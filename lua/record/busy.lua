--- orun.record.busy: how busy the machine was, with this run and with everything else.
--
--     local since = busy.start()
--     since()  --> 0.97: the part of all processors' time that was used since; nil: not known
--     since()  --> 7.5: they were full, and so many wanted each of them

local M = {}

local LEAST <const> = 10 -- ticks of the system's clock: of less it tells nothing
local FULL <const> = 0.8 -- of the processors: others may have waited for them

-- All of a file of the system's, which may not be there.
local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("a") or ""
end

-- Ticks of all processors, those in which they had nothing to do, how many run or would, and how
-- many processors there are.
local function look(proc)
  local text = read(proc .. "/stat")
  local all, idle, n = 0, 0, 0
  for figure in text:match("^[^\n]*"):gmatch("%f[%d]%d+") do
    n = n + 1
    if n > 8 then break end -- guests are counted already
    all = all + tonumber(figure)
    if n == 4 or n == 5 then idle = idle + tonumber(figure) end
  end
  local _, processors = text:gsub("\ncpu%d", "")
  return all, idle, tonumber(text:match("\nprocs_running (%d+)")) or 0, math.max(processors, 1)
end

--- Begin to watch.
-- @param proc where the system tells of itself; "/proc"
-- @return function() -> the part of all processors' time that was used since then, and where that
--   was nearly all how many wanted each, if that is more; nil where the system does not tell, or
--   too little time has passed
function M.start(proc)
  proc = proc or "/proc"
  local all, idle, running = look(proc)
  return function()
    local now, rests, still, processors = look(proc)
    if now - all < LEAST then return nil end
    local used = math.min(math.max(1 - (rests - idle) / (now - all), 0), 1)
    if used < FULL then return used end
    local of_late = tonumber(read(proc .. "/loadavg"):match("^%S+")) or 0
    return math.max(used, math.max(of_late, running, still) / processors)
  end
end

return M
