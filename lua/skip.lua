--- orun.skip: end a task that has nothing to do, told apart from one that did it.
--
--     local function changed(file) return io.open(file) ~= nil end
--     local result = orun.Task{input = "no such file", run = function(file)
--       if not changed(file) then orun.skip("unchanged") end
--     end}
--     print(result.ok, result.skipped)   --> true	unchanged
--
-- It raises an error, so variables are closed and a pcall catches it, as any; not
-- caught, it ends the task. The result is {status = "completed", ok = true, skipped =
-- reason}, without an output: what is blocked by the task runs, and nothing is tried
-- again. Displays and reports call it skipped; how long it took is not remembered.
-- In map it skips the item, in workers too (the reason is in the item's metadata), and
-- in a pipeline all further stages of its item. A skipped task does not win a race.
-- In the script, which is not a task, it raises an ordinary error.

local skipping = require "orun.util.skipping"

return function(reason)
  if type(reason) ~= "string" or reason == "" then
    error("skip: reason is missing; it is a text that says why there is nothing to do", 2)
  end
  skipping.raise(reason)
end
