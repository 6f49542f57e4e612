--- A handle given in `input` is a promise: the task gets its output there.
--
-- $ orun examples/14-dataflow.lua
--
-- No waits are written: the script starts a diamond of tasks and reads its end.
-- Edges come from the handles, at any depth inside the input.

local orun = require "orun"

local function task(description, run, input)
  return orun.start{description = description, run = run, input = input}
end

local text = task("Read", function() return "the quick brown fox jumps over the lazy dog" end)

local words = task("Count words", function(input)
  return select(2, input.text:gsub("%a+", ""))
end, {text = text})

local longest = task("Find the longest word", function(input)
  local best = ""
  for word in input.text:gmatch("%a+") do
    if #word > #best then best = word end
  end
  return best
end, {text = text})

local report = task("Report", function(input)
  return ("%d words, the longest is '%s'"):format(input.facts.words, input.facts.longest)
end, {facts = {words = words, longest = longest}})

print(TaskOutput(report).output)

--> 9 words, the longest is 'quick'
