--- orun.worktree.lock: who is at work in a worktree.
--
-- While a task runs its worktree is locked, for a reason that names orun's process. A lock
-- whose process has ended was left by a run that was killed.

local process = require "orun.util.process"

local M = {}

--- The reason for a lock: this process works there, from this commit on.
function M.reason(base)
  local pid, began = process.of "self"
  return ("orun: in use by %s %s %s, from %s"):format(process.host(), pid or "?", began or "?",
    base)
end

--- The commit of a lock whose process has ended; nil for others.
function M.ended(locked)
  local where, pid, began, base = (locked or ""):match(
    "^orun: in use by (%S+) (%d+) (%d+), from (%x+)$")
  return where and not process.lives(pid, began, where) and base or nil
end

return M
