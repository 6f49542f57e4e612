--- orun.workers: the list is shared out until nothing is left.
---
--- Each test is a script of its own: workers take every item of the run.

local h = require "spec.support.helper"

--- The lines a script prints; it must end well.
local function lines_of(text)
  local r = h.script('local orun = require "orun"\n' .. text)
  assert.equal(0, r.code, r.out .. r.err)
  return h.lines(r.out)
end

describe("workers", function()
  it("does every item once, results in the order of the items", function()
    assert.same({"100 true", "1 4 9 10000"}, lines_of[[
      local items = {}
      for i = 1, 100 do items[i] = {description = "item " .. i, metadata = {n = i}} end
      local results = orun.workers{
        count = 4, items = items,
        run = function(item) return item.metadata.n ^ 2 // 1 | 0 end,
      }
      print(#results .. " " .. tostring(results.ok))
      print(results[1].output .. " " .. results[2].output .. " " .. results[3].output .. " "
        .. results[100].output)
    ]])
  end)

  it("takes what was on the list before, and what is added meanwhile", function()
    assert.same({"old, new from old"}, lines_of[[
      TaskCreate{description = "old"}
      local results = orun.workers{run = function(item)
        if item.description == "old" then TaskCreate{description = "new from old"} end
        return item.description
      end}
      print(results[1].output .. ", " .. results[2].output)
    ]])
  end)

  it("does not report what was finished before", function()
    assert.same({"1 b"}, lines_of[[
      local a = TaskCreate{description = "a"}
      TaskUpdate{task_id = a, status = "completed"}
      local results = orun.workers{
        items = {{description = "b"}},
        run = function(item) return item.description end,
      }
      print(#results .. " " .. results[1].output)
    ]])
  end)

  it("waits for items that are blocked by one in progress", function()
    -- The second worker finds nothing to claim while "first" is being done, and
    -- must stay: both items that "first" unblocks are done at the same time.
    assert.same({"3 true"}, lines_of[[
      local first = TaskCreate{description = "first"}
      TaskCreate{description = "a", blockedBy = {first}}
      TaskCreate{description = "b", blockedBy = {first}}
      local results = orun.workers{count = 2, run = function(item)
        if item.description == "first" then orun.sleep(0.05) return end
        -- Each waits until the other has been claimed.
        local other = item.description == "a" and "b" or "a"
        while TaskList():filter{description = other}[1].status == "pending" do orun.sleep(0.005) end
      end}
      print(#results .. " " .. tostring(results.ok))
    ]])
  end)

  it("makes an item whose function raises failed, and goes on", function()
    assert.same({"failed lua broken item", "completed", "1 false"}, lines_of[[
      local results = orun.workers{
        count = 1,
        items = {{description = "bad"}, {description = "good"}},
        run = function(item)
          if item.description == "bad" then error("broken item", 0) end
        end,
      }
      print(results[1].status .. " " .. results[1].error_kind .. " " .. results[1].error)
      print(results[2].status)
      print(#results.failed .. " " .. tostring(results.ok))
    ]])
  end)

  it("cancels what waits for a failed item", function()
    assert.same({"failed", "cancelled blocked"}, lines_of[[
      local bad = TaskCreate{description = "bad"}
      TaskCreate{description = "after", blockedBy = {bad}}
      local results = orun.workers{run = function() error("x") end}
      print(results[1].status)
      print(results[2].status .. " " .. results[2].error_kind)
    ]])
  end)

  it("gives an item back when its worker dies, and replaces the worker", function()
    assert.same({"completed 2 survived", "completed", "2"}, lines_of[[
      local results = orun.workers{
        count = 1,
        items = {{description = "deadly"}, {description = "harmless"}},
        run = function(item)
          if item.description == "deadly" then
            if item.attempts == 1 then os.exit(3) end
            return "survived"
          end
        end,
      }
      print(results[1].status .. " " .. results[1].attempts .. " " .. results[1].output)
      print(results[2].status)
      print(results.workers)
    ]])
  end)

  it("gives up an item that kills its workers", function()
    assert.same({"failed: given up: 2 workers died while doing it", "completed"}, lines_of[[
      local results = orun.workers{
        count = 2, max_attempts = 2,
        items = {{description = "deadly"}, {description = "harmless"}},
        run = function(item)
          if item.description == "deadly" then os.exit(3) end
        end,
      }
      print(results[1].status .. ": " .. results[1].error)
      print(results[2].status)
    ]])
  end)

  it("ends when workers die without ever taking an item", function()
    assert.same({"pending false"}, lines_of[[
      local results = orun.workers{
        items = {{description = "untouched"}},
        run = function() end,
        defaults = {memory_limit = "1KiB"},
      }
      print(results[1].status .. " " .. tostring(results.ok))
    ]])
  end)

  it("uses no more workers than there are items", function()
    assert.same({"2"}, lines_of[[
      print(orun.workers{count = 9, items = {{description = "a"}, {description = "b"}},
        run = function() end}.workers)
    ]])
  end)

  it("returns an empty array when there is nothing to do", function()
    assert.same({"0 true"}, lines_of[[
      local results = orun.workers{run = function() end}
      print(#results .. " " .. tostring(results.ok))
    ]])
  end)

  it("gives the item's input and prompt to the function", function()
    assert.same({"ask 42"}, lines_of[[
      local answer = Task{run = function() return 42 end, run_in_background = true}
      local results = orun.workers{
        items = {{description = "q", prompt = "ask", input = {a = answer}}},
        run = function(item) return item.prompt .. " " .. item.input.a end,
      }
      print(results[1].output)
    ]])
  end)

  it("works inside a task", function()
    assert.same({"6"}, lines_of[[
      print(Task{run = function()
        local results = orun.workers{
          items = {{description = "a", input = 2}, {description = "b", input = 4}},
          run = function(item) return item.input end,
        }
        return results[1].output + results[2].output
      end}.output)
    ]])
  end)

  it("refuses wrong fields", function()
    assert.same({
      "orun.workers: run = nil: expected a function",
      "orun.workers: unknown option \"cuont\", did you mean 'count'?",
      "orun.workers: items has the key \"description\"; an array has 1, 2, 3, ...",
      "orun.workers: items[1]: TaskCreate: description is missing; it is the item's short title",
    }, lines_of[[
      for _, fields in ipairs{
        {}, {cuont = 1}, {run = print, items = {description = "x"}}, {run = print, items = {{}}},
      } do
        print(select(2, pcall(orun.workers, fields)))
      end
    ]])
  end)
end)
