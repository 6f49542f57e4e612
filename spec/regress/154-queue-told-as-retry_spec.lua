--- The critical path blamed retries for the time in which the next attempt queued for a slot.

local report = require "orun.report.metrics"
local run_model = require "orun.record.model"

describe("the critical path of a task that was tried again", function()
  it("tells what the next attempt queued for apart from the delay", function()
    local model = run_model.new()
    for _, e in ipairs{
      {event = "added", at = 0, task = "t1", kind = "program", limits = {process = 1}},
      {event = "script_ended", at = 0},
      {event = "started", at = 0, task = "t1", attempt = 1},
      {event = "retry", at = 1, task = "t1", error_kind = "exit", delay = 2},
      {event = "queued", at = 3, task = "t1", ["for"] = "slot", limit = "process"},
      {event = "queued", at = 7, task = "t1", ["for"] = "writes"},
      {event = "started", at = 8, task = "t1", attempt = 2},
      {event = "ended", at = 10, task = "t1", status = "completed"},
    } do model:add(e) end
    local parts = {}
    for _, p in ipairs(report.of(model, 10).parts) do parts[p.what] = p.seconds end
    assert.same({retry = 3, slot = 4, writes = 1, work = 2}, parts)
  end)
end)
