--- orun.quorum: k of n successes are enough.

local h = require "spec.support.helper"
local orun = require "orun"

local function yes() return "yes" end
local function no() error("no", 0) end
local function forever() orun.sleep("1h") end

describe("quorum", function()
  it("returns as soon as enough have succeeded", function()
    local votes = orun.quorum({yes, forever, yes, forever}, 2)
    assert.is_true(votes.ok)
    assert.equal(2, #votes)
    assert.equal("yes", votes[1].output)
    local places = {votes[1].index, votes[2].index}
    table.sort(places)
    assert.same({1, 3}, places)
    assert.same({}, votes.failed)
  end)

  it("gives up as soon as too many have failed", function()
    local votes = orun.quorum({no, forever, no}, 2)
    assert.is_false(votes.ok)
    assert.equal(2, #votes.failed)
    assert.equal("no", h.lines(votes.failed[1].error)[1])
    assert.equal(0, #votes)
    assert.is_nil(votes.timed_out)
  end)

  it("takes all when all are wanted", function()
    local votes = orun.quorum({yes, yes, yes}, 3)
    assert.is_true(votes.ok)
    assert.equal(3, #votes)
  end)

  it("ends when its time runs out", function()
    local votes = h.in_time(function(timeout)
      local some = orun.quorum({yes, forever}, 2, {timeout = timeout})
      return #some == 1 and some
    end)
    assert.is_false(votes.ok)
    assert.is_true(votes.timed_out)
    assert.equal(1, #votes)
  end)

  it("gives defaults to the specs", function()
    orun.agent{name = "voter", run = function(_, task) return task.prompt end}
    local votes = orun.quorum({{prompt = "a"}}, 1, {defaults = {subagent_type = "voter"}})
    assert.equal("a", votes[1].output)
  end)

  it("refuses more successes than there are specs", function()
    local function raised(...)
      return select(2, pcall(orun.quorum, ...))
    end
    assert.equal("orun.quorum: k is 3, but there are only 2 specs", raised({yes, no}, 3))
    assert.equal("orun.quorum: k = 0: expected a whole number, 1 or more", raised({yes}, 0))
  end)
end)
