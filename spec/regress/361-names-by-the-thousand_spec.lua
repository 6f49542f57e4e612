-- Each task looked through all agent types for its own, and through the names of all files:
-- with 16,000 of them one task took as long as a hundred. They are found by their hash, in
-- rings that several names share.

local h = require "spec.support.helper"

describe("of thousands of names", function()
  it("each agent type is found, and the newest of a name", function()
    local r = h.script([[
      for i = 1, 8000 do
        orun.agent{name = "kind" .. i, run = function() return -i end}
      end
      for i = 1, 8000, 7 do
        orun.agent{name = "kind" .. i, run = function() return i end}
      end
      local tasks, wrong = {}, 0
      for i = 1, 8000 do
        tasks[i] = Task{subagent_type = "kind" .. i, prompt = "x", run_in_background = true}
      end
      for i = 1, 8000 do
        local wanted = i % 7 == 1 and i or -i
        if TaskOutput(tasks[i]).output ~= wanted then wrong = wrong + 1 end
      end
      print(wrong, pcall(Task, {subagent_type = "kind8001", prompt = "x"}))]])
    assert.matches("^0\tfalse\t.*kind8001", r.out, r.err)
  end)

  it("each file is that of its own tasks", function()
    local dir = h.tmpdir()
    local r = h.orun{"--events", dir .. "/events", "-e", [[
      for i = 1, 8000 do
        assert(load("Task{run = os.time, run_in_background = true}", "=file" .. i))()
      end]]}
    assert.equal(0, r.code, r.err)
    local n, wrong = 0, 0
    for file, task in h.read(dir .. "/events"):gmatch('"file":"(file%d+)"[^\n]*"task":"t(%d+)"') do
      n = n + 1
      if file ~= "file" .. task then wrong = wrong + 1 end
    end
    assert.same({8000, 0}, {n, wrong})
  end)
end)
