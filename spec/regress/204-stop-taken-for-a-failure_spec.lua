-- A worker that was stopped marked the item it had, and others that nobody had begun, as failed:
-- the pattern's pcall took the stop for a failure of what it had called.

local orun = require "orun"
local h = require "spec.support.helper"

local function note(path, text)
  local file <close> = assert(io.open(path, "a"))
  file:write(text)
end

-- What a task notes in a file until it ends. It notes something and goes on waiting, then it is
-- stopped.
local function noted_by(run, isolation)
  local path = h.tmpdir() .. "/noted"
  h.write(path, "")
  local task = Task{run = run, input = path, run_in_background = true, isolation = isolation}
  assert(h.wait_for(function() return h.read(path) ~= "" end))
  TaskStop(task)
  assert.equal("cancelled", TaskOutput(task).status)
  return h.read(path)
end

describe("a stop", function()
  it("leaves the items of a list to others", function()
    local r = h.script([[
      local orun = require "orun"
      for i = 1, 4 do TaskCreate{description = "page"} end
      local pool = Task{run_in_background = true, run = function()
        return #orun.workers(function(item)
          TaskUpdate{task_id = item.id, metadata = {begun = true}}
          orun.sleep("1h")
        end, {limit = 2})
      end}
      local function begun()
        local n = 0
        for _, item in ipairs(TaskList()) do
          if item.metadata and item.metadata.begun then n = n + 1 end
        end
        return n
      end
      while begun() < 2 do orun.sleep("10ms") end
      TaskStop(pool)
      TaskOutput(pool)
      for _, task in ipairs(TaskList{kind = "task"}) do TaskOutput(task.id) end
      for _, item in ipairs(TaskList()) do io.write(item.status, " ") end]])
    assert.equal("pending pending pending pending ", r.out, r.err)
  end)

  it("is no failure that a pattern tells of, or tries again after", function()
    for name, case in pairs{
      map = {"50 ", function(path)
        local items = {}
        for i = 1, 100 do items[i] = i end
        orun.map(items, function(i)
          if i < 50 then return end
          note(path, i .. " ")
          orun.sleep("1h")
        end, {on_failure = "go_on", limit = 1})
      end},
      retry = {"1 ", function(path)
        orun.retry(function(attempt)
          note(path, attempt .. " ")
          orun.sleep("1h")
        end, {max = 100, backoff = 0})
      end},
      ["the start of a task"] = {"begun, false stopped: cancelled", function(path)
        pcall(function()
          note(path, "begun, ")
          orun.sleep("1h")
        end)
        local start = require "orun.pattern.launch".start
        local ok, why = pcall(start, {run = function() orun.sleep("1h") end})
        note(path, tostring(ok) .. " " .. tostring(why))
      end},
    } do
      assert.equal(case[1], noted_by(case[2]), name)
      assert.equal(case[1], noted_by(case[2], "process"), name .. ", isolated")
    end
  end)

  it("is told to who asks", function()
    assert.is_false(orun.stopping())
    assert.equal("begun, true", noted_by(function(path)
      pcall(function()
        note(path, "begun, ")
        orun.sleep("1h")
      end)
      note(path, tostring(orun.stopping()))
    end))
  end)
end)
