--- The parallel execution guide, snippet by snippet, as Lua tables.
---
--- The right ones do what the guide promises. The wrong ones are run too: they
--- give the same results, only later, and lose nothing. Each snippet is a
--- script of its own, with agents that stand for the guide's.

local h = require "spec.support.helper"

--- The guide's agents: functions and a program.
local AGENTS <const> = [[
local orun = require "orun"
orun.agent{name = "Explore", run = function(_, task) return "explored: " .. task.prompt end}
orun.agent{name = "research-expert", command = {"sed", "s/^/researched: /"}}
orun.agent{name = "general-purpose", run = function(_, task) return "did: " .. task.prompt end}
]]

--- What a snippet prints, as lines; it must end well.
local function lines_of(snippet, code)
  local r = h.script(AGENTS .. snippet)
  assert.equal(code or 0, r.code, r.out .. r.err)
  return h.lines(r.out), r
end

describe("pattern 1, parallel background agents", function()
  it("launches all, waits for all, and has all to combine", function()
    assert.same({"completed explored: login", "completed researched: login"}, lines_of[[
-- Phase 1: Launch all agents in parallel
exploration_task = Task{
  description = "Explore codebase for login",
  prompt = "login",
  subagent_type = "Explore",
  run_in_background = true,
}
research_task = Task{
  description = "Research solutions for login",
  prompt = "login",
  subagent_type = "research-expert",
  run_in_background = true,
}
-- Phase 2: Wait for all results
exploration_result = TaskOutput{task_id = exploration_task.id, block = true}
research_result = TaskOutput{task_id = research_task.id, block = true}
-- Phase 3: Synthesize in main context
print(exploration_result.status .. " " .. exploration_result.output)
print(research_result.status .. " " .. research_result.output:gsub("\n", ""))
]])
  end)
end)

--- The guide's eight tasks, and its batches of them.
local BATCHES <const> = [[
for i = 1, 8 do
  _G["Task" .. i] = {name = "Task" .. i, details = "step " .. i, agent_type = "general-purpose"}
end
batches = {
  {tasks = {Task1, Task2, Task3}, blockedBy = {}},     -- Batch 1: Foundation
  {tasks = {Task4, Task5}, blockedBy = {1, 2}},        -- Batch 2: Depends on 1,2
  {tasks = {Task6, Task7, Task8}, blockedBy = {4}},    -- Batch 3: Depends on 4
}
]]

describe("pattern 2, dependency-aware batching", function()
  it("runs the guide's own loop", function()
    local want = {}
    for i = 1, 8 do want[i] = ("Task%d completed did: step %d"):format(i, i) end
    assert.same(want, lines_of(BATCHES .. [[
function process_result(result)
  print(result.description .. " " .. result.status .. " " .. result.output)
end
for _, batch in ipairs(batches) do
  -- Wait for dependencies (previous batch)
  -- Launch all tasks in batch simultaneously
  task_ids = {}
  for _, task in ipairs(batch.tasks) do
    result = Task{
      description = task.name,
      prompt = task.details,
      subagent_type = task.agent_type,
      run_in_background = true,
    }
    table.insert(task_ids, result.id)
  end
  -- Wait for entire batch to complete
  for _, task_id in ipairs(task_ids) do
    result = TaskOutput{task_id = task_id, block = true}
    process_result(result)
  end
  -- Proceed to next batch
end
]]))
  end)

  it("runs the guide's data in one call, and tells of each batch", function()
    local lines, r = lines_of(BATCHES .. [[
results = orun.batches(batches, {barrier = true})
for _, result in ipairs(results) do print(result.output) end
]])
    assert.equal(8, #lines)
    assert.equal("did: step 8", lines[8])
    for b, done in ipairs{3, 2, 3} do
      assert.is_truthy(r.err:find(("batch %d/3: %d done, 0 failed"):format(b, done), 1, true),
        r.err)
    end
  end)

  it("does the same without a barrier", function()
    assert.same({"true 8"}, lines_of(BATCHES .. [[
results = orun.batches(batches, {progress = false})
print(tostring(results.ok) .. " " .. #results)
]]))
  end)

  it("confines a failure to its dependents", function()
    assert.same({
      "Task1 failed", "Task2 completed", "Task3 completed", "Task4 cancelled",
      "Task5 cancelled", "Task6 cancelled", "Task7 cancelled", "Task8 cancelled",
    }, lines_of(BATCHES .. [[
Task1.agent_type, Task1.details = nil, nil
Task1.run = function() error("no foundation", 0) end
for _, result in ipairs(orun.batches(batches, {progress = false})) do
  print(result.description .. " " .. result.status)
end
]]))
  end)
end)

describe("pattern 3, analysis then implementation", function()
  local ANALYST <const> = [[
orun.agent{name = "general-purpose", run = function(_, task)
  local plan = {}
  for part in task.prompt:gmatch("%a+") do plan[#plan + 1] = {name = part} end
  return plan
end}
]]

  it("works on while the analysis runs, then implements what it says", function()
    assert.same({"light work", "built: cart", "built: payment"}, lines_of(ANALYST .. [[
function parse_execution_plan(result) return result.output end
function execute_plan(plan)
  local handles = {}
  for i, step in ipairs(plan) do
    handles[i] = Task{
      description = step.name,
      run = function(s) return "built: " .. s.name end,
      input = step,
      run_in_background = true,
    }
  end
  for _, handle in ipairs(handles) do print(TaskOutput(handle).output) end
end
-- Phase 1: Spawn analysis agent
analysis = Task{
  description = "Analyze the shop",
  prompt = "cart, payment",
  subagent_type = "general-purpose",
  run_in_background = true,
}
-- Phase 2: Lightweight work in main context
print("light work")
-- Phase 3: Wait for analysis
result = TaskOutput{task_id = analysis.id, block = true}
-- Phase 4: Use analysis to drive next steps
execution_plan = parse_execution_plan(result)
execute_plan(execution_plan)
]]))
  end)

  it("is one call of orun.analyze_then", function()
    assert.same({"light work", "true cart payment"}, lines_of(ANALYST .. [[
local done = orun.analyze_then({prompt = "cart, payment", subagent_type = "general-purpose"}, {
  meanwhile = function() print("light work") end,
  plan = function(parts)
    local specs = {}
    for i, part in ipairs(parts) do
      specs[i] = {run = function(p) return p.name end, input = part}
    end
    return specs
  end,
})
print(tostring(done.ok) .. " " .. done.results[1].output .. " " .. done.results[2].output)
]]))
  end)
end)

describe("pattern 4, self-organizing workers", function()
  it("runs the guide's five steps", function()
    assert.same({"5 workers", "20 done, each once"}, lines_of[[
for i = 1, 20 do TaskCreate{description = "item " .. i} end
-- Create all tasks
tasks = TaskList()
pending_tasks = tasks:filter(function(task)
  return task.status == "pending" and #task.blockedBy == 0
end)
-- Launch N workers (based on task count)
worker_count = math.min(#pending_tasks, 5)
print(worker_count .. " workers")
workers = {}
for i = 1, worker_count do
  local worker = Task{
    description = ("Worker %d processing tasks"):format(i),
    run = function()
      local mine = {}
      while true do
        -- 1. Use TaskList() to find available tasks (pending, no blockedBy)
        local available = TaskList():filter{status = "pending", unblocked = true}
        if #available == 0 then return mine end -- 5. until no tasks remain
        -- 2. Use TaskUpdate() to claim a task (set status: in_progress)
        local task = available[1]
        if TaskUpdate{task_id = task.id, status = "in_progress"} then
          -- 3. Complete the task
          mine[#mine + 1] = task.id
          -- 4. Use TaskUpdate() to mark complete
          TaskUpdate{task_id = task.id, status = "completed"}
        end
      end
    end,
    run_in_background = true,
  }
  table.insert(workers, worker.id)
end
-- Wait for all workers
local seen, count = {}, 0
for _, worker_id in ipairs(workers) do
  for _, id in ipairs(TaskOutput{task_id = worker_id, block = true}.output) do
    assert(not seen[id], "done twice")
    seen[id], count = true, count + 1
  end
end
print(count .. " done, each once")
]])
  end)

  it("is one call of orun.workers", function()
    assert.same({"20 true"}, lines_of[[
for i = 1, 20 do TaskCreate{description = "item " .. i, prompt = "do " .. i} end
local results = orun.workers(function(item)
  return Task{description = item.description, prompt = item.prompt,
    subagent_type = "general-purpose"}.output
end, {limit = 5})
assert(results[20].output == "did: do 20")
print(#results .. " " .. tostring(results.ok))
]])
  end)
end)

--- Six tasks for the snippets about anti-patterns.
local TASKS <const> = [[
tasks = {}
for i = 1, 6 do
  tasks[i] = {description = "task " .. i, prompt = tostring(i), subagent_type = "Explore"}
end
local function with(task, more)
  local spec = {}
  for k, v in pairs(task) do spec[k] = v end
  for k, v in pairs(more) do spec[k] = v end
  return spec
end
]]

describe("never do: sequential background agent waiting", function()
  it("gives right results in the wrong way", function()
    assert.same({"explored: 1", "explored: 6"}, lines_of(TASKS .. [[
-- WRONG - This defeats the purpose of parallelization
local outputs = {}
for _, task in ipairs(tasks) do
  local id = Task(with(task, {run_in_background = true})).id
  outputs[#outputs + 1] = TaskOutput{task_id = id, block = true}.output -- Waiting immediately!
end
print(outputs[1])
print(outputs[6])
]]))
  end)

  it("gives the same results in the right way, side by side", function()
    -- Each task ends only when all six have begun: waiting for one before
    -- starting the next would never end.
    assert.same({"6 met"}, lines_of(TASKS .. [[
-- CORRECT - Launch all, then wait for all
local here = {}
for i = 1, 6 do here[i] = TaskCreate{description = "here " .. i}.id end
local function meet(input)
  TaskUpdate{task_id = input.here[input.me], status = "completed"}
  for _, id in ipairs(input.here) do TaskOutput{task_id = id} end
  return 1
end
local ids = {}
for i in ipairs(tasks) do
  local result = Task{run = meet, input = {here = here, me = i}, run_in_background = true}
  table.insert(ids, result.id)
end
local met = 0
for _, id in ipairs(ids) do met = met + TaskOutput{task_id = id, block = true}.output end
print(met .. " met")
]]))
  end)
end)

describe("never do: losing task ids", function()
  it("still runs the task to its end, and the script waits for it", function()
    local r = h.script[[
local orun = require "orun"
-- WRONG - Can't wait for completion later
Task{description = "Important work", run = function()
  orun.sleep(0.05)
  print("important work is done")
end, run_in_background = true}
-- ID is lost!
]]
    assert.equal(0, r.code, r.err)
    assert.is_truthy((r.out .. r.err):find("important work is done", 1, true))
  end)

  it("makes the run fail when lost work fails, and names it", function()
    local r = h.script[[
Task{description = "Important work", run = function() error("it broke") end,
  run_in_background = true}
]]
    assert.equal(1, r.code)
    assert.is_truthy(r.err:find("Important work", 1, true), r.err)
  end)

  it("keeps the output for whoever has stored the id", function()
    assert.same({"done done"}, lines_of[[
-- CORRECT - Store the ID
local task = Task{description = "Important work", run = function() return "done" end,
  run_in_background = true}
local taskId = task.id
-- ... later ...
print(TaskOutput{task_id = taskId, block = true}.output .. " "
  .. TaskOutput{task_id = taskId, block = true}.output)
]])
  end)
end)

--- An edit that loses what another one wrote meanwhile.
local EDIT <const> = [[
local function add(feature)
  local file = assert(io.open("config.ts", "a+"))
  file:seek("set")
  local text = file:read("a")
  file:close()
  orun.sleep(0.02)
  file = assert(io.open("config.ts", "w"))
  file:write(text, feature, "\n")
  file:close()
end
]]

describe("never do: parallel agents editing the same file", function()
  it("loses nothing when each says what it writes", function()
    assert.same({"A B"}, lines_of(EDIT .. [[
-- What is wrong in the guide is made right by `writes`: these two never overlap.
local a = Task{run = add, input = "A", writes = {"config.ts"}, run_in_background = true}
local b = Task{run = add, input = "B", writes = {"./config.ts"}, run_in_background = true}
TaskOutput(a)
TaskOutput(b)
local lines = {}
for line in io.lines("config.ts") do lines[#lines + 1] = line end
table.sort(lines)
print(table.concat(lines, " "))
]]))
  end)

  it("loses nothing when they run one after the other", function()
    assert.same({"A B"}, lines_of(EDIT .. [[
-- CORRECT - Sequential for shared resources
Task{run = add, input = "A"}
Task{run = add, input = "B"}
local file = io.open("config.ts")
print((file:read("a"):gsub("\n", " "):gsub(" $", "")))
]]))
  end)
end)

describe("never do: ignoring context limits", function()
  it("survives twenty agents at once: they queue behind the limit", function()
    assert.same({"20 agents, at most 5 at once"}, lines_of[[
-- WRONG elsewhere: too many agents at once. Here they wait for a slot.
orun.agent{name = "program", command = {"sh", "-c",
  "cat >/dev/null; echo + >>log; sleep 0.02; echo - >>log"}}
local ids = {}
for i = 1, 20 do
  ids[i] = Task{description = "agent " .. i, prompt = "x", subagent_type = "program",
    run_in_background = true}.id
end
local done = 0
for _, id in ipairs(ids) do
  if TaskOutput{task_id = id, block = true}.status == "completed" then done = done + 1 end
end
local now, most = 0, 0
for line in io.lines("log") do
  now = now + (line == "+" and 1 or -1)
  most = math.max(most, now)
end
print(done .. " agents, at most " .. (most <= 5 and 5 or most) .. " at once")
]])
  end)

  it("batches appropriately", function()
    assert.same({"6 results"}, lines_of(TASKS .. [[
-- CORRECT - Batch appropriately
local BATCH_SIZE = 5
local results = {}
for _, batch in ipairs(orun.chunks(tasks, BATCH_SIZE)) do
  local ids = {}
  for i, t in ipairs(batch) do ids[i] = Task(with(t, {run_in_background = true})).id end
  for _, id in ipairs(ids) do table.insert(results, TaskOutput{task_id = id, block = true}) end
end
print(#results .. " results")
]]))
  end)
end)

describe("never do: missing error handling", function()
  local BROKEN <const> = TASKS .. [[
orun.agent{name = "broken", command = {"sh", "-c", "cat >/dev/null; echo why >&2; exit 1"}}
tasks[2].subagent_type = "broken"
]]

  it("collects all the same: a failed task raises nothing", function()
    assert.same({"6 failed"}, lines_of(BROKEN .. [[
-- WRONG - No error handling
local ids = {}
for i, t in ipairs(tasks) do ids[i] = Task(with(t, {run_in_background = true})).id end
local results = {}
for i, id in ipairs(ids) do results[i] = TaskOutput{task_id = id, block = true} end
print(#results .. " " .. results[2].status)
]]))
  end)

  it("tells which failed, and why", function()
    assert.same({"Task 2 failed: true", "5 results"}, lines_of(BROKEN .. [[
local ids = {}
for i, t in ipairs(tasks) do ids[i] = Task(with(t, {run_in_background = true})).id end
-- CORRECT - Handle failures
local results = {}
for i, id in ipairs(ids) do
  local result = TaskOutput{task_id = id, block = true}
  if result.status == "failed" then
    print(("Task %d failed: %s"):format(i, result.error:find("why", 1, true) ~= nil))
    -- Decide: retry, skip, or stop
  else
    table.insert(results, result)
  end
end
print(#results .. " results")
]]))
  end)
end)

describe("troubleshooting", function()
  it("says what is wrong with a task id that is not found", function()
    local _, r = lines_of([[TaskOutput{task_id = "t99", block = true}]], 1)
    assert.is_truthy(r.err:find("TaskOutput: task_id = t99: no such task", 1, true), r.err)
  end)

  it("checks the status first with block = false", function()
    assert.same({"in_progress or pending", "completed"}, lines_of[[
local gate = TaskCreate{description = "gate"}
local task = Task{run = function(id) TaskOutput{task_id = id} end, input = gate.id,
  run_in_background = true}
local status = TaskOutput{task_id = task.id, block = false}.status
print((status == "pending" or status == "in_progress") and "in_progress or pending" or status)
TaskUpdate{task_id = gate.id, status = "completed"}
print(TaskOutput{task_id = task.id}.status)
]])
  end)

  it("says when an agent gave nothing back", function()
    assert.same({"completed empty"}, lines_of[[
orun.agent{name = "silent", command = {"true"}}
local result = Task{prompt = "speak", subagent_type = "silent"}
print(result.status .. " " .. (result.output == "" and "empty" or result.output))
]])
  end)
end)

describe("best practices", function()
  it("isolate failures: only dependents are blocked", function()
    assert.same({"failed", "cancelled", "completed"}, lines_of[[
local bad = Task{run = function() error("x") end, run_in_background = true}
local dependent = Task{run = function() end, blockedBy = {bad.id}, run_in_background = true}
local independent = Task{run = function() end, run_in_background = true}
for _, task in ipairs{bad, dependent, independent} do print(TaskOutput(task).status) end
]])
  end)
end)
