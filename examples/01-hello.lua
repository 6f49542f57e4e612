--- The smallest script: one task in the background, one result.
--
-- $ orun examples/01-hello.lua

local hello = Task{
  description = "Say hello",
  run = function(name) return "Hello, " .. name .. "!" end,
  input = "world",
  run_in_background = true,
}

-- The script goes on here while the task runs, in a Lua state of its own.

local result = TaskOutput{task_id = hello.id}
print(result.status)
print(result.output)

--> completed
--> Hello, world!
