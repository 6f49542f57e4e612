-- matrix.lua — a GitHub workflow: a matrix with an exclusion, jobs that may fail, fail-fast, a
-- job that needs the others, and what always() runs.
--
--     $ orun examples/ports/matrix.lua

local orun = require "orun"

local jobs = {}
for _, os in ipairs{"linux", "macos"} do
  for _, lua in ipairs{"5.3", "5.4", "next"} do
    if not (os == "macos" and lua == "5.3") then
      jobs[#jobs + 1] = {description = os .. " " .. lua, metadata = {may_fail = lua == "next"},
        command = {"test", lua, "!=", "next"}, env = {OS = os}, timeout = "10m"}
    end
  end
end
local may_fail = function(job) return job.metadata.may_fail end
local must = orun.list(jobs):filter(function(job) return not may_fail(job) end)
local tests = orun.fan_out(must, {limit = 4, on_failure = "stop"})
local tried = orun.fan_out(orun.list(jobs):filter(may_fail))
if tests.ok then print(Task{command = {"echo", "-n", "released"}}.output) end
for _, results in ipairs{tests, tried} do
  for _, result in ipairs(results) do print(result.description, result.status) end
end

--> released
--> linux 5.3	completed
--> linux 5.4	completed
--> macos 5.4	completed
--> linux next	failed
--> macos next	failed
