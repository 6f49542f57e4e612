-- Each task looked through all agent types for its own, and through the names of all files:
-- with 16,000 of them one task took as long as a hundred.

local h = require "spec.support.helper"

-- Processor time of `n` tasks, the least of three turns.
local SCRIPT <const> = [[
  local function least(n, name, task)
    local best = math.huge
    for turn = 1, 3 do
      local tasks, makers = {}, {}
      for i = 1, n do makers[i] = name(turn * 100000 + i) end
      local began = os.clock()
      for i = 1, n do tasks[i] = task(makers[i]) end
      best = math.min(best, os.clock() - began)
      for i = 1, n do TaskOutput(tasks[i]) end
    end
    return best
  end

  local function ratio(...) return least(8000, ...) / least(1000, ...) end

  print(ratio(function(i)
    orun.agent{name = "kind" .. i, run = function() end}
    return "kind" .. i
  end, function(name)
    return Task{subagent_type = name, prompt = "x", run_in_background = true}
  end))
  print(ratio(function(i)
    return load("return Task{run = os.time, run_in_background = true}", "=file" .. i)
  end, function(start) return start() end))
]]

describe("a task", function()
  it("costs the same however many agent types and files there are", function()
    local r = h.script(SCRIPT)
    assert.equal(0, r.code, r.err)
    local agents, files = r.out:match("(%S+)\n(%S+)\n")
    -- Eight times as many: 8 where it is linear, 64 where it is quadratic.
    assert.is_true(tonumber(agents) < 24, "agent types: " .. agents)
    assert.is_true(tonumber(files) < 24, "files: " .. files)
  end)
end)
