--- What tasks tell of their work: orun.report, orun.fail, slots of their kind.

local shared = require "spec.support.tasks"

local journal = shared.journal

describe("orun.report", function()
  it("is shown in results: usage, cost, model, session_id", function()
    local r = Task{run = function()
      orun.report{usage = {input_tokens = 3, output_tokens = 4}, cost = 0.25, model = "m"}
      orun.report{usage = {input_tokens = 7}, session_id = "s"}
    end}
    assert.same({input_tokens = 7, output_tokens = 4}, r.usage)
    assert.same({0.25, "m", "s"}, {r.cost, r.model, r.session_id})
    assert.is_nil(r.activity)
  end)

  it("says what a task does while it runs, in TaskOutput and TaskList", function()
    local gate = shared.gate()
    local task = Task{input = gate.id, run_in_background = true, run = function(id)
      orun.report{activity = "reading a.lua"}
      TaskOutput(id)
    end}
    local seen
    repeat
      seen = TaskOutput{task_id = task.id, block = false}.activity
      if not seen then orun.sleep(0.001) end
    until seen
    assert.equal("reading a.lua", seen)
    assert.equal("reading a.lua", TaskGet(task).activity)
    shared.open(gate)
    TaskOutput(task)
    assert.is_nil(TaskGet(task).activity)
  end)

  it("adds up over the attempts of a task", function()
    local r = Task{retry = {max = 2, backoff = 0.001}, run = function(_, task)
      orun.report{usage = {output_tokens = 10}, cost = 1}
      if task.attempt < 3 then error("again") end
    end}
    assert.same({30, 3.0, 3}, {r.usage.output_tokens, r.cost, r.attempts})
  end)

  it("cuts a long activity where a character begins", function()
    local r = Task{run = function(_, task)
      orun.report{activity = ("é"):rep(200)}
      return TaskGet(task.id).activity
    end}
    assert.equal(("é"):rep(79), r.output)
  end)

  it("works from a process of the task's own", function()
    local r = Task{isolation = "process", run = function()
      orun.report{usage = {input_tokens = 5}, model = "far"}
      return 1
    end}
    assert.same({5, "far"}, {r.usage.input_tokens, r.model})
  end)

  it("refuses what makes no sense, and says what would", function()
    local function refused(t)
      local r = Task{input = {t}, run = function(input) orun.report(input[1]) end}
      assert.equal("failed", r.status)
      return r.error
    end
    assert.matches("report: usage has the unknown field \"tokens\"; it has input_tokens",
      refused{usage = {tokens = 1}}, 1, true)
    assert.matches("report: usage.input_tokens = -1: expected a count",
      refused{usage = {input_tokens = -1}}, 1, true)
    assert.matches("report: usage.input_tokens = 1.5", refused{usage = {input_tokens = 1.5}}, 1,
      true)
    assert.matches("report: cost = -1: expected US dollars", refused{cost = -1}, 1, true)
    assert.matches("report: cost = ", refused{cost = 0 / 0}, 1, true)
    assert.matches('report: unknown field "price"', refused{price = 1}, 1, true)
    assert.has_error(function() orun.report{cost = 1} end,
      "report: the script is not a task; it is for code that a task runs")
  end)
end)

describe("orun.fail", function()
  it("is the attempt's end: kind, message, what there is of a result", function()
    for _, isolation in ipairs{"", "process"} do
      local r = Task{isolation = isolation ~= "" and isolation or nil, run = function()
        orun.fail{kind = "http", message = "the service is down", partial = {done = 3}}
      end}
      assert.same({"failed", "http", "the service is down", 3},
        {r.status, r.error_kind, r.error, r.output.done})
      assert.is_nil(r.error_value)
    end
  end)

  it("can be caught, looked at and raised again, as any error", function()
    local r = Task{run = function()
      local ok, e = pcall(orun.fail, {kind = "rate", message = "slow down"})
      assert(not ok and e.kind == "rate" and tostring(e) == "slow down")
      error(e)
    end}
    assert.same({"rate", "slow down"}, {r.error_kind, r.error})
  end)

  it("closes variables", function()
    local path, lines = journal()
    Task{input = path, run = function(file)
      local _ <close> = setmetatable({}, {__close = function()
        local f <close> = io.open(file, "a")
        f:write("closed\n")
      end})
      orun.fail{message = "out"}
    end}
    assert.same({"closed"}, lines())
  end)

  it("has the retry wait for as long as it says", function()
    local retry = {max = 1, backoff = 0.001}
    local r = Task{input = orun.now(), retry = retry, run = function(from, task)
      if task.attempt == 1 then
        orun.fail{kind = "rate", message = "wait", retry_after = 0.2}
      end
      return orun.now() - from
    end}
    assert.is_true(r.output >= 0.2)
    r = Task{retry = {max = 1, on = {"exit"}}, run = function()
      orun.fail{kind = "rate", message = "wait"}
    end}
    assert.equal(1, r.attempts)
  end)

  it("refuses what makes no sense", function()
    local function refused(t) return select(2, pcall(orun.fail, t)) end
    assert.matches("fail: kind = \"sad\": expected one of \"exit\", \"http\"", refused{
      kind = "sad", message = "x"}, 1, true)
    assert.matches("fail: kind = \"cancelled\"", refused{kind = "cancelled", message = "x"}, 1,
      true)
    assert.matches("fail: message is missing", refused{kind = "exit"}, 1, true)
    assert.matches("fail: expected a table", refused("x"), 1, true)
    assert.matches('fail: unknown option "why"', refused{why = 1}, 1, true)
    assert.matches("fail: retry_after = -1: expected seconds",
      refused{message = "x", retry_after = -1}, 1, true)
  end)
end)

describe("retry.resume", function()
  it("tells the next attempt the session of the last, and its cost", function()
    orun.agent{name = "resuming", run = function(_, task)
      if task.attempt == 1 then
        orun.report{session_id = "abc", cost = 2}
        orun.fail{kind = "exit", message = "died"}
      end
      return task.resume
    end}
    local r = Task{subagent_type = "resuming", prompt = "p",
                   retry = {max = 1, backoff = 0.001, resume = true}}
    assert.same({session_id = "abc", cost = 2.0}, r.output)
    r = Task{subagent_type = "resuming", prompt = "p", retry = {max = 1, backoff = 0.001}}
    assert.is_nil(r.output)
  end)

  it("is refused for a command, which has no session", function()
    orun.agent{name = "mute", command = {"true"}}
    assert.error_matches(function()
      Task{subagent_type = "mute", prompt = "p", retry = {max = 1, resume = true}}
    end, "Task: retry.resume is for agents whose session orun knows")
    assert.error_matches(function()
      orun.agent{name = "mute", command = {"true"}, retry = {resume = true}}
    end, "agent: retry.resume is for agents whose session")
  end)
end)

describe("slots of an agent type", function()
  -- How many of n tasks of this type were inside `orun.exec` or a sleep at once.
  local function most_at_once(kind, cap, n, work)
    local before = orun.config()
    orun.config{[kind == "http" and "http" or "processes"] = cap}
    local path, lines = journal()
    orun.agent{name = "slotted", slots = kind, run = function(input)
      local function say(word)
        local f <close> = io.open(input.file, "a")
        f:write(word, "\n")
      end
      say("start")
      if input.work == "exec" then orun.exec("sleep", "0.02") else orun.sleep(0.01) end
      say("end")
    end}
    local tasks = {}
    for i = 1, n do
      tasks[i] = Task{subagent_type = "slotted", input = {file = path, work = work},
                      run_in_background = true}
    end
    for i = 1, n do assert.equal("completed", TaskOutput(tasks[i]).status) end
    orun.config{http = before.http, processes = before.processes}
    local now, most = 0, 0
    for _, line in ipairs(lines()) do
      now = now + (line == "start" and 1 or -1)
      most = math.max(most, now)
    end
    return most
  end

  it("are kept while its code waits for a program or a time", function()
    assert.equal(1, most_at_once("http", 1, 4, "sleep"))
    assert.equal(1, most_at_once("process", 1, 4, "exec"))
    assert.is_true(most_at_once("process", 3, 9, "exec") <= 3)
  end)

  it("are more than there are workers", function()
    orun.agent{name = "many", slots = "http", run = function(input)
      orun.sleep(0.001)
      return input
    end}
    local tasks = {}
    for i = 1, 100 do
      tasks[i] = Task{subagent_type = "many", input = i, run_in_background = true}
    end
    for i = 1, 100 do assert.equal(i, TaskOutput(tasks[i]).output) end
  end)

  it("are given back while it waits for tasks, so nesting with one cannot deadlock", function()
    local before = orun.config().http
    orun.config{http = 1}
    orun.agent{name = "nested", slots = "http", run = function(depth)
      if depth == 0 then return 0 end
      return 1 + Task{subagent_type = "nested", input = depth - 1}.output
    end}
    assert.equal(8, Task{subagent_type = "nested", input = 8}.output)
    orun.config{http = before}
  end)

  it("are \"process\", \"http\" or \"lua\", and not a command's to say", function()
    assert.error_matches(function() orun.agent{name = "x", slots = "disk", run = print} end,
      'agent: slots = "disk": expected "process"')
    assert.error_matches(function() orun.agent{name = "x", slots = "http", command = {"true"}} end,
      'agent: slots = "http": a command takes a slot of "process"')
  end)
end)
