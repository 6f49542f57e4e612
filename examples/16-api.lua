-- 16-api.lua — an agent that is an LLM API, with tools and a typed result.
--
--     $ orun examples/16-api.lua
--
-- With ANTHROPIC_API_KEY (or OPENAI_API_KEY) set it asks the real one, by the
-- model in MODEL; without it says what is missing, and a function stands in.

local orun = require "orun"

local apis = {{api = "anthropic", key = "ANTHROPIC_API_KEY", model = "claude-sonnet-4-5"},
              {api = "openai", key = "OPENAI_API_KEY", model = "gpt-5-mini"}}

local function define(name, fields)
  for _, one in ipairs(apis) do
    if os.getenv(one.key) then
      fields.name, fields.api, fields.model = name, one.api, os.getenv "MODEL" or one.model
      return orun.agent(fields)
    end
  end
  print("no key: a function answers instead of an LLM")
  local tool = fields.tools[1].run
  return orun.agent{name = name, run = function(_, task)
    local city = task.prompt:match "in (%a+)"
    return {city = city, celsius = tool{city = city}.celsius}
  end}
end

define("forecaster", {
  system = "You answer questions about the weather with the tools you have.",
  tools = {{
    name = "weather", description = "The weather in a city, now.",
    schema = {type = "object", required = {"city"}, properties = {city = {type = "string"}}},
    run = function(input) return {city = input.city, celsius = #input.city} end,
  }},
})

local form = {
  type = "object", required = {"city", "celsius"},
  properties = {city = {type = "string"}, celsius = {type = "number"}},
}

local tasks = {}
for i, city in ipairs{"Oslo", "Lima", "Nairobi"} do
  tasks[i] = orun.start{
    subagent_type = "forecaster", prompt = ("How warm is it in %s?"):format(city),
    schema = form, timeout = "2m",
  }
end
for _, task in ipairs(tasks) do
  local r = TaskOutput(task)
  print(r.status, r.output and r.output.city, r.output and math.floor(r.output.celsius) or r.error)
end

--> no key: a function answers instead of an LLM
--> completed	Oslo	4
--> completed	Lima	4
--> completed	Nairobi	7
