--- The worker's loop by hand: list, claim, complete, repeat.
--
-- $ orun examples/06-claims.lua
--
-- TaskUpdate with status "in_progress" is an atomic claim: of several workers
-- that try, one wins, and the others are told. The guide's five steps are
-- written out here; orun.workers does all of this and more.

for i = 1, 12 do TaskCreate{description = ("item %02d"):format(i)} end

local function work(_, self)
  local mine = {}
  while true do
    -- 1. Find available tasks.
    local open = TaskList():filter{status = "pending", unblocked = true}
    if #open == 0 then return mine end
    for _, item in ipairs(open) do
      -- 2. Claim one; somebody else may have been faster.
      if TaskUpdate{task_id = item.id, status = "in_progress", owner = self.id} then
        -- 3. Complete the task. 4. Mark it complete.
        mine[#mine + 1] = item.description
        TaskUpdate{task_id = item.id, status = "completed", output = #item.description}
        break -- 5. Repeat.
      end
    end
  end
end

local workers = {}
local worker_count = math.min(#TaskList{status = "pending"}, 5)
for i = 1, worker_count do
  workers[i] = Task{
    description = ("Worker %d processing tasks"):format(i),
    run = work,
    run_in_background = true,
  }
end

local done = {}
for _, worker in ipairs(workers) do
  for _, name in ipairs(TaskOutput{task_id = worker.id}.output) do done[#done + 1] = name end
end
table.sort(done)
print(("%d workers did %d items"):format(worker_count, #done))
print(done[1] .. " to " .. done[#done])

local again, _, reason = TaskUpdate{task_id = TaskList()[1].id, status = "in_progress"}
print(tostring(again) .. ": " .. reason)

--> 5 workers did 12 items
--> item 01 to item 12
--> nil: already_resolved
