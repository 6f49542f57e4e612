--- orun.agents.backends: the names of what can do the work of an agent.
--
-- Each of PROGRAMS is a preset, lua/preset/NAME.lua, and each of LLMS an LLM dialect,
-- lua/llm/NAME.lua; all facts about one are in its file. Where nobody says which to use, the
-- first that is installed, in this order, is.

local check = require "orun.util.check"

local M = {}

--- Presets: programs that are agents.
M.PROGRAMS = {"claude", "codex", "gemini", "opencode"}

--- Dialects of LLM APIs.
M.LLMS = {"anthropic", "openai"}

--- Words for how much a model is to think.
M.EFFORTS = {"minimal", "low", "medium", "high", "xhigh", "max"}

--- name -> true, of both.
M.KNOWN = {}

--- What is wrong with such a word, or nil.
function M.bad_effort(word)
  if check.among(M.EFFORTS, word) then return nil end
  return ("effort = %s: there are %s"):format(check.show(word), table.concat(M.EFFORTS, ", "))
end

local quoted = {}
for _, list in ipairs{M.PROGRAMS, M.LLMS} do
  for _, name in ipairs(list) do
    M.KNOWN[name] = true
    quoted[#quoted + 1] = ("%q"):format(name)
  end
end

--- What an argument that is none of them is answered.
M.EXPECTED = "expected " .. table.concat(quoted, ", ", 1, #quoted - 1) .. " or " .. quoted[#quoted]

return M
