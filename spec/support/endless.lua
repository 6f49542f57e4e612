--- Functions that never end by themselves, one a way of not ending. A task that
--- runs one can only be stopped. Each gets the id of an item nobody completes.
---
---   for _, one in ipairs(endless.lua) do Task{run = one.run, input = id} end
---   for _, one in ipairs(endless.c) do … end    -- these stop nobody can

local M = {}

--- What is stopped in time: it waits, or runs Lua code.
M.lua = {
  {name = "waits for a task", run = function(id) TaskOutput(id) end},
  {name = "waits for any of some", run = function(id) orun.wait_any{id} end},
  {name = "sleeps", run = function() orun.sleep("1h") end},
  {name = "runs a program", run = function() orun.exec("sleep", "1000") end},
  {name = "loops", run = function() while true do end end},
  {name = "recurses by tail calls", run = function()
    local function again() return again() end
    again()
  end},
  {name = "loops in pcall", run = function()
    while true do pcall(function() while true do end end) end
  end},
  {name = "loops around pcall", run = function() while true do pcall(error, "again") end end},
  {name = "loops in xpcall", run = function()
    while true do xpcall(function() while true do end end, function(e) return e end) end
  end},
  {name = "loops in an error handler", run = function()
    xpcall(error, function() while true do end end, "x")
  end},
  {name = "loops in an error handler, again and again", run = function()
    while true do xpcall(error, function() while true do end end, "x") end
  end},
  {name = "loops four coroutines deep", run = function()
    local function deep(n)
      if n == 0 then while true do end end
      coroutine.wrap(deep)(n - 1)
    end
    deep(4)
  end},
  {name = "loops four coroutines deep, and catches it in each", run = function()
    local function deep(n)
      while true do
        if n > 0 then
          coroutine.resume(coroutine.create(deep), n - 1)
        else
          pcall(function() while true do end end)
        end
      end
    end
    deep(4)
  end},
  {name = "loops in a sort comparator", run = function()
    table.sort({1, 2, 3}, function() while true do end end)
  end},
  {name = "loops in a gsub callback", run = function()
    string.gsub("abc", ".", function() while true do end end)
  end},
  {name = "loops in __close", run = function()
    local _ <close> = setmetatable({}, {__close = function() while true do end end})
    error("x")
  end},
  {name = "loops in __close when it is stopped", run = function()
    local _ <close> = setmetatable({}, {__close = function() while true do end end})
    while true do end
  end},
  {name = "loops in __close of a coroutine", run = function()
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, {__close = function() while true do end end})
      coroutine.yield()
    end)
    coroutine.resume(co)
    coroutine.close(co)
  end},
  {name = "loops in __index", run = function()
    return setmetatable({}, {__index = function() while true do end end}).x
  end},
  {name = "loops in __lt and __concat", run = function()
    local t = setmetatable({}, {
      __lt = function() while true do end end,
      __concat = function(a, b) return tostring(a < b) end,
    })
    return t .. t
  end},
  {name = "loops in __tostring of its error", run = function()
    error(setmetatable({}, {__tostring = function() while true do end end}))
  end},
  {name = "loops in a reader of load", run = function()
    load(function() while true do end end)
  end},
  {name = "loops in an iterator", run = function()
    for _ in function() return 1 end do end
  end},
  {name = "waits in a sort comparator", run = function(id)
    table.sort({1, 2, 3}, function() TaskOutput(id) end)
  end},
  {name = "waits in a gsub callback", run = function(id)
    string.gsub("abc", ".", function() TaskOutput(id) end)
  end},
  {name = "waits in a coroutine of its own", run = function(id)
    coroutine.wrap(function() coroutine.wrap(function() TaskOutput(id) end)() end)()
  end},
  {name = "sleeps again whenever it is woken", run = function()
    while true do pcall(orun.sleep, 3600) end
  end},
  {name = "sleeps in a coroutine whenever it is woken", run = function()
    coroutine.wrap(function() while true do pcall(orun.sleep, 3600) end end)()
  end},
  {name = "waits in __close when it is stopped", run = function(id)
    local _ <close> = setmetatable({}, {__close = function() TaskOutput(id) end})
    TaskOutput(id)
  end},
}

--- What cannot be stopped: a C function that calls no Lua.
M.c = {
  {name = "pattern bomb", run = function() return ("a"):rep(40):find(("a*"):rep(12) .. "c") end},
  {name = "table.move", run = function() table.move({}, 1, 1e15 // 1 | 0, 2) end},
  {name = "table.insert", run = function()
    table.insert(setmetatable({}, {__len = function() return 1 << 50 end}), 1, nil)
  end},
  {name = "string.rep", run = function() return (""):rep(1 << 50) end},
}

return M
