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
      local results = orun.workers(function(item) return item.metadata.n ^ 2 // 1 | 0 end, {
        limit = 4, items = items,
      })
      print(#results .. " " .. tostring(results.ok))
      print(results[1].output .. " " .. results[2].output .. " " .. results[3].output .. " "
        .. results[100].output)
    ]])
  end)

  it("takes what was on the list before, and what is added meanwhile", function()
    assert.same({"old, new from old"}, lines_of[[
      TaskCreate{description = "old"}
      local results = orun.workers(function(item)
        if item.description == "old" then TaskCreate{description = "new from old"} end
        return item.description
      end)
      print(results[1].output .. ", " .. results[2].output)
    ]])
  end)

  it("does not report what was finished before", function()
    assert.same({"1 b"}, lines_of[[
      local a = TaskCreate{description = "a"}
      TaskUpdate{task_id = a, status = "completed"}
      local results = orun.workers(function(item) return item.description end, {
        items = {{description = "b"}},
      })
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
      local results = orun.workers(function(item)
        if item.description == "first" then orun.sleep(0.05) return end
        -- Each waits until the other has been claimed.
        local other = item.description == "a" and "b" or "a"
        while TaskList():filter{description = other}[1].status == "pending" do orun.sleep(0.005) end
      end, {limit = 2})
      print(#results .. " " .. tostring(results.ok))
    ]])
  end)

  it("makes an item whose function raises failed, and goes on", function()
    assert.same({"failed lua broken item", "completed", "1 false"}, lines_of[[
      local results = orun.workers(function(item)
          if item.description == "bad" then error("broken item", 0) end
        end, {
        limit = 1,
        items = {{description = "bad"}, {description = "good"}},
      })
      print(results[1].status .. " " .. results[1].error_kind .. " " .. results[1].error)
      print(results[2].status)
      print(#results.failed .. " " .. tostring(results.ok))
    ]])
  end)

  it("cancels what waits for a failed item", function()
    assert.same({"failed", "cancelled blocked"}, lines_of[[
      local bad = TaskCreate{description = "bad"}
      TaskCreate{description = "after", blockedBy = {bad}}
      local results = orun.workers(function() error("x") end)
      print(results[1].status)
      print(results[2].status .. " " .. results[2].error_kind)
    ]])
  end)

  it("gives an item back when its worker dies, and replaces the worker", function()
    assert.same({"completed 2 survived", "completed", "2"}, lines_of[[
      local results = orun.workers(function(item)
          if item.description == "deadly" then
            if item.attempts == 1 then os.exit(3) end
            return "survived"
          end
        end, {
        limit = 1,
        items = {{description = "deadly"}, {description = "harmless"}},
      })
      print(results[1].status .. " " .. results[1].attempts .. " " .. results[1].output)
      print(results[2].status)
      print(results.workers)
    ]])
  end)

  it("gives up an item that kills its workers", function()
    assert.same({"failed: given up: 2 workers died while doing it", "completed"}, lines_of[[
      local results = orun.workers(function(item)
          if item.description == "deadly" then os.exit(3) end
        end, {
        limit = 2, max_attempts = 2,
        items = {{description = "deadly"}, {description = "harmless"}},
      })
      print(results[1].status .. ": " .. results[1].error)
      print(results[2].status)
    ]])
  end)

  it("ends when workers die without ever taking an item", function()
    assert.same({"pending false"}, lines_of[[
      local results = orun.workers(function() end, {
        items = {{description = "untouched"}},
        defaults = {memory_limit = "1KiB"},
      })
      print(results[1].status .. " " .. tostring(results.ok))
    ]])
  end)

  it("uses no more workers than there are items", function()
    assert.same({"2"}, lines_of[[
      print(orun.workers(function() end, {limit = 9,
        items = {{description = "a"}, {description = "b"}}}).workers)
    ]])
  end)

  it("returns an empty array when there is nothing to do", function()
    assert.same({"0 true"}, lines_of[[
      local results = orun.workers(function() end)
      print(#results .. " " .. tostring(results.ok))
    ]])
  end)

  it("gives the item's input and prompt to the function", function()
    assert.same({"ask 42"}, lines_of[[
      local answer = Task{run = function() return 42 end, run_in_background = true}
      local results = orun.workers(function(item) return item.prompt .. " " .. item.input.a end, {
        items = {{description = "q", prompt = "ask", input = {a = answer}}},
      })
      print(results[1].output)
    ]])
  end)

  it("works inside a task", function()
    assert.same({"6"}, lines_of[[
      print(Task{run = function()
        local results = orun.workers(function(item) return item.input end, {
          items = {{description = "a", input = 2}, {description = "b", input = 4}},
        })
        return results[1].output + results[2].output
      end}.output)
    ]])
  end)

  it("refuses wrong arguments, and says what the old ones are now", function()
    assert.same({
      "orun.workers: run = nil: expected a function",
      "orun.workers: unknown option \"limti\", did you mean 'limit'?",
      "orun.workers: count is now limit",
      "orun.workers: run is now the first argument: orun.workers(run, {limit = 5})",
      "orun.workers: items has the key \"description\"; an array has 1, 2, 3, ...",
      "orun.workers: items[1]: TaskCreate: description is missing; it is the item's short title",
    }, lines_of[[
      for _, call in ipairs{
        {}, {print, {limti = 1}}, {print, {count = 2}}, {{run = print}},
        {print, {items = {description = "x"}}}, {print, {items = {{}}}},
      } do
        print(select(2, pcall(orun.workers, call[1], call[2])))
      end
    ]])
  end)

  it("tells of each item as it ends", function()
    assert.same({"1/2 a A", "2/2 b B"}, lines_of[[
      local at
      orun.workers(function(item) return item.description:upper() end, {
        limit = 1, items = {{description = "a"}, {description = "b"}},
        each = function(r, i) at = i .. "/2 " .. r.description .. " " .. r.output end,
        progress = function() print(at) end,
      })
    ]])
  end)

  it("starts no more after a failure when told so, and has all results", function()
    assert.same({"failed cancelled cancelled", "failed cancelled cancelled"}, lines_of[[
      for _, way in ipairs{"drain", "stop"} do
        local results = orun.workers(function() error("no", 0) end, {limit = 1, on_failure = way,
          items = {{description = "a"}, {description = "b"}, {description = "c"}}})
        print(results[1].status .. " " .. results[2].status .. " " .. results[3].status)
      end
    ]])
  end)

  it("ends when its time is over", function()
    assert.same({"cancelled cancelled true"}, lines_of[[
      local results = orun.workers(function() orun.sleep("1h") end, {limit = 1,
        timeout = "30ms", items = {{description = "a"}, {description = "b"}}})
      print(results[1].status .. " " .. results[2].status .. " " .. tostring(results.timed_out))
    ]])
  end)
end)
