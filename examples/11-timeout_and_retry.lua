--- Time limits, second tries, and waits that run out.
--
-- $ orun examples/11-timeout_and_retry.lua

local orun = require "orun"

-- A task that never ends is stopped; a loop is as good as a sleep.
local stuck = Task{
  description = "Loop",
  run = function() while true do end end,
  timeout = "100ms",
}
print(stuck.status .. ": " .. stuck.error_kind)

-- The second attempt succeeds. `attempts` tells how many there were.
local lucky = orun.retry({
  description = "Flaky",
  run = function(_, task)
    if task.attempt < 2 then error("connection reset", 0) end
    return "fine now"
  end,
}, {max = 3, backoff = "10ms"})
print(("%s after %d attempts"):format(lucky.output, lucky.attempts))

-- A wait that runs out loses nothing: ask again later.
local gate = TaskCreate{description = "go"}
local patient = orun.start{
  description = "Wait for the go",
  run = function(id) return TaskOutput{task_id = id}.output end,
  input = gate.id,
}
local early = TaskOutput{task_id = patient, timeout = "20ms"}
print("timed out: " .. tostring(early.timed_out))
TaskUpdate{task_id = gate, status = "completed", output = "went"}
print(TaskOutput(patient).output)

--> failed: timeout
--> fine now after 2 attempts
--> timed out: true
--> went
