-- When the terminal had become larger while `orun tasks --watch` had its whole screen, lines of
-- the list stood among the user's own when that was left.

local h = require "spec.support.helper"
local screen = require "spec.support.screen"

local RUN <const> = [[
  for i = 1, 6 do
    Task{description = "bad " .. i, run_in_background = true,
         run = function() error("no luck", 0) end}
  end
  orun.sleep(1000)]]

describe("the watched list", function()
  it("leaves nothing behind on a terminal that was resized", function()
    local dir = h.tmpdir()
    local env = {XDG_RUNTIME_DIR = dir}
    h.write(dir .. "/s.lua", RUN)
    local run = h.start{"-q", "s.lua", cwd = dir, env = env}
    finally(function() run:kill("KILL") end)
    assert(h.wait_for(function()
      return h.orun{"tasks", "s.lua", env = env}.out:find("6 failed", 1, true)
    end), "the run cannot be found")
    local s <close> = screen.open(h.quote(h.bin) .. " tasks s.lua --watch",
      {columns = 40, rows = 10, env = env})
    s:shows("t6 [^\n]*\n.*q quit")
    s:resize(80, 24)
    s:shows("Enter output  s stop  S stop all")
    s:keys("Down")
    s:keys("q")
    assert.equal("exit 0", s:ended())
    assert.equal("exit 0", s:text("-S -"))
  end)
end)
