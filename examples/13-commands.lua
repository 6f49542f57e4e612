--- Ordinary programs as agents: the prompt goes to their standard input.
--
-- $ orun examples/13-commands.lua
--
-- No shell stands between, unless one is asked for: a prompt cannot break out.

local orun = require "orun"

orun.agent{name = "sort", command = {"sort"}}
orun.agent{name = "count", command = {"wc", "-w"}}
orun.agent{name = "upper", command = {"tr", "a-z", "A-Z"}, limit = 2}
orun.agent{name = "find-e", command = {"grep", "-c", "e"}}
orun.agent{name = "broken", command = {"sh", "-c", "echo cannot >&2; exit 3"}}

local text = "pear\napple\nfig; rm -rf $HOME\n"
local results = orun.fan_out{
  {prompt = text, subagent_type = "sort"},
  {prompt = text, subagent_type = "count"},
  {prompt = text, subagent_type = "upper"},
  {prompt = text, subagent_type = "find-e"},
  {prompt = text, subagent_type = "broken"},
}
for i = 1, 4 do
  for line in results[i].output:gmatch("[^\n]+") do
    print((line:match("^%s*(.*)$")))
  end
end
print(results[5].status .. ", " .. results[5].error_kind)

-- For a program's whole story, from script or task: orun.exec.
local run = orun.exec{command = {"sh", "-c", "read word; echo got $word; exit 4"}, input = "it\n"}
print(run.output:gsub("\n", "") .. ", code " .. run.exit_code)

-- With check = true it gives the output alone, and raises when something went wrong.
local numbers = orun.exec{command = {"seq", 1, 3}, check = true}
print("last: " .. numbers:match("(%d+)\n$"))

--> apple
--> fig; rm -rf $HOME
--> pear
--> 6
--> PEAR
--> APPLE
--> FIG; RM -RF $HOME
--> 2
--> failed, exit
--> got it, code 4
--> last: 3
