--- orun.record.store: the records of runs, in the state folder.
--
-- A record is a file of events (record/file.lua) called runs/NAME.jsonl, where NAME is the
-- time the run began (UTC) and its process, as "20260131-120000-4711": in the order of time.

local state = require "orun.util.state_dir"

local M = {}

local KEPT <const> = 20
local PATTERN <const> = "^(%d%d%d%d%d%d%d%d%-%d%d%d%d%d%d%-%w+)%.jsonl$"

--- The names there are, the newest first; nil and why when they cannot be read.
function M.names()
  local names = {}
  local folder, why = state.path "runs"
  if not folder then return nil, why end
  local files, problem, kind = orun.entries(folder)
  if not files and (kind ~= "absent" or orun.real(folder)) then
    return nil, ("%s: %s"):format(folder, problem)
  end
  for file in pairs(files or {}) do names[#names + 1] = file:match(PATTERN) end
  table.sort(names, function(a, b) return a > b end)
  return names
end

--- Where the record of that name is; nil and why when no such name can be.
function M.path(name)
  local folder, why = state.path "runs"
  if not folder then return nil, why end
  return ("%s/%s.jsonl"):format(folder, name)
end

-- Remove all but the newest.
local function prune()
  for i, name in ipairs(M.names() or {}) do
    if i > KEPT then os.remove((M.path(name))) end
  end
end

--- A new record, and of the old ones as many kept as there may be.
-- @param id of this process, in letters and digits
-- @return the open file, its name, its path; or nil and why there is none
function M.new(id)
  local folder, why = state.folder "runs"
  if not folder then return nil, why end
  local name = os.date("!%Y%m%d-%H%M%S-") .. id
  local path = M.path(name)
  local file
  file, why = orun.private_file(path)
  if not file then return nil, why end
  prune()
  return file, name, path
end

return M
