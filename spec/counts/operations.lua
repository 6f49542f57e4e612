--- operations: does each operation many times, between marks: what counts.lua runs under callgrind.
--
-- A mark is a call of orun.now, at which callgrind writes down what it has counted since the mark
-- before. Each operation is done N, N and 2 N times; the difference of the last two is what N
-- cost. One thread is at work in each window, so nothing depends on which of two is quicker: the
-- only worker stands at a gate while tasks are started, and the script waits while they run. Where
-- several threads must be at work, as when a program runs, each window has one of it, and there
-- are many. The collector of the script's state stands still; what it would have to do is told in
-- bytes.
--
-- Prints a line for each window: its name, N, and the bytes that the script's state grew by.

local orun = require "orun"

local GATE <const> = assert(arg[1], "the path of a fifo is missing")
local WHAT <const> = arg[2]

local function nothing() end

local function wait_at_gate(path)
  local file <close> = assert(io.open(path))
  file:read("a")
end

-- The window `name`, in which `fn` does something n times.
local function window(name, n, fn)
  local before = collectgarbage("count")
  orun.now()
  fn(n)
  orun.now()
  print(("%s %d %d"):format(name, n, (collectgarbage("count") - before) * 1024 // 1 | 0))
end

-- Windows of what is done by itself; `prepare` makes what n times need.
local function alone(name, n, fn, prepare)
  for _, times in ipairs{n, n, 2 * n} do
    if prepare then prepare(times) end
    window(name, times, fn)
  end
end

-- Windows of tasks: their start, their run, the look at what became of them.
local function life(start, run, look, n, fields)
  fields.run_in_background = true
  for _, times in ipairs{n, n, 2 * n} do
    local handles = table.move({}, 1, times, 1, {})
    local guard = Task{run = wait_at_gate, input = GATE, run_in_background = true}
    local gate = assert(io.open(GATE, "w")) -- returns once the worker has opened it, too
    window(start, times, function()
      for i = 1, times do handles[i] = Task(fields) end
    end)
    window(run, times, function()
      gate:close()
      TaskOutput(handles[times])
    end)
    window(look, times, function()
      for i = 1, times do TaskOutput(handles[i]) end
    end)
    TaskOutput(guard)
    for i = 1, times do orun.forget(handles[i]) end
  end
end

local function rows_of_table(n)
  local rows = {}
  for i = 1, n do rows[i] = {name = "item " .. i, at = i, share = i / 7} end
  return rows
end

local function await(n)
  for _ = 1, n do Task{run = nothing} end
end

local function items()
  local all
  alone("create", 100, function(n)
    for i = 1, n do all[i] = TaskCreate{description = "item"} end
  end, function() all = {} end)
  alone("claim", 100, function(n)
    for i = 1, n do all[i] = orun.claim{owner = "me"} end
  end, function() all = {} end)
  alone("complete", 100, function(n)
    for i = 1, n do TaskUpdate{task_id = all[i].id, status = "completed"} end
  end, function(n)
    all = {}
    for _ = 1, n do TaskCreate{description = "item"} end
    for i = 1, n do all[i] = orun.claim{owner = "me"} end
  end)
end

-- The state's table of strings grows by doubling: now, and not in one of the windows.
local strings = {}
for i = 1, 20000 do strings[i] = "string " .. i end
assert(#strings == 20000)

collectgarbage()
collectgarbage("stop")
if WHAT == "watched" then
  life("start-watched", "finish-watched", "output-watched", 200, {run = nothing})
else
  life("start", "finish", "output", 300, {run = nothing})
  life("start-table", "finish-table", "output-table", 50,
    {run = function(t) return t end, input = rows_of_table(20)})
  alone("await", 50, function(n) Task{run = await, input = n} end)
  items()
  for _ = 1, 40 do
    window("spawn", 1, function() orun.exec{command = {"sleep", "0.01"}} end)
  end
end
