-- Programs that are no agents had columns of tokens full of zeros by the side of agents, and on a
-- small screen the number of a step stood by the last line of what it is called.

local h = require "spec.support.helper"
local browsers = require "spec.support.browser"

local SCRIPT <const> = [[
orun.agent{name = "model", run = function()
  orun.report{usage = {input_tokens = 1200, output_tokens = 50}}
end}
assert(Task{subagent_type = "model", prompt = "x"}.status == "completed")
assert(Task{command = {"true"}, description = ("a long name "):rep(12)}.status == "completed")
]]

describe("a run of agents and of programs", function()
  local dir
  setup(function()
    dir = h.tmpdir()
    h.write(dir .. "/s.lua", SCRIPT)
    local r = h.orun{"--events", "events", "s.lua", cwd = dir}
    assert.equal(0, r.code, r.err)
  end)

  it("has tokens of agents only", function()
    local r = h.orun{"report", "events", cwd = dir}
    local rows = assert(r.out:match("\nby agent type\n(.-)\n\n"))
    assert.matches("\n +model +1 +0 .*1.2k +50", rows)
    assert.matches("\n +%(programs%) +1 +0 +[%d.]+ %S+ +[%d.]+ %S+ *\n", rows .. "\n")
  end)

  it("has no zeros on its page, and numbers by the first line of a step", function()
    local r = h.orun{"report", "events", "--html", "page.html", cwd = dir}
    assert.equal(0, r.code, r.err)
    local browser <close> = browsers.open{width = 400, height = 900}
    browser:visit(dir .. "/page.html")
    local rows = browser:run([[return [...document.querySelectorAll("#agents tbody tr")].map(
      (row) => row.cells[0].textContent + ":" + row.cells[5].textContent + ":"
        + row.cells[6].textContent).sort().join(" ")]])
    assert.equal("(programs):: model:1.2k:50", rows)
    assert.equal("top", browser:run(
      [[return getComputedStyle(document.querySelector("#path .link")).verticalAlign]]))
  end)
end)
