--- Finding what programs leave behind: every process that has inherited a mark
--- in its environment.

local h = require "spec.support.helper"
local lfs = require "lfs"

local M = {}

local NAME <const> = "ORUN_SPEC_MARK"

local count = 0

--- A new mark: `env` for what is started, `mark` for the questions below.
function M.mark()
  count = count + 1
  local dir = h.tmpdir()
  local mark = ("%s.%d"):format((dir:gsub("/", ".")), count)
  return { mark = mark, dir = dir, env = { [NAME] = mark } }
end

--- The processes with this mark, but for `except` (a pid): an array of
--- { pid =, parent =, state =, name = }.
function M.alive(m, except)
  local all, wanted = {}, ("\0%s=%s\0"):format(NAME, m.mark)
  for name in lfs.dir("/proc") do
    local pid = math.tointeger(tonumber(name))
    local environ = pid and pid ~= except and h.read(("/proc/%d/environ"):format(pid))
    if environ and ("\0" .. environ):find(wanted, 1, true) then
      local stat = h.read(("/proc/%d/stat"):format(pid)) or ""
      local program, state, parent = stat:match("%((.*)%) (%a) (%d+)")
      if state and state ~= "Z" and state ~= "X" then
        all[#all + 1] = {pid = pid, parent = tonumber(parent), state = state, name = program}
      end
    end
  end
  return all
end

--- Whether `one` of `all` cannot run: it is stopped, or it is the parent of a
--- vfork, which stays in the kernel ("D") until its child, which is stopped, execs.
function M.stopped(one, all)
  if one.state ~= "D" then return one.state == "T" end
  for _, child in ipairs(all) do
    if child.parent == one.pid and child.state == "T" then return true end
  end
  return false
end

--- Wait until at least `n` of them live; they, or nil.
function M.wait(m, n, except)
  return h.wait_for(function()
    local all = M.alive(m, except)
    return #all >= n and all
  end)
end

--- Wait until none is left; 0, or how many there are after `limit` seconds (60
--- unless told). They are killed then, so one failure is not the next one's.
function M.left(m, limit)
  if h.wait_for(function() return #M.alive(m) == 0 end, limit or 60) then return 0 end
  local all = M.alive(m)
  for _, one in ipairs(all) do
    os.execute("kill -9 " .. one.pid)
  end
  return #all
end

return M
