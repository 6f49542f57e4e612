--- orun.retry: try again when it fails.
--
-- Of a task: every Task takes `retry`; this is the short way to run one and get
-- its result. Of a function: it runs here, in the caller, so it may use all the
-- caller has.
--
--     local orun = require "orun"
--     local tries = 0
--     local word = orun.retry(function(attempt)
--       tries = attempt
--       return attempt == 3 and "done" or error("not yet", 0)
--     end, {max = 5, backoff = 0})
--     print(word .. " after " .. tries)  --> done after 3
--
--     local result = orun.retry({run = function(_, task)
--       return task.attempt == 2 and "second time" or error("first time", 0)
--     end}, {max = 1, backoff = 0})
--     print(result.output)  --> second time

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local orun = require "orun"
local pattern = require "orun.pattern.run"

local OPTIONS <const> = pattern.options{max = "whole", backoff = "duration", on = "any"}

--- A function runs in the caller, and has none of the others.
local FOR_TASKS <const> = {refused = "it is for tasks, and this is a function, which runs here: "
  .. "orun.retry({run = fn}, ...)"}
local OF_FUNCTION <const> = {max = "whole", backoff = "duration", on = "function",
  timeout = "duration"}
for name in next, pattern.OPTIONS do OF_FUNCTION[name] = OF_FUNCTION[name] or FOR_TASKS end

--- Tries after the first, and the pause before them in seconds, when the caller
--- does not say; Task has the same.
local MAX <const> = 2
local BACKOFF <const> = 0.5

--- Fields of a task that are said otherwise.
local GONE <const> = {run_in_background = "orun.start{retry = {max = 2}, ...}",
  retry = "the options: orun.retry({...}, {max = 2})"}

--- Longest pause between two tries, in seconds.
local LONGEST <const> = 60

--- Waits before try number `attempt` + 1: doubling, half of it by chance.
local function pause(backoff, attempt)
  local longest = math.min(LONGEST, backoff * 2 ^ (attempt - 1))
  if longest > 0 then orun.sleep(longest * (0.5 + math.random() / 2)) end
end

local function retry_function(fn, opts)
  local backoff = check.seconds(opts.backoff) or BACKOFF
  local deadline = opts.timeout and orun.ticks() + check.seconds(opts.timeout) or math.huge
  for attempt = 1, (opts.max or MAX) + 1 do
    local got = table.pack(pcall(fn, attempt))
    local good = got[1] and not (got[2] == nil and got[3] ~= nil)
    if good then return table.unpack(got, 2, got.n) end
    if not got[1] and orun.stopping() then error(got[2], 0) end
    local why = got[1] and got[3] or got[2]
    local last = attempt > (opts.max or MAX) or orun.ticks() >= deadline
    if last or opts.on and not opts.on(why, attempt) then
      return nil, why, attempt
    end
    pause(backoff, attempt)
  end
end

local function retry_task(spec, opts)
  spec.retry = {max = opts.max, backoff = opts.backoff, on = opts.on}
  local results, why = pattern.run{name = "spec", n = 1, opts = opts,
    named = function() return "spec" end, spec = function(i) return i == 1 and spec or nil end}
  if not results then return nil, why end
  results[1].timed_out = results.timed_out
  return results[1]
end

--- Runs a task or calls a function until it succeeds.
-- @param what  a Task spec (table), or a function(attempt), which fails when it
--              raises or returns nil and a reason
-- @param opts  table or nil: the options of all patterns (see the README; a function, which
--              runs in the caller, has only `timeout`: no try begins after it), and
--   max      how often to try again after the first failure (default 2)
--   backoff  pause before the second try (default 0.5 s), doubled each time, with
--            jitter; at most a minute; 0 for none
--   on       of a task: array of the error_kinds worth another try;
--            of a function: function(reason, attempt) -> boolean
-- @return of a task: its result, of all its tries; of a function: what it returns, or after
--   the last failure nil, the reason and the number of tries
-- Raises only for wrong arguments. For a task in the background there is
-- orun.start{retry = {max =, backoff =, on =}, ...}.
local function retry(what, opts)
  opts = check.options("orun.retry", opts, type(what) == "function" and OF_FUNCTION or OPTIONS)
  if type(what) == "function" then return retry_function(what, opts) end
  if type(what) ~= "table" then
    error(check.message("orun.retry", "the first argument", what,
      "expected a table of Task fields or a function"), 2)
  end
  for _, name in ipairs{"run_in_background", "retry"} do
    if rawget(what, name) ~= nil then
      error(("orun.retry: %s is now %s"):format(name, GONE[name]), 2)
    end
  end
  if opts.on then check.array("orun.retry", "on", opts.on) end
  local result, why = retry_task(launch.spec(what, opts.defaults), opts)
  if not result then error("orun.retry: " .. why, 2) end
  return result
end

return retry
