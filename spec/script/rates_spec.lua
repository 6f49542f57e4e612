--- What a limit asks beside slots: rates, budgets, throttling; memory.

local h = require "spec.support.helper"
local http_server = require "spec.support.http_server"

local count = 0

-- An agent type whose function is `run`, with these fields; its name.
local function agent(fields)
  count = count + 1
  fields.name = "metered" .. count
  fields.slots = fields.slots or "http"
  return orun.agent(fields)
end

local function start(name, n, fields)
  local tasks = {}
  for i = 1, n do
    local t = {subagent_type = name, input = i, run_in_background = true}
    for field, value in pairs(fields or {}) do t[field] = value end
    tasks[i] = Task(t)
  end
  return tasks
end

local function results(tasks)
  local all = {}
  for i, task in ipairs(tasks) do all[i] = TaskOutput(task) end
  return all
end

local function statuses(tasks)
  local words = {}
  for i, r in ipairs(results(tasks)) do words[i] = r.status end
  return table.concat(words, " ")
end

describe("rate", function()
  -- The times at which n tasks began, in order, from before the first: a machine that holds
  -- one up makes them later, and never sooner than the rate allows.
  local function begun(name, n)
    local times, before = {}, orun.now()
    for i, r in ipairs(results(start(name, n))) do times[i] = r.output - before end
    table.sort(times)
    return times
  end

  local function now() return orun.now() end

  it("lets so many begin in any such time, and all in the end", function()
    local times = begun(agent{rate = "4/s", run = now}, 9)
    for i = 5, #times do
      assert.is_true(times[i] >= (i - 1) // 4 - 0.01, ("%d: %g"):format(i, times[i]))
    end
    assert.equal(9, #times)
  end)

  it("spaces them evenly, unless they may come in a burst", function()
    local times = begun(agent{rate = "4/200ms", run = now}, 4)
    for i = 2, #times do
      assert.is_true(times[i] >= 0.05 * (i - 1) - 0.015, ("%d: %g"):format(i, times[i]))
    end
    local l
    orun.limit("rate-spaced", {rate = "2/2h"})
    Task{pool = "rate-spaced", run = now}
    l = orun.limit("rate-spaced")
    assert.is_true(l.opens_in > 3500 and l.opens_in <= 3600)
    orun.limit("rate-burst", {rate = "2/2h burst"})
    Task{pool = "rate-burst", run = now}
    assert.is_nil(orun.limit("rate-burst").opens_in)
    Task{pool = "rate-burst", run = now}
    l = orun.limit("rate-burst")
    assert.is_true(l.opens_in > 7000 and l.opens_in <= 7200)
  end)

  it("may be several", function()
    local times = begun(agent{rate = {"100/s", "3/s burst"}, run = now}, 5)
    assert.is_true(times[4] >= 0.99)
  end)

  it("counts tokens that were used", function()
    local name = agent{rate = "100 tokens/s", run = function()
      local before = orun.now()
      orun.report{usage = {input_tokens = 60, output_tokens = 40}}
      return before
    end}
    local first = TaskOutput(start(name, 1)[1]).output
    local second = TaskOutput(start(name, 1)[1]).output
    assert.is_true(second - first >= 1)
  end)

  it("keeps who waits pending, and says what for", function()
    local name = agent{rate = "1/h", run = function() end}
    local tasks = start(name, 2)
    TaskOutput(tasks[1])
    local e = TaskGet(tasks[2])
    assert.same({"pending", "rate", name}, {e.status, e.waiting_for, e.waiting_at})
    assert.is_true(e.wait > 3000 and e.wait <= 3600)
    assert.equal("rate", TaskOutput{task_id = tasks[2].id, block = false}.waiting_for)
    assert.is_true(orun.limit("none-" .. name, 1).opens_in == nil)
    TaskStop(tasks[2])
    assert.equal("cancelled", TaskOutput(tasks[2]).status)
  end)

  it("does not hold up a task that goes on after a wait", function()
    local name = agent{rate = "1/h", run = function()
      return Task{run = function() return "inner" end}.output
    end}
    assert.equal("inner", TaskOutput(start(name, 1)[1]).output)
  end)

  it("is of a named pool, too, and can be changed", function()
    orun.limit("pooled-rate", {rate = "1/h", slots = 2})
    local function task()
      return Task{pool = "pooled-rate", run = now, run_in_background = true}
    end
    local first, second = task(), task()
    TaskOutput(first)
    assert.equal("pending", TaskOutput{task_id = second.id, block = false}.status)
    local l = orun.limit("pooled-rate")
    assert.same({2, 0, 1}, {l.slots, l.used, l.spent.tasks})
    assert.is_true(l.opens_in > 3000)
    orun.limit("pooled-rate", {rate = "1000/s"})
    assert.equal("completed", TaskOutput(second).status)
  end)

  it("is written as a number in a time", function()
    local function refused(rate)
      return tostring(select(2, pcall(orun.agent, {name = "x", run = print, rate = rate})))
    end
    for _, rate in ipairs{"50", "50/", "/min", "0/s", "-1/s", "50/week", "50 cats/s", "1.5/s",
        "1e9/s", "50/min ", "nan/s", "1/0s", "1/5", "3/.s", "3/5weeks",
        "3/s bursts", "3/s  burst more", "3 tokens/s burst"} do
      assert.matches('agent: rate = "' .. rate:gsub("%p", "%%%0"), refused(rate), nil, false)
    end
    assert.matches("such as \"50/min\"", refused("50"), 1, true)
    for _, rate in ipairs{"50/min", "1/s", "3/sec", "7/minute", "9/h", "9/hour", "2/d", "2/day",
        "1000000 tokens/min", "1/200ms", "3/5s", "3/1.5h", "50/min burst"} do
      agent{rate = rate, run = print}
    end
  end)
end)

describe("orun.limit", function()
  it("tells what a pool, an agent type and the run have spent, and may", function()
    local r = h.script([[
      local function show(l)
        print(l.slots, l.used, l.spent.usd, l.spent.tokens, l.spent.tasks, l.budget.usd,
          l.budget.tokens, l.budget.tasks)
      end
      local function spend()
        orun.report{usage = {output_tokens = 40}, cost = 0.5}
      end
      orun.agent{name = "plain one", run = spend}
      orun.agent{name = "bound", run = spend, limit = 3, budget = {usd = 2}}
      orun.config{budget = {tokens = 1000}}
      orun.limit("pool", 2)
      show(orun.limit("pool"))
      Task{subagent_type = "plain one", pool = "pool", input = 1}
      Task{subagent_type = "bound", input = 1}
      for _, name in ipairs{"pool", "plain one", "bound"} do show(orun.limit(name)) end
      local run = orun.limit()
      show(run)
      for _, kind in ipairs{"workers", "processes", "http"} do
        print(math.type(run[kind].slots), run[kind].used)
      end
      print(run.processes.slots == orun.config().processes, orun.limit("nothing"))]])
    assert.equal(([[
2 0 0.0 0 0 nil nil nil
2 0 0.5 40 1 nil nil nil
nil 0 0.5 40 1 nil nil nil
3 0 0.5 40 1 2.0 nil nil
nil 0 1.0 80 2 nil 1000 nil
integer 0
integer 0
integer 0
true nil
]]):gsub(" ", "\t"), r.out, r.err)
  end)
end)

describe("budget", function()
  it("stops new tasks when it is used up, and says so", function()
    local name = agent{budget = {usd = 1}, limit = 1, run = function()
      orun.report{cost = 0.5}
    end}
    local tasks = start(name, 4)
    assert.equal("completed completed failed failed", statuses(tasks))
    local r = TaskOutput(tasks[4])
    assert.equal("budget", r.error_kind)
    assert.equal(('the budget of "%s" is used up: usd 1 of 1'):format(name), r.error)
    assert.equal("failed", TaskOutput(start(name, 1)[1]).status)
  end)

  it("then stops those that run, when it is overdrawn by a tenth", function()
    local name = agent{budget = {tokens = 100}, run = function(i)
      if i == 1 then
        orun.report{usage = {output_tokens = 101}}
        orun.report{usage = {output_tokens = 120}}
      end
      orun.sleep(60)
    end}
    for _, r in ipairs(results(start(name, 3))) do
      assert.same({"failed", "budget"}, {r.status, r.error_kind})
      assert.matches("is used up: tokens 120 of 100", r.error, 1, true)
    end
  end)

  it("may be a number of tasks; another attempt is none", function()
    local name = agent{budget = {tasks = 2}, retry = {max = 1, backoff = 0.001},
      run = function(_, task) if task.attempt == 1 then error("again") end end}
    assert.equal("completed completed failed", statuses(start(name, 3)))
  end)

  it("is not tried again", function()
    local name = agent{budget = {usd = 1}, run = function()
      orun.report{cost = 2}
      orun.sleep(60)
    end}
    local r = TaskOutput(start(name, 1, {retry = 3})[1])
    assert.same({"budget", 1}, {r.error_kind, r.attempts})
  end)

  it("is of the whole run as well", function()
    local r = h.script([[
      orun.config{budget = {usd = 1}, rate = "1000/s"}
      orun.agent{name = "a", run = function() orun.report{cost = 1} end}
      orun.agent{name = "b", run = function() orun.report{cost = 1} end}
      print(Task{subagent_type = "a", input = 1}.status, Task{subagent_type = "b", input = 1}.error)
      print(Task{run = function() return "functions of the script's own are free" end}.output)
      print(pcall(orun.config, {budget = {usd = "1"}}))
    ]])
    assert.equal('completed\tthe budget of "run" is used up: usd 1 of 1\n'
      .. "functions of the script's own are free\n"
      .. 'false\tconfig: budget.usd = "1": expected a number above 0\n', r.out)
    r = h.script([[
      local t = Task{run = function() orun.sleep(0.1) end, run_in_background = true}
      print(pcall(orun.config, {budget = {usd = 1}}))]])
    assert.matches("rate and budget of the run are set before its first task", r.out, 1, true)
  end)

  it("has usd, tokens and tasks above 0", function()
    local function refused(budget)
      return tostring(select(2, pcall(orun.agent, {name = "x", run = print, budget = budget})))
    end
    assert.matches('agent: budget has the unknown field "euros"', refused{euros = 1}, 1, true)
    assert.matches("agent: budget.tokens = 1.5", refused{tokens = 1.5}, 1, true)
    assert.matches("agent: budget.usd = 0", refused{usd = 0}, 1, true)
    assert.matches("agent: budget = 5: expected a table", refused(5), 1, true)
  end)
end)

describe("throttling", function()
  -- A type of which the first attempts are refused.
  local function refusing(fields)
    fields.run = function(n, task)
      if task.attempt <= n then
        orun.fail{kind = "rate", message = "too much", retry_after = 0.05}
      end
      return task.attempt
    end
    fields.account = fields.account or "acc" .. count
    return agent(fields)
  end

  it("has who asked too much begin again, with no retry asked for", function()
    local r = Task{subagent_type = refusing{}, input = 2}
    assert.same({"completed", 3, 3}, {r.status, r.output, r.attempts})
  end)

  it("shows it as throttled, never as failed", function()
    local name = agent{account = "slow-account", run = function(_, task)
      if task.attempt == 1 then orun.fail{kind = "rate", message = "x", retry_after = 1000} end
    end}
    local task = start(name, 1)[1]
    local e
    repeat
      orun.sleep(0.001)
      e = TaskGet(task)
    until e.attempts == 1 and e.status ~= "in_progress"
    assert.same({"pending", "throttled", "slow-account"}, {e.status, e.waiting_for, e.waiting_at})
    assert.is_true(e.wait > 900)
    -- Who shares the account waits as well.
    local other = start(agent{account = "slow-account", run = function() end}, 1)[1]
    assert.equal("throttled", TaskGet(other).waiting_for)
    local l = orun.limit("slow-account")
    assert.same({1, 0}, {l.throttled_to, l.used})
    TaskStop(task)
    TaskStop(other)
    assert.equal("cancelled cancelled", statuses{task, other})
  end)

  it("keeps a task's place", function()
    local order = {}
    local name = agent{limit = 1, account = "placed", run = function(i, task)
      if i == 1 and task.attempt == 1 then
        orun.fail{kind = "rate", message = "x", retry_after = 0.02}
      end
      return orun.now()
    end}
    for i, r in ipairs(results(start(name, 5))) do order[i] = r.output end
    for i = 2, 5 do assert.is_true(order[i] > order[i - 1]) end
  end)

  it("halves what runs at once, and lets more again as it goes well", function()
    local name = agent{account = "halved", run = function(_, task)
      orun.sleep(0.01)
      if task.attempt == 1 then orun.fail{kind = "rate", message = "x", retry_after = 0.01} end
    end}
    local tasks = start(name, 8)
    assert.equal(("completed "):rep(8):sub(1, -2), statuses(tasks))
    local after = orun.limit("halved").throttled_to
    assert.is_true(after and after >= 1 and after <= 6)
    for _ = 1, 10 do statuses(start(name, 1, {input = 0})) end
  end)

  it("ends after twenty refusals of one task, as the failure they were", function()
    local name = agent{account = "stubborn", run = function()
      orun.fail{kind = "rate", message = "never", retry_after = 0.001}
    end}
    local r = Task{subagent_type = name, input = 1}
    assert.same({"failed", "rate", "never", 21}, {r.status, r.error_kind, r.error, r.attempts})
  end)

  it("does not touch other failures, nor tasks under no limit", function()
    local r = Task{subagent_type = agent{run = function()
      orun.fail{kind = "http", message = "x"}
    end, account = "http-account"}, input = 1}
    assert.same({"http", 1}, {r.error_kind, r.attempts})
    r = Task{run = function() orun.fail{kind = "rate", message = "x"} end}
    assert.same({"rate", 1}, {r.error_kind, r.attempts})
  end)

  it("gets many calls through a server that allows few", function()
    local server <close> = setmetatable({s = http_server.start()},
      {__close = function(self) self.s:stop() end})
    local name = agent{account = "served", run = function(url)
      local r = assert(orun.http{url = url})
      if r.status == 429 then
        orun.fail{kind = "rate", message = "429", retry_after = tonumber(r.headers["retry-after"])}
      end
      return r.status
    end}
    for _, r in ipairs(results(start(name, 25, {input = server.s.url .. "/rate?n=20"}))) do
      assert.equal(200, r.output)
    end
  end)
end)

describe("memory of agent programs", function()
  it("is what a program of the type has taken; no other begins while there is less", function()
    -- A type that is known to need more than there is: only one runs at a time.
    local r = h.script([[
      local test = require "orun.test"
      orun.agent{name = "big", command = {"sleep", "0.05"}}
      Task{subagent_type = "big", allow_empty = true}
      test.memory.agent_took("big", 1 << 40)
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = Task{subagent_type = "big", allow_empty = true, run_in_background = true}
      end
      local e = TaskGet(tasks[3])
      print(e.status, e.waiting_for, e.waiting_at)
      for i = 1, 3 do print(TaskOutput(tasks[i]).status) end]], {bin = h.test_bin})
    assert.equal("", r.err)
    assert.equal("pending\tmemory\tprocess\ncompleted\ncompleted\ncompleted\n", r.out)
  end)
end)
