-- 22-start_and_ask.lua — a task in the background in one word, and an agent's answer in one.
--
--     $ orun examples/22-start_and_ask.lua

local orun = require "orun"

orun.agent{
  name = "general-purpose",
  run = function(_, task)
    if not task.prompt:find "?" then error("that is no question", 0) end
    return (task.prompt:gsub("?", "!"))
  end,
}

-- A function will do, where a Task needs no other field.
local sum = orun.start(function() return 40 + 2 end)
local word = orun.start{command = {"printf", "a word"}, description = "print"}

-- The output, or nil and the result, whose failure has been seen then.
print(orun.ask("is it so?"))
local answer, result = orun.ask("tell me more", {timeout = "5s"})
print(answer, result.error_kind, result.error)

print(TaskOutput(sum).output, TaskOutput(word).output)

--> is it so!
--> nil	lua	that is no question
--> 42	a word
