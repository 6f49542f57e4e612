--- What a run could have done better: each wrong way of the guide is found, no right one is.

local h = require "spec.support.helper"
local json = require "cjson"
local repo = require "spec.support.repo"
local report = require "orun.report.metrics"
local run_model = require "orun.record.model"

-- What orun finds in a script: the findings, by name; and the run.
local function findings_of(script, opts)
  opts = opts or {}
  local dir = opts.dir or h.tmpdir()
  h.write(dir .. "/s.lua", script)
  local args = {"-q", "--workers", "4", "--events", dir .. "/events.jsonl", cwd = dir}
  for _, word in ipairs(opts.args or {}) do args[#args + 1] = word end
  args[#args + 1] = "s.lua"
  local r = h.orun(args)
  local told = h.orun{"report", "events.jsonl", "--json", cwd = dir}
  assert.equal(0, told.code, told.err .. r.err)
  local by_name = {}
  for _, f in ipairs(json.decode(told.out).findings) do
    by_name[f.name] = by_name[f.name] or f
  end
  return by_name, r
end

local function only(name, found)
  for other in pairs(found) do assert.equal(name, other) end
  assert.is_table(found[name], "it was not found")
  assert.is_true(#found[name].fix > 10)
  return found[name]
end

local function none(found, but)
  if but then found[but] = nil end
  assert.is_nil((next(found)))
end

local AGENT <const> = [[orun.agent{name = "a", command = {"sh", "-c"}}
  local function ask(prompt, fields)
    local t = {subagent_type = "sh", prompt = prompt, run_in_background = true}
    for k, v in pairs(fields or {}) do t[k] = v end
    return Task(t)
  end
  orun.agent{name = "sh", command = {"sh"}}
  ]]

describe("waiting for each task right after starting it", function()
  it("is found, with what it cost and the right shape", function()
    local f = only("in_turn", findings_of(AGENT .. [[
      for i = 1, 4 do
        local id = ask("sleep 0.1; echo " .. i)
        TaskOutput{task_id = id, block = true}
      end]]))
    assert.matches("s.lua:5$", f.at)
    assert.matches("^4 tasks were each waited for right after starting", f.title)
    assert.is_true(f.cost_seconds >= 0.3)
    assert.same({"t1", "t2", "t3", "t4"}, f.tasks)
  end)

  it("is not where all are started first, nor of tasks in the foreground", function()
    none(findings_of(AGENT .. [[
      local ids = {}
      for i = 1, 4 do ids[i] = ask("sleep 0.1; echo " .. i) end
      for _, id in ipairs(ids) do TaskOutput{task_id = id, block = true} end]]))
    none(findings_of(AGENT .. [[
      Task{subagent_type = "sh", prompt = "sleep 0.05; echo A"}
      Task{subagent_type = "sh", prompt = "sleep 0.05; echo B"}]]))
  end)
end)

describe("a lost task id", function()
  it("is found", function()
    local f = only("never_collected", findings_of(AGENT .. [[ask("echo important")]]))
    assert.matches("s.lua:5$", f.at)
    assert.matches("the result of t1 %(sh: echo important%) was never collected", f.title)
  end)

  it("is not where the record ends before the run: it may have been read later", function()
    for _, status in ipairs{"completed", "failed"} do
      local events = {
        {event = "added", at = 0, task = "t1", kind = "lua", file = "s.lua", line = 3},
        {event = "started", at = 0, task = "t1", attempt = 1},
        {event = "ended", at = 1, task = "t1", status = status, duration = 1},
      }
      local model, cut = run_model.new(), run_model.new()
      for _, e in ipairs(events) do
        model:add(e)
        cut:add(e)
      end
      cut:add{event = "record_cut", at = 1, why = "too much"}
      assert.equal(1, #report.of(model, 2).findings)
      none(report.of(cut, 2).findings)
    end
  end)

  it("is not where the id is kept, or others begin after it", function()
    none(findings_of(AGENT .. [[
      local id = ask("echo important")
      print(TaskOutput(id).output)]]))
    none(findings_of(AGENT .. [[
      local first = ask("echo first")
      TaskOutput(ask("echo second", {blockedBy = {first}}))]]))
  end)
end)

describe("agents that edit the same file", function()
  it("are found where they declare it", function()
    local f = only("writes_waited", findings_of(AGENT .. [[
      local a = ask("until [ -e go ]; do sleep 0.01; done; echo A", {writes = {"config.ts"}})
      local b = ask("echo B", {writes = {"config.ts"}})
      orun.sleep(0.1)
      io.open("go", "w"):close()
      TaskOutput(a) TaskOutput(b)]]))
    assert.same({"t2"}, f.tasks)
    assert.is_true(f.cost_seconds >= 0.05)
  end)

  it("are found by what they changed, in worktrees", function()
    local dir = repo.new()
    local f = only("changes_overlap", findings_of(AGENT .. [[
      local a = ask("echo A >config.ts; echo a", {isolation = "worktree"})
      local b = ask("echo B >config.ts; echo b", {isolation = "worktree"})
      print(TaskOutput(a).status, TaskOutput(b).status)]],
      {dir = dir}))
    assert.matches("changed the same files: config.ts", f.title)
  end)

  it("are not where one is done after the other", function()
    none(findings_of(AGENT .. [[
      Task{subagent_type = "sh", prompt = "echo A", writes = {"config.ts"}}
      Task{subagent_type = "sh", prompt = "echo B", writes = {"config.ts"}}]]))
  end)
end)

describe("far more agents than may run at once", function()
  it("are found", function()
    local f = only("queue", findings_of(AGENT .. [[
      local ids = {}
      local gate = "until [ -e go ]; do sleep 0.01; done; echo "
      for i = 1, 20 do ids[i] = ask(gate .. i) end
      io.open("go", "w"):close()
      for _, id in ipairs(ids) do TaskOutput(id) end]], {args = {"-j", "3"}}))
    assert.matches("17 agents were queued at once for 3 slots", f.title)
  end)

  it("are not where batches are started", function()
    none(findings_of(AGENT .. [[
      for batch = 1, 3 do
        local ids = {}
        for i = 1, 3 do ids[i] = ask("sleep 0.05; echo " .. batch) end
        for _, id in ipairs(ids) do TaskOutput{task_id = id, block = true} end
      end]], {args = {"-j", "3"}}), "barrier") -- that one asks the clock
  end)
end)

describe("failures that nobody handles", function()
  it("are found where nobody reads them, and where nobody looks at them", function()
    local f = only("failure_unread", findings_of(AGENT .. [[
      ask("echo no >&2; exit 3")]]))
    assert.matches("nobody read that: t1 %(sh: echo no >&2; exit 3%): exit code 3", f.title)
    f = only("failure_ignored", findings_of(AGENT .. [[
      local results = {}
      for _, id in ipairs{ask("echo 1"), ask("exit 3")} do
        results[#results + 1] = TaskOutput{task_id = id, block = true}
      end]]))
    assert.same({"t2"}, f.tasks)
  end)

  it("are found where only comments speak of them", function()
    local f = only("failure_ignored", findings_of(AGENT .. [[
      local result = TaskOutput{task_id = ask("exit 3"), block = true}
      -- its status is of no interest
        --- nor is result.error
      print(result.output)]]))
    assert.same({"t1"}, f.tasks)
  end)

  it("are not where the script looks", function()
    none(findings_of(AGENT .. [[
      for _, id in ipairs{ask("echo 1"), ask("exit 3")} do
        local result = TaskOutput{task_id = id, block = true}
        if result.status == "failed" then print(result.error) end
      end]]))
  end)
end)

describe("a program of a Lua task that failed", function()
  local function of(code, isolation)
    return findings_of(([[
      local function ran() %s end
      local r = Task{run = ran, description = "d", isolation = %s}
      if r.status == "failed" then print(r.error) end]]):format(code, isolation))
  end

  it("is found where the code never looks at that", function()
    local f = only("program_unseen", of[[orun.exec("sh", "-c", "exit 3") orun.exec("true")]])
    assert.matches("s.lua:1$", f.at)
    assert.equal("a program of t1 (d) failed (exit code 3), and its code never looked at that",
      f.title)
    assert.same({"t1"}, f.tasks)
    f = only("program_unseen", of[[for _ = 1, 3 do print(orun.exec("false").output) end]])
    assert.equal(2, #f.more)
    f = only("program_unseen", of[[orun.exec("no-such-program-anywhere")]])
    assert.matches("failed %(spawn%)", f.title)
  end)

  it("is found in a task with a process of its own, too", function()
    local f = only("program_unseen", of([[
      orun.exec("true") orun.exec("sh", "-c", "exit 3")
      print(orun.exec("false").ok)]], "'process'"))
    assert.matches("s.lua:%d$", f.at)
    assert.equal("a program of t1 (d) failed (exit code 3), and its code never looked at that",
      f.title)
    f = only("program_unseen", of([[
      local r <close> = orun.exec{command = {"sh", "-c", "kill -9 $$"}, stream = true}
      print(r:wait().output)]], "'process'"))
    assert.matches("failed %(signal", f.title)
    assert.matches("s.lua:%d$", f.at)
  end)

  it("is not where it looks, or hands the result on", function()
    for _, code in ipairs{
      [[if not orun.exec("false").ok then print("no") end]],
      [[print(orun.exec("false").error)]], [[print(orun.exec("false").exit_code)]],
      [[for key in pairs(orun.exec("false")) do print(key) end]],
      [[return orun.exec("false")]], [[print(orun.json.encode(orun.exec("false")))]],
      [[print(pcall(orun.exec, {command = {"false"}, check = true}))]],
      [[local r <close> = orun.exec{command = {"false"}, stream = true} return r:wait().signal]],
      [[pcall(function() return orun.exec("false").code end) error("it fails anyway")]],
    } do
      none(of(code))
      none(of(code, "'process'"))
    end
  end)

  it("refuses the names it once had before and after somebody looks", function()
    local r = h.orun{"--events", "/dev/null", "-e", [[
      print(Task{run = function()
        local run, why = orun.exec("false"), {}
        for i = 1, 2 do
          why[i] = select(2, pcall(function() return run.code end)):match("write ([%w_]+)")
          why[i + 2] = run.no_such_field == nil and run.ok == false and run.exit_code
        end
        return table.concat(why, " ")
      end}.output)]]}
    assert.equal("exit_code exit_code 1 1\n", r.out, r.err)
  end)

  it("is an error of the run with --strict", function()
    local r = h.orun{"--strict", "-e", [[
      Task{description = "d", run = function() orun.exec("false") end}]]}
    assert.equal(1, r.code)
    assert.matches("a program of t1 (d) failed (exit code 1), and its code", r.err, 1, true)
  end)
end)

describe("what else a run tells", function()
  it("is a barrier that cost time, with what could have begun", function()
    local f = only("barrier", findings_of(AGENT .. [[
      local slow, quick = ask("sleep 1.2; echo slow"), ask("echo quick")
      TaskOutput(slow) TaskOutput(quick)
      print(TaskOutput(ask("sleep 0.9; echo next")).status)]]))
    assert.matches("2 tasks were waited for, t1 (sh: sleep 1.2; echo slow) the longest; "
      .. "t3 (sh: sleep 0.9; echo next) could have begun", f.title, 1, true)
    assert.is_true(f.cost_seconds > 0.5)
  end)

  it("is tasks too small to be worth starting", function()
    local model = run_model.new()
    local function tell(at, event, id, fields)
      local e = {event = event, at = at, task = id}
      for k, value in pairs(fields or {}) do e[k] = value end
      model:add(e)
    end
    for i = 1, 500 do -- each takes 0.1 ms; one is kept from the processors for a second
      local at, id = i * 0.001, "t" .. i
      tell(at, "added", id, {kind = "lua", file = "s.lua", line = 3})
      tell(at, "ready", id)
      tell(at, "started", id, {attempt = 1})
      local took = i == 500 and 1 or 0.0001
      tell(at + took, "used", id, {cpu = 0.0001})
      tell(at + took, "ended", id, {status = "completed", duration = took})
      tell(at + took, "read", id, {bytes = 1})
    end
    tell(1.6, "script_ended")
    tell(1.6, "run_ended")
    local found = report.of(model).findings
    assert.same({1, "too_small", "s.lua:3"}, {#found, found[1].name, found[1].at})
    assert.matches("^500 tasks took 100 µs each", found[1].title)
  end)

  it("is the same failure again and again", function()
    local f = only("same_failure", findings_of(AGENT .. [[
      print(Task{subagent_type = "sh", prompt = "exit 3",
                 retry = {max = 2, backoff = 0.001}}.status)]]))
    assert.matches("tried 3 times and failed the same way each time: exit", f.title)
  end)

  it("is an empty result where others gave something, or one not as asked", function()
    local f = only("empty_result", findings_of([[
      orun.agent{name = "a", run = function(text) return text ~= "" and text or nil end}
      local a, b = Task{subagent_type = "a", input = "found"}, Task{subagent_type = "a", input = ""}
      print(a.status, b.status)]]))
    assert.same({"t2"}, f.tasks)
    f = only("not_as_asked", findings_of([[
      local r = Task{run = function() return "no number" end, schema = {type = "number"}}
      print(r.status)]]))
    assert.matches("did not answer in the asked form", f.title)
  end)
end)

describe("--strict", function()
  it("makes findings an error, each with its place and its fix", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", AGENT .. [[ask("echo important")]])
    assert.equal(0, h.orun{"-q", "s.lua", cwd = dir}.code)
    local r = h.orun{"-q", "--strict", "s.lua", cwd = dir}
    assert.equal(1, r.code)
    assert.matches("s.lua:5: the result of t1 (sh: echo important) was never collected\n"
      .. "    local handle = Task{", r.err, 1, true)
  end)

  it("says nothing of a run that did well", function()
    local r = h.script([[print(Task{run = function() return 1 end}.output)]], {"x"})
    assert.equal("1\n", r.out)
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[print(Task{run = function() return 1 end}.output)]])
    r = h.orun{"-q", "--strict", "s.lua", cwd = dir}
    assert.same({0, "1\n", ""}, {r.code, r.out, r.err})
  end)
end)
