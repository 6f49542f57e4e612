-- 15-agents.lua — three reviewers at once: claude, codex, or what is installed.
--
--     $ orun examples/15-agents.lua
--
-- The first of claude, codex, gemini and opencode that is in PATH does the work;
-- where none is, a few lines of shell stand in and the script is the same.

local orun = require "orun"

local STAND_IN <const> = {
  program = "sh",
  argv = function()
    return {"sh", "-c", [[read -r line; echo "{\"step\":\"reading\"}"
      echo "{\"answer\":\"looked: $line\"}"]]}
  end,
  line = function(s, text)
    local event = require "orun.json".decode(text)
    if event then s.activity, s.text = event.step, event.answer or s.text end
  end,
}

local function installed()
  for _, name in ipairs{"claude", "codex", "gemini", "opencode"} do
    if orun.exec("sh", "-c", "command -v " .. name).code == 0 then return name end
  end
end

local preset = installed()
print("asking", preset or "a stand-in")
orun.agent{
  name = "reviewer", preset = preset or STAND_IN, timeout = "10m", retry = {max = 1, resume = true},
}

local tasks = {}
for i, question in ipairs{"names", "errors", "tests"} do
  tasks[i] = Task{
    subagent_type = "reviewer", description = question, run_in_background = true,
    prompt = ("Review the %s of this project in one sentence."):format(question),
  }
end
for _, task in ipairs(tasks) do
  local r = TaskOutput(task)
  print(r.description, r.status, r.error or r.output)
end

--> asking	a stand-in
--> names	completed	looked: Review the names of this project in one sentence.
--> errors	completed	looked: Review the errors of this project in one sentence.
--> tests	completed	looked: Review the tests of this project in one sentence.
