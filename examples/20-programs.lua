-- 20-programs.lua — programs as tasks: what one would do with make, xargs or parallel.
--
--     $ orun examples/20-programs.lua
--
-- `command` is a program and its arguments, as an array; no shell reads them. What the
-- task is given as `input` is its standard input, what it prints the task's output. All
-- else is as for any task: limits, time-outs, retries, order.

local orun = require "orun"

-- One program, one result.
local r = Task{command = {"tr", "a-z", "A-Z"}, input = "hello"}
print(r.status, r.exit_code, r.output)

-- As in make: `link` starts when both objects are there.
local function make(name, after, ...)
  return orun.start{description = name, command = {...}, blockedBy = after}
end
local a = make("a.o", nil, "echo", "compiled a")
local b = make("b.o", nil, "echo", "compiled b")
local all = make("link", {a, b}, "echo", "linked")
print(TaskOutput(all).output:match("%a+"))

-- As with xargs -P 2: the same program for every word, two at a time.
orun.limit("two", 2)
local jobs = {}
for i, word in ipairs{"tea", "coffee", "water"} do
  jobs[i] = {command = {"printf", "%s:%d", word, #word}, pool = "two"}
end
for _, result in ipairs(orun.fan_out(jobs)) do print(result.output) end

-- A program that prints JSON is asked for its form; a pipe is a shell's, so write one.
local disk = Task{
  command = {"sh", "-c", [[echo '{"files": 3}' | cat]]},
  schema = {type = "object", required = {"files"}},
}
print(disk.output.files)

-- Failures are data.
local bad = Task{command = {"sh", "-c", "echo no such target >&2; exit 2"}}
print(bad.status, bad.error)

--> completed	0	HELLO
--> linked
--> tea:3
--> coffee:6
--> water:5
--> 3
--> failed	exit code 2: no such target
