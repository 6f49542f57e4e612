-- 21-slots.lua — numbered slots: a GPU, a port or an account for each task that runs.
--
--     $ orun examples/21-slots.lua
--
-- Tasks that hold slots of one pool at the same time have different numbers, from 1 on, each
-- the lowest that was free. Programs find theirs in ORUN_SLOT, Lua code asks orun.slot().

local orun = require "orun"
orun.limit("gpu", 2)

-- Six programs on two devices: each says which one it was given.
local jobs = {}
for i = 1, 6 do
  jobs[i] = {command = {"sh", "-c", "printf 'device %d' $((ORUN_SLOT - 1))"}, pool = "gpu"}
end
local seen = {}
for _, result in ipairs(orun.fan_out(jobs)) do seen[result.output] = true end
local devices = {}
for device in pairs(seen) do devices[#devices + 1] = device end
table.sort(devices)
print(#devices <= 2, devices[1])

-- In Lua: each of those that run has a port of its own.
local function serve()
  local port = 8000 + orun.slot()
  return orun.exec("printf", "listening on %d", port).output
end
print(Task{run = serve, pool = "gpu"}.output)

-- With the `limit` of a pattern there is no need for a pool.
local outputs = orun.map({"a", "b", "c"}, function(word)
  return word .. orun.slot()
end, {limit = 1})
print(table.concat(outputs, " "))

--> true	device 0
--> listening on 8001
--> a1 b1 c1
