--- orun.record.title: what a task of a run's model is called.

local M = {}

--- "Explore: find the callers", "find the callers", "Explore", "build.lua:12": what is known of
--- it, the first line of it.
function M.of(t)
  local text = t.description and t.description:match("^%s*([^\r\n]*)")
  if text == "" then text = nil end
  if t.agent and text then return t.agent .. ": " .. text end
  return text or t.agent or M.place(t) or t.id
end

--- "build.lua:12", where it was started; nil when that is not known.
function M.place(t)
  return t.file and ("%s:%d"):format(t.file:match("[^/]+$"), t.line or 0)
end

--- "tools/build.lua:12": where it was started, or where somebody waited, in full; nil when that
--- is not known.
-- @param one  what has file and line: a task, or a wait
function M.at(one)
  return one.file and ("%s:%d"):format(one.file, one.line or 0) or nil
end

--- "t3 (find the callers)"
function M.named(t)
  local title = M.of(t)
  return title == t.id and title or ("%s (%s)"):format(t.id, title)
end

return M
