--- rate: calls through a server that allows so many a second, and says 429 to
--- the others. Nobody tells orun the rate: it is throttled to it.

local orun = require "orun"
local http_server = require "spec.support.http_server"

local ALLOWED <const> = 10 -- a second

-- Start the type and its tasks; how many calls went well, and how many were made.
local function calls(url, rounds)
  orun.agent{name = "caller", slots = "http", account = "server", run = function()
    local r = assert(orun.http{url = url})
    if r.status == 429 then
      orun.fail{kind = "rate", message = "HTTP 429",
                retry_after = tonumber(r.headers["retry-after"])}
    end
    return r.status
  end}
  local tasks, fine, made = {}, 0, 0
  for i = 1, rounds do
    tasks[i] = Task{subagent_type = "caller", input = i, run_in_background = true}
  end
  for _, task in ipairs(tasks) do
    local r = TaskOutput(task)
    fine = fine + (r.output == 200 and 1 or 0)
    made = made + r.attempts
  end
  return fine, made
end

local function run(rounds)
  local server <const> = http_server.start()
  local began = orun.now()
  local fine, made = calls(("%s/rate?n=%d"):format(server.url, ALLOWED), rounds)
  local took = orun.now() - began
  server:stop()
  http_server.remove()
  return rounds - fine, ("%.1f s, %.0f %% of the %d a second that are allowed; %d calls made")
    :format(took, 100 * fine / took / ALLOWED, ALLOWED, made)
end

return {
  {name = "rate", promise = "calls through a server that allows 10 a second", rounds = 200,
   short = 20, run = run},
}
