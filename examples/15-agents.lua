-- 15-agents.lua — agents that are programs people have: claude, codex, …
--
--     $ orun examples/15-agents.lua
--
-- The first of them that is installed answers; without one a shell script does, by
-- a preset of its own: data that says how a program is called, and what its lines
-- mean.

local orun = require "orun"

local stand_in = {
  program = "sh",
  argv = function() return {"sh", "-c", "read -r first; echo \"text $first\"; echo tokens 3"} end,
  line = function(s, text)
    local word, rest = text:match("^(%w+) (.*)$")
    if word == "text" then s.text = rest end
    if word == "tokens" then s.usage = {output_tokens = math.tointeger(rest)} end
  end,
}

local function installed(program)
  return orun.exec{command = {"sh", "-c", 'command -v "$0"', program}}.exit_code == 0
end

local preset = stand_in
for _, program in ipairs{"claude", "codex", "gemini", "opencode"} do
  if preset == stand_in and installed(program) then preset = program end
end

orun.agent{
  name = "writer", preset = preset, timeout = "10m",
  retry = {max = 2, on = {"rate", "http", "timeout"}, resume = preset ~= stand_in},
}

local answers = {}
for i, word in ipairs{"one", "two", "three"} do
  answers[i] = orun.start{
    subagent_type = "writer", description = word,
    prompt = ("Answer with the word %q and nothing else."):format(word),
  }
end
for _, task in ipairs(answers) do
  local r = TaskOutput(task)
  print(r.description, r.status, (r.output or r.error):find(r.description) ~= nil,
    r.usage.output_tokens > 0)
end

--> one	completed	true	true
--> two	completed	true	true
--> three	completed	true	true
