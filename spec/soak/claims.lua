--- claims: workers that are programs share a list; none of it is done twice, or lost
--- when a worker dies with an item in its hands.

local orun = require "orun"

local WORKERS <const> = 64

-- Says each item it has ended. One in eight dies holding its third.
local SHELL <const> = [[
  read -r name
  n=0
  while item=$("$ORUN_PROGRAM" task claim --next --wait --owner "$name"); code=$?
      [ $code = 0 ]; do
    id=$(echo "$item" | cut -f1) n=$((n + 1))
    if [ $((name % 8)) = 0 ] && [ $n = 3 ]; then kill -9 $$; fi
    "$ORUN_PROGRAM" task update "$id" --status completed --output "$name" || exit 9
    echo "$id"
  done
  [ $code = 3 ]
]]

-- Claims of `results`, by item.
local function gather(results)
  local said, wrong = {}, 0
  for i, result in ipairs(results) do
    local may_die = i % 8 == 0 and result.error_kind == "signal"
    if result.status ~= "completed" and not may_die then wrong = wrong + 1 end
    local text = orun.output(result.task_id):read(1 << 20) or ""
    for id in text:gmatch("t%d+") do
      said[id] = said[id] or {}
      table.insert(said[id], tostring(i))
    end
  end
  return said, wrong
end

local function run(rounds)
  orun.config{processes = WORKERS}
  orun.agent{name = "worker", command = {"sh", "-c", SHELL}}
  local workers = {}
  for i = 1, WORKERS do workers[i] = {subagent_type = "worker", prompt = i .. "\n"} end
  for i = 1, rounds do TaskCreate{description = "item " .. i} end
  local results = orun.fan_out(workers)
  local said, wrong = gather(results)
  local double, lost, ended = 0, 0, 0
  for _, item in ipairs(TaskList()) do
    local by = said[item.id]
    if by and #by > 1 then double = double + 1 end
    if item.status == "completed" then ended = ended + 1 end
    if not by or item.status ~= "completed" or TaskOutput(item.id).output ~= by[1] then
      lost = lost + 1
    end
  end
  return double + lost + wrong,
    ("%d items ended, %d double, %d lost; %d of %d workers died"):format(ended, double, lost,
      #results.failed, WORKERS)
end

return {
  {
    name = "claims-programs", promise = "each item is ended by one program of 64",
    rounds = 10000, short = 100, run = run,
  },
}
