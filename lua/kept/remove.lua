--- orun.kept.remove: a kept run goes, and its file with it where that is its own.

--- @param run  one of runs.lua, or a broken store of the folder of all
-- @return true; nil and why it cannot be removed
return function(run)
  if run.live then
    return nil, ("%s is going on%s"):format(run.id,
      run.pid and (": process %d"):format(run.pid) or "")
  end
  if run.own then return orun.kept_remove(run.file) end
  return orun.kept_forget(run.file, run.id)
end
