--- orun.record.how: how a task has ended, in one word: the one way to tell those that did
--- something from those that did not have to.
--
--     how{status = "completed", fresh = true}  --> fresh

--- @param t  a task of a model, its event `ended`, or a result
-- @return "completed": it did its work; "cached": it ended as in an earlier try; "skipped": it
--         had nothing to do; "fresh": what it writes was newer than what it reads; else its
--         status, nil where it has not ended
return function(t)
  if t.status ~= "completed" then return t.status end
  return t.cached and "cached" or t.skipped and "skipped" or t.fresh and "fresh" or "completed"
end
