--- orun.fail: end the attempt of a task as failed, for a reason others can use.
--
--     local result = orun.Task{run = function()
--       orun.fail{kind = "http", message = "the service is down", retry_after = 30}
--     end}
--     print(result.error)  --> the service is down
--
-- It raises an error, so variables are closed and a pcall catches it, as any; not
-- caught, it ends the task's attempt with these fields. The error is a table with
-- them; raising it again keeps its meaning. In the script, which is not a task, it
-- raises an ordinary error.
--
-- Glossary
--   kind         its error_kind: one of those in KINDS below; "lua" unless given
--   message      its error; must be given
--   partial      what there is of a result: the task's output all the same
--   retry_after  seconds that must pass before another attempt makes sense: a
--                retry waits that long at least, and so does whoever shares the
--                agent type's limits

local check = require "orun.util.check"

local KINDS <const> = {"exit", "http", "rate", "timeout", "schema", "budget", "conflict", "lost",
  "spawn", "signal", "lua"}
local FIELDS <const> = {kind = KINDS, message = "text", partial = "any", retry_after = "any"}

local Failure <const> = {__name = "orun.failure"}
Failure.__index = Failure

function Failure:__tostring()
  return self.message
end

local function read(given)
  if type(given) ~= "table" then
    error(("fail: expected a table {kind=, message=}, not a %s"):format(type(given)), 3)
  end
  local t = check.options("fail", given, FIELDS, 4)
  if t.message == nil then error("fail: message is missing; it says what went wrong", 3) end
  local after = t.retry_after
  if after ~= nil and not (math.type(after) and after >= 0 and after < math.huge) then
    error(("fail: retry_after = %s: expected seconds, not below 0"):format(tostring(after)), 3)
  end
  return t
end

return function(given)
  local t = read(given)
  if t.retry_after then pcall(orun.report, {retry_after = t.retry_after}) end
  error(setmetatable({kind = t.kind or "lua", message = t.message, partial = t.partial,
                      retry_after = t.retry_after}, Failure), 0)
end
