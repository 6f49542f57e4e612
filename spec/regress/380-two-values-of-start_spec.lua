-- orun.start returned its handle and a nil behind it, so that TaskOutput(orun.start(f)) was
-- refused as a call with two arguments.

local orun = require "orun"

describe("orun.start", function()
  it("returns one value, which another call takes as it is", function()
    assert.equal(1, select("#", orun.start(function() end)))
    assert.equal(7, TaskOutput(orun.start(function() return 7 end)).output)
  end)
end)
