-- Programs that computed on a machine with dozens of others at work were on a processor for so
-- small a part of their time that they were taken for programs that wait: six that computed for
-- 2.46 s were told to take 26 s one after another, "at least". How many want each processor is
-- told with the end of a run now, and what a second on one may have taken with it.

local h = require "spec.support.helper"
local busy = require "orun.record.busy"
local report = require "orun.report.metrics"
local run_model = require "orun.record.model"

-- What six programs, each on a processor for cpu seconds of its 12, would take alone.
local function alone(cpu, crowd)
  local model = run_model.new()
  model.processors, model.busy = 2, crowd
  for i = 1, 6 do
    model:add{event = "added", at = 0, task = "t" .. i, kind = "program", limits = {process = 6}}
  end
  model:add{event = "script_ended", at = 0}
  for i = 1, 6 do model:add{event = "started", at = 0, task = "t" .. i, attempt = 1} end
  for i = 1, 6 do
    model:add{event = "used", at = 12, task = "t" .. i, cpu = cpu}
    model:add{event = "ended", at = 12, task = "t" .. i, status = "completed"}
  end
  return report.of(model, 12).one_by_one
end

local function near(wanted, got) assert.is_true(math.abs(wanted - got) < 0.01, got) end

-- What is told where /proc/stat had these texts, one after the other, and /proc/loadavg has one.
local function busy_of(stats, load)
  local proc = h.tmpdir()
  h.write(proc .. "/stat", stats[1])
  h.write(proc .. "/loadavg", load)
  local since = busy.start(proc)
  h.write(proc .. "/stat", stats[2])
  return since()
end

local function stat(used, idle, running)
  return ("cpu  %d 0 0 %d 0 0 0 0 0 0\ncpu0 1 0 0 1\ncpu1 1 0 0 1\nctxt 7\nprocs_running %d\n")
    :format(used, idle, running)
end

describe("what tasks would take one after another", function()
  it("does not count what programs were kept from full processors", function()
    near(6 * 0.41, alone(0.41, 14))
    near(6 * (0.1 + 12 - 14 * 4 * 0.1), alone(0.1, 14)) -- some of it they must have waited
    near(6 * (0.1 + 12 - 20 * 0.1), alone(0.1, 1))
    near(72, alone(0.1, 0.5))
  end)
end)

describe("how busy a machine was", function()
  it("is the part of its processors that was used, or how many wanted each", function()
    near(0.5, busy_of({stat(100, 100, 9), stat(200, 200, 9)}, "9.00 1 1 1/2 3\n"))
    near(1, busy_of({stat(100, 100, 1), stat(300, 100, 2)}, "0.50 1 1 1/2 3\n"))
    near(13.5, busy_of({stat(100, 100, 1), stat(300, 100, 2)}, "27.00 1 1 1/2 3\n"))
    near(15, busy_of({stat(100, 100, 30), stat(300, 100, 2)}, "27.00 1 1 1/2 3\n"))
    near(16, busy_of({stat(100, 100, 1), stat(300, 100, 32)}, ""))
    assert.is_nil(busy_of({stat(100, 100, 1), stat(105, 100, 2)}, "27.00\n"))
    assert.is_nil(busy_of({"", ""}, ""))
  end)
end)
