--- orun.worktree.lock: who is at work in a worktree.
--
-- While a task runs its worktree is locked, for a reason that names orun's process. A lock
-- whose process has ended was left by a run that was killed.

local M = {}

local function host()
  local file <close> = io.open("/proc/sys/kernel/hostname", "rb")
  return file and file:read("l") or "?"
end

-- The number of a process ("self": ours) and when it began, which no other process shares.
local function process(pid)
  local file <close> = io.open(("/proc/%s/stat"):format(pid), "rb")
  local number, rest = (file and file:read("a") or ""):match("^(%d+) .*%) (.*)$")
  if not number then return nil end
  local field = 0
  for word in rest:gmatch("%S+") do
    field = field + 1
    if field == 20 then return number, word end
  end
end

--- The reason for a lock: this process works there, from this commit on.
function M.reason(base)
  local pid, began = process("self")
  return ("orun: in use by %s %s %s, from %s"):format(host(), pid or "?", began or "?", base)
end

--- The commit of a lock whose process has ended; nil for others.
function M.ended(locked)
  local where, pid, began, base = (locked or ""):match(
    "^orun: in use by (%S+) (%d+) (%d+), from (%x+)$")
  if where ~= host() then return nil end
  local _, now = process(pid)
  return now ~= began and base or nil
end

return M
