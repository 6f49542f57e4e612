--- orun.specs.lock: who is at work on a specification, so that no two change it at once.
--
--     local held <close>, why = lock.take(folder.path, "spec:execute")
--     if not held then print(why) end
--
-- Each who wants it puts a file of its own into the folder, whose name says which process it is,
-- and then looks whether another one is there. So nobody ever removes the file of one that lives,
-- and what a process left that has ended (util/process.lua) is in nobody's way. Two who come at
-- the same moment see each other: both step back, and try again after times that differ.

local orun = require "orun"
local process = require "orun.util.process"

local M = {}

local NAME <const> = ".in-use-"
local TRIES <const>, PAUSE <const> = 5, 0.05 -- of those who come at the same moment; seconds

local Lock <const> = {__name = "orun.specs.lock"}
Lock.__index = Lock

--- It is no longer held.
function Lock:__close() os.remove(self.path) end

-- The file of another one, its process and machine; nil: there is none. What dead ones left is
-- removed.
local function other(folder, own)
  for name in pairs(orun.entries(folder) or {}) do
    local pid, began, host = name:match("^%.in%-use%-(%d+)%-(%d+)%-(.+)%-%x+$")
    local path = folder .. "/" .. name
    if pid and path ~= own then
      if process.lives(pid, began, host) then return path, pid, host end
      os.remove(path)
    end
  end
end

local function text_of(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("l") or "orun"
end

-- One try: the lock; or nil, why not.
local function try(folder, what)
  local path = ("%s/%s%s-%08x"):format(folder, NAME, process.id "-", math.random(0, 0xFFFFFFFF))
  local file, why = io.open(path, "wb")
  if not file then
    return nil, ("cannot write to %s: %s"):format(folder, (why:gsub("^.*: ", "")))
  end
  file:write(what, ", since ", os.date "!%Y-%m-%d %H:%M:%SZ", "\n")
  file:close()
  local found, pid, host = other(folder, path)
  if not found then return setmetatable({path = path}, Lock) end
  local words = ("%s is in use by process %s%s: %s"):format(folder, pid,
    host ~= process.host() and (" of %s (remove %s if that is over)"):format(host, found) or "",
    text_of(found))
  os.remove(path)
  return nil, words, true
end

--- Holds the specification in a folder for this process.
-- @param folder  its path
-- @param what    who wants it, for those who come later: "spec:execute"
-- @return what is to be closed; nil and why it cannot be had
function M.take(folder, what)
  local held, why, taken
  for _ = 1, TRIES do
    held, why, taken = try(folder, what)
    if not taken then break end
    orun.sleep(PAUSE * (1 + math.random()))
  end
  return held, why
end

return M
