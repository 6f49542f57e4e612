--- orun.util.refusal: an error that is nobody's fault in orun: a file that cannot be written, an
--- option with a wrong value.
--
--     local refusal = require "orun.util.refusal"
--     local ok, why = pcall(refusal.raise, "cannot write %s", "x")
--     print(refusal.is(why), why)  --> true	cannot write x
--
-- A view raises one where what the user asked for cannot be done, so that view/init.lua can tell it
-- from a mistake in the view's own code.

local M = {}

local Refusal = {__name = "orun.refusal"}

function Refusal:__tostring() return self.text end

--- Raise one.
-- @param format, ...  as of string.format
function M.raise(format, ...)
  error(setmetatable({text = format:format(...)}, Refusal), 0)
end

--- Is that one?
function M.is(value)
  return getmetatable(value) == Refusal
end

--- A command's standard output cannot be written: say so, but where its reader has seen enough.
-- @param command  as "orun tasks"
-- @param why      the system's reason
-- @return the exit code
function M.unwritten(command, why)
  if why == "Broken pipe" then return 128 + 13 end -- as SIGPIPE would have it
  io.stderr:write(("%s: cannot write to standard output: %s\n"):format(command, why))
  return 1
end

return M
