--- orun.command.pick: which kept run, and which of its tasks, the words of a command mean.

local options = require "orun.command.options"
local runs = require "orun.kept.runs"
local tasks = require "orun.kept.tasks"

local M = {}

local SHOWN <const> = 5 -- ids that a refusal lists
local NEAR <const> = 60 -- newest names among which one may have been meant

--- The option that all of these commands have.
M.STORE = {"store", options.word, "the name of a file"}

--- All runs, the newest first; what is broken of them is complained about.
-- @return the runs, how many stores are broken
function M.all(command, args)
  local place, own = runs.place(args.store)
  if not place then options.refuse("the runs that were kept cannot be found: %s", own) end
  local all, broken = runs.all(place, own)
  for _, one in ipairs(broken) do options.complain(command, one.why) end
  return all, #broken
end

local function ids_of(list, field, most)
  local ids = {}
  for i = 1, math.min(#list, most) do ids[i] = list[i][field] end
  return ids
end

local function few(list, field)
  local more = #list > SHOWN and (", ... (%d in all)"):format(#list) or ""
  return table.concat(ids_of(list, field, SHOWN), ", ") .. more
end

--- The run that a word means; without one the newest.
function M.run(all, word)
  if not word then
    return all[1] or options.refuse("no run is kept (one is kept with --store FILE, or if it "
      .. "starts agents or programs on a terminal)")
  end
  local found = runs.matching(all, word)
  if #found == 1 then return found[1] end
  if #found > 1 then
    options.refuse("%s: %d runs end so: %s", word, #found, few(found, "id"))
  end
  local near = options.near(word, ids_of(all, "id", NEAR))
  if near ~= "" then options.refuse("%s: no such run is kept%s", word, near) end
  options.refuse("%s: no such run is kept; %s", word, all[1] and "the newest are "
    .. few(all, "id") or "none is")
end

--- The tasks of a run; a refusal where they cannot be read.
function M.tasks(run)
  local list, why = tasks.of(run)
  return list or options.refuse("%s", why)
end

--- The task of a run that a word means.
function M.task(run, word)
  local list = M.tasks(run)
  for _, task in ipairs(list) do
    if task.name == word then return task end
  end
  for _, task in ipairs(list) do
    if word == ("%s@%d"):format(task.task_id or "?", task.try) then return task end
  end
  local near = options.near(word, ids_of(list, "name", NEAR))
  options.refuse("%s: nothing is kept of such a task of run %s%s", word, run.id,
    near ~= "" and near or "; orun show " .. run.id .. " lists what is")
end

return M
