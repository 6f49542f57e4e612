--- Scripts as people write them for agents, each interrupted at three places in three ways,
--- edited, and gone on with: what they are, and what runs one such case. The agents are small
--- programs that speak as claude and codex do.

local h = require "spec.support.helper"

local M = {}

-- Tells that it has begun, does what it is asked to write, and answers.
local AGENT <const> = [[#!/bin/sh
prompt=$(cat)
first=$(printf '%s\n' "$prompt" | head -1)
echo "begin $first" >>"$RAN"
case $first in write*) for f in ${first#write }; do echo "$first" >>"$f"; done ;; esac
]]

local CLAUDE <const> = AGENT .. [[
printf '{"type":"system","subtype":"init","session_id":"s","model":"fake"}\n'
printf '{"type":"result","subtype":"success","is_error":false,"result":"did %s",' "$first"
printf '"session_id":"s","num_turns":1,"total_cost_usd":0.01,'
printf '"usage":{"input_tokens":1,"output_tokens":1}}\n'
]]

local CODEX <const> = AGENT .. [[
echo '{"type":"thread.started","thread_id":"t"}'
echo '{"type":"turn.started"}'
printf '{"type":"item.completed","item":{"type":"agent_message","text":"did %s"}}\n' "$first"
echo '{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}'
]]

-- `place(n)`: here it may be interrupted. `shown(r, name)`: the script has seen that result.
local HEAD <const> = [[
local orun = require "orun"
local function note(file, text)
  local f <close> = assert(io.open(file, "a"))
  f:write(text, "\n")
end
local function place(n)
  local at, how = (os.getenv "BREAK" or ""):match "(%d) (%a+)"
  if tonumber(at) ~= n then return end
  if how == "ERROR" then error "a mistake in line 90" end
  os.execute(("kill -%s %d"):format(how, io.open "/proc/self/stat":read "n"))
  orun.sleep(1000)
end
local function shown(r, name)
  assert(r.status == "completed", r.error)
  if not name:find "^worker" then note(os.getenv "RAN", "shown " .. name) end
  return r.output
end
local function final(text) note("final", text) end
orun.agent{name = "claude", preset = "claude"}
orun.agent{name = "codex", preset = "codex"}
local function agent(prompt, more)
  local fields = {subagent_type = "claude", prompt = prompt, description = prompt}
  for k, v in pairs(more or {}) do fields[k] = v end
  return orun.start(fields)
end
]]

--- Array of {name =, text = the script; "<x|y>" is x before and y after the edit; again = what
--- the edit has run again though it was shown; final = what the edited script has told}.
M.SCRIPTS = {
  {
    name = "a review in a fan-out", again = {"sum up"},
    text = [[
      local files, reviews = {"a.c", "b.c", "<c.c|d.c>", "e.c", "f.c"}, {}
      for i, file in ipairs(files) do reviews[i] = agent("review " .. file) end
      place(1)
      for i = 1, 2 do final(shown(TaskOutput(reviews[i]), "review " .. files[i])) end
      place(2)
      for i = 3, 5 do final(shown(TaskOutput(reviews[i]), "review " .. files[i])) end
      local sum = agent("sum up", {subagent_type = "codex", input = reviews})
      final(shown(TaskOutput(sum), "sum up"))
      place(3)]],
    final = "did review a.c,did review b.c,did review d.c,did review e.c,did review f.c,did sum up",
  },
  {
    name = "an analysis, and work in worktrees", repo = true, again = {"write two"},
    text = [[
      local done = orun.analyze_then({subagent_type = "codex", prompt = "analyse"}, {
        plan = function(found)
          note(os.getenv "RAN", "shown analyse")
          place(1)
          final(found)
          local tasks = {}
          for i, file in ipairs{"one", "<two|new>", "three"} do
            tasks[i] = {subagent_type = "claude", prompt = "write " .. file,
                        isolation = "worktree", cwd = "repo"}
          end
          return tasks
        end})
      for _, r in ipairs(done.results) do shown(r, r.output:match "did (.*)") final(r.output) end
      place(2)
      local report = orun.merge(table.move(done.results, 1, 3, 1, {}))
      assert(report.ok, report.error)
      place(3)]],
    final = "did analyse,did write one,did write new,did write three",
  },
  {
    name = "workers that share out a list",
    text = [[
      local items = {}
      for i = 1, 6 do
        local word = i == 4 and "<four|FOUR>" or "item " .. i
        items[i] = {description = word, metadata = {n = i}}
      end
      place(1)
      local seen = 0
      local results = orun.workers(function(item)
        local r = Task{subagent_type = "claude", prompt = item.description}
        note(os.getenv "RAN", "shown " .. item.description)
        if item.metadata.n == 3 then place(2) end
        return r.output
      end, {limit = 2, items = items})
      for _, r in ipairs(results) do final(shown(r, r.output:match "did (.*)")) end
      place(3)]],
    final = "did item 1,did item 2,did item 3,did FOUR,did item 5,did item 6",
  },
  {
    name = "research by a quorum", again = {"write up"},
    stops = true, -- two of five, which were not kept and may begin again
    text = [[
      local asked = {}
      for i = 1, 5 do
        asked[i] = {subagent_type = i % 2 == 0 and "codex" or "claude", prompt = "ask " .. i}
      end
      place(1)
      local votes = orun.quorum(asked, 3)
      assert(votes.ok)
      local deeper = {}
      for i = 1, 2 do deeper[i] = agent(("<deeper|deepest> %d"):format(i)) end
      place(2)
      for i = 1, 2 do final(shown(TaskOutput(deeper[i]), ("<deeper|deepest> %d"):format(i))) end
      final(shown(Task{subagent_type = "claude", prompt = "write up", input = deeper}, "write up"))
      place(3)]],
    final = "did deepest 1,did deepest 2,did write up",
  },
  {
    name = "a build with reads and writes",
    text = [[
      local function step(name, reads, writes)
        return orun.start{description = name, reads = reads, writes = {writes},
          command = {"sh", "-c", 'echo begin $0 >>"$RAN"; f=$1; shift; cat "$@" >$f; echo built $f',
                     name, writes, table.unpack(reads)}}
      end
      for name, text in pairs{a = "one", b = "<two|TWO>"} do
        local f = io.open(name)
        local was = f and f:read "a"
        if f then f:close() end
        if was ~= text then local new <close> = io.open(name, "w") new:write(text) end
      end
      place(1)
      local a, b = step("compile a", {"a"}, "a.o"), step("compile b", {"b"}, "b.o")
      shown(TaskOutput(a), "compile a")
      place(2)
      shown(TaskOutput(b), "compile b")
      local all = orun.start{description = "link", reads = {"a.o", "b.o"}, writes = {"all"},
        blockedBy = {a, b}, command = {"sh", "-c",
          'echo begin link >>"$RAN"; cat a.o b.o >all; echo linked'}}
      shown(TaskOutput(all), "link")
      local f <close> = io.open "all"
      final(f:read "a")
      place(3)]],
    again = {"link", "compile b"}, final = "oneTWO",
  },
}

M.WAYS = {"INT", "KILL", "ERROR"}

-- With `failed` what has failed runs again: an error may have been in a task.
local function run(dir, script, edited, where, failed)
  local text = script.text:gsub("<([^<>|]*)|([^<>|]*)>", edited and "%2" or "%1")
  h.write(dir .. "/work.lua", HEAD .. text)
  os.remove(dir .. "/final")
  local words = {"env", "-u", "ORUN_SOCKET", "-u", "ORUN_TASK_TOKEN", "-u", "ORUN_STORE",
    "PATH=" .. dir .. "/bin:" .. os.getenv "PATH", "RAN=" .. dir .. "/ran", "BREAK=" .. where,
    "XDG_STATE_HOME=" .. dir .. "/state", h.bin, "--no-history", "-q",
    "--store", "run.db"}
  if h.exists(dir .. "/run.db") then words[#words + 1] = "--resume" end
  if failed then words[#words + 1] = "--retry-failed" end
  words[#words + 1] = "work.lua"
  local r = Task{command = words, cwd = dir}
  return r.exit_code, orun.output(r.task_id, "stderr"):tail() .. (r.error or "")
end

-- What has begun again though it was shown, but for what `again` names.
local function begun_again(dir, again)
  local shown, wrong = {}, {}
  for _, line in ipairs(h.lines(h.read(dir .. "/ran") or "")) do
    local kind, name = line:match("^(%a+) (.*)$")
    if kind == "shown" then
      shown[name] = true
    elseif shown[name] and not again[name] then
      wrong[#wrong + 1] = name .. " began again"
    end
  end
  return wrong
end

local function begins(dir)
  local _, n = (h.read(dir .. "/ran") or ""):gsub("begin [^\n]*", "")
  return n
end

--- Interrupt a script, edit it, go on; and once more without an edit. In a task.
-- @param n      its number in SCRIPTS
-- @param place  1, 2 or 3
-- @param way    one of WAYS
-- @return array of what is wrong, empty when all is well
function M.try(n, place, way)
  local script, dir, wrong = M.SCRIPTS[n], h.tmpdir(), {}
  assert(h.sh(("mkdir %s/bin"):format(dir)).code == 0)
  h.write(dir .. "/bin/claude", CLAUDE)
  h.write(dir .. "/bin/codex", CODEX)
  if script.repo then
    assert(h.sh(("cp -r %s %s/repo"):format(require "spec.support.repo".new(), dir)).code == 0)
  end
  assert(h.sh(("chmod +x %s/bin/*"):format(dir)).code == 0)
  local function add(...)
    wrong[#wrong + 1] = ("at %d, by %s: "):format(place, way) .. table.concat({...}, " ")
  end
  local code, said = run(dir, script, false, ("%d %s"):format(place, way))
  if code == 0 then add("it was not interrupted:", said) end
  local again = {}
  for _, name in ipairs(script.again or {}) do again[name] = true end
  for try = 1, 2 do
    local before = begins(dir)
    code, said = run(dir, script, true, "", way == "ERROR" and try == 1)
    if code ~= 0 then add("try", try, "exit code", code, said) end
    local final = table.concat(h.lines(h.read(dir .. "/final") or ""), ",")
    if final ~= script.final then add("try", try, "told", final) end
    local kept = try == 2 and not script.stops
    if kept and begins(dir) > before then add("something ran when all was kept") end
  end
  for _, what in ipairs(begun_again(dir, again)) do add(what) end
  return wrong
end

return M
