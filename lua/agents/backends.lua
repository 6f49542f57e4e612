--- orun.agents.backends: the names of what can do the work of an agent.
--
-- Each of PROGRAMS is a preset, lua/preset/NAME.lua, and each of LLMS an LLM dialect,
-- lua/llm/NAME.lua; all facts about one are in its file. Where nobody says which to use, the
-- first that is installed, in this order, is.

local M = {}

--- Presets: programs that are agents.
M.PROGRAMS = {"claude", "codex", "gemini", "opencode"}

--- Dialects of LLM APIs.
M.LLMS = {"anthropic", "openai"}

--- name -> true, of both.
M.KNOWN = {}

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
