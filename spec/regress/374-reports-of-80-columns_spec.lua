-- The report at the end of a run, `orun report` and `orun agents` were cut to 80 columns on
-- every terminal: they asked the environment for its width, which shells do not put there.

local h = require "spec.support.helper"
local screen = require "spec.support.screen"

-- A finding whose line has some 130 columns.
local SCRIPT <const> = [[
Task{description = ("x"):rep(70) .. " end of it", run = os.time, run_in_background = true}
Task{description = "other", run = os.time}]]

-- The lines of the report, each on as many rows of the screen as it has.
local function report(columns, env)
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", SCRIPT)
  local s <close> = screen.open(h.quote(h.test_bin) .. " --report short s.lua",
    {cwd = dir, columns = columns, rows = 30, env = env})
  return s:ended():match("%-%- 2 tasks.*\nexit")
end

local function widest(text)
  local most = 0
  for line in text:gmatch "[^\n]+" do most = math.max(most, utf8.len(line)) end
  return most
end

describe("the report at the end of a run", function()
  it("is as wide as the terminal", function()
    local text = report(160)
    assert.matches("s.lua:1: [^\n]*x end of it[^\n]* was never collected\n", text)
    assert.is_true(widest(text) > 80 and widest(text) <= 160, text)
  end)

  it("is cut where a narrow one ends, and not broken there", function()
    local text = report(50)
    assert.matches("\n   s.lua:1: [^\n]*%.%.%.\nexit", text)
    assert.equal(50, widest(text))
  end)

  it("is as wide as COLUMNS says", function()
    local text = report(160, {COLUMNS = "60"})
    assert.equal(60, widest(text))
  end)
end)
