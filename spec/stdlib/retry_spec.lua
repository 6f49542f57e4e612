--- orun.retry: tasks and functions, tried again.

local h = require "spec.support.helper"
local orun = require "orun"

describe("retry of a function", function()
  it("calls it until it succeeds, and returns what it returns", function()
    local calls = {}
    local a, b = orun.retry(function(attempt)
      calls[#calls + 1] = attempt
      if attempt < 3 then error("not yet") end
      return "x", nil
    end, {max = 5, backoff = 0})
    assert.equal("x", a)
    assert.is_nil(b)
    assert.same({1, 2, 3}, calls)
  end)

  it("tries `max` more times, then returns nil, the reason and the tries", function()
    local calls = 0
    local value, why, tries = orun.retry(function()
      calls = calls + 1
      error("always " .. calls, 0)
    end, {max = 2, backoff = 0})
    assert.is_nil(value)
    assert.equal("always 3", why)
    assert.equal(3, tries)
    assert.equal(3, calls)
  end)

  it("takes nil and a reason for a failure, but not nil alone", function()
    local calls = 0
    local _, why = orun.retry(function()
      calls = calls + 1
      return nil, "no such file"
    end, {max = 1, backoff = 0})
    assert.equal("no such file", why)
    assert.equal(2, calls)
    calls = 0
    assert.is_nil(orun.retry(function()
      calls = calls + 1
      return nil
    end))
    assert.equal(1, calls)
  end)

  it("tries once with max = 0", function()
    local calls = 0
    orun.retry(function()
      calls = calls + 1
      error("x")
    end, {max = 0})
    assert.equal(1, calls)
  end)

  it("asks `on` whether another try is worth it", function()
    local asked = {}
    local _, why = orun.retry(function(attempt)
      error(attempt == 1 and "busy" or "forbidden", 0)
    end, {max = 9, backoff = 0, on = function(reason, attempt)
      asked[#asked + 1] = reason .. attempt
      return reason == "busy"
    end})
    assert.equal("forbidden", why)
    assert.same({"busy1", "forbidden2"}, asked)
  end)

  it("pauses longer each time", function()
    local began = orun.now()
    orun.retry(function() error("x") end, {max = 2, backoff = "20ms"})
    -- 20 ms and 40 ms, each at least half of that.
    assert.is_true(orun.now() - began >= 0.03)
  end)

  it("works inside a task", function()
    local result = orun.Task{run = function()
      return orun.retry(function(attempt)
        return attempt == 2 and "second" or error("first")
      end, {backoff = 0.001})
    end}
    assert.equal("second", result.output)
  end)
end)

describe("retry of a task", function()
  it("returns the result of the attempt that succeeds", function()
    local result = orun.retry({run = function(_, task)
      return task.attempt == 2 and "two" or error("one", 0)
    end}, {max = 1, backoff = 0})
    assert.equal("two", result.output)
    assert.equal(2, result.attempts)
  end)

  it("returns the last failure", function()
    local result = orun.retry({run = function(_, task)
      error("attempt " .. task.attempt, 0)
    end}, {max = 2, backoff = 0})
    assert.equal("failed", result.status)
    assert.equal("attempt 3", h.lines(result.error)[1])
    assert.equal(3, result.attempts)
  end)

  it("tries again only for the kinds it is told", function()
    local result = orun.retry({run = function() error("x", 0) end},
      {max = 5, backoff = 0, on = {"timeout"}})
    assert.equal(1, result.attempts)
  end)

  it("takes the options of all patterns", function()
    local seen = {}
    local result = orun.retry({run = function(_, task)
      return task.attempt > 1 and task.prompt or error("x", 0)
    end}, {backoff = 0, defaults = {prompt = "hello"},
      each = function(r, i) seen[#seen + 1] = {r.output, i} end,
      progress = function(p) seen[#seen + 1] = {p.done, p.total} end})
    assert.same({{"hello", 1}, {1, 1}}, seen)
    assert.same({"hello", 2, 1, true}, {result.output, result.attempts, result.index, result.ok})
    local late = orun.retry({run = function() orun.sleep(1000) end}, {timeout = "20ms"})
    assert.same({"cancelled", true}, {late.status, late.timed_out})
    local tries = 0
    local _, why = orun.retry(function() tries = tries + 1 orun.sleep(0.01) error("no", 0) end,
      {timeout = "1ms", max = 5, backoff = 0})
    assert.same({1, "no"}, {tries, why})
  end)

  it("refuses what is neither task nor function", function()
    local function raised(...)
      return select(2, pcall(orun.retry, ...))
    end
    assert.equal("orun.retry: the first argument = 7: expected a table of Task fields or "
      .. "a function", raised(7))
    assert.equal("orun.retry: max = -1: expected a whole number, 0 or more",
      raised(print, {max = -1}))
    assert.equal("orun.retry: on = \"x\": expected a function", raised(print, {on = "x"}))
    assert.matches("orun.retry: spec: Task: unknown field", raised{run = print, x = 1}, 1, true)
    assert.equal("orun.retry: each has no place here: it is for tasks, and this is a function, "
      .. "which runs here: orun.retry({run = fn}, ...)", raised(print, {each = print}))
    assert.equal("orun.retry: run_in_background is now orun.start{retry = {max = 2}, ...}",
      raised{run = print, run_in_background = true})
    assert.equal("orun.retry: retry is now the options: orun.retry({...}, {max = 2})",
      raised{run = print, retry = 3})
  end)
end)
