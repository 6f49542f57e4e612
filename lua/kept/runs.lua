--- orun.kept.runs: the runs that were kept, and the one that a word means.
--
-- Glossary
--   place  a store, or a folder of stores, whose path ends in "/"
--   run    id, file (its store), own (true: a file of its own in the folder of all), begun and
--          again (seconds since 1970: its first try, its last), ended (of that, or nil), tries,
--          script (the name, or nil), cwd, pid, line (the command line, an array), bytes,
--          exit_code (of the last try, or nil), state: "completed", "failed", "interrupted" or
--          "going on"
--   broken {file =, why =, own =}: a store that cannot be read

local state = require "orun.util.state_dir"

local M = {}

local SIGNALS <const> = {[129] = true, [130] = true, [143] = true} -- exit codes

--- Where runs are kept: as an option says, else the environment, else the folder of all.
-- @param option  the place that --store names; nil: it was not given
-- @return a place, and whether it is the folder of all; or nil and why there is none
function M.place(option)
  if option then return option, false end
  local set = os.getenv "ORUN_STORE"
  if set and set ~= "" and set ~= "0" then return set, false end
  local folder, why = state.path "kept"
  if not folder then return nil, why end
  return folder .. "/", true
end

local function of_kind(value, kind)
  return type(value) == kind and value or nil
end

local function state_of(run, ended)
  if not ended then return run.live and "going on" or "interrupted" end
  if run.exit_code == 0 then return "completed" end
  return SIGNALS[run.exit_code] and "interrupted" or "failed"
end

-- A run as the store has it, as one of ours.
local function shaped(stored, file, own, writer)
  local fields, ended = stored.run, stored.ended
  local run = {id = stored.id, file = file, own = own, begun = stored.begun, tries = stored.epoch,
    bytes = stored.bytes, again = of_kind(fields.at, "number"),
    script = of_kind(fields.name, "string") or of_kind(fields.script, "string"),
    cwd = of_kind(fields.cwd, "string"), pid = math.tointeger(fields.pid),
    line = of_kind(fields.argument, "table") or {},
    exit_code = ended and math.tointeger(ended.exit_code),
    ended = ended and of_kind(ended.at, "number")}
  run.live = writer ~= nil and not ended and (writer == 0 or writer == run.pid)
  run.state = state_of(run, ended)
  return run
end

-- Add the runs of a file, or note that it is broken.
local function add(all, broken, file, own)
  local used, writer = orun.kept_used(file)
  local store, why = orun.kept_open(file)
  local stored
  if store then
    stored, why = store:runs()
    store:close()
  end
  if not stored then
    broken[#broken + 1] = {file = file, why = why, own = own}
    return
  end
  for _, one in ipairs(stored) do
    all[#all + 1] = shaped(one, file, own, used and writer or nil)
  end
end

--- All runs of a place, the newest first, and the stores that are broken.
function M.all(place, own)
  local all, broken = {}, {}
  local files = place:sub(-1) == "/" and orun.kept_files(place) or {place}
  for _, file in ipairs(files) do add(all, broken, file, own) end
  table.sort(all, function(a, b)
    if a.begun ~= b.begun then return a.begun > b.begun end
    return a.id > b.id
  end)
  return all, broken
end

--- The runs that a word may mean: the one of that id, or those whose ids end so.
-- @return an array
function M.matching(all, word)
  local found = {}
  for _, run in ipairs(all) do
    if run.id == word then return {run} end
    if word ~= "" and run.id:sub(-#word) == word then found[#found + 1] = run end
  end
  return found
end

return M
