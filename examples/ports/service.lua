-- service.lua — a service: what comes into a folder is done, two at a time; nothing that has
-- been read is kept, so it may run for weeks. This one ends when it has seen four.
--
--     $ orun examples/ports/service.lua

local orun = require "orun"
local inbox, _ <close> = require "scratch" ":"

local seen = {}
local function next_job()
  while #seen < 4 do
    for _, file in ipairs(orun.files("*.job", inbox)) do
      if not seen[file.path] then
        seen[file.path], seen[#seen + 1] = true, file.path
        return {description = file.path:match "[^/]+$", command = {"cat", file.path}, keep = false}
      end
    end
    orun.sleep "5ms"
  end
end

local writer = orun.start{command = {"sh", "-c", [[
  for i in 1 2 3 4; do echo "job $i" > $i.tmp; mv $i.tmp $i.job; done]]}, cwd = inbox}
local done = {}
orun.fan_out(next_job, {limit = 2, each = function(result) done[#done + 1] = result.output end})
table.sort(done)
io.write(TaskOutput(writer).ok and table.concat(done) or "")

--> job 1
--> job 2
--> job 3
--> job 4
