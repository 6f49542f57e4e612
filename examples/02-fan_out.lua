--- Pattern 1 of the guide: launch independent agents, then collect them all.
--
-- $ orun examples/02-fan_out.lua
--
-- The agents stand for real ones, so that this runs anywhere: a command like
-- {"claude", "-p"} in the place of `run` makes them real.

local orun = require "orun"

orun.agent{
  name = "Explore",
  description = "Looks around in the code",
  run = function(_, task) return "3 files match: " .. task.prompt end,
}
orun.agent{
  name = "research-expert",
  description = "Looks around in the world",
  run = function(_, task) return "2 approaches to: " .. task.prompt end,
}

-- As the guide writes it: both are started before the first wait.
local exploration = Task{
  description = "Explore codebase for login",
  prompt = "login",
  subagent_type = "Explore",
  run_in_background = true,
}
local research = Task{
  description = "Research solutions for login",
  prompt = "login",
  subagent_type = "research-expert",
  run_in_background = true,
}
print(TaskOutput{task_id = exploration.id, block = true}.output)
print(TaskOutput{task_id = research.id, block = true}.output)

-- The same in one call, with any number of agents, five at once.
local topics = {"login", "logout", "sessions", "passwords", "tokens", "roles"}
local specs = {}
for i, topic in ipairs(topics) do
  specs[i] = {description = "Explore " .. topic, prompt = topic}
end
local results = orun.fan_out(specs, {limit = 5, defaults = {subagent_type = "Explore"}})
for _, result in ipairs(results) do
  print(result.description .. " -> " .. result.output)
end

--> 3 files match: login
--> 2 approaches to: login
--> Explore login -> 3 files match: login
--> Explore logout -> 3 files match: logout
--> Explore sessions -> 3 files match: sessions
--> Explore passwords -> 3 files match: passwords
--> Explore tokens -> 3 files match: tokens
--> Explore roles -> 3 files match: roles
