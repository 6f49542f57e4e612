--- hosts: orun in other programs, and many oruns at once, leave nothing behind.

local h = require "spec.support.helper"

--- Make and free a runtime again and again in one process; what it kept is a
--- loss.
local function runtimes(rounds)
  local dir = h.tmpdir()
  local built = h.sh(("cc -std=c11 -D_GNU_SOURCE -g %s -iquote %s/runtime -o cycle "
    .. "%s/spec/embed/cycle.c %s $(pkg-config --cflags --libs lua5.4 libuv) -lm -pthread")
    :format(os.getenv("ORUN_SAN") or "", h.root, h.root, h.lib), {cwd = dir})
  assert(built.code == 0, built.err)
  local r = h.sh("./cycle " .. rounds, {cwd = dir, limit = 60 + rounds})
  assert(r.code == 0, r.err)
  local losses = 0
  for name, count in r.out:gmatch("(%a+) ([+-]%d+)") do
    -- A sanitizer has maps of its own.
    local counts = name ~= "maps" or h.variant == ""
    if counts and tonumber(count) > 0 then losses = losses + 1 end
  end
  return losses, r.out:match("[^\n]*")
end

--- As many runs at once, each with a task, a program and an output of its own
--- in a file.
local function runs(rounds)
  local dir = h.tmpdir()
  h.write(dir .. "/run.lua", [[
    local n = ...
    orun.agent{name = "many", command = {"sh", "-c", "yes " .. n .. " | head -n 30000"}}
    local flood = Task{subagent_type = "many", prompt = "x", run_in_background = true}
    local one = Task{run = function(i) return i end, input = n}.output
    local whole = io.open(TaskOutput(flood).output_file):read("a")
    local right = whole == (n .. "\n"):rep(30000)
    print(one, orun.exec("echo", n).output == n .. "\n" and right)]])
  local r = h.sh(("i=0; while [ $i -lt %d ]; do i=$((i+1)); %s run.lua $i & done; wait")
    :format(rounds, h.quote(h.bin)), {cwd = dir, limit = 60 + rounds, env = {TMPDIR = dir}})
  local right = 0
  for line in r.out:gmatch("[^\n]+") do
    if line:match("^%d+\ttrue$") then right = right + 1 end
  end
  return rounds - right, r.err:match("[^\n]*")
end

return {
  {
    name = "runtimes", promise = "a freed runtime leaves no byte, file, thread, process",
    rounds = 1000, short = 16, run = runtimes,
  },
  {
    name = "runs", promise = "runs at the same time do not meet",
    rounds = 1000, short = 10, run = runs,
  },
}
