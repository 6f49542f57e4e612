--- results: what a task gave is found, by whoever asks and however often.

local function fan(n)
  local handles, losses = {}, 0
  for i = 1, n do
    handles[i] = Task{
      run = function(k)
        if k % 7 == 0 then error({k = k}) end
        return {k = k, text = ("x"):rep(k % 50)}
      end,
      input = i, run_in_background = true,
    }
  end
  local function right(r, k)
    if k % 7 == 0 then return r.status == "failed" and r.error_value.k == k end
    return r.status == "completed" and r.output.k == k and #r.output.text == k % 50
  end
  -- Somebody else asks too, at the same time.
  local asker = Task{
    run = function(all)
      local wrong = 0
      for k, id in ipairs(all) do
        local r = TaskOutput(id)
        local ok = k % 7 == 0 and r.status == "failed" or r.output and r.output.k == k
        if not ok then wrong = wrong + 1 end
      end
      return wrong
    end,
    input = (function()
      local ids = {}
      for i, handle in ipairs(handles) do ids[i] = handle.id end
      return ids
    end)(),
    run_in_background = true,
  }
  for k = 1, n do
    if not right(TaskOutput(handles[k]), k) then losses = losses + 1 end
  end
  for k = n, 1, -1 do
    if not right(TaskOutput{task_id = handles[k], block = false}, k) then losses = losses + 1 end
  end
  return losses + TaskOutput(asker).output
end

return {
  {
    name = "results", promise = "a finished output is found, by anybody, again",
    rounds = 1000000, short = 5000,
    run = function(rounds)
      local losses, left = 0, rounds
      while left > 0 do
        local n = math.min(left, 10000)
        losses, left = losses + fan(n), left - n
      end
      return losses
    end,
  },
}
