--- orun tasks --watch: what is on the screen, what the keys do, how it ends.

local h = require "spec.support.helper"
local screen = require "spec.support.screen"

-- One that runs, one that queues, one that is blocked; and what `more` adds.
local RUN <const> = [[
local orun = require "orun"
orun.agent{name = "build", limit = 1,
  command = {"sh", "-c", "cat; echo 'no icon' >&2; while :; do sleep 1; done"}}
local function build(name, text)
  return Task{subagent_type = "build", description = name, prompt = text or "compiling\n",
    run_in_background = true}
end
local first = build("the server", ...)
local second = build("the client")
Task{description = "ship it", run = print, blockedBy = {second}, run_in_background = true}
%s
orun.sleep(1000)]]

local started = {}

local function begin(opts)
  local run = h.start(opts)
  started[#started + 1] = run
  return run
end

-- Start a run in a place of its own; it is there when this returns.
local function start(more, words)
  local dir = h.tmpdir()
  local env = {XDG_RUNTIME_DIR = dir}
  h.write(dir .. "/plan.lua", RUN:format(more or ""))
  local all = {"plan.lua", cwd = dir, env = env}
  for i, word in ipairs(words or {}) do all[i + 1] = word end
  local run = begin(all)
  assert(h.wait_for(function()
    return h.orun{"tasks", env = env}.out:find("ship it", 1, true)
      and h.orun{"tasks", "output", "t1", env = env}.out ~= ""
  end), "the run cannot be found")
  return env, dir, run
end

local function watch(env, columns, rows)
  return screen.open(h.quote(h.bin) .. " tasks --watch",
    {columns = columns, rows = rows, env = env})
end

local TIME <const> = "%d[%d.]* %S*s" -- "250 ms"
local WIDE <const> = 6 -- as "250 ms" is

-- The same at any time: T for each duration, in a column as wide as it mostly is, beside what
-- stands before it: how wide it is on the screen depends on the times it had to hold.
local function timeless(text)
  text = text:gsub("^(plan%.lua )%s*%d[%d ms]* s ", "%1 T ")
  text = text:gsub("completed  " .. TIME .. "  ", "completed  T  ")
  local head = ("\n" .. text):match("\n(ID [^\n]-TIME)")
  if not head then return text end
  local width, kept = #head, 0 -- kept: of what stands before the times
  local function cells(line, with)
    local at = utf8.offset(line, width + 1) or #line + 1
    local left, rest = line:sub(1, at - 1), line:sub(at)
    local time = left:match("TIME$") or left:match(TIME .. "$") or ""
    return with(left:sub(1, #left - #time), time, rest)
  end
  for line in text:gmatch("[^\n]+") do
    if line:find("^t%d") or line:find("^ID") then
      cells(line, function(before) kept = math.max(kept, #before:match("^(.-) *$")) end)
    end
  end
  return (text:gsub("[^\n]+", function(line)
    if not line:find("^t%d") and not line:find("^ID") then return line end
    return cells(line, function(before, time, rest)
      local state = before:match("^(.-) *$")
      if time ~= "" and time ~= "TIME" then time = "T" end
      return state .. (" "):rep(kept - #state + 2 + WIDE - #time) .. time .. rest
    end)
  end))
end

local function finish(run)
  run:kill("TERM")
  assert(run:wait())
end

after_each(function()
  for _, run in ipairs(started) do
    if run:state() then run:kill("KILL") end
  end
  started = {}
end)

describe("the watched list", function()
  it("has three tasks on 80 × 24", function()
    local env = start()
    local s <close> = watch(env, 80, 24)
    assert.equal([[
plan.lua  T  1 running, 1 queued, 1 blocked
ID  STATE      TIME  AGENT  TASK
t1  running       T  build  the server: compiling
t2  queued           build  the client: waits for a slot of build
t3  blocked                 ship it: blocked by t2
]] .. ("\n"):rep(18) .. [[
Enter output  s stop  S stop all  D drain  / filter  Tab which  ? keys  q quit]],
      timeless(s:shows("compiling.*q quit")))
  end)

  it("has thirty on 200 × 50, with what they do in a column", function()
    local env = start([[
      for i = 1, 27 do build("part " .. i) end]])
    local s <close> = watch(env, 200, 50)
    s:shows("\n28 queued\n.*q quit")
    s:keys("Tab")
    local text = timeless(s:shows("shown: not ended.*part 27 .*ship it +blocked.*q quit"))
    assert.equal([[
plan.lua  T  1 running, 28 queued, 1 blocked  shown: not ended
ID   STATE      TIME  AGENT  TASK        NOW
t1   running       T  build  the server  compiling
t2   queued           build  the client  waits for a slot of build
t4   queued           build  part 1      waits for a slot of build
t5   queued           build  part 2      waits for a slot of build]], text:match("^" ..
      ("[^\n]*\n"):rep(5) .. "[^\n]*"))
    assert.matches("\nt30  queued           build  part 27     waits for a slot of build\n"
      .. "t3   blocked                 ship it     blocked by t2\n\n", text)
  end)

  it("has a page of three thousand, and is moved in them by keys", function()
    local env = start([[for i = 1, 2997 do TaskCreate{description = "page " .. i} end]])
    local s <close> = watch(env, 80, 12)
    s:shows("\n2998 queued\n.*q quit")
    s:keys("Down", "Enter")
    s:shows("shown: queued.*page 7\n.*q quit")
    s:keys("Escape", "Tab")
    s:shows("shown: not ended.*page 7\n.*q quit")
    s:keys("End")
    assert.equal([[
plan.lua  T  1 running, 2998 queued, 1 blocked  shown: not ended
ID     STATE    TASK
t2993  free     page 2990
t2994  free     page 2991
t2995  free     page 2992
t2996  free     page 2993
t2997  free     page 2994
t2998  free     page 2995
t2999  free     page 2996
t3000  free     page 2997
t3     blocked  ship it: blocked by t2
Enter output  s stop  S stop all  D drain  / filter  Tab which  ? keys  q quit]],
      timeless(s:shows("2998 queued.*t3     blocked")))
    s:keys("PageUp", "PageUp", "k")
    s:shows("page 2979\n.*page 2987\nEnter")
    s:keys("Home", "j", "j", "j")
    s:shows("compiling")
    s:keys("/", "E 9", "8", "7", "BSpace", "8", "Enter")
    assert.equal([[
plan.lua  T  1 queued  shown: not ended  with: E 988
ID    STATE  TASK
t991  free   page 988]], timeless(s:shows("with: E 988\n[^\n]*\n[^\n]*988\n\n")):match("^(.-)\n\n"))
  end)

  it("has room on 20 × 5, and says where it has none", function()
    local env = start()
    local s <close> = watch(env, 20, 5)
    s:shows("t3.*q quit")
    assert.equal([[
1 running, 1 queued…
t1  running  the se…
t2  queued   the cl…
t3  blocked  ship i…
? keys  q quit]], s:text())
    s:resize(19, 4)
    s:shows("^too small$")
    s:resize(60, 8)
    assert.equal([[
plan.lua  T  1 running, 1 queued, 1 blocked
ID  STATE      TIME  AGENT  TASK
t1  running       T  build  the server: compiling
t2  queued           build  the client: waits for a slot of…
t3  blocked                 ship it: blocked by t2


Enter output  s stop  / filter  Tab which  ? keys  q quit]],
      timeless(s:shows("ID.*t3.*Enter")))
  end)

  it("shows the tasks that are asked for, and which keys there are", function()
    local env = start([[Task{description = "bad", run_in_background = true,
      run = function() error("it is broken", 0) end}]])
    local s <close> = watch(env, 100, 24)
    s:shows("t4  failed +%S+ %S+ +bad +it is broken\n")
    s:keys("Tab")
    s:shows("shown: not ended\n.*ship it")
    assert(h.wait_for(function() return not s:text():find("broken") end))
    s:keys("Tab")
    s:shows("shown: failed\n[^\n]*\nt4 +failed")
    assert(h.wait_for(function() return not s:text():find("ship it") end))
    s:keys("?")
    s:shows("S +stop all tasks %(asks%)")
    s:keys("Space", "Tab")
    s:shows("ship it")
  end)

  it("lets nothing that tasks say drive the terminal", function()
    local env = start([[
      Task{description = "\27[2J\27]0;owned\7\u{202e}\nforged", run_in_background = true,
        run = function() orun.report{activity = "\27[31mred\r"} orun.sleep(1000) end}]],
      {"\27[2J\27[31mred\27[0m \7 plain\nwritten\rover\r\nlast\n"})
    local s <close> = watch(env, 160, 12)
    s:shows("\\x1b%[2J\\x1b%]0;owned\\x07<U%+202E> forged")
    assert.matches("\\x1b%[31mred", s:text())
    s:keys("Enter")
    local text = s:shows("\nlast\n")
    assert.matches("\n\\x1b%[2Jred \\x07 plain\nover\nlast\n", text)
  end)
end)

describe("a watched output", function()
  it("follows the end, is scrolled from the first byte on, and has the other stream", function()
    local dir, text = h.tmpdir(), {}
    local env = {XDG_RUNTIME_DIR = dir}
    for i = 1, 20000 do text[i] = ("line %05d"):format(i) end
    h.write(dir .. "/long", table.concat(text, "\n") .. "\n")
    h.write(dir .. "/plan.lua", [[
      local orun = require "orun"
      orun.agent{name = "log", command = {"sh", "-c", "cat long; echo oh no >&2; cat"}}
      local log = Task{subagent_type = "log", description = "a log", prompt = "end\n"}
      orun.sleep(1000)]])
    begin{"plan.lua", cwd = dir, env = env}
    assert(h.wait_for(function()
      return h.orun{"tasks", "--all", env = env}.out:find("completed", 1, true)
    end))
    local s <close> = watch(env, 60, 12)
    s:shows("t1 +completed")
    s:keys("Enter")
    assert.equal([[
t1 a log
completed  T  log
stdout: 215 KiB, the end
line 19994
line 19995
line 19996
line 19997
line 19998
line 19999
line 20000
end
e other stream  s stop  q back]],
      timeless(s:shows("\nend\n")))
    s:keys("PageUp")
    s:shows("scrolled\nline 19986\n.*19993\ne other")
    s:keys("Home")
    s:shows("\nline 00001\n.*00008\ne other")
    s:keys("PageDown", "Down")
    s:shows("\nline 00010\n.*00017\ne other")
    s:keys("End")
    s:shows("the end\n.*\nend\n")
    s:keys("e")
    s:shows("stderr: 6 bytes, the end\noh no\n")
    s:keys("q")
    s:shows("Tab which  %? keys  q quit$")
  end)

  it("comes while it is printed, and reads on where a piece ended", function()
    local dir = h.tmpdir()
    local env = {XDG_RUNTIME_DIR = dir}
    h.write(dir .. "/plan.lua", [[
      local orun = require "orun"
      orun.agent{name = "log", command = {"sh", "-c", "mkfifo f; cat f f"}}
      Task{subagent_type = "log", prompt = "x", run_in_background = true}
      orun.sleep(1000)]])
    begin{"plan.lua", cwd = dir, env = env}
    assert(h.wait_for(function() return h.sh("test -p f", {cwd = dir}).code == 0 end))
    local s <close> = watch(env, 40, 12)
    s:shows("t1")
    s:keys("Enter")
    s:shows("nothing yet")
    h.sh("printf 'one\\ntwo \\303' >f", {cwd = dir})
    s:shows("9 bytes, following\none\ntwo\n")
    h.sh("printf '\\251\\nthree' >f", {cwd = dir})
    s:shows("the end\none\ntwo é\nthree\n")
  end)
end)

describe("stopping", function()
  it("asks, and stops the task that was meant", function()
    local env = start()
    local s <close> = watch(env, 80, 24)
    s:shows("t3")
    s:keys("j", "s")
    s:shows("\nstop t2 %(the client%)%? %(y/n%)$")
    s:keys("n")
    s:shows("q quit$")
    s:keys("s", "y")
    s:shows("t2  cancelled +build  the client\n")
    assert.matches("t3  cancelled +ship it: blocked: t2 %(the client%) cancelled", s:text())
    assert.matches("t1  running", s:text())
  end)

  it("asks, and stops all, but the script goes on", function()
    local env = start([[
      TaskCreate{description = "an item"}
      orun.sleep("100ms")]])
    local s <close> = watch(env, 80, 24)
    s:shows("an item")
    s:keys("S")
    s:shows("stop all tasks%? The script goes on %(y/n%)$")
    s:keys("y")
    s:shows("^plan.lua +%d+ s +1 queued, 3 cancelled\n")
    assert.matches("t4  free +an item", s:text())
    s:keys("G", "s")
    s:shows("t%d is cancelled$")
  end)

  it("asks, and drains: what waits is cancelled, and what runs goes on", function()
    local env = start()
    local s <close> = watch(env, 80, 24)
    s:shows("ship it")
    s:keys("D")
    s:shows("start nothing more%? What runs goes on %(y/n%)$")
    s:keys("n")
    s:shows("q quit$")
    assert.matches("t1  running", s:text())
    assert.matches("t2  queued", s:text())
    s:keys("D", "y")
    s:shows("1 running, 2 cancelled\n")
    assert.matches("t1  running", s:text())
  end)
end)

describe("the watched screen", function()
  local SIGNALS <const> = {{"q", 0}, {"Escape", 0}, {"C-c", 130}}

  it("is left as it was, whichever key ends it", function()
    local env = start()
    for _, case in ipairs(SIGNALS) do
      local s <close> = watch(env)
      s:shows("q quit")
      s:keys(case[1])
      assert.equal("exit " .. case[2], s:ended())
    end
  end)

  it("is left as it was by SIGTERM, and when the run ends", function()
    local env, dir, run = start()
    local s <close> = screen.open(("sh -c 'echo $$ >%s/pid; exec %s tasks -w'"):format(dir, h.bin),
      {env = env})
    s:shows("q quit")
    h.sh("kill -TERM $(cat pid)", {cwd = dir})
    assert.equal("exit 143", s:ended())
    local again <close> = watch(env)
    again:shows("q quit")
    finish(run)
    assert.equal("plan.lua has ended\nexit 0", again:ended())
  end)

  it("is given back while it is stopped, and taken again, whoever stops it", function()
    local env, dir = start()
    local s <close> = screen.open("env PS1='ready> ' bash --norc -i", {env = env, cwd = dir})
    s:shows("^ready>$")
    s:keys(("sh -c 'echo $$ >pid; exec %s tasks -w'"):format(h.bin), "Enter")
    s:shows("q quit")
    s:keys("C-z")
    s:shows("Stopped.*\nready>$")
    s:keys("stty -a | grep -o '[-]*icanon'", "Enter")
    s:shows("\n *icanon")
    s:keys("fg", "Enter")
    s:shows("q quit")
    h.sh("kill -STOP $(cat pid)", {cwd = dir})
    s:shows("%[1%]%+ +Stopped.*\nready>") -- wherever on the screen that it had
    s:keys("clear; fg", "Enter")
    s:shows("^plan.lua.*q quit$")
    s:keys("q")
    s:keys("exit", "Enter")
    assert.matches("exit 0$", s:ended())
  end)

  it("is not taken where there is no terminal", function()
    local env = start()
    local r = h.orun{"tasks", "--watch", env = env}
    assert.equal(1, r.code)
    assert.equal("orun tasks: --watch needs a terminal (Inappropriate ioctl for device); without "
      .. "one: orun tasks, or --json\n", r.err)
    local s <close> = screen.open(h.quote(h.bin) .. " tasks -w", {env = {TERM = "dumb",
      XDG_RUNTIME_DIR = env.XDG_RUNTIME_DIR}})
    assert.matches("needs a terminal %(TERM is dumb%)", s:ended())
  end)

  it("says that a run does not answer, and still does what keys say", function()
    local env, _, run = start()
    local s <close> = watch(env)
    s:shows("q quit")
    run:kill("STOP")
    s:shows(("no answer for [%%d.]+ m?s; is process %d suspended%%?$"):format(run.pid))
    s:keys("q")
    assert.equal("exit 0", s:ended())
    run:kill("CONT")
  end)
end)
