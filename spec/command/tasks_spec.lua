--- orun tasks: finding a run from another terminal, and asking it.

local h = require "spec.support.helper"
local json = require "orun.json"
local talk

setup(function()
  local dir = h.tmpdir()
  talk = dir .. "/talk"
  local r = h.sh(("cc -O1 -D_GNU_SOURCE -o %s %s"):format(h.quote(talk),
    h.quote(h.root .. "/spec/support/talk.c")))
  assert(r.code == 0, r.err)
end)

local started = {}

after_each(function()
  for _, run in ipairs(started) do
    if run:state() then run:kill("KILL") end
  end
  started = {}
end)

-- The folder and the environment of runs that only this test sees.
local function place()
  local dir = h.tmpdir()
  return dir, {XDG_RUNTIME_DIR = dir}
end

local function entries(dir) return h.lines(h.sh("ls " .. dir .. "/orun 2>/dev/null").out) end

-- Start it; it can be found when this returns.
local function begin(text, dir, env, name)
  name = name or "plan.lua"
  h.write(dir .. "/" .. name, text)
  local before = #entries(dir)
  local run = h.start{name, cwd = dir, env = env}
  started[#started + 1] = run
  assert(h.wait_for(function()
    return #entries(dir) > before and not h.orun{"tasks", name, env = env}.out:find("no tasks")
  end), "the run cannot be found")
  return run
end

local HOLD <const> = [[
local orun = require "orun"
local function hold(name) return Task{description = name, run_in_background = true,
  run = function() orun.sleep(1000) end} end
]]

-- The table with T for each time, as if the column of times, in which they end where TIME
-- does, were as wide as that.
local function timeless(text)
  local width = utf8.len(text:match("ID [^\n]-TIME"))
  return (text:gsub("[^\n]+", function(line)
    if not line:find("^t%d") and not line:find("^ID") then return line end
    local at = utf8.offset(line, width + 1) or #line + 1
    local left, rest = line:sub(1, at - 1), line:sub(at)
    local before, time = left:match("^(.-) +(TIME)$")
    if not before then
      before, time = left:match("^(.-) +%d[%d.]* %S*s$"), "T"
    end
    if not before then
      before, time = left:gsub(" +$", ""), ""
    end
    return before .. (" "):rep(20 - #before - #time) .. time .. rest
  end))
end

describe("orun tasks", function()
  it("says what each task does, or waits for, or why it queues", function()
    local dir, env = place()
    begin(HOLD .. [[
      orun.agent{name = "build", limit = 1,
        command = {"sh", "-c", "echo one; echo two; while :; do sleep 1; done"}}
      local function build(name) return Task{subagent_type = "build", prompt = "x",
        description = name, run_in_background = true} end
      local a, b = build("server"), build("client")
      Task{description = "ship", run = print, blockedBy = {b}, run_in_background = true}
      Task{description = "review", run_in_background = true, run = function()
        orun.report{activity = "Reading\nmain.c", cost = 0.5,
          usage = {input_tokens = 12000, output_tokens = 300}}
        orun.sleep(1000) end}
      Task{description = "wait", run_in_background = true, input = a.id,
        run = function(id) return TaskOutput(id) end}
      Task{description = "bad", run = function() error("broken", 0) end, run_in_background = true}
      Task{description = "good", run = function() return 1 end, run_in_background = true}
      TaskCreate{description = "item"}
      local mine = TaskCreate{description = "mine"}
      TaskUpdate{task_id = mine, status = "in_progress", owner = "ann"}
      orun.sleep(1000)]], dir, env)
    local text
    assert(h.wait_for(function()
      text = h.orun{"tasks", "--all", env = env}.out
      return text:find("two") and text:find("1 failed, 4 running") and text:find("by ann")
        and text:find("Reading") and text:find("waits for t1") and text:find("waits for a slot")
    end), text)
    text = timeless(text)
    assert.equal([[
ID  STATE       TIME  TOKENS   COST  AGENT  TASK    NOW
t1  running        T                 build  server  two
t4  running        T   12.3k  $0.50         review  Reading main.c
t5  running        T                        wait    waits for t1
t9  claimed        T                        mine    by ann
t2  queued                           build  client  waits for a slot of build
t8  free                                    item
t3  blocked                                 ship    blocked by t2
t6  failed         T                        bad     broken
t7  completed      T                        good
1 failed, 4 running, 2 queued, 1 blocked, 1 completed
]], text:match("\n(.*)$"))
    local live = h.orun{"tasks", env = env}.out
    assert.is_nil(live:find("t7"))
    assert.matches("\n1 failed, 4 running, [^\n]*1 completed\n$", live)
  end)

  it("has the same for programs", function()
    local dir, env = place()
    local run = begin(HOLD .. [[
      local first = hold("one")
      Task{run = print, blockedBy = {first}, run_in_background = true}
      orun.sleep(1000)]], dir, env)
    local got
    assert(h.wait_for(function()
      got = json.decode(h.orun{"tasks", "--json", env = env}.out)
      return got.counts.running and got.counts.blocked and got.tasks[1].waits
    end))
    assert.equal(run.pid, got.run.pid)
    assert.same({"plan.lua", dir}, {got.run.script, got.run.cwd})
    assert.equal(1, got.counts.running)
    assert.equal(1, got.counts.blocked)
    assert.equal("t1", got.tasks[1].id)
    assert.equal("running", got.tasks[1].state)
    assert.equal("time", got.tasks[1].waits)
    assert.is_true(got.tasks[1].elapsed >= 0)
    assert.same({"t1"}, got.tasks[2].blockedBy)
    assert.is_nil(h.orun{"tasks", "--json", env = env}.out:find("token"))
  end)

  it("asks for pages of many tasks, and has each once", function()
    local dir, env = place()
    begin(HOLD .. [[
      hold("one")
      for i = 1, 3000 do TaskCreate{description = "page " .. i} end
      orun.sleep(1000)]], dir, env)
    local out
    assert(h.wait_for(function()
      out = h.orun{"tasks", env = env}.out
      return out:find("3000 queued")
    end))
    local lines, seen = h.lines(out), {}
    for _, line in ipairs(lines) do seen[line:match("^(t%d+) ") or ""] = true end
    assert.equal(3001 + 3, #lines)
    for i = 1, 3001 do assert.is_true(seen["t" .. i], "t" .. i) end
  end)

  it("looks without reading: a failure that nobody read is told of at the end", function()
    local dir, env = place()
    h.write(dir .. "/plan.lua", HOLD .. [[
      Task{run = function() error("unread", 0) end, run_in_background = true}
      TaskOutput(hold("gate"))]])
    local run = h.start{"plan.lua", cwd = dir, env = env}
    started[1] = run
    assert(h.wait_for(function()
      return h.orun{"tasks", env = env}.out:find("1 failed, 1 running")
    end))
    assert.equal("", h.orun{"tasks", "output", "t1", env = env}.out)
    assert.equal(0, h.orun{"tasks", "stop", "t2", env = env}.code)
    local r = assert(run:wait())
    assert.equal(1, r.code)
    assert.matches("t1 failed and its result was never read: unread", r.err)
  end)

  it("shows no secret of the run", function()
    local dir, env = place()
    env.MY_API_KEY = "sk-0123456789abcdef"
    begin(HOLD .. [[hold("with " .. os.getenv "MY_API_KEY")
      local mine = TaskCreate{description = "mine"}
      TaskUpdate{task_id = mine, status = "in_progress", owner = os.getenv "MY_API_KEY"}
      orun.sleep(1000)]], dir, env)
    env.MY_API_KEY = false
    local text
    assert(h.wait_for(function()
      text = h.orun{"tasks", "--json", env = env}.out
      return text:find("mine", 1, true)
    end), text)
    assert.matches("with [MY_API_KEY]", text, 1, true)
    assert.matches('"owner":"[MY_API_KEY]"', text, 1, true)
    assert.is_nil(text:find("0123456789abcdef", 1, true))
  end)

  it("prints what a task has printed or given, and stops it, or all", function()
    local dir, env = place()
    begin(HOLD .. [[
      orun.agent{name = "say", command = {"sh", "-c", "cat; echo oh no >&2"}}
      Task{subagent_type = "say", prompt = ("x"):rep(200000) .. "é\n"}
      Task{run = function() return {1, "\xff"} end}
      hold("a") hold("b") hold("c")
      orun.sleep(1000)]], dir, env)
    assert(h.wait_for(function() return h.orun{"tasks", env = env}.out:find("3 running") end))
    local function tasks(...)
      local r = h.orun{"tasks", env = env, ...}
      return r.out, r.code
    end
    assert.equal(("x"):rep(200000) .. "é\n", (tasks("output", "t1")))
    assert.equal("oh no\n", (tasks("output", "t1", "--stderr")))
    assert.equal('[1,"\u{fffd}"]', (tasks("output", "t2")))
    assert.same({"", 0}, {tasks("stop", "t3")})
    assert(h.wait_for(function() return (tasks()):find("2 running, 1 cancelled") end))
    local r = h.orun{"tasks", "stop", "t3", env = env}
    assert.same({1, "orun tasks: the task is no longer running: it is cancelled\n"},
      {r.code, r.err})
    assert.same({"", 0}, {tasks("plan.lua", "stop", "all")})
    assert(h.wait_for(function() return tasks():find("\n3 cancelled, 2 completed\n") end))
  end)

  it("drains a run: what waits and what is new is cancelled, and what runs goes on", function()
    local dir, env = place()
    local run = begin([[
      orun.limit("one", 1)
      local function work(name)
        return orun.start{description = name, pool = "one", run = function()
          orun.sleep(1000)
        end}
      end
      local a, b = work "a", work "b"
      print(TaskOutput(b).error)
      print(TaskOutput((work "c")).error)
      print(TaskOutput{task_id = a, block = false}.status)
      TaskStop(a)
    ]], dir, env)
    assert(h.wait_for(function() return h.orun{"tasks", env = env}.out:find("1 running") end))
    local r = h.orun{"tasks", "drain", env = env}
    assert.same({0, "", ""}, {r.code, r.out, r.err})
    r = run:wait()
    local drained = "the run was drained: nothing is started any longer\n"
    assert.equal(drained .. drained .. "in_progress\n", r.out, r.err)
    assert.equal(0, r.code, r.err)
    assert.equal(2, h.orun{"tasks", "drain", "t1", env = env}.code)
  end)

  it("drains a run, in which each finally still runs", function()
    local dir, env = place()
    local run = begin([[
      orun.limit("one", 1)
      local hold = TaskCreate{description = "hold"}
      for _, name in ipairs{"a", "b"} do
        Task{description = name, pool = "one", run_in_background = true,
          run = function(id)
            while TaskGet(id).status ~= "completed" do orun.sleep(0.01) end
          end, input = hold.id,
          finally = function(result)
            print(name, result.status, orun.exec("echo", "clean").output)
            io.stdout:flush()
          end}
      end
      while TaskGet("t4").status ~= "cancelled" do orun.sleep(0.01) end
      TaskUpdate{task_id = hold.id, status = "completed"}
    ]], dir, env)
    assert(h.wait_for(function() return h.orun{"tasks", env = env}.out:find("1 running") end))
    assert.equal(0, h.orun{"tasks", "drain", env = env}.code)
    local r = run:wait()
    local lines = h.lines((r.out:gsub("\n\n", "\n")))
    table.sort(lines)
    assert.same({"a\tcompleted\tclean", "b\tcancelled\tclean"}, lines, r.err)
    assert.equal(0, r.code, r.err)
  end)

  -- What a run of this script prints, which is drained once it shows the word.
  local function drained(text, word)
    local dir, env = place()
    local run = begin('local orun = require "orun"\n' .. text, dir, env)
    assert(h.wait_for(function()
      return h.orun{"tasks", "--all", env = env}.out:find(word)
    end))
    assert.equal(0, h.orun{"tasks", "drain", env = env}.code)
    local r = run:wait()
    assert.equal(0, r.code, r.err)
    return r.out
  end

  it("drains a run, which hands out no further item", function()
    assert.equal("drained\nnil\tdrained\nnil\tt1 is not handed out: the run was drained\t"
      .. "drained\n", drained([[
        local hold = TaskCreate{description = "hold"}
        TaskUpdate{task_id = hold.id, status = "in_progress"}
        local waits = orun.start{description = "waits", run = function()
          return select(2, orun.claim{wait = true})
        end}
        while TaskGet(waits).status ~= "completed" do orun.sleep(0.01) end
        print(TaskOutput(waits).output)
        TaskUpdate{task_id = hold.id, status = "pending"}
        print(orun.claim())
        print(TaskUpdate{task_id = hold.id, status = "in_progress"})
        TaskStop(hold.id)]], "waits for an item"))
  end)

  it("drains a run whose workers end what they have, and cancel what is free", function()
    assert.equal("completed completed cancelled cancelled false\n", drained([[
      local hold = TaskCreate{description = "hold"}
      TaskUpdate{task_id = hold.id, status = "in_progress"}
      local worker = orun.start(function()
        local results = orun.workers(function() return TaskOutput(hold.id).status end,
          {limit = 1, items = {{description = "begun"}, {description = "free"},
            {description = "next"}}})
        local words = orun.list(results):map(function(result) return result.status end)
        return table.concat(words, " ") .. " " .. tostring(results.ok)
      end)
      while Task{run = function() end}.status ~= "cancelled" do orun.sleep(0.01) end
      TaskUpdate{task_id = hold.id, status = "completed"}
      print(TaskOutput(worker).output)]], "claimed [^\n]*begun"))
  end)

  it("finds the run that is meant among several", function()
    local dir, env = place()
    local one = begin(HOLD .. "hold('first') orun.sleep(1000)", dir, env, "one.lua")
    local two = begin(HOLD .. "hold('second') orun.sleep(1000)", dir, env, "two.lua")
    local r = h.orun{"tasks", env = env}
    assert.equal(1, r.code)
    local name = r.out:match("^(%S+) +" .. one.pid .. " +%d+ %S+  one.lua\n%S+ +" .. two.pid
      .. " +%d+ %S+  two.lua\n$")
    assert.is_truthy(name, r.out)
    assert.matches("^orun tasks: 2 runs go on; say which: orun tasks %S+\n$", r.err)
    for _, word in ipairs{name, name:sub(-4), tostring(one.pid), "one.lua"} do
      assert.matches("first", h.orun{"tasks", word, env = env}.out)
    end
    local list = json.decode(h.orun{"tasks", "--json", env = env}.out)
    assert.same({"one.lua", "two.lua"}, {list.runs[1].script, list.runs[2].script})
    r = h.orun{"tasks", "three.lua", env = env}
    assert.equal(1, r.code)
    assert.equal("orun tasks: three.lua: no run is called that; those above go on\n", r.err)
  end)

  it("refuses what it does not know, and says what it does", function()
    local _, env = place()
    local function fails(code, message, ...)
      local r = h.orun{"tasks", env = env, ...}
      assert.equal(message, r.err:match("^orun tasks: ([^\n]*)\n"))
      assert.equal(code, r.code)
      assert.equal("", r.out)
    end
    fails(1, "no run of yours is going on (one can be found from its first task on)")
    fails(2, "unknown option --wacth, did you mean --watch?", "--wacth")
    fails(2, "stop: the id of a task is missing", "stop")
    fails(2, "otput: unknown command, did you mean output?", "plan.lua", "otput", "t1")
    fails(2, "t2 is one word too many", "output", "t1", "t2")
    fails(2, "--stderr is for output", "--stderr")
    fails(2, "output takes no --watch", "output", "t1", "--watch")
    fails(2, "either --watch or --json", "--watch", "--json")
    fails(2, "unknown option --\\x1b[2J", "--\27[2J")
    assert.matches("^usage: orun tasks", h.orun{"tasks", "--help", env = env}.out)
  end)

  it("says what is not there, and when a run does not answer", function()
    local dir, env = place()
    local run = begin(HOLD .. "hold('a') orun.sleep(1000)", dir, env)
    local function refused(...)
      local r = h.orun{"tasks", env = env, ...}
      assert.equal(1, r.code)
      return r.err
    end
    assert.equal("orun tasks: t77: this run has no such task\n", refused("output", "t77"))
    assert.matches("t77", refused("stop", "t77"))
    run:kill("STOP")
    assert.matches(("^orun tasks: %%S+ does not answer; is process %d suspended%%?\n$"):format(
      run.pid), refused())
    run:kill("CONT")
  end)
end)

describe("the registry of runs", function()
  it("lists a run from its first task on, and no run without tasks", function()
    local dir, env = place()
    local r = h.script("print(#require('orun').json.encode{}) os.execute('ls ' .. ...)", {dir,
      env = env})
    assert.equal("2\n", r.out)
    assert.is_false(h.exists(dir .. "/orun"))
  end)

  it("is the user's alone, and shows no token", function()
    local dir, env = place()
    begin(HOLD .. "hold('a') orun.sleep(1000)", dir, env)
    local r = h.sh("stat -c '%a' orun orun/*", {cwd = dir})
    assert.equal("700\n600\n", r.out)
    local text = h.read(dir .. "/orun/" .. entries(dir)[1])
    assert.matches("\nscript plan.lua\ntoken %x+%.0%.0%.%x+\nsocket /", text)
  end)

  it("loses a run that ends, and one that is killed with the next that looks", function()
    local dir, env = place()
    local run = begin(HOLD .. "hold('a') orun.sleep(1000)", dir, env)
    run:kill("TERM")
    assert(run:wait())
    assert.same({}, entries(dir))
    run = begin(HOLD .. "hold('a') orun.sleep(1000)", dir, env)
    run:kill("KILL")
    assert(run:wait())
    assert.equal(1, #entries(dir))
    assert.equal(1, h.orun{"tasks", env = env}.code)
    assert.same({}, entries(dir))
    run = begin(HOLD .. "hold('a') orun.sleep(1000)", dir, env)
    run:kill("KILL")
    assert(run:wait())
    local left = entries(dir)[1]
    h.script(HOLD .. "hold('b') orun.sleep('200ms') os.exit(0)", {env = env})
    assert.is_false(h.exists(dir .. "/orun/" .. left))
  end)

  it("is not used where others may write, and costs no run its life", function()
    local dir, env = place()
    local text = "print(Task{run = function() return 'fine' end}.output)"
    h.sh("mkdir -m 777 orun", {cwd = dir})
    assert.equal("fine\n", h.script(text, {env = env}).out)
    assert.same({}, entries(dir))
    h.sh("rmdir orun; mkdir elsewhere; ln -s elsewhere orun", {cwd = dir})
    assert.equal("fine\n", h.script(text, {env = env}).out)
    assert.same({}, h.lines(h.sh("ls elsewhere", {cwd = dir}).out))
    h.sh("rm orun; echo >orun", {cwd = dir})
    assert.equal("fine\n", h.script(text, {env = env}).out)
    local r = h.orun{"tasks", env = env}
    assert.equal(1, r.code)
    assert.matches("^orun tasks: the runs cannot be found: ", r.err)
  end)

  it("is no way in without the token", function()
    local dir, env = place()
    begin(HOLD .. "hold('a') orun.sleep(1000)", dir, env)
    local text = h.read(dir .. "/orun/" .. entries(dir)[1])
    local token, path = text:match("\ntoken (%S+)\nsocket (%S+)\n")
    local function say(with, call)
      h.write(dir .. "/line", with .. " " .. json.encode{call = call, args = {}} .. "\n")
      return h.sh(("%s %s half <line"):format(h.quote(talk), h.quote(path)), {cwd = dir}).out
    end
    assert.matches('"ok":true', say(token, "RunTasks"))
    local wrong = token:gsub(".$", function(c) return c == "0" and "1" or "0" end)
    for _, with in ipairs{wrong, "x", token:sub(1, -2), token:gsub("%.0%.0%.", ".1.0.")} do
      assert.matches('"reason":"token"', say(with, "RunTasks"))
    end
  end)
end)
