--- The commands over runs that were kept: runs, show, output, rm, gc, retry.

local h = require "spec.support.helper"
local json = require "orun.json"

local WORK <const> = [[
local orun = require "orun"
Task{command = {"sh", "-c", "echo out; echo err >&2"}, description = "a program"}
Task{run = function() return {x = 1, y = {1, 2}} end, description = "a table"}
Task{run = function() return "a text\0\n" end}
Task{run = function() return ("x"):rep(100000) end, description = "long"}
Task{description = "paid", run = function()
  require "orun".report{cost = 0.5, usage = {input_tokens = 10}}
  return 1
end}
if not os.getenv "FINE" then
  TaskOutput(orun.start{run = function() error("no luck", 0) end, description = "bad"})
end
]]

local function place(text)
  local dir = h.tmpdir()
  h.write(dir .. "/work.lua", text or WORK)
  return dir
end

-- Run a command line in the folder; orun is $ORUN there.
local function sh(dir, line, env)
  return h.sh(("cd %s && export ORUN=%s XDG_STATE_HOME=$PWD/state && %s %s"):format(h.quote(dir),
    h.quote(h.bin), env or "", line))
end

local function run(dir, options)
  return sh(dir, ("$ORUN -q --no-history --store run.db %s work.lua"):format(options or ""))
end

local function listed(dir, line)
  local r = sh(dir, line or "$ORUN runs --json --store run.db")
  assert.equal(0, r.code, r.err)
  return json.decode(r.out).runs
end

local function shown(dir, words)
  local r = sh(dir, ("$ORUN show --json --store run.db %s"):format(words or ""))
  assert.equal(0, r.code, r.err)
  return json.decode(r.out)
end

describe("orun runs", function()
  it("lists the runs, the newest first, with how they ended and what they have", function()
    local dir = place()
    assert.equal(1, run(dir).code)
    assert.equal(0, sh(dir, "FINE=1 $ORUN -q --no-history --store run.db work.lua").code)
    local runs = listed(dir)
    assert.equal(2, #runs)
    assert.equal("completed", runs[1].state)
    assert.equal("failed", runs[2].state)
    assert.equal(1, runs[2].exit_code)
    assert.same({5, 0}, {runs[1].completed, runs[1].failed})
    assert.same({5, 1}, {runs[2].completed, runs[2].failed})
    assert.is_true(runs[1].began >= runs[2].began and runs[1].bytes > 100000)
    local text = sh(dir, "$ORUN runs --store run.db")
    local line = runs[1].id:gsub("%-", "%%-")
      .. "  %d+%-%d+%-%d+ %d+:%d+  completed +5 +0 +%S+ KiB  work.lua\n"
    assert.matches("^run +began +state +done +failed +size +script\n" .. line, text.out)
  end)

  it("takes the store of the environment, or the folder of those kept by default", function()
    local dir = place()
    run(dir)
    assert.equal(1, #listed(dir, "ORUN_STORE=run.db $ORUN runs --json"))
    assert.equal("no run is kept\n", sh(dir, "$ORUN runs").out)
    sh(dir, "$ORUN -q --no-history --store state/orun/kept/ work.lua")
    assert.equal(1, #listed(dir, "$ORUN runs --json"))
  end)

  it("says that a run was interrupted, or goes on and in which process", function()
    local dir = place [[
      print(Task{run = function() return 1 end}.output)
      io.stdout:flush()
      require "orun".sleep(1000)]]
    local p = h.start{"-q", "--no-history", "--store", dir .. "/run.db", dir .. "/work.lua"}
    h.wait_for(function() return p:printed():find "1" end)
    local live = listed(dir)[1]
    assert.equal("going on", live.state)
    assert.equal(p.pid, live.pid)
    assert.equal("1", sh(dir, "$ORUN output t1 --store run.db").out)
    local again = sh(dir, "$ORUN resume --store run.db")
    assert.equal(1, again.code)
    assert.matches("process " .. p.pid, again.err)
    local gone = sh(dir, "$ORUN rm --store run.db " .. live.id)
    assert.equal(1, gone.code)
    assert.matches("is going on: process " .. p.pid, gone.err)
    assert.equal("0 runs removed, 0 bytes\n", sh(dir, "$ORUN gc --all --store run.db").out)
    p:kill "KILL"
    p:wait()
    assert.equal("interrupted", listed(dir)[1].state)
  end)

  it("lists the others where a store is broken, and says which", function()
    local dir = place()
    sh(dir, "$ORUN -q --no-history --store state/orun/kept/ work.lua")
    local good = listed(dir, "$ORUN runs --json")[1].id
    h.write(dir .. "/state/orun/kept/20990101-000000-bad.db", "this is not a store")
    h.write(dir .. "/state/orun/kept/20990101-000000-cut.db",
      h.read(dir .. "/state/orun/kept/" .. good .. ".db"):sub(1, 5000))
    local r = sh(dir, "$ORUN runs")
    assert.equal(1, r.code)
    assert.matches("20990101%-000000%-bad%.db", r.err)
    assert.matches("20990101%-000000%-cut%.db", r.err)
    assert.matches(good:gsub("%-", "%%-"), r.out)
    assert.equal(0, sh(dir, "$ORUN rm 20990101-000000-bad 20990101-000000-cut.db").code)
    assert.equal(1, #listed(dir, "$ORUN runs --json"))
  end)

  it("says what is wrong with a file that is none of its own, and crashes on none", function()
    local dir = place()
    run(dir)
    local whole = h.read(dir .. "/run.db")
    for i = 1, 9 do
      local at = i * #whole // 10
      h.write(dir .. "/odd.db", whole:sub(1, at) .. ("\xFF"):rep(64) .. whole:sub(at + 65))
      for _, line in ipairs{"runs", "show", "output t1", "show --json"} do
        local r = sh(dir, ("$ORUN %s --store odd.db"):format(line))
        assert.is_nil(r.signal)
        assert.is_true(r.code == 0 or r.code == 1 and r.err ~= "", line .. ": " .. r.err)
      end
    end
    for _, what in ipairs{"/dev/null", ".", "nowhere.db", "nowhere/run.db"} do
      local r = sh(dir, "$ORUN runs --store " .. what)
      assert.equal(1, r.code, what .. r.out)
      assert.matches("^orun runs: .", r.err)
    end
  end)

  it("refuses words that make no sense", function()
    local dir = place()
    for line, why in pairs{
      ["runs x"] = "x is one word too many", ["show a b"] = "b is one word too many",
      ["output"] = "the id of a task is missing", ["rm"] = "the run to be removed is missing",
      ["gc"] = "say %-%-older%-than TIME, or %-%-all",
      ["gc --older-than soon"] = "needs a time", ["gc --all --older-than 1d"] = "either",
      ["runs --jsn"] = "did you mean %-%-json"} do
      local r = sh(dir, "$ORUN " .. line)
      assert.equal(2, r.code, line)
      assert.matches(why, r.err)
    end
  end)
end)

describe("orun show", function()
  it("lists the tasks of a run, with what they took and cost", function()
    local dir = place()
    run(dir)
    local all = shown(dir)
    assert.equal(6, #all.tasks)
    local by = {}
    for _, task in ipairs(all.tasks) do by[task.description or "text"] = task end
    assert.equal("t1", by["a program"].id)
    assert.equal(0, by["a program"].exit_code)
    assert.equal("failed", by.bad.status)
    assert.matches("^no luck", by.bad.error)
    assert.equal(0.5, by.paid.cost)
    assert.same({input_tokens = 10}, by.paid.usage)
    assert.is_true(by.long.bytes > 100000)
    assert.same({5, 1, 0.5}, {all.totals.completed, all.totals.failed, all.totals.cost})
    local text = sh(dir, "$ORUN show --store run.db").out
    assert.matches("\nt6 +1 +failed +%S+ %S+ +bad: no luck\n5 completed, 1 failed; ", text)
    assert.matches("\nbegan %d+%-%d+%-%d+ %d+:%d+, failed, exit code 1\n", text)
  end)

  it("says in which try a task ran, and which one has an id that two had", function()
    local text = [[
      local orun = require "orun"
      for _, name in ipairs{%s} do
        TaskOutput(orun.start{description = name, input = name, run = function(x) return x end})
      end]]
    local dir = place(text:format "'a', 'b'")
    run(dir)
    h.write(dir .. "/work.lua", text:format "'c', 'b'")
    run(dir, "--resume")
    local all = shown(dir)
    local ids = {}
    for i, task in ipairs(all.tasks) do ids[i] = task.id .. " " .. task.description .. task.try end
    assert.same({"t1@1 a1", "t2 b1", "t1 c2"}, ids)
    assert.equal("a", sh(dir, "$ORUN output t1@1 --store run.db").out)
    assert.equal("c", sh(dir, "$ORUN output t1 --store run.db").out)
    assert.equal("c", sh(dir, "$ORUN output t1@2 --store run.db").out)
    assert.equal(2, all.tries)
  end)

  it("knows a run by the end of its id, and names those there are", function()
    local dir = place()
    run(dir)
    run(dir)
    local runs = listed(dir)
    assert.equal(runs[2].id, shown(dir, runs[2].id:sub(-4)).id)
    assert.equal(runs[1].id, shown(dir).id)
    local r = sh(dir, "$ORUN show nosuch --store run.db")
    assert.equal(1, r.code)
    assert.matches(runs[1].id:gsub("%-", "%%-"), r.err)
    local begins = sh(dir, ("$ORUN show %s --store run.db"):format(runs[1].id:sub(1, -2) .. "~"))
    assert.matches("did you mean " .. runs[1].id:sub(1, -2):gsub("%-", "%%-"), begins.err)
  end)
end)

describe("orun output", function()
  it("prints what orun tasks output prints", function()
    local dir = place(WORK:gsub("if not os.getenv.*", "") .. [[
      for i = 1, 5 do
        local r = orun.exec{command = {os.getenv "ORUN", "tasks",
          io.open("/proc/self/stat"):read "n", "output", "t" .. i}}
        local f <close> = io.open("t" .. i, "w")
        f:write(r.output)
      end]])
    assert.equal(0, run(dir).code)
    for i = 1, 5 do
      local r = sh(dir, ("$ORUN output t%d --store run.db"):format(i))
      local file = h.read(dir .. "/t" .. i)
      assert.equal(file, r.out, r.err)
    end
    assert.equal('{"x":1,"y":[1,2]}', sh(dir, "$ORUN output t2 --store run.db").out)
    assert.equal("a text\0\n", sh(dir, "$ORUN output t3 --store run.db").out)
    assert.equal(("x"):rep(100000), sh(dir, "$ORUN output t4 --store run.db").out)
    assert.equal("err\n", sh(dir, "$ORUN output t1 --stderr --store run.db").out)
    local r = sh(dir, "$ORUN output t77 --store run.db")
    assert.equal(1, r.code)
    assert.matches("t77: nothing is kept", r.err)
  end)
end)

describe("orun rm and orun gc", function()
  it("remove runs, and the file that is a run's own", function()
    local dir = place()
    run(dir)
    run(dir)
    local runs = listed(dir)
    assert.equal(0, sh(dir, "$ORUN rm --store run.db " .. runs[1].id).code)
    local left = listed(dir)
    assert.same({1, runs[2].id}, {#left, left[1].id})
    assert.equal(1, sh(dir, "$ORUN rm --store run.db " .. runs[1].id).code)
    sh(dir, "$ORUN -q --no-history --store state/orun/kept/ work.lua")
    local own = listed(dir, "$ORUN runs --json")[1]
    assert.is_true(h.exists(own.store))
    assert.equal(0, sh(dir, "$ORUN rm " .. own.id).code)
    assert.is_false(h.exists(own.store))
  end)

  it("remove what is older, or all", function()
    local dir = place()
    run(dir)
    assert.equal("0 runs removed, 0 bytes\n",
      sh(dir, "$ORUN gc --older-than 30d --store run.db").out)
    local id = listed(dir)[1].id
    local r = sh(dir, "$ORUN gc --all --store run.db")
    assert.matches("^" .. id:gsub("%-", "%%-") .. "\n1 run removed, %S+ KiB\n$", r.out)
    assert.equal(0, #listed(dir))
  end)
end)

describe("orun retry", function()
  -- In the folder: what has run, in order, since the last time.
  local function ran(dir)
    local text = h.read(dir .. "/ran") or ""
    os.remove(dir .. "/ran")
    return text
  end

  local STEPS <const> = [[
    local orun = require "orun"
    for _, name in ipairs{"a", "b", "c"} do
      TaskOutput(orun.start{description = name, input = name, run = function(x)
        local f <close> = io.open("ran", "a")
        f:write(x)
        if x == "c" then error "no" end
      end})
    end
    print "done"]]

  it("runs failed tasks again, or those that are named, and nothing else", function()
    local dir = place(STEPS)
    run(dir)
    assert.equal("abc", ran(dir))
    local id = listed(dir)[1].id
    for words, want in pairs{[""] = "c", [id] = "c", [id .. " t1"] = "a", ["t2 t1@1"] = "ab",
      ["t2 --retry-failed"] = "bc"} do
      local r = sh(dir, ("$ORUN retry %s --store run.db"):format(words))
      assert.equal("done\n", r.out, r.err)
      assert.equal(want, ran(dir), words)
    end
    assert.equal(6, shown(dir).tries)
  end)

  it("refuses a task of which nothing is kept, and begins no try", function()
    local dir = place(STEPS)
    run(dir)
    for _, word in ipairs{"t9", "t1@2", "t"} do
      local r = sh(dir, ("$ORUN retry %s %s --store run.db"):format(listed(dir)[1].id, word))
      assert.equal(1, r.code, r.out)
      assert.matches(word .. ": nothing is kept of such a task of run ", r.err)
    end
    assert.equal(1, shown(dir).tries)
    local r = sh(dir, "$ORUN resume " .. listed(dir)[1].id .. " t1 --store run.db")
    assert.equal(1, r.code)
    assert.matches("t1 is one word too many", r.err)
    r = sh(dir, "$ORUN --retry t1 work.lua")
    assert.equal(2, r.code)
    assert.matches("option '%-%-retry' goes with %-%-resume", r.err)
  end)
end)

describe("the last line of a run that did not end well", function()
  local SHORT <const> = [[
    Task{run = function() return 1 end}
    local how = os.getenv "HOW"
    if how == "error" then
      error "here"
    elseif how == "task" then
      Task{run = function() error "there" end}
    elseif how == "exit" then
      os.exit(3)
    elseif how then
      os.execute("kill -" .. how .. " " .. io.open "/proc/self/stat":read "n")
      require "orun".sleep(1000)
    end]]

  it("is the command that goes on with it, which works as it is printed", function()
    for _, name in ipairs{"run.db", "it's a run.db", "-run.db", "a\tb$x.db", "é \\.db"} do
      local dir = place(SHORT)
      local r = h.orun{"--no-history", "--store", name, "work.lua", cwd = dir,
        env = {HOW = "error"}}
      local line = r.err:match "\norun: 1 result is kept; go on with: (orun resume [^\n]+)\n$"
      assert.is_string(line, r.err)
      local again = h.sh(("cd %s && orun() { %s \"$@\"; } && %s"):format(h.quote(dir),
        h.quote(h.bin), line))
      assert.equal(0, again.code, again.err)
      assert.matches("1 result taken over from an earlier try", again.err)
    end
  end)

  it("comes after whatever ended it", function()
    for how, code in pairs{error = 1, task = 1, exit = 3, INT = 130, TERM = 143} do
      local dir = place(SHORT)
      local r = sh(dir, "$ORUN --no-history --store run.db work.lua", "HOW=" .. how)
      assert.equal(code, r.code, how)
      local told = "\n" .. r.err:gsub("Terminated\n$", "") -- the shell says so
      assert.matches("\norun: %d results? %l+ kept; go on with: orun resume %-%-store run.db\n$",
        told, how)
    end
  end)

  it("is about a run that the script has kept by itself, too", function()
    local dir = place("orun = require 'orun' orun.config{store = 'own.db'}\n" .. SHORT)
    local r = sh(dir, "$ORUN --no-history work.lua", "HOW=error")
    assert.matches("go on with: orun resume %-%-store own.db\n$", r.err)
  end)
end)

describe("what was taken over", function()
  it("is told apart in lines, reports, events, pages and traces, failures too", function()
    local dir = place()
    run(dir)
    local r = sh(dir, "$ORUN --no-history --store run.db --resume --progress plain --report short "
      .. "--events events --output grouped work.lua 2>&1")
    sh(dir, "$ORUN report events --html page.html")
    assert.matches(" t1 cached: a program\n", r.out)
    assert.matches(" t6 failed, as in an earlier try: bad: no luck\n", r.out)
    assert.matches("%-%-%-%- t1 %(a program%): cached\n", r.out)
    assert.matches("6 tasks in .-: 5 cached, 1 failed\n   no task ran\n", r.out)
    assert.matches("\norun: 6 results taken over from an earlier try\n", r.out)
    local _, n = h.read(dir .. "/events"):gsub('"cached":true', "")
    assert.equal(6, n)
    assert.matches('"s":"cached"', h.read(dir .. "/page.html"))
  end)

  it("is seen in orun tasks and by tools of agents", function()
    local dir = place [[
      Task{run = function() return 1 end, description = "one"}
      for _, words in ipairs{{"tasks", "%d", "--all"}, {"task", "output", "t1", "--json"}} do
        for i, word in ipairs(words) do
          words[i] = word:gsub("%%d", io.open("/proc/self/stat"):read "n")
        end
        print(orun.exec{command = {os.getenv "ORUN", table.unpack(words)}}.output)
      end]]
    sh(dir, "$ORUN -q --no-history --store run.db work.lua")
    local r = sh(dir, "$ORUN -q --no-history --store run.db --resume work.lua")
    assert.matches("\nt1 .*as in an earlier try", r.out, r.err)
    assert.matches('"cached":true', r.out, r.err)
  end)
end)
