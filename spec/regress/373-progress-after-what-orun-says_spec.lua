-- The last lines of progress stood below what orun itself says at a script's end: its error, and
-- the failures that nobody read.

local h = require "spec.support.helper"
local screen = require "spec.support.screen"

local BAD <const> = [[Task{description = "bad", run = function() error("no luck", 0) end} ]]

-- Lines of standard error, without times.
local function said(text)
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", text)
  local r = h.sh(h.quote(h.test_bin) .. " --report none s.lua 2>&1", {cwd = dir,
    env = {ORUN_PROGRESS = false, TERM = "dumb"}})
  assert.equal(1, r.code, r.out)
  return r.out
end

describe("what orun says at the end of a script", function()
  it("stands below what happened before", function()
    assert.matches("t1 failed in [^\n]*: bad: no luck\norun: s.lua:1: t1 %(bad%) failed and its "
      .. "result was never read: no luck\n$", said(BAD))
    assert.matches("t1 failed in [^\n]*: bad: no luck\norun: s.lua:2: oh\n",
      said(BAD .. '\nerror "oh"'))
    assert.matches("t1 completed in [^\n]*: fine\norun: s.lua:1: attempt to [^\n]*\n",
      said 'Task{description = "fine", run = os.time} local x = nil + 1')
  end)

  it("on a terminal, too", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", BAD)
    local s <close> = screen.open(h.quote(h.test_bin) .. " --report none s.lua", {cwd = dir})
    assert.matches("t1 failed in [^\n]*: bad: no luck\norun: s.lua:1: t1 ", s:ended())
  end)
end)
