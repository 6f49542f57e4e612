--- orphans: no process outlives a run, however it ends; stops-programs: nor its
--- task, whatever it does.

local h = require "spec.support.helper"
local strays = require "spec.support.strays"

local AT_ONCE <const> = 4 -- rounds

-- What a program may do to stay; each is a shell script that has begun to live
-- when it appends a line to the file `up`. `deaf` ones need the whole grace.
local HABITS <const> = {
  {name = "plain", text = "sleep 1000 & echo >> up; exec sleep 1000"},
  {name = "setsid", text = "setsid sleep 1000 & echo >> up; exec setsid -w sleep 1000"},
  {name = "double fork",
    text = "(setsid sh -c 'sleep 1000 & sleep 1000' &); echo >> up; sleep 1000"},
  {name = "stopped", text = "sleep 1000 & echo >> up; kill -STOP $$"},
  {name = "closed", text = "exec <&- >&- 2>&-; sleep 1000 & echo >> up; sleep 1000"},
  {name = "pipe held", text = "setsid sleep 1000 & sleep 1000 & echo >> up; kill -9 0"},
  {name = "own group", text = "set -m; sleep 1000 & sleep 1000 & set +m; echo >> up; wait"},
  {name = "forks", text = "echo >> up; while :; do sleep 0.05 & wait; done"},
  {name = "deaf", deaf = true,
    text = "trap '' TERM; setsid sleep 1000 & echo >> up; while :; do sleep 0.1; done"},
  {name = "all deaf", deaf = true,
    text = "trap '' TERM INT HUP; (setsid sh -c 'sleep 1000; sleep 1000' &); "
      .. "echo >> up; sleep 1000; sleep 1000"},
}

-- A script that starts one program of each habit, one behind os.execute and one
-- behind io.popen, leaves others in the background, and ends as told when the
-- file `go` is there.
local function script(deaf, last)
  local parts, n = {[[
    orun.config{processes = 100}
    orun.agent{name = "sh", command = {"sh", "-c", "eval \"$SCRIPT\""}}
    local function sh(text)
      Task{subagent_type = "sh", prompt = "p", env = {SCRIPT = text},
        run_in_background = true}
    end
    os.execute("echo $PPID > supervisor; cut -d ' ' -f 4 /proc/$PPID/stat > guard")
    os.execute("setsid sleep 1000 & sleep 1000 &")
    local pipe = io.popen("echo >> up; cat; sleep 1000", "w")
    Task{run_in_background = true, run = function()
      os.execute("setsid sleep 1000 & echo >> up; sleep 1000")
    end}]]}, 2
  for _, habit in ipairs(HABITS) do
    if deaf or not habit.deaf then
      parts[#parts + 1] = ("sh(%q)"):format(habit.text)
      n = n + 1
    end
  end
  parts[#parts + 1] = [[while not io.open("go") do orun.sleep(0.02) end]]
  parts[#parts + 1] = last
  return table.concat(parts, "\n"), n
end

local function appears(p, file, lines)
  return h.wait_for(function()
    return #h.lines(h.read(p.m.dir .. "/" .. file) or "") >= (lines or 1)
  end, 60)
end

local function go(p)
  h.write(p.m.dir .. "/go", "")
end

-- Kill the process whose number the script has written to `file`. orun lives on:
-- what it had started must be gone all the same.
local function kill_written(file)
  return function(p)
    h.sh("kill -9 " .. h.read(p.m.dir .. "/" .. file))
    local gone = h.wait_for(function() return #strays.alive(p.m, p.pid) == 0 end)
    go(p)
    return gone and 0 or #strays.alive(p.m, p.pid)
  end
end

-- A signal, and in every second round a second one.
local function signal(name)
  return function(p, round)
    p:kill(name)
    if round % 2 == 0 then p:kill(name == "INT" and "TERM" or "INT") end
  end
end

-- How a run may end; `deaf` where programs have no grace, so it costs nothing.
local WAYS <const> = {
  {name = "normal", finish = go},
  {name = "error", last = "error('the script fails')", finish = go},
  {name = "exit", last = "os.exit(3)", finish = go},
  {name = "int", finish = signal "INT"},
  {name = "term", finish = signal "TERM"},
  {name = "hup", finish = signal "HUP"},
  {name = "quit", deaf = true, finish = function(p) p:kill("QUIT") end},
  {name = "kill", deaf = true, finish = function(p) p:kill("KILL") end},
  {name = "crash", deaf = true, finish = function(p)
    -- A sanitizer would take the one for orun's own.
    p:kill(h.variant == "" and "SEGV" or "ABRT")
  end},
  {name = "supervisor", deaf = true, finish = kill_written "supervisor"},
  {name = "guard", deaf = true, finish = kill_written "guard"},
}

local function begin(way, round)
  local m = strays.mark()
  local text, n = script(way.deaf or round % 4 == 0, way.last or "")
  h.write(m.dir .. "/s.lua", text)
  local p = h.start{"--no-wait", "s.lua", cwd = m.dir, env = m.env}
  p.m, p.n, p.round = m, n, round
  return p
end

-- Rounds side by side: what each leaves when it is ended in that way.
local function rounds_of(way, first, last)
  local all, losses = {}, 0
  for round = first, last do all[#all + 1] = begin(way, round) end
  for _, p in ipairs(all) do
    assert(appears(p, "up", p.n), "the programs did not start")
  end
  for _, p in ipairs(all) do
    losses = losses + (way.finish(p, p.round) or 0)
  end
  for _, p in ipairs(all) do
    assert(p:wait(60), "orun did not end")
    losses = losses + strays.left(p.m)
    h.sh("rm -rf " .. h.quote(p.m.dir))
  end
  return losses
end

local function ends(way)
  return function(rounds)
    local losses = 0
    for first = 1, rounds, AT_ONCE do
      losses = losses + rounds_of(way, first, math.min(first + AT_ONCE - 1, rounds))
    end
    return losses
  end
end

-- One round: a program of each habit, ended by a time-out, by TaskStop or by its
-- task's end, in a run that goes on. Losses: wrong ends, and what is left while
-- the run still lives.
local STOPS <const> = [[
  orun.config{processes = 100}
  orun.agent{name = "sh", command = {"sh", "-c", "eval \"$SCRIPT\""}}
  local round, losses = tonumber((...)), 0
  local function check(r, ...)
    for _, kind in ipairs{...} do
      if r.error_kind == kind then return end
    end
    losses = losses + 1
  end
  local function up(i)
    while not io.open("up" .. i) do orun.sleep(0.02) end
  end
  local running = {}
  for i, habit in ipairs(HABITS) do
    habit = habit:gsub(">> up", "> up" .. i)
    local how = (round + i) % 3
    local t = {run_in_background = true, env = {SCRIPT = habit}, subagent_type = "sh",
      prompt = "p"}
    if how == 2 then -- behind a Lua task
      t.env, t.subagent_type, t.prompt = nil, nil, nil
      t.input = habit
      t.run = function(text)
        if #text % 2 == 0 then os.execute(text) else io.popen(text):read("a") end
        orun.sleep("1h")
      end
    end
    if how ~= 1 then t.timeout = 1 end
    running[i] = {how = how, task = Task(t)}
  end
  for i, one in ipairs(running) do
    if one.how == 1 then
      up(i)
      TaskStop(one.task)
    end
  end
  for _, one in ipairs(running) do
    check(TaskOutput(one.task), one.how == 1 and "cancelled" or "timeout", "signal")
  end
  print(losses)
  io.stdout:flush()
  while not io.open("go") do orun.sleep(0.02) end
]]

local function stops(rounds)
  local losses, texts = 0, {}
  for i, habit in ipairs(HABITS) do texts[i] = ("%q"):format(habit.text) end
  for round = 1, rounds do
    local m = strays.mark()
    h.write(m.dir .. "/s.lua", ("local HABITS = {%s}\n"):format(table.concat(texts, ", "))
      .. STOPS)
    local p = h.start{"s.lua", tostring(round), cwd = m.dir, env = m.env}
    p.m = m
    assert(h.wait_for(function() return p:printed():find("\n") end, 60), "it did not end")
    losses = losses + assert(tonumber((p:printed())))
    if not h.wait_for(function() return #strays.alive(m, p.pid) == 0 end) then
      losses = losses + #strays.alive(m, p.pid)
    end
    go(p)
    assert(p:wait(60), "orun did not end")
    losses = losses + strays.left(m)
    h.sh("rm -rf " .. h.quote(m.dir))
  end
  return losses
end

local measures = {}
for i, way in ipairs(WAYS) do
  measures[i] = {
    name = "orphans-" .. way.name, promise = "no process is left after " .. way.name,
    rounds = 200, short = 3, run = ends(way),
  }
end
measures[#measures + 1] = {
  name = "stops-programs", promise = "a stopped program takes all of its own along",
  rounds = 200, short = 2, run = stops,
}
return measures
