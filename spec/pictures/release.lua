--- release.lua: the run in the pictures of README.md. Its agents are functions that sleep.
--
--     orun release.lua [MINUTE]     the length of an agent's minute (one second)

local orun = require "orun"

local MINUTE <const> = tonumber((...)) or 1

local function work(minutes)
  orun.sleep(minutes)
  return "done"
end

local function fail(minutes)
  orun.sleep(minutes)
  orun.fail{kind = "exit", message = "no such machine: bench-2"}
end

orun.agent{name = "explorer", limit = 3, run = work}
orun.agent{name = "planner", run = work}
orun.agent{name = "implementer", limit = 5, run = work}
orun.agent{name = "tester", run = work}
orun.agent{name = "bench", run = fail}

local function start(agent, description, minutes, blockers)
  return Task{subagent_type = agent, description = description, input = minutes * MINUTE,
    blockedBy = blockers, run_in_background = true}
end

orun.phase("look around")
local looked = {
  start("explorer", "explore the code", 4), start("explorer", "research parsers", 6),
  start("explorer", "read the history", 2),
}

orun.phase("implement")
local plan = start("planner", "plan the parts", 1, looked)
local parts = {}
for i, part in ipairs{"lexer", "parser", "printer", "checker", "messages", "manual"} do
  parts[i] = start("implementer", part, ({5, 7, 3, 4, 2, 5})[i], {plan})
end

orun.phase("check")
start("bench", "benchmark", 1, {parts[1]})
local tests = start("tester", "run the tests", 2, table.move(parts, 1, 5, 1, {}))
print(TaskOutput(tests).output)
