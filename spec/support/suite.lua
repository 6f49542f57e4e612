--- Runs busted inside orun and counts for run.sh: `orun spec/support/suite.lua
--- ARGUMENTS…`, where the arguments are busted's own.
---
--- The counts go to the file named by ORUN_TALLY, and only at the end of the
--- suite: a run that dies on the way leaves none, which run.sh takes for a
--- failure.

local busted = require "busted.core"
local tally = { passed = 0, failed = 0 }

local function count(element, _, status)
  if element.descriptor ~= "it" then return nil, true end
  if status == "success" then
    tally.passed = tally.passed + 1
  elseif status ~= "pending" then
    tally.failed = tally.failed + 1
  end
  return nil, true
end

-- A file that does not load, a teardown that raises: no test, but a failure.
local function count_other(element)
  if element.descriptor ~= "it" then tally.failed = tally.failed + 1 end
  return nil, true
end

local function write()
  local path = os.getenv("ORUN_TALLY")
  if not path then return nil, true end
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(tally.passed, " ", tally.failed, "\n"))
  return nil, true
end

-- Every busted core that is made from now on (there is one) is counted.
package.loaded["busted.core"] = function()
  local core = busted()
  core.subscribe({ "test", "end" }, count)
  core.subscribe({ "failure" }, count_other)
  core.subscribe({ "error" }, count_other)
  core.subscribe({ "exit" }, write)
  return core
end

require "busted.runner"({ standalone = false })
