--- orun.analyze_then: one heavy analysis, then the work it calls for.
--
-- Pattern 3 of the guide, for decomposing a spec or planning a change: the
-- analysis runs in a task of its own, the main work goes on meanwhile, and only
-- a plan comes back, as data. The plan's tasks are then run, as a fan-out or in
-- batches.
--
--     local orun = require "orun"
--     local function parts_of(text)
--       local parts = {}
--       for part in text:gmatch("%a+") do parts[#parts + 1] = part end
--       return parts
--     end
--     local done = orun.analyze_then({run = parts_of, input = "lexer, parser"}, {
--       plan = function(parts)
--         local tasks = {}
--         for i, part in ipairs(parts) do
--           tasks[i] = {run = function(name) return "built " .. name end, input = part}
--         end
--         return tasks
--       end,
--     })
--     for _, result in ipairs(done.results) do print(result.output) end
--     --> built lexer
--     --> built parser

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local orun = require "orun"
local pattern = require "orun.pattern.run"
local summary = require "orun.pattern.summary"

local OPTIONS <const> = pattern.options{meanwhile = "function", plan = "function",
  implement = "function", barrier = "boolean",
  analyze = {now = "the first argument: orun.analyze_then(analyze, {plan = ...})"},
  options = {now = "given as options of analyze_then itself"}}

-- Those that are analyze_then's own: the others go to what implements the plan.
local OWN <const> = {"meanwhile", "plan", "implement"}

--- The plan's tasks: in batches when it has batches, else all at once.
local function implement_plan(plan, options)
  local first = type(plan) == "table" and plan[1]
  if type(first) == "table" and first.tasks then return orun.batches(plan, options) end
  return orun.fan_out(plan, options)
end

--- Analyses, then implements what the analysis says.
-- @param analyze  Task spec or function: the analysis, started in the background
-- @param opts     table or nil: the options of all patterns (see the README), for the
--   plan's tasks; `timeout` is for each of the two parts; and
--   meanwhile  function(): what the main script does while the analysis runs
--   plan       function(output) -> array of Task specs, or of batches as
--              orun.batches takes them; default: the output is the plan
--   implement  function(plan, options) -> array of results with `ok`; default:
--              orun.batches for batches (`barrier` is for them), orun.fan_out for specs
-- @return {ok, analysis, meanwhile, plan, results, failed}: whether all went
--   well, the analysis' result, what meanwhile returned, the plan, the results
--   of its tasks, and those that failed. When the analysis fails, nothing is
--   planned: plan is nil, results is empty, failed holds the analysis.
-- Raises for a spec Task refuses, and what meanwhile, plan or implement raise.
local function analyze_then(analyze, opts)
  if type(analyze) == "table" and rawget(analyze, "analyze") then
    check.options("orun.analyze_then", analyze, OPTIONS) -- says where it is now
  end
  opts = check.options("orun.analyze_then", opts, OPTIONS)
  local spec, why = launch.spec(analyze, opts.defaults)
  if not spec then error("orun.analyze_then: analyze" .. why, 2) end
  launch.described(spec, nil, "analysis")
  if spec.timeout == nil then spec.timeout = opts.timeout end
  local own = {}
  for _, name in ipairs(OWN) do own[name], opts[name] = opts[name], nil end
  local handle
  handle, why = launch.start(spec)
  if not handle then error("orun.analyze_then: analyze: " .. why, 2) end

  local done = {results = {}}
  local _ <close> = launch.guard{handle}
  if own.meanwhile then done.meanwhile = own.meanwhile() end
  done.analysis = orun.TaskOutput{task_id = handle}
  if orun.peek(done.analysis, "status") ~= "completed" then
    return summary(done, {done.analysis})
  end
  done.plan = done.analysis.output
  if own.plan then done.plan = own.plan(done.plan) end
  done.results = (own.implement or implement_plan)(done.plan, opts)
  return summary(done, orun.peek(done.results, "failed") or {})
end

return analyze_then
