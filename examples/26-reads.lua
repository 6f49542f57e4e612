-- 26-reads.lua — what is done already is not done again: `reads` beside `writes`, as in make.
--
--     $ orun examples/26-reads.lua

local orun = require "orun"
local dir = orun.exec{command = {"mktemp", "-d"}, check = true}:match "%S+"

local function write(name, text)
  local file <close> = assert(io.open(dir .. "/" .. name, "w"))
  file:write(text)
end

local function sorted()
  return Task{command = {"sh", "-c", "sort words > sorted"}, cwd = dir,
    reads = {"words"}, writes = {"sorted"}}
end

write("words", "pear\napple\n")
local first, second = sorted(), sorted()
print(first.fresh, first.attempts)
print(second.fresh, second.attempts)

write("words", "fig\n")
orun.exec("touch", "-d", "1 minute", dir .. "/words") -- newer, on clocks that tick slowly, too
print(sorted().fresh)

-- What was half written when it failed is named: it would look new the next time.
local half = Task{command = {"sh", "-c", "echo half > copy; exit 1"}, cwd = dir,
  reads = {"words"}, writes = {"copy"}}
print(half.error, half.half_written[1]:match "[^/]*$")

orun.exec("rm", "-r", dir)

--> nil	1
--> true	0
--> nil
--> exit code 1	copy
