--- http: many requests at once, each answered after 200 ms.

local orun = require "orun"
local http_server = require "spec.support.http_server"

local AT_ONCE <const> = 500
local DELAY <const> = 0.2

-- The most memory this process has had, in MiB.
local function peak()
  local file <close> = assert(io.open("/proc/self/status"))
  return tonumber(file:read("a"):match("VmHWM:%s*(%d+)")) / 1024
end

-- Runs in a task: `count` calls one after the other; how many went well.
local function call(input)
  local fine = 0
  for _ = 1, input.count do
    local r = orun.http{url = input.url}
    if r and r.status == 200 and r.body == '{"ok": true}' then fine = fine + 1 end
  end
  return fine
end

local function run(rounds)
  local server <const> = http_server.start()
  local at_once = math.min(rounds, AT_ONCE)
  local each = rounds // at_once
  local url = ("%s/delay?ms=%d"):format(server.url, DELAY * 1000 // 1 | 0)
  local began, tasks, fine = orun.now(), {}, 0
  for i = 1, at_once do
    tasks[i] = Task{run = call, input = {url = url, count = each}, run_in_background = true}
  end
  for _, task in ipairs(tasks) do fine = fine + (TaskOutput(task).output or 0) end
  local took, ideal = orun.now() - began, each * DELAY
  local memory, connections = peak(), server:stats().connections
  server:stop()
  http_server.remove()
  local lost = at_once * each - fine + (connections > at_once + 1 and 1 or 0)
  return lost, ("%.2f s, %.2f x the ideal %.1f s; %.0f MiB resident at most; %d connections")
    :format(took, took / ideal, ideal, memory, connections)
end

return {
  {
    name = "http", promise = "500 requests at once, and each is answered",
    rounds = 5000, short = 200, run = run,
  },
}
