--- orun --virtual-time SEED: time that goes on when nothing else does.

local h = require "spec.support.helper"

--- Runs code in virtual time, with these words before it.
local function run(code, ...)
  local words = {"-q", "--no-history", ...}
  if not table.concat(words, " "):find("--virtual-time", 1, true) then
    words[#words + 1] = "--virtual-time=1"
  end
  table.move({"-e", code}, 1, 2, #words + 1, words)
  return h.orun(words)
end

describe("orun --virtual-time", function()
  it("lets an hour of sleeping tasks pass at once, each for as long as it says", function()
    local r = run[[
      local began, tasks = orun.now(), {}
      for i = 1, 60 do tasks[i] = {run = function(n) orun.sleep(60 * n) return n end, input = i} end
      for i, r in ipairs(orun.fan_out(tasks)) do assert(r.output == i and r.duration == 60 * i) end
      print(orun.now() - began)]]
    assert.equal("3600.0\n", r.out, r.err)
  end)

  it("keeps to limits, rates and the order of what is due", function()
    local r = run[[
      local began = orun.now()
      orun.agent{name = "a", limit = 2, run = function() orun.sleep(10) end}
      orun.fan_out({1, 2, 3, 4, 5}, function() return {subagent_type = "a", prompt = "x"} end)
      print(orun.now() - began)
      orun.limit("calls", {rate = "1/30s"})
      began = orun.now()
      orun.fan_out({1, 2, 3}, function() return {pool = "calls", run = function() end} end)
      print(orun.now() - began)]]
    assert.equal("30.0\n60.0\n", r.out, r.err)
  end)

  it("has time-outs, waits and attempts end when they should", function()
    local r = run[[
      local slow = Task{run = function() orun.sleep("2h") end, timeout = "10m"}
      print(slow.error_kind, slow.duration)
      local task = orun.start(function() orun.sleep(100) return 1 end)
      print(TaskOutput{task_id = task, timeout = 60}.timed_out, TaskOutput(task).output)
      local began = orun.now()
      local r = Task{retry = {max = 2, backoff = 0}, run = function(_, task)
        if task.attempt < 3 then orun.fail{kind = "rate", message = "busy", retry_after = 3600} end
        return task.attempt
      end}
      print(r.output, orun.now() - began)]]
    assert.equal("timeout\t600.0\ntrue\t1\n3\t7200.0\n", r.out, r.err)
  end)

  it("is the same in each run of a seed, and another with another", function()
    local code = [[
      local order = {}
      local tasks = {}
      for i = 1, 20 do
        tasks[i] = {run = function() orun.sleep(orun.random() * 100) return math.random(1e9) end}
      end
      for r, i in orun.as_completed(orun.list(tasks):map(orun.start)) do
        order[#order + 1] = i .. ":" .. r.output
      end
      print(table.concat(order, " "), orun.uuid())
      for name in pairs{a = 1, b = 2, c = 3, d = 4, e = 5, f = 6} do io.write(name) end]]
    local first = run(code, "--virtual-time", "7")
    assert.equal(0, first.code, first.err)
    assert.equal(first.out, run(code, "--virtual-time", "7").out)
    assert.not_equal(first.out, run(code, "--virtual-time", "8").out)
  end)

  it("passes as usual while a program runs, and Lua code that never ends", function()
    local r = run[[
      print(Task{command = {"sleep", "1000"}, timeout = 0.1}.error_kind)
      print(Task{run = function() while true do end end, timeout = 0.1}.error_kind)
      print(Task{command = {"echo", "fine"}}.output)]]
    assert.equal("timeout\ntimeout\nfine\n\n", r.out, r.err)
  end)

  it("still tells a wait that can never end", function()
    local r = run "TaskOutput(TaskCreate{description = 'x'})"
    assert.equal(1, r.code)
    assert.matches("can never end", r.err, 1, true)
  end)

  it("needs a seed", function()
    for _, word in ipairs{"0", "-1", "soon", "1.5"} do
      local r = h.orun{"--virtual-time=" .. word, "-e", "print(1)"}
      assert.equal(2, r.code)
      assert.matches(("'%s' is no seed: expected a whole number, 1 or more"):format(word), r.err, 1,
        true)
    end
  end)
end)
