--- isolation: what a task in a process of its own does to itself it does to
--- nobody else, and is named.

local h = require "spec.support.helper"
local crash = require "spec.support.crash"

-- The memory of a sanitizer has no limit.
local LIMITED <const> = h.variant == "" or h.variant == "ubsan"

-- One misdeed a round, in turn: what it calls in C, or does in Lua, and how
-- it must be reported.
local MISDEEDS <const> = {
  {kind = "signal", signal = 11, c = "segv"},
  {kind = "signal", signal = 6, c = "abort"},
  {kind = "signal", signal = 11, c = "stack"},
  {kind = "exit", c = "exit", with = 7},
  {kind = "lost", c = "say", with = ("no frame"):rep(9)},
  {kind = "lost", c = "flood", with = ("no frame"):rep(999)},
  {kind = "timeout", c = "loop", timeout = 0.05},
  {kind = "memory", c = "leak", memory_limit = "4MiB"},
  {kind = "signal", signal = 9, run = function()
    local pid = require "crashes".pid()
    orun.exec("kill", "-9", tostring(pid))
    orun.sleep(3600)
  end},
  {kind = "exit", run = function() os.exit(3) end},
  {kind = "lua", run = function() error("no luck") end},
  {kind = "timeout", timeout = 0.05, run = function()
    while true do pcall(function() while true do end end) end
  end},
}

local function misdeed_of(round)
  local misdeed = MISDEEDS[round % #MISDEEDS + 1]
  if misdeed.c == "leak" and not LIMITED then return MISDEEDS[1] end
  return misdeed
end

local function start(misdeed)
  return Task{
    isolation = "process", run_in_background = true,
    timeout = misdeed.timeout, memory_limit = misdeed.memory_limit,
    input = {misdeed.c, misdeed.with},
    run = misdeed.run or function(call) require "crashes"[call[1]](call[2]) end,
  }
end

-- Healthy tasks: in threads, and one in a process that uses the primitives.
local function start_healthy(n)
  local handles = {}
  for i = 1, 4 do
    handles[i] = Task{run_in_background = true, input = n + i, run = function(x)
      orun.sleep(0.001)
      return x * x
    end}
  end
  handles[5] = Task{run_in_background = true, input = n + 5, isolation = "process",
    run = function(x) return Task{run = function(y) return y * y end, input = x}.output end}
  return handles
end

local function harmed(handles, n)
  local count = 0
  for i, handle in ipairs(handles) do
    if TaskOutput(handle).output ~= (n + i) ^ 2 then count = count + 1 end
  end
  return count
end

local function run(rounds)
  local losses, wrong = 0, nil
  package.cpath = crash.cpath() .. package.cpath
  for round = 1, rounds do
    local misdeed = misdeed_of(round)
    local healthy, bad = start_healthy(round), start(misdeed)
    local r = TaskOutput(bad)
    if r.status ~= "failed" or r.error_kind ~= misdeed.kind
      or (misdeed.signal and r.signal ~= misdeed.signal) then
      losses = losses + 1
      wrong = ("%s was told as %s: %s"):format(misdeed.c or misdeed.kind, r.error_kind, r.error)
    end
    losses = losses + harmed(healthy, round)
  end
  crash.remove()
  return losses, wrong
end

return {
  {
    name = "isolation", promise = "a crash is its task's only, and named",
    rounds = 500, short = 24, run = run,
  },
}
