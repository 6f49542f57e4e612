-- `orun tasks` found the run's own entry among those of the user, with the script's token: a
-- task's program that called it could look at all of the run, and stop it.

local h = require "spec.support.helper"

local SCRIPT <const> = [[
local other = Task{run = function() orun.sleep(60) end, run_in_background = true,
  description = "other"}
orun.agent{name = "sh", command = {"sh", "-s"}}
local function say(line)
  return Task{subagent_type = "sh", prompt = line .. " 2>&1; echo code $?"}.output
end
]]

describe("orun tasks in a task's program", function()
  it("cannot look at the run, or stop it", function()
    local r = h.script(SCRIPT .. [[
      for _, words in ipairs{"", "--json", "output t1", "stop t1", "stop all"} do
        io.write(words, ": ", say('"$ORUN_PROGRAM" tasks ' .. words))
      end
      print(TaskOutput{task_id = other, block = false}.status)
      TaskStop(other)]])
    for words, why in pairs{
      [""] = "RunTasks: only the script may do that, and this is t%d+; ",
      ["%-%-json"] = "RunTasks: only the script may do that, and this is t%d+; ",
      ["output t1"] = "RunOutput: only the script may do that, and this is t%d+; ",
      ["stop t1"] = "TaskStop: t1 is not a task of t%d+: ",
      ["stop all"] = "RunStop: only the script may do that, and this is t%d+; ",
    } do
      assert.matches("%f[^\n]" .. words .. ": orun tasks: " .. why .. "[^\n]*\ncode 1\n",
        "\n" .. r.out)
    end
    assert.matches("\nin_progress\n$", r.out)
  end)

  it("and what the script itself starts may", function()
    local r = h.script(SCRIPT .. [[
      local seen = orun.exec("sh", "-c", '"$ORUN_PROGRAM" tasks')
      io.write(seen.output, seen.stderr)
      local code = orun.exec("sh", "-c", '"$ORUN_PROGRAM" tasks stop t1').exit_code
      print(code, TaskOutput(other).status)]])
    assert.matches("t1 .*other", r.out)
    assert.matches("\n0\tcancelled\n$", r.out)
  end)
end)
