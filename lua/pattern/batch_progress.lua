--- orun.pattern.batch_progress: tells how far batches have come.
--
-- Not for scripts: orun.batches is. It counts results by batch and tells its
-- hook when the last of a batch is in.

local orun = require "orun"
local pattern = require "orun.pattern.run"

local function report(p) pattern.report(("batch %d/%d"):format(p.batch, p.batches), p) end

--- A counter for the results of batches.
-- @param entries  what is to be counted, each with `batch`, its batch's number
-- @param batches  how many batches there are
-- @param hook     function(progress) or false; nil and true: a line on stderr.
--                 progress is {batch, batches, done, failed, cancelled, skipped, seconds},
--                 seconds since the counter was made; those skipped are among the done
-- @return function(entry, result), to be called once for each entry
local function progress(entries, batches, hook)
  if hook == nil or hook == true then hook = report end
  local count, counts, left = {}, {}, {}
  for b = 1, batches do
    count[b], counts[b] = pattern.counter()
    counts[b].batch, counts[b].batches, left[b] = b, batches, 0
  end
  for _, entry in ipairs(entries) do left[entry.batch] = left[entry.batch] + 1 end

  return function(entry, result)
    local b, status = entry.batch, orun.peek(result, "status")
    count[b](status == "completed" and "done" or status, result)
    left[b] = left[b] - 1
    if left[b] == 0 and hook then hook(counts[b]) end
  end
end

return progress
