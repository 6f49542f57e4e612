-- 19-worktrees.lua — agents that write to one repository, each in a worktree of its own.
--
--     $ orun examples/19-worktrees.lua
--
-- Three writers work at once; nobody touches the files you have open. What they did is
-- merged in order, and the first conflict stops that with nothing broken.

local orun = require "orun"

-- A repository to play with, in a folder that goes at the end.
local made = orun.exec("sh", "-c", [[
  dir=$(mktemp -d) && cd "$dir" && git init -q -b main &&
  printf 'name = demo\nport = 80\n' > config && echo 'A demo.' > README &&
  git add . && git -c user.name=you -c user.email=you@here commit -qm first && pwd -P]])
local repository = made.output:match("[^\n]+")

-- An agent is any program (or preset, or function); here a shell stands in for it.
orun.agent{name = "writer", command = {"sh"}, cwd = repository, isolation = "worktree"}
local function start(description, change)
  return orun.start{subagent_type = "writer", description = description, prompt = change}
end

local port = start("another port", "sed -i 's/80/8080/' config")
local docs = start("more words", "echo 'It has a port.' >> README")
local look = start("only look", "grep -c port config")
TaskOutput(port) -- so that the other one sees its change
local tls = start("use TLS", "sed -i 's/port = 80/port = 443/' config")

for _, task in ipairs{port, docs, look, tls} do
  local w = TaskOutput(task).worktree
  local files = w.unchanged and "nothing" or table.concat(w.files, ", ")
  print(("%s changed %s"):format(task.description, files))
end

local clash = orun.overlaps{port, docs, look, tls}[1]
print(("%s and %s both changed %s"):format(clash.tasks[1], clash.tasks[2], clash.files[1]))

local report = orun.merge{port, docs, look, tls, into = "main"}
for _, merged in ipairs(report.merged) do print("merged " .. merged.task) end
print(("%s is in conflict with %s about %s; it is still on %s"):format(report.conflict.task,
  report.conflict.with[1], report.conflict.files[1], report.conflict.branch))

orun.exec("rm", "-rf", "--", repository)

--> another port changed config
--> more words changed README
--> only look changed nothing
--> use TLS changed config
--> t1 and t4 both changed config
--> merged t1
--> merged t2
--> ~ t4 is in conflict with t1 about config; it is still on orun/[%d-]+%x+/t4%-use%-tls
