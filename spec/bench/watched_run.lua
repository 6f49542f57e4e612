--- watched_run: n tasks, and the seconds that they took: `watched_run.lua programs|functions N`.

local orun = require "orun"

local how, n = arg[1], tonumber(arg[2])
orun.agent{name = "nap", command = {"sleep", "0.05"}}

local begun = orun.now()
local all = {}
for i = 1, n do
  all[i] = how == "programs" and Task{subagent_type = "nap", prompt = "-", run_in_background = true}
    or Task{run = function() end, run_in_background = true}
end
for i = 1, n do TaskOutput(all[i]) end
print(orun.now() - begun)
