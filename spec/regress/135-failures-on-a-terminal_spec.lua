--- On a terminal of 80 columns the foot left out "8 failed" first, and no failure was named.

local h = require "spec.support.helper"
local foot = require "orun.view.footer"
local run_model = require "orun.record.model"
local screen = require "spec.support.screen"

describe("a failure on a terminal", function()
  it("is counted first, however little room there is", function()
    local model = run_model.new()
    for i = 1, 8 do
      model:add{event = "added", at = 0, task = "t" .. i, kind = "lua"}
      model:add{event = "ended", at = 1, task = "t" .. i, status = "failed"}
    end
    for columns = 12, 100, 8 do
      assert.matches("^8 failed", foot.summary(model, {now = 1, columns = columns, queued = {},
        tokens = 1e6, cost = 5, eta = 100, colour = function(_, text) return text end,
        fit = function(text, room) return text:sub(1, room), math.min(#text, room) end}))
    end
  end)

  it("is named above the foot as it happens, with its reason", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[
      local bad = Task{description = "the bad one", run = function() error("no luck", 0) end}
      assert(bad.status == "failed")
      orun.agent{name = "sh", command = {"sh"}}
      print(Task{subagent_type = "sh", prompt = "until [ -e go ]; do sleep 0.05; done"}.status)]])
    local s <close> = screen.open(h.quote(h.bin) .. " --report none s.lua", {cwd = dir})
    s:shows("t1 failed in [^\n]*: the bad one: no luck\n.*1 failed, 0 of 2 done")
    h.write(dir .. "/go", "")
    assert.matches("t1 failed in [^\n]*: the bad one: no luck\n.*completed", s:ended())
  end)
end)
