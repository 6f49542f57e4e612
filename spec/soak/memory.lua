--- memory: a gigabyte of output, a million tasks, ten thousand sleepers, and
--- tasks that eat memory among healthy ones.

local orun = require "orun"

-- Bytes resident now, or at most ("VmHWM").
local function resident(field)
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^" .. (field or "VmRSS") .. ":%s*(%d+) kB")
    if kib then return tonumber(kib) * 1024 end
  end
end

local function mib(bytes) return ("%.0f MiB"):format(bytes / (1 << 20)) end

-- Each of `bounds` that does not hold is a loss; sanitizers need more memory.
local function within(bytes, limit)
  return (os.getenv("ORUN_VARIANT") or "") == "" and bytes > limit and 1 or 0
end

-- One task prints `megabytes` MiB of numbered lines. The sums are made by
-- cksum of what is read, of what the file holds, and of what was to be printed.
local function output(megabytes)
  local lines = megabytes * 1024 * 1024 // 64
  local print_all = ("seq -f '%%063.0f' %d"):format(lines)
  orun.agent{name = "flood", command = {"sh"}}
  local task = Task{subagent_type = "flood", prompt = print_all, run_in_background = true}
  local reader, bytes, losses = orun.output(task), 0, 0
  local path = os.tmpname()
  local pipe = io.popen("cksum >" .. path, "w")
  for piece in function() return reader:read(1 << 20) end do
    pipe:write(piece)
    bytes = bytes + #piece
  end
  pipe:close()
  local read = io.open(path):read("l")
  os.remove(path)
  local result = TaskOutput(task)
  local file = orun.exec{command = {"sh", "-c", 'cksum <"$1"', "-", result.output_file}}
  local wanted = orun.exec{command = {"sh", "-c", print_all .. " | cksum"}}
  for _, got in ipairs{read, file.output:match("[^\n]*")} do
    if got ~= wanted.output:match("[^\n]*") then losses = losses + 1 end
  end
  if result.status ~= "completed" or bytes ~= lines * 64 then losses = losses + 1 end
  if reader:tail(1) ~= ("%063d"):format(lines) then losses = losses + 1 end
  local most = resident("VmHWM")
  return losses + within(most, 64 << 20), ("%s read, %s resident at most"):format(mib(bytes),
    mib(most))
end

-- n tasks are started, then collected.
local function million(n)
  local function double(x) return 2 * x end
  local before = resident()
  local handles, losses = {}, 0
  for i = 1, n do handles[i] = Task{run = double, input = i, run_in_background = true} end
  for i = 1, n do
    local result = TaskOutput(handles[i])
    if result.status ~= "completed" or result.output ~= 2 * i then losses = losses + 1 end
  end
  local each = (resident("VmHWM") - before) / n
  return losses + within(each * n, n * 1000 + (32 << 20)), ("%.0f B a task"):format(each)
end

-- n tasks are started, collected and forgotten, a thousand at a time. What the first tenth
-- needed is enough for all.
local function forgotten(n)
  local function double(x) return {2 * x} end
  local losses, first, most, done = 0, nil, 0, 0
  while done < n do
    local handles = {}
    for i = 1, 1000 do
      handles[i] = Task{run = double, input = i, run_in_background = true}
    end
    for i = 1, 1000 do
      if TaskOutput(handles[i]).output[1] ~= 2 * i then losses = losses + 1 end
    end
    losses = losses + 1000 - orun.forget(handles)
    done = done + 1000
    local now = resident()
    if done <= math.max(n // 10, 5000) then first = now else most = math.max(most, now) end
  end
  local grown = most - first
  return losses + within(grown, 4 << 20), ("%.1f B a task more than after the first tenth")
    :format(grown / n)
end

-- What a run of weeks does: a source without end whose results are not kept, an item of the list
-- for each task, and tasks that nobody waits for. All of it is released as it goes: by `keep =
-- false`, status "deleted" and orun.forget, in turns. What the first tenth needed is enough.
local function weeks(n)
  local function work(x) return {2 * x, ("x"):rep(x % 1000)} end
  local losses, first, most, done = 0, nil, 0, 0
  local function check(result, i)
    if not result.ok or result.output[1] ~= 2 * i then losses = losses + 1 end
  end
  local ways = {
    function(i) check(TaskOutput(orun.start{run = work, input = i, keep = false}), i) end,
    function(i)
      local task = orun.start{run = work, input = i}
      check(TaskOutput(task), i)
      if not TaskUpdate{task_id = task, status = "deleted"} then losses = losses + 1 end
    end,
    function(i)
      local item = TaskCreate{description = "item", input = i}
      TaskUpdate{task_id = item, status = "in_progress"}
      TaskUpdate{task_id = item, status = "completed", output = {2 * i}}
      check(TaskOutput(item), i)
      if orun.forget(item.id) ~= 1 then losses = losses + 1 end
    end,
    function(i)
      local task = orun.start{run = error, input = i, keep = false}
      if TaskOutput(task).status ~= "failed" then losses = losses + 1 end
    end,
  }
  local function next_of_round()
    done = done + 1
    if done % 1000 ~= 0 then return done end
  end
  while done < n do
    for i = 1, 100 do ways[i % #ways + 1](i) end
    orun.fan_out(next_of_round, function(i) return {run = work, input = i, keep = false} end,
      {limit = 8, each = function(result) check(result, result.output[1] // 2) end})
    collectgarbage()
    local now = resident()
    if done <= math.max(n // 10, 4000) then first = now else most = math.max(most, now) end
  end
  local left, grown = #TaskList{kind = "all"}, most - first
  return losses + (left > 20 and left or 0) + within(grown, 4 << 20),
    ("%d entries left, %.1f B a task more than after the first tenth"):format(left, grown / n)
end

-- n tasks sleep at once, each in a state of its own.
local function sleepers(n)
  local function nap(input)
    orun.sleep(input.seconds)
    return input.i
  end
  local before, handles, losses = resident(), {}, 0
  for i = 1, n do
    handles[i] = Task{run = nap, input = {i = i, seconds = 1}, run_in_background = true}
  end
  for i = 1, n do
    if TaskOutput(handles[i]).output ~= i then losses = losses + 1 end
  end
  local each = (resident("VmHWM") - before) / n
  return losses + within(each * n, n * (32 << 10) + (16 << 20)), mib(each * n) .. " for all"
end

local LEAKS <const> = {
  function()
    local all = {}
    while true do table.insert(all, {}) end
  end,
  function()
    local s = "x"
    while true do s = s .. s end
  end,
  function()
    while true do pcall(string.rep, "x", 1e9, ",") end
  end,
  function()
    while true do
      pcall(function()
        local all = {}
        while true do all[#all + 1] = ("x"):rep(100) .. #all end
      end)
    end
  end,
  function()
    collectgarbage("stop")
    local function deeper(n)
      local here = {n}
      return deeper(n + 1), here
    end
    return deeper(1)
  end,
}

-- n tasks, of which one in five eats all memory it may have.
local function leaks(n)
  local function healthy(x)
    local all = {}
    for i = 1, 2000 do all[i] = {i, x} end
    return #all + x
  end
  local before, losses, waiting = resident(), 0, {}
  local function collect(i)
    local result = TaskOutput(waiting[i])
    local ok = result.output == 2000 + i
    if i % 5 == 0 then ok = result.status == "failed" and result.error_kind == "memory" end
    if not ok then losses = losses + 1 end
    waiting[i] = nil
  end
  for i = 1, n do
    local leak = i % 5 == 0 and LEAKS[i // 5 % #LEAKS + 1]
    waiting[i] = Task{run = leak or healthy, input = i, memory_limit = "16MiB",
      run_in_background = true}
    if i > 100 then collect(i - 100) end
  end
  for i = math.max(1, n - 99), n do collect(i) end
  local grown = resident() - before
  return losses + within(grown, (64 << 20) + n * 2000), ("%d leaks; %s more resident at the end")
    :format(n // 5, mib(grown))
end

return {
  {name = "output-1GB", promise = "every byte of one task's output, in bounded memory",
    rounds = 1024, short = 24, run = output},
  {name = "million", promise = "each of many tasks is done, in bounded memory",
    rounds = 1000000, short = 5000, run = million},
  {name = "forgotten", promise = "a run that forgets its results does not grow",
    rounds = 1000000, short = 20000, run = forgotten},
  {name = "weeks", promise = "a run of weeks, which releases what it has done, does not grow",
    rounds = 500000, short = 12000, run = weeks},
  {name = "sleepers", promise = "tasks asleep at once need 32 KiB each",
    rounds = 10000, short = 500, run = sleepers},
  {name = "leaks", promise = "a task that eats memory ends, and harms no other",
    rounds = 5000, short = 60, run = leaks},
}
