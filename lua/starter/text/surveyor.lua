--- surveyor: an agent type of this project, which looks at one file.
--
-- The fields are those of orun.agent; the name is the file's. This one is a Lua function: it runs
-- anywhere and costs nothing. What else it could be, in place of `run`:
--
--   command = {"wc", "-l"}     a program, which reads the prompt on standard input
--   preset = "claude"          an agent with a model (codex, gemini, opencode), with
--   system = "You are ..."     what it is to know before the prompt
--
-- 'orun agents' lists the types there are.

return {
  description = "Looks at one file: how many lines it has, and how long the longest is.",
  limit = 4, -- so many at once
  run = function(_, task)
    local lines, longest = 0, 0
    for line in io.lines(task.prompt) do
      lines, longest = lines + 1, math.max(longest, #line)
    end
    return {lines = lines, longest = longest}
  end,
}
