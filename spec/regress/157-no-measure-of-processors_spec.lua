--- Nothing told how long a task was on a processor, nor that a task which could have gone on
--- after a wait queued for a worker: both were taken for work.

local h = require "spec.support.helper"
local json = require "cjson"

-- The events of a script: array.
local function events_of(text, ...)
  local file = h.tmpdir() .. "/events"
  local words = {"--events", file, ...}
  words[#words + 1], words[#words + 2] = "-e", text
  local r = h.orun(words)
  assert.equal(0, r.code, r.err)
  local all = {}
  for line in io.lines(file) do all[#all + 1] = json.decode(line) end
  return all
end

describe("the time on a processor", function()
  it("is told of functions, of programs and of the script", function()
    local seen, processors, busy = {}, nil, nil
    for _, e in ipairs(events_of([[
      orun.agent{name = "sh", command = {"sh"}}
      local spin = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done"
      Task{run = function() for i = 1, 1e5 do math.sin(i) end end}
      Task{subagent_type = "sh", prompt = spin}
      Task{input = spin, run = function(text) orun.exec{command = {"sh", "-c", text}} end}
      Task{isolation = "process", run = function() return 1 end}]])) do
      if e.event == "used" then
        assert.is_true(e.cpu > 0)
        seen[e.task or "script"] = (seen[e.task or "script"] or 0) + 1
      end
      processors, busy = processors or e.processors, busy or e.busy
    end
    assert.is_true(seen.t1 == 1 and seen.t2 == 1 and seen.script == 1)
    assert.is_true(seen.t3 == 2 and seen.t4 == 2) -- a program, and what waited for it
    assert.is_true(math.type(processors) ~= nil and processors >= 1)
    assert.is_true(busy == nil or busy >= 0)
  end)
end)

describe("a task that could go on after a wait", function()
  it("is told as queued while it has no worker", function()
    local queued
    for _ = 1, 10 do -- the other must have the worker when it wakes
      for _, e in ipairs(events_of([[
        Task{run = function() orun.sleep(0.05) end, run_in_background = true}
        Task{run = function() local t = orun.now() while orun.now() < t + 0.1 do end end,
             run_in_background = true}]], "--workers", "1")) do
        if e.event == "goes_on" and e.task == "t1" then queued = e.queued end
      end
      if queued then break end
    end
    assert.is_true(queued and queued > 0)
  end)
end)
