--- Finding what programs leave behind: every process that has inherited a mark
--- in its environment.

local h = require "spec.support.helper"

local M = {}

local NAME <const> = "ORUN_SPEC_MARK"

local count = 0

--- A new mark: `env` for what is started, `mark` for the questions below.
function M.mark()
  count = count + 1
  local dir = h.tmpdir()
  local mark = ("%s.%d"):format(dir:match("[^/]+$"), count)
  return { mark = mark, dir = dir, env = { [NAME] = mark } }
end

--- The processes with this mark, but for `except` (a pid): an array of
--- { pid =, state =, name = }.
function M.alive(m, except)
  local all = {}
  local found = h.sh(("grep -lsz '^%s=%s$' /proc/[0-9]*/environ"):format(NAME,
    (m.mark:gsub("%.", "\\."))))
  for pid in found.out:gmatch("/proc/(%d+)/") do
    local stat = h.read("/proc/" .. pid .. "/stat")
    local name, state = (stat or ""):match("%((.*)%) (%a)")
    pid = tonumber(pid)
    if state and state ~= "Z" and state ~= "X" and pid ~= except then
      all[#all + 1] = { pid = pid, state = state, name = name }
    end
  end
  return all
end

--- Wait until at least `n` of them live; they, or nil.
function M.wait(m, n, except)
  return h.wait_for(function()
    local all = M.alive(m, except)
    return #all >= n and all
  end)
end

--- Wait until none is left; 0, or how many there are after `limit` seconds (10
--- unless told). They are killed then, so one failure is not the next one's.
function M.left(m, limit)
  if h.wait_for(function() return #M.alive(m) == 0 end, limit or 10) then return 0 end
  local all = M.alive(m)
  for _, one in ipairs(all) do
    h.sh(("kill -9 %d"):format(one.pid))
  end
  return #all
end

return M
