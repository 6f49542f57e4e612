-- A worker that was stopped marked the item it had, and others that nobody had begun, as failed:
-- the pattern's pcall took the stop for a failure of what it had called.

local orun = require "orun"
local h = require "spec.support.helper"

local function runs_in(task, begun)
  h.wait_for(function()
    local file = io.open(begun)
    if file then file:close() end
    return file ~= nil
  end)
  TaskStop(task)
  return TaskOutput(task).status
end

describe("a stop", function()
  it("leaves the items of a list to others", function()
    local r = h.script([[
      local orun = require "orun"
      local begun = TaskCreate{description = "begun"}
      for i = 1, 4 do TaskCreate{description = "page"} end
      local pool = Task{run_in_background = true, input = begun.id, run = function(id)
        return #orun.workers{count = 2, run = function(item)
          if item.id == id then return 1 end
          orun.sleep("1h")
        end}
      end}
      TaskOutput(begun)
      TaskStop(pool)
      TaskOutput(pool)
      for _, task in ipairs(TaskList{kind = "task"}) do TaskOutput(task.id) end
      for _, item in ipairs(TaskList()) do io.write(item.status, " ") end]])
    assert.equal("completed pending pending pending pending ", r.out, r.err)
  end)

  it("is no failure that a pattern tells of, or tries again after", function()
    for name, run in pairs{
      map = function(path)
        local function slow(_, i)
          if i == 1 then io.open(path, "w"):close() end
          orun.sleep("1h")
        end
        return orun.map({1, 2}, slow, {errors = "return"})
      end,
      retry = function(path)
        return orun.retry(function()
          io.open(path, "w"):close()
          orun.sleep("1h")
        end, {max = 100, backoff = 0})
      end,
      fan_out = function(path)
        io.open(path, "w"):close()
        return orun.fan_out({function() orun.sleep("1h") end})
      end,
    } do
      local begun = h.tmpdir() .. "/begun"
      local task = Task{run = run, input = begun, run_in_background = true}
      assert.equal("cancelled", runs_in(task, begun), name)
      local isolated = h.tmpdir() .. "/begun"
      task = Task{run = run, input = isolated, run_in_background = true, isolation = "process"}
      assert.equal("cancelled", runs_in(task, isolated), name)
    end
  end)

  it("is told to who asks", function()
    assert.is_false(orun.stopping())
    local begun = h.tmpdir() .. "/begun"
    local seen = h.tmpdir() .. "/seen"
    local task = Task{run_in_background = true, input = {begun, seen}, run = function(input)
      io.open(input[1], "w"):close()
      pcall(orun.sleep, "1h")
      local file <close> = io.open(input[2], "w")
      file:write(tostring(orun.stopping()))
    end}
    runs_in(task, begun)
    assert.equal("true", h.read(seen))
  end)
end)
