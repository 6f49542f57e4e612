--- orun.report.break_even: from how much work on a task is worth starting, here and now.
--
--     local seconds = break_even(orun.config().workers, 5)
--     print(seconds.functions, seconds.programs)
--
-- With less work a task is not worth it, because so much more do tasks cost than the same done one
-- by one where the script is. It is (what one costs among others - what one costs alone) / (1 - 1 /
-- how many work at once), measured with functions and programs that do nothing.

local orun = require "orun"

local ROUNDS <const>, IDLE <const> = 3, 30 -- so many tasks, so often

-- The least seconds that each of those takes which `body` does.
local function least(body)
  local best = math.huge
  for _ = 1, ROUNDS do
    local began = orun.ticks()
    body()
    best = math.min(best, (orun.ticks() - began) / IDLE)
  end
  return best
end

-- From how many seconds of work on a task is worth starting; nil: never.
local function measure(width, alone, task)
  local tasks = {}
  for i = 1, IDLE do tasks[i] = task end
  local one = least(function() for _ = 1, IDLE do alone() end end)
  local among = least(function() orun.fan_out(tasks, {limit = width}) end)
  return width > 1 and math.max(0, (among - one) / (1 - 1 / width)) or nil
end

local function nothing() end

--- Measures it.
-- @param workers  how many functions run at once
-- @param slots    how many programs do
-- @return {functions =, programs =}, in seconds; nil in one: it is never worth it
return function(workers, slots)
  return {
    functions = measure(workers, nothing, {run = nothing}),
    programs = measure(slots, function() return orun.exec("true").ok end, {command = {"true"}}),
  }
end
