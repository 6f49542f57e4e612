--- orun.fan_out: start many tasks at once, collect all their results.
--
-- Pattern 1 of the guide, for research, analysis, diagnostics: the tasks are
-- independent, all are started before the first wait, and one that fails is a
-- result like the others. Nothing is lost and nothing is raised for it.
--
--     local orun = require "orun"
--     local results = orun.fan_out({
--       {description = "Add", run = function(input) return input.a + input.b end,
--        input = {a = 20, b = 22}},
--       {description = "Fail", run = function() error("no luck", 0) end},
--     })
--     print(results[1].output)   --> 42
--     print(results[2].status)   --> failed
--     print(results[2].error:match("[^\n]+"))   --> no luck
--     print(#results.failed)     --> 1
--
-- Agents work alike: `{description=, prompt=, subagent_type=}`.

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local summary = require "orun.pattern.summary"
local bounded = require "orun.pattern.bounded"

local OPTIONS <const> = {
  limit = "count",
  order = {"input", "done"},
  each = "function",
  defaults = "table",
}

--- Runs every task and returns every result.
-- @param specs  array of Task specs; a bare function is short for {run = function}
-- @param opts   table or nil:
--   limit     how many at once (whole number; default: all are started, and the
--             limits of their agent types queue them)
--   order     "input" (default): results[i] belongs to specs[i];
--             "done": the first to end comes first
--   each      function(result, i), called in the caller as each task ends;
--             an error in it stops the tasks still running and is raised
--   defaults  Task fields for the specs that do not set them, such as
--             {subagent_type = "Explore", timeout = "5m"}
-- @return array of results as TaskOutput's, each with `index`, its place in
--         specs; `.failed` is the array of those not completed, `.ok` is true
--         when there are none
-- Raises for a spec that Task refuses; what had been started is stopped.
local function fan_out(specs, opts)
  opts = check.options("orun.fan_out", opts, OPTIONS)
  local n = check.array("orun.fan_out", "specs", specs)
  local ready, why = launch.specs("specs", specs, opts.defaults)
  if not ready then error("orun.fan_out: " .. why, 2) end

  local handles = {}
  local _ <close> = launch.guard(handles)
  local function start(i)
    handles[i], why = launch.start(ready[i])
    if why then why = ("specs[%d]: %s"):format(i, why) end
    return handles[i]
  end

  local results = {}
  for result, i in bounded(n, opts.limit or n, start) do
    result.index = i
    results[opts.order == "done" and #results + 1 or i] = result
    if opts.each then opts.each(result, i) end
  end
  if why then error("orun.fan_out: " .. why, 2) end
  return summary(results)
end

return fan_out
