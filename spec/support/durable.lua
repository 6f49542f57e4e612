--- Durable runs that are killed, over and over, and gone on with: what was shown of them
--- stays as it was, and is not done again.
---
--- The run's script tells a file beside its store what begins and which outcomes it was
--- shown, with a word that no other execution has. This file knows nothing of stores: it
--- is the oracle.

local h = require "spec.support.helper"

local M = {}

--- The script: functions, programs, agents, items with workers, equal tasks, tasks of tasks,
--- what uses a result, and what fails, in another order each time.
M.WORK = [[
local orun = require "orun"
local function note(...)
  local f <close> = assert(io.open("log", "a"))
  f:write(table.concat({...}, " "), "\n")
end
local function word()
  local f <close> = assert(io.open "/proc/sys/kernel/random/uuid")
  return f:read "l"
end
local function shown(name, result)
  local its = (result.output or result.error):match "%x+%-[%x-]+"
  note(its and "shown" or "lost", name, result.status, its or result.error)
  return result
end
local function work(name)
  note("begin", name)
  orun.sleep(0.002)
  return word()
end
local PROGRAM = "echo begin $0 >>log; sleep 0.003; read -r w </proc/sys/kernel/random/uuid; "
orun.agent{name = "agent", command = {"sh", "-c", PROGRAM .. "read -r name; echo $w", "agent"}}

local starts, tasks = {}, {}
local function start(name, fields)
  fields.description, fields.run_in_background = name, true
  starts[#starts + 1] = {name, fields}
end
for i = 1, 4 do
  start("function" .. i, {run = work, input = "function" .. i})
  start("program" .. i, {command = {"sh", "-c", PROGRAM .. "echo $w", "program" .. i}})
  start("twin", {run = work, input = "twin"})
end
start("agent", {subagent_type = "agent", prompt = "agent"})
start("long", {command = {"sh", "-c", PROGRAM .. "echo $w; seq 20000", "long"}})
start("bad", {run = function(name) error(work(name), 0) end, input = "bad"})
start("exit", {command = {"sh", "-c", PROGRAM .. "echo $w; exit 3", "exit"}})
start("parent", {run = function()
  note("begin", "parent")
  local children = {}
  for i = 1, 3 do
    children[i] = orun.start{run = work, input = "child" .. i}
  end
  for i, child in ipairs(children) do shown("child" .. i, TaskOutput(child)) end
  return word()
end})
for i = #starts, 2, -1 do
  local j = math.random(i)
  starts[i], starts[j] = starts[j], starts[i]
end
local of
for i, s in ipairs(starts) do
  tasks[i] = Task(s[2])
  if s[1] == "function1" then of = tasks[i] end
end
starts[#starts + 1] = {"user"}
tasks[#tasks + 1] = orun.start{input = {of = of}, run = function(input)
  note("begin", "user")
  return input.of
end}
local items = {}
for i = 1, 5 do
  items[i] = TaskCreate{description = "item" .. i}
end
for _ = 1, 2 do
  starts[#starts + 1] = {"worker"}
  tasks[#tasks + 1] = orun.start{run = function()
    note("begin", "worker")
    for item in orun.claim do
      note("begin", item.description)
      orun.sleep(0.002)
      TaskUpdate{task_id = item, status = "completed", output = word()}
    end
    return word()
  end}
end
local result = {}
for i, task in ipairs(tasks) do
  local r = shown(starts[i][1], TaskOutput(task))
  result[i] = table.concat({starts[i][1], r.status, (r.output or r.error):match "%x+%-[%x-]+"}, " ")
end
for i, item in ipairs(items) do
  local r = shown("item" .. i, TaskOutput(item))
  result[#result + 1] = table.concat({"item" .. i, r.status, r.output}, " ")
end
local f <close> = assert(io.open("result", "w"))
f:write(table.concat(result, "\n"), "\n")
]]

-- How many executions there are of each name.
local COUNT <const> = {twin = 4, worker = 2}

-- Names of all that the result must have.
local function expected()
  local all = {}
  for i = 1, 4 do all["function" .. i], all["program" .. i] = 1, 1 end
  for i = 1, 5 do all["item" .. i] = 1 end
  for _, name in ipairs{"agent", "long", "bad", "exit", "parent", "user"} do all[name] = 1 end
  for name, n in pairs(COUNT) do all[name] = n end
  return all
end

-- What the log has that may not be: an outcome that was another one, or a beginning behind
-- the last outcome of that name; and the outcomes, by name.
local function read_log(dir)
  local shown, wrong = {}, {}
  for n, line in ipairs(h.lines(h.read(dir .. "/log") or "")) do
    local kind, name, rest = line:match("^(%S+) (%S+) ?(.*)$")
    local known = shown[name] or {n = 0}
    shown[name] = known
    local most = COUNT[name] or 1
    if kind == "begin" and known.n >= most then
      wrong[#wrong + 1] = ("line %d: %s began again"):format(n, name)
    elseif kind == "shown" and not known[rest] then
      known[rest], known.n = true, known.n + 1
      if known.n > most then wrong[#wrong + 1] = ("line %d: %s is another"):format(n, name) end
    elseif kind == "lost" and rest:find("^completed") then
      wrong[#wrong + 1] = ("line %d: %s has completed with %s"):format(n, name, rest)
    end
  end
  return shown, wrong
end

--- What is wrong with a run that has come to its end: array of lines, empty when all is well.
function M.wrong(dir)
  local shown, wrong = read_log(dir)
  local missing = expected()
  for _, line in ipairs(h.lines(h.read(dir .. "/result") or "")) do
    local name, rest = line:match("^(%S+) (.*)$")
    missing[name] = missing[name] - 1
    if not (shown[name] and shown[name][rest]) then
      wrong[#wrong + 1] = ("the result has %s, which was not shown"):format(line)
    end
  end
  for name, n in pairs(missing) do
    local known = shown[name] and shown[name].n or 0
    if n ~= 0 or known ~= (COUNT[name] or 1) then
      wrong[#wrong + 1] = ("%s: %d are missing, %d were shown"):format(name, n, known)
    end
  end
  return wrong
end

-- ---- power cuts ----

local SECTOR <const> = 512

-- The bytes of a file after a cut: those that were synced, and of what was written since
-- some sectors or none.
local function torn(synced, now, torn_too)
  if not torn_too then return synced end
  local pieces = {}
  local size = math.random(2) == 1 and #synced or math.max(#now, #synced)
  for at = 1, size, SECTOR do
    local old, new = synced:sub(at, at + SECTOR - 1), now:sub(at, at + SECTOR - 1)
    local piece = math.random(2) == 1 and new or old
    pieces[#pieces + 1] = piece .. ("\0"):rep(math.min(SECTOR, size - at + 1) - #piece)
  end
  return table.concat(pieces):sub(1, size)
end

--- Cut the power of a process that is gone: in `dir` the files of `run.db` become what
--- powercut.c has kept of them in `dir/disk`.
function M.cut(dir, torn_too)
  local names = h.read(dir .. "/disk/names")
  if not names then return end
  local files = {}
  for id, name in names:gmatch("(%S+) (%S+)\n") do
    local now = h.read(dir .. "/" .. name) or ""
    files[name] = torn(h.read(dir .. "/disk/" .. id) or "", now, torn_too)
  end
  os.execute("rm -rf " .. h.quote(dir) .. "/run.db* " .. h.quote(dir) .. "/disk")
  for name, bytes in pairs(files) do h.write(dir .. "/" .. name, bytes) end
end

-- ---- lives ----

--- The programs and the preload, built once into a folder: {kill =, cut =}.
function M.build()
  local dir = h.tmpdir()
  local function cc(options, name, source)
    local r = h.sh(("cc -std=c11 -O1 %s -o %s/%s spec/support/%s"):format(options, h.quote(dir),
      name, source))
    assert(r.code == 0, r.err)
    return dir .. "/" .. name
  end
  return {kill = cc("", "kill", "kill.c"), cut = cc("-shared -fPIC", "powercut.so", "powercut.c")}
end

-- What orun is started with; nothing of the run that this is in.
local function alone(dir)
  return {"env", "-u", "ORUN_SOCKET", "-u", "ORUN_TASK_TOKEN", "-u", "ORUN_STORE",
    "XDG_STATE_HOME=" .. dir .. "/state"}
end

local function orun_words(dir, words)
  table.move({h.bin, "--no-history", "-q", "--store", "run.db"}, 1, 5, #words + 1, words)
  if h.exists(dir .. "/run.db") then words[#words + 1] = "--resume" end
  words[#words + 1] = "work.lua"
  return words
end

local function command(life, lines)
  local words = alone(life.dir)
  table.move({life.tools.kill, "log", tostring(lines), tostring(math.random(0, 4000)),
    math.random(2) == 1 and "one" or "all", "env"}, 1, 6, #words + 1, words)
  if life.cut then
    local disk = life.dir .. "/disk"
    h.sh("mkdir -p " .. h.quote(disk))
    table.move({"LD_PRELOAD=" .. life.tools.cut, "POWERCUT_STORE=" .. life.dir .. "/run.db",
      "POWERCUT_DISK=" .. disk, "POWERCUT_SLOW=1500",
      "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"}, 1, 5, #words + 1, words)
  end
  return orun_words(life.dir, words)
end

--- A run that is killed again and again until it has come to its end. In a task.
-- @param life  {tools = what `build` gives, seed = number, kills = at most so many; cut = true:
--              the power is cut with each, torn = true: some of what was not synced is there}
-- @return how often it was killed, and what is wrong: array of lines
function M.life(life)
  math.randomseed(life.seed)
  life.dir = h.tmpdir()
  h.write(life.dir .. "/work.lua", M.WORK)
  h.write(life.dir .. "/log", "")
  local kills = 0
  while true do
    local lines = kills < life.kills and math.random(0, 14) or math.maxinteger // 2
    local r = Task{command = command(life, lines), cwd = life.dir}
    if r.status == "completed" then return kills, M.wrong(life.dir) end
    -- Nothing was kept when it was killed before it had begun a run.
    local none = r.error:find("no run of", 1, true) or r.error:find("no run is kept", 1, true)
    if r.exit_code ~= 137 and not none then
      return kills, {("exit code %s: %s"):format(r.exit_code, r.error)}
    end
    if none then
      os.execute(("cd %s && rm -rf run.db* disk"):format(h.quote(life.dir)))
    else
      kills = kills + 1
      if life.cut then M.cut(life.dir, life.torn) end
    end
  end
end

-- Processes that are in this folder.
local function left_in(dir)
  local r = h.sh("ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -F -- " .. h.quote("-> " .. dir))
  return r.out
end

-- Run it in `dir`, as an array of words before it says: {code =, error = what it has said}.
local function run_in(dir, before)
  local words = alone(dir)
  words[#words + 1] = "REFUSE_COUNT=" .. dir .. "/refused"
  table.move(before, 1, #before, #words + 1, words)
  local r = Task{command = orun_words(dir, words), cwd = dir}
  return {code = r.exit_code, error = orun.output(r.task_id, "stderr"):tail()}
end

--- A run of which some calls of the system are refused, and another that goes on with it,
--- or begins when there is none. In a task.
-- @param refused  array of words: refuse.c's program, and its arguments before the command
-- @return of both an array: {code =, error = what it has said, wrong = lines about what was
--   shown}; `left`: what of the first was there behind its end, "" when nothing; `refused`: how
--   many calls were
function M.refused(refused)
  local dir = h.tmpdir()
  h.write(dir .. "/work.lua", M.WORK)
  h.write(dir .. "/log", "")
  local first = run_in(dir, refused)
  local count = tonumber(h.read(dir .. "/refused"))
  local left, _, wrong = left_in(dir), read_log(dir)
  first.wrong = wrong
  local second = run_in(dir, {})
  if second.error:find("no run of", 1, true) then
    os.execute(("rm -f %s/run.db*"):format(h.quote(dir)))
    second = run_in(dir, {})
  end
  second.wrong = M.wrong(dir)
  return {first, second, left = left, refused = count}
end

--- What is wrong with what M.refused gives, whatever was refused: array of lines.
function M.misjudged(tries)
  local first, second = tries[1], tries[2]
  local all = table.move(first.wrong, 1, #first.wrong, 1, {})
  local function must(holds, text) if not holds then all[#all + 1] = text end end
  if first.code ~= 0 then -- 1: it was not begun
    must(first.code == 74 or first.code == 1, "exit code " .. tostring(first.code))
    must(first.error:find("run.db", 1, true), "the store is not named: " .. first.error)
    must(first.code == 1 or first.error:find(
      "the run was ended, and no result was shown that is not kept", 1, true), first.error)
  end
  must(tries.left == "", "left: " .. tries.left)
  must(second.code == 0, "going on ended with " .. tostring(second.code) .. ": " .. second.error)
  return table.move(second.wrong, 1, #second.wrong, #all + 1, all)
end

--- Lives until there were `rounds` kills, several side by side; the power is cut with each
--- if `fields.cut`. Gives what is wrong, each line with its seed, and how many kills there were.
function M.lives(rounds, fields)
  local tools, first = M.build(), tonumber(os.getenv("ORUN_SEED")) or os.time() * 1000
  local SIDE <const>, KILLS <const> = 4, 12
  local wrong, kills, seed = {}, 0, first
  local function live(life)
    local n, lines = require "spec.support.durable".life(life)
    return {n = n, wrong = lines}
  end
  local running = {}
  while kills < rounds or #running > 0 do
    while kills < rounds and #running < SIDE do
      seed = seed + 1
      running[#running + 1] = {seed, Task{run = live, run_in_background = true,
        input = {tools = tools, seed = seed, kills = KILLS, cut = fields.cut,
                 torn = fields.cut and seed % 2 == 0}}}
    end
    local of, task = table.unpack(table.remove(running, 1))
    local r = TaskOutput(task)
    if r.status ~= "completed" then
      wrong[#wrong + 1] = ("seed %d: %s"):format(of, r.error)
      kills = rounds
    else
      kills = kills + r.output.n
      for _, line in ipairs(r.output.wrong) do
        wrong[#wrong + 1] = ("seed %d: %s"):format(of, line)
      end
    end
    if #wrong > 0 then kills = math.max(kills, rounds) end
  end
  return wrong, kills
end

return M
