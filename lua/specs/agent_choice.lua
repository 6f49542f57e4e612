--- orun.specs.agent_choice: which agent type does a task of a specification.
--
--     local choose = require("orun.specs.agent_choice")()
--     print(choose{subject = "Explore the parser"})  --> Explore
--
-- The one that the task names; else a type of the project whose name has words of its subject or
-- of the kinds of its files (typescript-expert); else Explore or Plan where the subject begins
-- with what they do, and general-purpose.

local BUILT_IN <const> = {
  {"Explore", {"explore", "investigate", "research", "audit", "survey", "analyse", "analyze",
    "find", "review"}},
  {"Plan", {"plan", "design", "outline"}},
}
local KINDS <const> = {ts = "typescript", tsx = "react", js = "javascript", py = "python",
  rs = "rust", c = "c", lua = "lua", sql = "database", md = "docs", css = "css", go = "go"}
local GENERAL <const> = "general-purpose"

-- The words that speak of a task.
local function words_of(task)
  local words = {}
  for word in task.subject:lower():gmatch("%w+") do words[word] = true end
  for _, file in ipairs(task.files or {}) do
    local ending = file:match("%.(%w+)$")
    words[ending and KINDS[ending] or ""] = true
  end
  return words
end

--- Reads which types there are.
-- @return function(task) -> the name of a type
return function()
  local own = {}
  for _, agent in ipairs(require("orun.agents").list().agents) do
    local built_in = agent.name == "Explore" or agent.name == "Plan" or agent.name == GENERAL
    if not built_in then own[#own + 1] = agent.name end
  end
  return function(task)
    if task.agent then return task.agent end
    local words, best, most = words_of(task), nil, 0
    for _, name in ipairs(own) do
      local hits = 0
      for word in name:lower():gmatch("%w+") do hits = hits + (words[word] and 1 or 0) end
      if hits > most then best, most = name, hits end
    end
    local first = task.subject:lower():match("%w+")
    for _, known in ipairs(BUILT_IN) do
      for _, word in ipairs(known[2]) do
        if not best and word == first then best = known[1] end
      end
    end
    return best or GENERAL
  end
end
