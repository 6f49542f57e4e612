-- "1 tasks waited for others", "1 items are as wanted": numbers of things were written as if there
-- were always several.

local h = require "spec.support.helper"

describe("a number of one", function()
  it("of tasks that waited for writes", function()
    local r = h.orun{"--strict", "-e", [[
      local first = Task{description = "first", writes = {"x"}, run_in_background = true,
                         run = function() orun.sleep(0.2) end}
      local second = Task{description = "second", writes = {"x"}, run_in_background = true,
                          run = os.time}
      TaskOutput(first)
      TaskOutput(second)]]}
    assert.matches(": t2 %(second%) waited for another that declares the same writes", r.err)
  end)

  it("of items of an array", function()
    local r = Task{schema = {type = "array", contains = {type = "string"}, minContains = 2},
                   run = function() return {"a", 1} end}
    assert.matches('items as "contains" wants them: 1, at least 2 must be', r.error, 1, true)
    r = Task{schema = {type = "array", contains = {type = "string"}, maxContains = 1},
             run = function() return {"a", "b"} end}
    assert.matches('items as "contains" wants them: 2, at most 1 may be', r.error, 1, true)
  end)
end)
