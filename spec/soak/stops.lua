--- stops: whatever does not end by itself is ended, in every way there is, and
--- nobody else notices; waits and claims lose nothing.

local h = require "spec.support.helper"
local endless = require "spec.support.endless"

-- ---- stops ----

local function start(fields)
  fields.run_in_background = true
  return Task(fields)
end

local function begun(task)
  while TaskGet(task).status == "pending" do orun.sleep(0.001) end
end

--- The ways to stop a task: each starts one and gives a function that gives its
--- result, and the status and error_kind that it should have.
local ways = {
  function(run, never)
    local task = start{run = run, input = never, timeout = 0.02}
    return function() return TaskOutput(task) end, "failed", "timeout"
  end,
  function(run, never)
    local task = start{run = run, input = never}
    begun(task.id)
    TaskStop(task)
    return function() return TaskOutput(task) end, "cancelled", "cancelled"
  end,
  function(run, never)
    local ids = TaskCreate{description = "ids"}
    local parent = start{
      run = function(given)
        local child = Task{run = given.run, input = given.never, run_in_background = true}
        TaskUpdate{task_id = given.ids, status = "completed", output = child.id}
        orun.sleep("1h")
      end,
      input = {run = run, never = never, ids = ids.id},
    }
    local child = TaskOutput(ids).output
    begun(child)
    TaskStop(parent)
    return function() return TaskOutput(child) end, "cancelled", "cancelled"
  end,
}

-- One round: every kind, one way each, and as many healthy tasks between them.
local function round(n, first, never)
  local checks, losses = {}, 0
  for i = first, first + n - 1 do
    local kind = endless.lua[i % #endless.lua + 1]
    local result, status, fault = ways[i // #endless.lua % #ways + 1](kind.run, never)
    local well = start{run = function(k) orun.sleep(0) return k * k end, input = i}
    checks[#checks + 1] = function()
      local r = result()
      local healthy = TaskOutput(well).output == i * i
      return healthy and r.status == status and r.error_kind == fault
        and not r.error:find("stuck", 1, true)
    end
  end
  for _, check in ipairs(checks) do
    if not check() then losses = losses + 1 end
  end
  return losses
end

local function stops(rounds)
  local losses, at = 0, 0
  local never = TaskCreate{description = "never"}.id
  while at < rounds do
    local n = math.min(#endless.lua, rounds - at)
    losses, at = losses + round(n, at, never), at + n
  end
  return losses, ("%d kinds, %d ways"):format(#endless.lua, #ways)
end

-- ---- stops in C: none is stopped, all are told, counted and named ----

local IN_C <const> = [[
local orun = require "orun"
local endless = require "spec.support.endless"
local late = {}
for i, one in ipairs(endless.c) do
  late[i] = Task{run = one.run, timeout = SECONDS, description = one.name,
                 run_in_background = true}
end
local wrong = 0
for i = 1, 100 do
  if Task{run = function(k) return k + 1 end, input = i}.output ~= i + 1 then wrong = wrong + 1 end
end
for _, task in ipairs(late) do
  local r = TaskOutput(task)
  if r.error_kind ~= "timeout" or not r.error:find("stuck") then wrong = wrong + 1 end
end
print(wrong)
]]

-- Are they stuck, and ended by a time-out of so many seconds?
local function ended_in_c(seconds)
  local r = h.orun{"--workers", tostring(#endless.c + 2), "-e", (IN_C:gsub("SECONDS", seconds)),
    bin = h.bin}
  local fine = r.code == 0 and r.out == "0\n"
  for _, one in ipairs(endless.c) do
    fine = fine and r.err:find("(" .. one.name .. ")", 1, true) ~= nil
  end
  return fine
end

local function in_c(rounds)
  local losses = 0
  for _ = 1, rounds do
    if not pcall(h.in_time, ended_in_c) then losses = losses + 1 end
  end
  return losses
end

-- ---- waits ----

-- Many tasks start tasks and wait for them at once, and for each other's.
local function waits(rounds)
  local ASKERS <const> = 20
  local askers, losses = {}, 0
  for a = 1, ASKERS do
    local n = rounds // ASKERS + (a <= rounds % ASKERS and 1 or 0)
    askers[a] = start{
      run = function(given)
        local lost = 0
        for i = 1, given.n do
          local how = (i + given.a) % 4
          local task = Task{
            run = function(k)
              if k % 3 == 0 then orun.sleep(0) end
              return k
            end,
            input = i, run_in_background = true,
          }
          local r
          if how == 0 then
            r = TaskOutput(task)
          elseif how == 1 then
            local second = Task{run = function(id) return TaskOutput(id).output end,
                                input = task.id, run_in_background = true}
            r = TaskOutput(second)
          elseif how == 2 then
            r = coroutine.wrap(function() return TaskOutput(task) end)()
          else
            r = TaskOutput(Task{run = function(v) return v end, input = task, blockedBy = {task},
                                run_in_background = true})
          end
          if r.output ~= i then lost = lost + 1 end
        end
        return lost
      end,
      input = {n = n, a = a},
    }
  end
  for _, task in ipairs(askers) do
    local r = TaskOutput(task)
    losses = losses + (r.output or 1)
  end
  return losses
end

-- ---- claims ----

-- 64 workers share the items. Each now and then lets a child claim one that then
-- fails, so it goes back. Whoever claims notes the item and its attempt, which
-- nobody else may have noted.
local function claims(rounds)
  local WORKERS <const> = 64
  local workers, losses, claimed, done = {}, 0, {}, 0
  for i = 1, rounds do TaskCreate{description = "item", input = i} end
  for w = 1, WORKERS do
    workers[w] = start{
      run = function(own)
        local mine, failed = {}, 0
        local function note(item) mine[#mine + 1] = item.input .. " " .. item.attempts end
        for turn = own, math.huge do
          if turn % 20 == 0 then
            local r = Task{run = function()
              local item = orun.claim{}
              if item then error{input = item.input, attempts = item.attempts} end
            end}
            if r.error_value then note(r.error_value) end
          end
          local item = orun.claim{owner = "w" .. own, wait = true}
          if not item then return {mine = mine, failed = failed} end
          note(item)
          if item.input % 3 == 0 then orun.sleep(0) end
          if not TaskUpdate{task_id = item, status = "completed", output = own} then
            failed = failed + 1
          end
        end
      end,
      input = w,
    }
  end
  for w = 1, WORKERS do
    local r = TaskOutput(workers[w])
    if r.status ~= "completed" then return rounds, r.error end
    losses = losses + r.output.failed
    for _, note in ipairs(r.output.mine) do
      if claimed[note] then losses = losses + 1 end
      claimed[note] = true
    end
  end
  for _, item in ipairs(TaskList{}) do
    if item.status == "completed" and claimed[item.id:sub(2) .. " " .. item.attempts] then
      done = done + 1
    end
  end
  return losses + math.abs(rounds - done)
end

return {
  {
    name = "stops", promise = "every kind of stop ends every kind of loop and wait",
    rounds = 10000, short = 200, run = stops,
  },
  {
    name = "stops-in-c", promise = "what is stuck in C is told on time, and named",
    rounds = 20, short = 1, run = in_c,
  },
  {
    name = "waits", promise = "a wait never misses a completion",
    rounds = 1000000, short = 20000, run = waits,
  },
  {
    name = "claims", promise = "10,000 items, 64 workers: none twice, none lost",
    rounds = 10000, short = 500, run = claims,
  },
}
