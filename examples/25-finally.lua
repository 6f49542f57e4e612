-- 25-finally.lua — what runs once a task has ended, however it did.
--
--     $ orun examples/25-finally.lua
--
-- It is a task of its own. A Task call in the foreground waits for it, and so does the end of the
-- script. After the first Ctrl-C it runs, too.

local orun = require "orun"

-- A server is there while the task works on it, and no longer.
local stopped = TaskCreate{description = "the server stops"}
local function with_server(work)
  return {
    run = work, timeout = "50ms",
    finally = function(result)
      local word = orun.exec("printf", "%s", "stopped after: " .. (result.error or "success"))
      TaskUpdate{task_id = stopped.id, status = "completed", output = word.output}
    end,
  }
end

local result = Task(with_server(function() while true do end end))
print(result.status, result.error_kind)
print(TaskOutput(stopped).output)

--> failed	timeout
--> stopped after: timed out after 50 ms
