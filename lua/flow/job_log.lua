--- orun.flow.job_log: a line for each program that has ended, as GNU parallel writes it.
--
--     local log = assert(job_log.open "jobs.log")
--     assert(log:put(1, result, {"cp", "a", "b"}))
--     assert(log:close())

local orun = require "orun"
local shell_words = require "orun.util.shell_words"

local M = {}

local HEAD <const> =
  "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

local Log <const> = {__name = "orun.flow.job_log"}
Log.__index = Log

--- Begins one; nil and why it cannot be written.
function M.open(path)
  local file, why = io.open(path, "wb")
  if not file then return nil, why end
  file:write(HEAD)
  return setmetatable({file = file, path = path, epoch = os.time() - orun.now()}, Log)
end

-- nil and what could not be done to the file, with its path.
local function told(self, ok, why)
  if ok then return true end
  return nil, ("%s: %s"):format(self.path, why)
end

--- Writes the line of one that has ended just now; true, or nil and why not.
-- @param number  from 1
-- @param words   its command
function Log:put(number, result, words)
  local took, kind = result.duration or 0, result.error_kind
  local code = kind == "timeout" and -1 or kind == "spawn" and 127 or result.exit_code
    or result.signal and 0 or -1
  local ok, why = self.file:write(("%d\t:\t%.3f\t%10.3f\t0\t%d\t%d\t%d\t%s\n"):format(number,
    self.epoch + orun.now() - took, took, orun.output(result):size(), code, result.signal or 0,
    shell_words(words)))
  if ok then ok, why = self.file:flush() end
  return told(self, ok, why)
end

--- Ends it; true, or nil and why not all of it is written.
function Log:close()
  return told(self, self.file:close())
end

return M
