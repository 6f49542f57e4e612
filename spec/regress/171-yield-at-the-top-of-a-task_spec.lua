-- coroutine.yield where a task's own code has nobody to yield to ended the task, past pcall;
-- and coroutine.isyieldable and running said that it could.

describe("the top of a task", function()
  local function output_of(run)
    local r = Task{run = run, timeout = 100}
    assert.equal("completed", r.status, r.error)
    return r.output
  end
  local message = "attempt to yield from outside a coroutine"

  it("is to its code what the main thread is to a script's", function()
    local function look()
      local _, main = coroutine.running()
      return {coroutine.isyieldable(), main, coroutine.isyieldable((coroutine.running())),
              pcall(coroutine.yield, 1)}
    end
    assert.same({false, true, false, false, message}, output_of(look))
  end)

  it("leaves coroutines of the code's own as they are", function()
    assert.same({true, false, 1, 2}, output_of(function()
      return {coroutine.wrap(function()
        local _, main = coroutine.running()
        return coroutine.isyieldable(), main, coroutine.wrap(coroutine.yield)(1),
          coroutine.wrap(function() coroutine.yield(2) end)()
      end)()}
    end))
  end)

  it("can wait, still", function()
    assert.equal("done", output_of(function()
      local orun = require "orun"
      pcall(coroutine.yield)
      orun.sleep(0.001)
      return TaskOutput(Task{run = function() return "done" end, run_in_background = true}).output
    end))
  end)

  it("fails a task that yields there and does not catch it", function()
    local r = Task{run = function() coroutine.yield() end}
    assert.equal("lua", r.error_kind)
    assert.equal(message, r.error)
  end)
end)
