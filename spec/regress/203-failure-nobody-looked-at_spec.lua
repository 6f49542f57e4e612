-- A foreground Task, or a pattern, that failed counted as read though nobody looked at its
-- result: the run ended with exit code 0, and with -q without a word.

local h = require "spec.support.helper"
local orun = require "orun"

local FAIL <const> = 'local orun = require "orun" '
  .. 'local function fail() error("no luck", 0) end local function one() return 1 end '

local function unread(text, times)
  local r = h.script(FAIL .. text)
  local _, n = r.err:gsub("failed and its result was never read: no luck", "")
  assert.equal(times or 1, n, text .. "\n" .. r.err)
  assert.equal(1, r.code, text)
end

local function seen(text)
  local r = h.script(FAIL .. text)
  assert.is_nil(r.err:find("never read", 1, true), text .. "\n" .. r.err)
  assert.equal(0, r.code, text .. "\n" .. r.err)
  return r.out
end

describe("a failure that nobody looked at", function()
  it("is named at the end, whoever waited for the task", function()
    unread 'Task{run = fail}'
    unread 'local r = Task{run = fail} print(r.output, r.task_id, r.duration)'
    unread 'TaskOutput(Task{run = fail, run_in_background = true})'
    unread 'Task{run = function() Task{run = fail} return 1 end}'
    unread 'for _ in orun.as_completed{Task{run = fail, run_in_background = true}} do end'
    unread 'local t = Task{run = fail, run_in_background = true} TaskOutput(t) TaskStop(t)'
    unread 'print(Task{run = fail}, #Task{run = one})'
  end)

  it("is named at the end of a pattern", function()
    unread('orun.fan_out{fail, one, fail}', 2)
    unread 'for _, r in ipairs(orun.fan_out{fail, one}) do print(r.output) end'
    unread 'orun.batches({{tasks = {fail}}}, {progress = false})'
    unread 'orun.pipeline({1}, fail, one)'
    unread 'orun.workers(fail, {items = {{description = "x"}}})'
    unread('orun.race{fail, fail}', 2)
    unread 'orun.quorum({fail, one}, 2)'
    unread 'orun.retry({run = fail}, {max = 0})'
    unread 'orun.analyze_then(fail)'
    unread 'orun.analyze_then(one, {plan = function() return {fail} end})'
    unread 'Task{run = function() require("orun").fan_out{fail} end}'
  end)
end)

describe("a failure counts as looked at", function()
  it("when its result is asked whether and why it failed", function()
    for _, field in ipairs{"status", "error", "error_kind", "exit_code", "traceback", "ok"} do
      seen('local r = Task{run = fail} local _ = r.' .. field)
    end
    seen 'local r = Task{run = fail} local _ = rawget(r, "status")'
    seen 'local _ = TaskGet(Task{run = fail}.task_id).status'
    seen 'Task{run = function() return Task{run = fail}.status end}'
  end)

  it("when the pattern's results are asked", function()
    for _, field in ipairs{"ok", "failed"} do
      seen('local _ = orun.fan_out{fail, one, fail}.' .. field)
      seen('local _ = orun.quorum({fail, one}, 2).' .. field)
      seen('local _ = orun.analyze_then(fail).' .. field)
    end
    seen 'for _, r in ipairs(orun.fan_out{fail, one}) do print(r.status) end'
    seen 'local _ = orun.race{fail, fail}.error'
    seen 'print(#orun.quorum({fail, one}, 2))'
  end)

  it("when a pattern has done without", function()
    seen 'print(orun.race{fail, one}.output)'
    seen 'print(orun.quorum({fail, one}, 1)[1].output)'
  end)

  it("when all of the result is gone through, copied, sent or written", function()
    local walk = 'local n = 0 for k, v in %s do if k == "status" then n = v end end print(n)'
    assert.equal("failed\n", seen('local r = Task{run = fail} ' .. walk:format "pairs(r)"))
    assert.equal("failed\n", seen('local r = Task{run = fail} ' .. walk:format "next, r"))
    assert.equal("failed no luck\n", seen [[
      local r = orun.json.decode(orun.json.encode(Task{run = fail}))
      print(r.status .. " " .. r.error)]])
    assert.equal("failed no luck 7\n", seen [[
      local r = Task{run = fail}
      r.mine = 7
      local back = Task{run = function(x) return x end, input = r}.output
      print(back.status .. " " .. back.error .. " " .. back.mine)]])
    assert.equal("failed\n", seen [[
      local all = Task{run = function(x) return x end, input = orun.fan_out{fail}}.output
      assert(all.ok == false and #all.failed == 1)
      print(all[1].status)]])
    assert.equal("failed\n", seen [[
      local r = setmetatable(Task{run = fail}, {__index = {status = "other"}})
      print(r.status)]])
    assert.equal("failed\n", seen [[
      local function nest() return Task{run = fail} end
      print(Task{run = nest, isolation = "process"}.output.status)]])
  end)
end)

describe("the result of a failure", function()
  it("is a table like any other once it was looked at", function()
    local r = Task{run = function() error("why", 0) end}
    assert.equal("table", type(r))
    assert.equal("failed", r.status)
    assert.is_nil(getmetatable(r))
    assert.equal("why", rawget(r, "error"))
    r = Task{run = function() error("why", 0) end}
    r.status = "mine"
    assert.equal("why", r.error)
    assert.equal("mine", r.status)
  end)

  it("names its task before and after", function()
    local r = Task{run = function() error("why", 0) end}
    assert.equal(r.task_id, TaskOutput(r).task_id)
    assert.equal("failed", TaskOutput(r).status)
    assert.equal(r.task_id, TaskOutput(r).task_id)
    assert.is_nil(getmetatable(orun.fan_out{function() return 1 end}))
  end)
end)
