--- orun.testing: a script run with agents that play a part, in virtual time.
--
--     local testing = require "orun.testing"
--     local run = testing.run{
--       code = [[
--         local answer, failed = orun.ask("How long is the Nile?", {retry = {backoff = 0}})
--         print(answer or failed.error)]],
--       agents = {["general-purpose"] = {
--         {error_kind = "rate", retry_after = "10m"},
--         {delay = "2m", output = "6650 km", cost = 0.02},
--       }},
--     }
--     io.write(run.out)    --> 6650 km
--     print(run.duration)  --> 720.0
--
-- The script is run by an orun of its own, whose time is virtual: it stands while Lua code runs,
-- and goes on to what is due next when nothing does. An hour of agents takes milliseconds, and a
-- seed makes each run the same. Programs are run as ever, and take the time they take.
--
-- No agent is asked and nothing is paid for: a type without a part fails, and says so.
--
-- Glossary
--   part     what an agent type does in a test: an outcome; an array of outcomes, one for each
--            call, of which the last is repeated; or a function(call) that returns one
--   outcome  a text, which is the output; or a table: output (a text, or a table for a task with
--            `schema`), delay (a duration, or {from, to}: drawn by the seed), error (a message) or
--            error_kind, retry_after, activity, usage, cost, model, session_id
--   call     {agent, prompt, input, attempt, task, description, model, at, number}: `at` is in
--            seconds since the run began, `number` counts the calls of the type, from 1

local check = require "orun.util.check"
local json = require "orun.json"
local part = require "orun.testing.part"

local M = {}

local WHERE <const> = "orun.testing.run"
local FIELDS <const> = {script = "text", code = "text", args = "table", agents = "table",
  seed = "count", jobs = "count", workers = "count", cwd = "text", env = "table", input = "text",
  timeout = "duration"}
local TIMEOUT <const> = 60 -- real seconds for a script whose time is virtual

-- The programs of agents, in whose place the test has one that fails.
local PROGRAMS <const> = require("orun.agents.backends").PROGRAMS
local STUB <const> = "#!/bin/sh\n"
  .. "echo 'orun.testing: this test has no part for the agent' >&2\nexit 70\n"

local function put(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- A folder for the files of a run.
local function folder()
  local out = orun.exec{command = {"mktemp", "-d"}, check = true}
  return (out:gsub("\n$", ""))
end

-- What holds for the user's runs does not for tests, and there is no key.
local function environment(given, dir)
  local env = {ORUN_TESTING = dir .. "/parts.json", ORUN_PROGRESS = "none", ORUN_BACKEND = false,
    ORUN_STORE = false, ORUN_HISTORY = "0", ANTHROPIC_API_KEY = false, OPENAI_API_KEY = false}
  for name, value in pairs(given or {}) do env[name] = value end
  env.PATH = dir .. "/bin:" .. (env.PATH or os.getenv "PATH" or "")
  return env
end

local function prepare(t, dir)
  put(dir .. "/parts.json", json.encode{parts = part.pack(WHERE, t.agents or {}),
    calls = dir .. "/calls"})
  put(dir .. "/calls", "")
  orun.exec{command = {"mkdir", dir .. "/bin"}, check = true}
  for _, name in ipairs(PROGRAMS) do
    put(dir .. "/bin/" .. name, STUB)
    orun.exec{command = {"chmod", "+x", dir .. "/bin/" .. name}, check = true}
  end
end

local function command_of(t, dir)
  local words = {orun.control().ORUN_PROGRAM, "--virtual-time", t.seed or 1, "--no-store",
    "--events", dir .. "/events", "--progress", "none", "-l", "orun.testing.stage"}
  local function add(...)
    for _, word in ipairs{...} do words[#words + 1] = word end
  end
  if t.jobs then add("-j", t.jobs) end
  if t.workers then add("--workers", t.workers) end
  if t.code then
    put(dir .. "/script.lua", t.code)
    add(dir .. "/script.lua")
  else
    add(t.script)
  end
  add(table.unpack(t.args or {}))
  return words
end

local function lines(path)
  local file = io.open(path)
  if not file then return {} end
  local all = {}
  for line in file:lines() do all[#all + 1] = json.decode(line) end
  file:close()
  return all
end

-- What the events tell of the tasks, in the order they were started, and how long the run was.
local function tasks_of(events)
  local list, by, duration = {}, {}, 0
  for _, e in ipairs(events) do
    local task = e.task and by[e.task]
    if e.at then duration = e.at end
    if e.event == "added" and e.task then
      task = {id = e.task, agent = e.agent, description = e.description, status = "pending"}
      by[e.task] = task
      list[#list + 1] = task
    elseif e.event == "started" and task then
      task.began = task.began or e.at
    elseif e.event == "ended" and task then
      task.ended = e.at
      for _, field in ipairs{"status", "error_kind", "error", "output", "attempts", "duration"} do
        task[field] = e[field]
      end
    end
  end
  return list, duration
end

local function validate(t)
  check.argument(WHERE, "1", t, "table")
  t = check.options(WHERE, t, FIELDS)
  if (t.script == nil) == (t.code == nil) then
    error(WHERE .. ": give either script, a file, or code, a text", 3)
  end
  return t
end

--- Runs a script.
-- @param t  {script = path, or code = text; args = array of words; agents = {name = part}: "*" is
--           the part of all types that have none; seed = 1; jobs, workers = as -j and --workers
--           (workers: 1, with which the order of events is the same in each run); cwd, env, input =
--           as of orun.exec; timeout = real seconds, 60}
-- @return {exit_code, out, err, duration = virtual seconds, calls = array of calls, tasks = array
--         of {id, agent, description, status, error_kind, error, output, attempts, began, ended,
--         duration}}
-- Raises an error when the script was not done in time, and for bad arguments: a function that is
-- a part may not use local variables of outside.
-- @usage local run = testing.run{script = "plan.lua", agents = {["*"] = {delay = 60}}}
function M.run(t)
  t = validate(t)
  local dir = folder()
  local _ <close> = setmetatable({}, {__close = function() orun.exec("rm", "-rf", dir) end})
  prepare(t, dir)
  local r = orun.exec{command = command_of(t, dir), cwd = t.cwd, input = t.input,
    env = environment(t.env, dir), timeout = t.timeout or TIMEOUT, max_output = "64MiB"}
  if r.error_kind and r.error_kind ~= "exit" then
    error(("%s: %s\n%s"):format(WHERE, r.error, r.stderr or ""), 2)
  end
  local tasks, duration = tasks_of(lines(dir .. "/events"))
  return {exit_code = r.exit_code, out = r.output, err = r.stderr, duration = duration,
    tasks = tasks, calls = lines(dir .. "/calls")}
end

return M
