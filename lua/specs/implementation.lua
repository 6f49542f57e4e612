--- orun.specs.implementation: 04-implementation.md, what has become of the tasks.
--
--     local known = assert(implementation.read(path, tasks))
--     if known.finished["1.1"] then print(known.notes["1.1"]) end
--
-- A heading "### completed 1.1 Its subject" says that a task is done; "failed" and "cancelled" say
-- that it is not. What tasks report is quoted, so no report can say that another task is done. The
-- file is written anew each time, beside itself, and takes its own place: it is never half there.

local orun = require "orun"
local spec_folder = require "orun.specs.folder"

local M = {}

local MOST <const> = 4000 -- bytes of a report

local function heading(status, task)
  return ("### %s %s %s"):format(status, task.id, spec_folder.title(task.subject, 200))
end

--- What the file says of these tasks.
-- @return {sessions = how many, finished = {[id] = true}, notes = {[id] = report}}, empty where
--   there is no file; nil and why it cannot be read
function M.read(path, tasks)
  local text, why, absent = spec_folder.read(path)
  if not text and not absent then return nil, why end
  local known, of = {sessions = 0, finished = {}, notes = {}}, {}
  for _, task in ipairs(tasks) do
    for _, status in ipairs{"completed", "failed", "cancelled"} do
      of[heading(status, task)] = {id = task.id, done = status == "completed"}
    end
  end
  local current
  for line in ((text or "") .. "\n"):gmatch("([^\n]*)\n") do
    local found = of[line]
    if line:find("^## Session ") then known.sessions = known.sessions + 1 end
    if line:find("^##") then current = nil end
    if found and (found.done or not known.finished[found.id]) then
      current = found.id
      known.finished[current] = found.done or nil
      known.notes[current] = nil
    elseif current and line:find("^> ") then
      local before = known.notes[current]
      known.notes[current] = (before and before .. "\n" or "") .. line:sub(3)
    end
  end
  return known
end

local function append(path, head, text)
  local before, why, absent = spec_folder.read(path)
  if not before and not absent then return nil, why end
  return spec_folder.write(path, (before or head) .. text)
end

--- Begins a session; true, or nil and why not.
function M.begin(path, slug, number, words)
  return append(path, ("# Implementation of %s\n"):format(slug), ("\n## Session %d\n\n%s\n"):format(
    number, words))
end

--- Notes how a task has ended; true, or nil and why not.
-- @param how     "completed", "failed" or "cancelled"
-- @param line    one line of when and how
-- @param report  text, or nil
function M.note(path, task, how, line, report)
  report = orun.clean((report or ""):sub(1, MOST), true):gsub("%s+$", "")
  local quoted = report ~= "" and "\n> " .. report:gsub("\n", "\n> ") .. "\n" or ""
  return append(path, "", ("\n%s\n\n%s\n%s"):format(heading(how, task), line, quoted))
end

--- Notes how a session has ended; true, or nil and why not.
function M.finish(path, words)
  return append(path, "", ("\n## Result\n\n%s\n"):format(words))
end

return M
