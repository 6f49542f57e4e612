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
-- Agents work alike: `{description=, prompt=, subagent_type=}`. A function makes a spec of
-- each item of an array, or of what an iterator gives, which is asked for the next one only
-- when there is room:
--
--     local lengths = orun.fan_out({"a", "bb"}, function(word)
--       return {command = {"printf", "%s", #word}}
--     end, {limit = 1})
--     print(lengths[2].output)   --> 2

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local pattern = require "orun.pattern.run"

local OPTIONS <const> = pattern.options()

--- What gives the i-th spec, ready to be started, and how many there are; or nil and what is
--- wrong.
local function source_of(source, to_spec, defaults)
  if type(source) ~= "function" then
    local specs, why = launch.specs("specs", source, defaults, to_spec)
    if not specs then return nil, why end
    return function(i) return specs[i] end, #specs
  end
  return function(i)
    local item = source()
    if item == nil then return nil end
    if not to_spec then return launch.numbered("specs", i, item, defaults) end
    return launch.numbered("specs", i, to_spec(item, i), defaults, item)
  end
end

--- Runs every task and returns every result.
-- @param specs  array of Task specs; a bare function is short for {run = function}; or a
--               function that gives the next one, nil at the end (as io.lines() is), which
--               is called only when there is room for one more
-- @param to_spec  function(item, i) -> Task spec, called in the caller, when `specs` has
--               items and not specs; may be left out
-- @param opts   table or nil: the options of all patterns (see the README), among them
--   limit     how many at once; default: all are started, and the limits of their agent
--             types queue them
--   each      function(result, i), called as each ends; an error in it stops the tasks
--             that run and is raised. The results of an iterator's tasks are not kept then.
-- @return array of results as TaskOutput's, each with `index`, its place in
--         specs; `.failed` is the array of those not completed, `.ok` is true
--         when there are none
-- Raises for a spec that Task refuses; what had been started is stopped.
local function fan_out(specs, to_spec, opts)
  if type(to_spec) ~= "function" then to_spec, opts = nil, opts or to_spec end
  opts = check.options("orun.fan_out", opts, OPTIONS)
  if type(specs) ~= "function" then check.array("orun.fan_out", "specs", specs) end
  local spec, n = source_of(specs, to_spec, opts.defaults)
  local results, why = nil, n
  if spec then results, why = pattern.run{name = "specs", n = n, spec = spec, opts = opts} end
  if not results then error("orun.fan_out: " .. why, 2) end
  return results
end

return fan_out
