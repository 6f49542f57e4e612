--- orun.testing.stage: what makes the agents of a run play their parts.
--
-- `orun -l orun.testing.stage script.lua`, with the parts in the file that ORUN_TESTING names. A
-- type of the script's own keeps what is said of it (limit, rate, budget, retry, …); what would do
-- its work, if that is a program that is an agent or an API, is replaced. So is every type that
-- has a part.

local json = require "orun.json"

local define <const> = orun.agent

-- What a type keeps beside its part.
local KEPT <const> = {"name", "description", "limit", "rate", "budget", "account", "priority",
  "timeout", "retry", "max_output", "memory_limit", "permissions", "isolation", "base", "cwd"}

local stage

do
  local path = assert(os.getenv "ORUN_TESTING", "orun.testing.stage: ORUN_TESTING is not set")
  local file <close> = assert(io.open(path))
  stage = json.decode(file:read "a")
end

local parts <const>, calls <const> = stage.parts, stage.calls
local began <const> = orun.ticks()

-- The function that plays the part of `name`.
local function player(name)
  local packed = parts[name] or parts["*"]
  return function(input, task)
    local number = 1
    while not orun.once(("part of %s: call %d"):format(name, number)) do number = number + 1 end
    local call = {agent = name, prompt = task.prompt, input = input, attempt = task.attempt,
      task = task.id, description = task.description, model = task.model, number = number,
      at = orun.ticks() - began}
    local file = assert(io.open(calls, "a"))
    file:write(require("orun.util.json_line")(call), "\n")
    file:close()
    return require("orun.testing.part").play(packed, call)
  end
end

local function slots_of(t)
  if t.api then return "http" end
  return (t.preset or t.command) and "process" or t.slots
end

local function cast(t)
  local role = {run = player(t.name), slots = slots_of(t), permissions = "edit"}
  for _, field in ipairs(KEPT) do
    if t[field] ~= nil then role[field] = t[field] end
  end
  if type(role.retry) == "table" and role.retry.resume then
    local retry = {}
    for field, value in pairs(t.retry) do
      if field ~= "resume" then retry[field] = value end
    end
    role.retry = retry
  end
  return role
end

local function cast_anew(name, description)
  define(cast{name = name, description = description, command = {}})
end

for name in pairs(parts) do
  if name ~= "*" then cast_anew(name) end
end
for _, builtin in ipairs(require "orun.agents.builtin") do
  if not parts[builtin.name] then cast_anew(builtin.name, builtin.description) end
end

rawset(orun, "agent", function(t)
  if type(t) == "table" and type(t.name) == "string"
    and (parts[t.name] or t.preset or t.api) then
    return define(cast(t))
  end
  return define(t)
end)
