--- orun.util.process: which process something belongs to, so that what one left that has ended is
--- known.
--
--     local process = require "orun.util.process"
--     local id = process.id "-"  -- "3127-8815-myhost"
--     print(process.lives(id:match("^(%d+)%-(%d+)%-(.*)$")))  --> true
--
-- An id is the number of a process, when it began (in ticks since the machine started, so that no
-- later process of that number is taken for it), and the name of the machine.

local M = {}

--- The name of this machine.
function M.host()
  local file <close> = io.open("/proc/sys/kernel/hostname", "rb")
  return file and file:read("l") or "?"
end

--- The number of a process ("self": ours) and when it began; nil when there is none.
function M.of(pid)
  local file <close> = io.open(("/proc/%s/stat"):format(pid), "rb")
  local number, rest = (file and file:read("a") or ""):match("^(%d+) .*%) (.*)$")
  if not number then return nil end
  local field = 0
  for word in rest:gmatch("%S+") do
    field = field + 1
    if field == 20 then return number, word end
  end
end

--- The id of this process.
-- @param separator  what stands between its parts
function M.id(separator)
  local pid, began = M.of "self"
  return table.concat({pid or "?", began or "?", M.host()}, separator)
end

--- Does the process with that number and beginning live, on that machine? True where nobody can
--- know, as on another machine.
function M.lives(pid, began, host)
  if host ~= M.host() then return true end
  return select(2, M.of(pid)) == began
end

return M
