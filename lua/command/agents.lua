--- orun.command.agents: `orun agents [--json]`, what agent types there are.
--
-- Without a script, so those that files define and the built-in ones. Prints the types,
-- then the files that are broken or hidden. The exit code is 1 when one is broken.

local agents = require "orun.agents"
local format = require "orun.util.format"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local line_width = require "orun.util.line_width"
local options = require "orun.command.options"
local terminal = require "orun.terminal"

local HELP <const> = "usage: orun agents [--json]\n\n"
  .. "Lists the agent types that files define (.orun/agents, .claude/agents,\n"
  .. ".opencode/agents, .gemini/agents, .codex/agents, of the project and of the\n"
  .. "user) and the built-in ones: where each comes from, what does its work and its\n"
  .. "limits; then files that are broken (exit code 1) and hidden ones. Lua files are\n"
  .. "not run for that: see orun trust --help.\n"

-- What does the work, in a few words.
local function runner_of(agent)
  local t = agent.type
  if agent.unread then return agent.trusted and "Lua code, trusted" or "Lua code, not trusted" end
  if not t then return "nothing" end
  local by = t.preset or t.api
  if type(by) == "table" then by = by.program end
  if by == nil then by = t.command and tostring(t.command[1]) or "a Lua function" end
  return t.model and ("%s, %s"):format(by, t.model) or tostring(by)
end

local function words_of(value)
  if type(value) ~= "table" then return tostring(value) end
  local words = {}
  for k, v in pairs(value) do
    words[#words + 1] = math.type(k) and tostring(v) or ("%s %s"):format(k, words_of(v))
  end
  table.sort(words)
  return table.concat(words, ", ")
end

local function limits_of(agent)
  local t, words = agent.type or {}, {}
  for _, field in ipairs{"limit", "rate", "budget", "timeout", "retry", "max_turns"} do
    local value = t[field]
    if type(value) == "number" and field == "timeout" then value = format.duration(value) end
    if value ~= nil then words[#words + 1] = field .. " " .. words_of(value) end
  end
  return table.concat(words, "; ")
end

-- What its agents may do, and whether nothing says so; nil where that is not orun's matter.
local function may_of(t)
  if t.permissions then return t.permissions, false end
  if t.api then return require("orun.llm").PERMISSIONS, true end
  local level = t.preset and require("orun.preset.agent").permissions(t)
  return level, t.sandbox == nil
end

local function place_of(one)
  return one.line and ("%s:%d"):format(one.source, one.line) or one.source
end

-- What orun.agent says against it, if anything.
local function check(list)
  local good = {}
  for _, agent in ipairs(list.agents) do
    local ok, why = true, nil
    if agent.type then ok, why = pcall(orun.agent, agent.type) end
    if ok then
      good[#good + 1] = agent
    else
      table.insert(list.broken, {source = agent.source, line = agent.line, why = tostring(why)})
    end
  end
  list.agents = good
end

local function print_json(list)
  local out = {agents = json.array{}, broken = json.array{}, hidden = json.array{}}
  for i, agent in ipairs(list.agents) do
    local t = agent.type or {}
    out.agents[i] = {name = agent.name, description = t.description or agent.def.description,
      source = agent.source, line = agent.line, file_of = agent.runner,
      backend = agent.backend, why = agent.why, runner = agent.type and runner_of(agent) or nil,
      trusted = agent.trusted,
      model = t.model, permissions = (may_of(t)), limits = limits_of(agent),
      notes = json.array(agent.notes)}
  end
  for _, kind in ipairs{"broken", "hidden"} do
    for i, one in ipairs(list[kind]) do
      out[kind][i] = {name = one.name, source = one.source, line = one.line, why = one.why}
    end
  end
  print(json_line(out))
end

local function print_agent(agent, width)
  local t = agent.type or {}
  print(("%s  (%s)"):format(agent.name, format.line(place_of(agent), width)))
  local why = agent.type and agent.why and (" (%s)"):format(agent.why) or ""
  print("  runs in   " .. format.line(runner_of(agent) .. why, width - 12))
  if agent.unread and not agent.trusted then
    print("  note: a run does not run it here: " .. format.line(agent.unread, 1000))
  end
  local may, usual = may_of(t)
  if may then print(("  may       %s%s"):format(may, usual and " (the default)" or "")) end
  local limits = limits_of(agent)
  if limits ~= "" then print("  limits    " .. format.line(limits, width - 12)) end
  local description = t.description or agent.def.description
  if description then print("  " .. format.line(description, width - 2)) end
  for _, note in ipairs(agent.notes) do print("  note: " .. format.line(note, 1000)) end
end

local function print_text(list)
  local width = line_width((terminal.size(1)))
  local idle
  for _, agent in ipairs(list.agents) do
    print_agent(agent, width)
    if not agent.type and not agent.unread then idle = agent.why end
  end
  if idle then print("\nnothing: " .. format.line(idle, 1000)) end
  for _, kind in ipairs{"broken", "hidden"} do
    for i, one in ipairs(list[kind]) do
      if i == 1 then print(("\n%s:"):format(kind)) end
      local name = one.name and one.name .. ": " or ""
      print(("  %s: %s%s"):format(format.line(place_of(one), 1000), format.line(name, 80),
        format.line(one.why, 1000)))
    end
  end
end

return options.command("orun agents", HELP, function(...)
  local args = options.read({["--json"] = {"json"}}, {...})
  if args[1] then options.usage("%s is one word too many", args[1]) end
  local list = agents.list()
  check(list)
  if args.json then print_json(list) else print_text(list) end
  return #list.broken > 0 and 1 or 0
end)
