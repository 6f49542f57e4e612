-- etl.lua — an Airflow DAG: extracts with retries, transforms that are expanded from a result,
-- loads that go on without what failed, an alert, and clean-up that always runs.
--
--     $ orun examples/ports/etl.lua

local orun = require "orun"
orun.limit("database", 2)

local extracts = orun.list{"eu", "us", "asia"}:map(function(region)
  return orun.start{description = region, input = region, timeout = "5s",
    retry = {max = 2, backoff = 0}, run = function(name, task)
      if name == "asia" or task.attempt == 1 then error("no network", 0) end
      return {name .. " 1", name .. " 2"}
    end}
end)
local load = orun.start{input = extracts, on_blocker_failure = "run", pool = "database",
  finally = function() orun.log "the connection is closed" end,
  run = function(regions)
    local rows, failed = orun.list{}, 0
    for _, region in ipairs(regions) do
      if region.ok == false then failed = failed + 1 end
      table.move(region, 1, #region, #rows + 1, rows)
    end
    if failed == #regions then orun.skip "nothing to load" end
    return rows:map(function(row) return row:upper() end)
  end}
local alert = orun.start{input = {load, table.unpack(extracts)}, on_blocker_failure = "run",
  run = function(all)
    local failed = orun.list(all):filter(function(one) return one.ok == false end)
    if not failed[1] then orun.skip "all is well" end
    return failed[1].description .. ": " .. failed[1].error
  end}
print(table.concat(TaskOutput(load).output, ", "))
print(TaskOutput(alert).output)

--> EU 1, EU 2, US 1, US 2
--> asia: no network
