-- What progress shows at the foot of a terminal stayed in what one can scroll back to, each time
-- it was taken away when it began at the first row, or when the terminal had been resized.

local h = require "spec.support.helper"
local screen = require "spec.support.screen"

-- A task that is there until the file `go` is, and one that prints and ends before.
local SCRIPT <const> = [[
orun.agent{name = "waits", command = {"sh", "-c", "until test -e go; do sleep 0.05; done"}}
local waits = Task{subagent_type = "waits", description = "x", run_in_background = true}
while not io.open "print" do orun.sleep(0.02) end
print "printed"
assert(TaskOutput(waits).status == "completed")
]]

local function start(columns)
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", SCRIPT)
  local s = screen.open(h.quote(h.test_bin) .. " --report none s.lua",
    {cwd = dir, columns = columns, rows = 12})
  s:shows("1 running")
  return s, dir
end

-- How often the foot stands on the screen, and in what went off it.
local function feet(s)
  local n = 0
  for _ in s:text("-S -"):gmatch "done, " do n = n + 1 end
  return n
end

describe("the foot", function()
  it("leaves nothing behind where it began at the first row", function()
    local s <close>, dir = start(80)
    h.write(dir .. "/print", "")
    s:shows("printed\nt1 [^\n]*\n0 of 1 done")
    assert.equal(1, feet(s))
    h.write(dir .. "/go", "")
    assert.equal("printed\nexit 0", s:ended())
    assert.equal(0, feet(s), s:text("-S -"))
  end)

  it("leaves nothing behind when the terminal is resized", function()
    local s <close>, dir = start(80)
    for _, columns in ipairs{60, 100, 40, 80} do
      s:resize(columns, 12)
      s:shows("t1 [^\n]*\n0 of 1 done[^\n]*$")
    end
    h.write(dir .. "/print", "")
    s:shows("printed\nt1 [^\n]*\n0 of 1 done")
    assert.equal(1, feet(s), s:text("-S -"))
    h.write(dir .. "/go", "")
    s:ended()
    assert.equal(0, feet(s), s:text("-S -"))
  end)
end)
