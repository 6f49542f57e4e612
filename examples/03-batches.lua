--- Pattern 2 of the guide: tasks in batches, with dependencies between them.
--
-- $ orun examples/03-batches.lua
--
-- The data is the guide's. A task starts as soon as what it waits for is done,
-- though others of that batch may still run; `barrier = true` would wait for
-- the whole batch. A line on stderr tells when each batch is complete; here the
-- progress function prints it, without the time.

local orun = require "orun"

orun.agent{
  name = "coder",
  run = function(_, task) return "done: " .. task.prompt end,
}

local function task(name, details)
  return {name = name, details = details, agent_type = "coder"}
end

local batches = {
  {tasks = {task("Task1", "schema"), task("Task2", "config"), task("Task3", "logo")},
   blockedBy = {}},                             -- Batch 1: Foundation
  {tasks = {task("Task4", "server"), task("Task5", "worker")},
   blockedBy = {1, 2}},                         -- Batch 2: Depends on 1, 2
  {tasks = {task("Task6", "client"), task("Task7", "admin"), task("Task8", "docs")},
   blockedBy = {4}},                            -- Batch 3: Depends on 4
}

local reports = {}
local results = orun.batches(batches, {
  progress = function(p)
    reports[p.batch] = ("batch %d/%d: %d done, %d failed"):format(p.batch, p.batches, p.done,
      p.failed)
  end,
})

for b, of_batch in ipairs(results.batches) do
  print(reports[b])
  for _, result in ipairs(of_batch) do
    print("  " .. result.description .. ": " .. result.output)
  end
end
print("all well: " .. tostring(results.ok))

--> batch 1/3: 3 done, 0 failed
-->   Task1: done: schema
-->   Task2: done: config
-->   Task3: done: logo
--> batch 2/3: 2 done, 0 failed
-->   Task4: done: server
-->   Task5: done: worker
--> batch 3/3: 3 done, 0 failed
-->   Task6: done: client
-->   Task7: done: admin
-->   Task8: done: docs
--> all well: true
