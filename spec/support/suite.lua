--- Runs busted inside orun and counts for run.sh: `orun spec/support/suite.lua
--- ARGUMENTS…`, where the arguments are busted's own.
---
--- The counts go to the file named by ORUN_TALLY, and only at the end of the
--- suite: a run that dies on the way leaves none, which run.sh takes for a
--- failure. After the counts there is a line for each test: seconds, name.
--- ORUN_TALLY.now has the name of the test that runs, and what fails is added to
--- the file ORUN_FAILURES when it does.

local busted = require "busted.core"
local system = require "system"

local TALLY <const> = os.getenv("ORUN_TALLY")
local FAILURES <const> = os.getenv("ORUN_FAILURES")

local tally = { passed = 0, failed = 0, skipped = 0, lines = {} }

local function put(path, mode, ...)
  if not path then return end
  local file <close> = assert(io.open(path, mode))
  assert(file:setvbuf("full", 1 << 20))
  assert(file:write(...))
end

-- What it is called, from its file down.
local function name_of(core, element)
  local names = {}
  while element and element.descriptor ~= "file" and element.descriptor ~= "suite" do
    table.insert(names, 1, element.name or element.descriptor)
    element = core.context.parent(element)
  end
  return (table.concat(names, " "):gsub("%s+", " "))
end

local function begin(core, element)
  if element.descriptor ~= "it" then return nil, true end
  tally.name, tally.began = name_of(core, element), system.monotime()
  put(TALLY and TALLY .. ".now", "w", tally.name, "\n")
  return nil, true
end

local function count(element, _, status)
  if element.descriptor ~= "it" then return nil, true end
  if status == "success" then
    tally.passed = tally.passed + 1
  elseif status == "pending" then
    tally.skipped = tally.skipped + 1
  else
    tally.failed = tally.failed + 1
  end
  table.insert(tally.lines, ("%.3f\t%s\n"):format(system.monotime() - tally.began,
    tally.name))
  return nil, true
end

-- A file that does not load, a teardown that raises: no test, but a failure.
local function count_other(core, element, _, message, trace)
  if element.descriptor ~= "it" then tally.failed = tally.failed + 1 end
  local file = core.getFile(element)
  local text = ("FAILED %s: %s\n%s"):format(file and file.name or element.name,
    name_of(core, element), tostring(message):gsub("\n*$", ""))
  if trace and trace.traceback then text = text .. trace.traceback:gsub("\n*$", "") end
  put(FAILURES, "a", (text:gsub("\n", "\n    ")), "\n")
  return nil, true
end

-- Tests make tasks fail on purpose, and have looked at what they are about: those that nobody
-- looked at do not make the run fail.
local function look()
  for _, entry in ipairs(TaskList{kind = "all", status = "failed"}) do
    assert(TaskGet(entry.id) == nil or TaskGet(entry.id).status)
  end
end

local function write()
  look()
  local counts = ("%d %d %d\n"):format(tally.passed, tally.failed, tally.skipped)
  put(TALLY, "w", counts, table.concat(tally.lines))
  return nil, true
end

-- Every busted core that is made from now on (there is one) is counted.
package.loaded["busted.core"] = function()
  local core = busted()
  local function with_core(fn)
    return function(...) return fn(core, ...) end
  end
  core.subscribe({ "test", "start" }, with_core(begin))
  core.subscribe({ "test", "end" }, count)
  core.subscribe({ "failure" }, with_core(count_other))
  core.subscribe({ "error" }, with_core(count_other))
  core.subscribe({ "exit" }, write)
  return core
end

require "busted.runner"({ standalone = false })
