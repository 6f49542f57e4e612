--- orun.overlaps: which tasks have changed the same files, each in its own worktree.
--
--     local orun = require "orun"
--     local found = orun.overlaps{
--       {task_id = "t1", worktree = {files = {"a.c", "b.c"}}},
--       {task_id = "t2", worktree = {files = {"b.c"}}},
--     }
--     print(found[1].tasks[1], found[1].tasks[2], found[1].files[1])  --> t1	t2	b.c
--
-- That two tasks changed one file does not mean that they cannot be merged:
-- orun.merge{…, dry_run = true} tells that.

local check = require "orun.util.check"

--- @param tasks  array of handles, ids or results; those that run are waited for
-- @return array, empty when there are none, of {tasks = {id, id}, files = {name, …}}
local function overlaps(tasks)
  local found, seen = {}, {}
  for i = 1, check.array("orun.overlaps", "tasks", tasks) do
    local result = tasks[i]
    if type(result) ~= "table" or rawget(result, "worktree") == nil then
      result = orun.TaskOutput(result)
    end
    local mine = {id = result.task_id, files = {}, names = result.worktree
      and result.worktree.files or {}}
    for _, name in ipairs(mine.names) do mine.files[name] = true end
    for _, other in ipairs(seen) do
      local shared = {}
      for _, name in ipairs(other.names) do
        if mine.files[name] then shared[#shared + 1] = name end
      end
      if shared[1] then
        found[#found + 1] = {tasks = {other.id, mine.id}, files = shared}
      end
    end
    seen[i] = mine
  end
  return found
end

return overlaps
