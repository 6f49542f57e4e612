--- orun.util.skipping: the error that orun.skip raises.
--
-- The runtime knows it by the __name of its metatable (task_entry.c).

local M = {}

local Skipped <const> = {__name = "orun.skipped"}
Skipped.__index = Skipped

function Skipped:__tostring()
  return "skipped: " .. self.reason
end

--- Raises it.
function M.raise(reason)
  error(setmetatable({reason = reason}, Skipped), 0)
end

--- The reason, when `err` is what orun.skip has raised; else nil.
function M.reason(err)
  return getmetatable(err) == Skipped and err.reason or nil
end

return M
