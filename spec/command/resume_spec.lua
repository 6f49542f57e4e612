--- A run that is kept in a store, and gone on with: --store, --resume, orun resume.

local h = require "spec.support.helper"

-- A script in a folder of its own, with its store; each task that really runs adds a line.
local Place = {}
Place.__index = Place

local function place(text)
  local p = setmetatable({dir = h.tmpdir()}, Place)
  p:write(text)
  return p
end

-- `ran(name)` in the script notes that its caller runs.
local HEAD <const> = [[
local orun = require "orun"
local function ran(name)
  local f <close> = assert(io.open("ran", "a"))
  f:write(name, "\n")
end
local function work(name, more)
  return orun.start{description = name, input = {name, more}, run = function(input)
    ran(input[1])
    return "did " .. input[1] .. (input[2] or "")
  end}
end
]]

function Place:write(text) h.write(self.dir .. "/work.lua", HEAD .. text) end

--- Run it with the options; the result, with `ran`: what has run, sorted.
function Place:run(...)
  os.remove(self.dir .. "/ran")
  local args = {...}
  local options = table.concat(args, " ")
  local r = h.sh(("cd %s && %s --no-history -q --store run.db %s work.lua"):format(
    h.quote(self.dir), h.quote(h.bin), options))
  r.ran = h.lines(h.read(self.dir .. "/ran") or "")
  table.sort(r.ran)
  return r
end

describe("a run with a store", function()
  it("gives what was kept, and runs nothing again", function()
    local p = place [[
      for i, r in ipairs(orun.wait_all{work "a", work "b"}) do
        print(r.output, r.cached, r.status, r.attempts)
      end]]
    local first = p:run()
    assert.equal("did a\tnil\tcompleted\t1\ndid b\tnil\tcompleted\t1\n", first.out, first.err)
    assert.same({"a", "b"}, first.ran)
    local second = p:run("--resume")
    assert.equal("did a\ttrue\tcompleted\t0\ndid b\ttrue\tcompleted\t0\n", second.out, second.err)
    assert.same({}, second.ran)
  end)

  it("finds the fields of tables in the order they had", function()
    local p = place [[
      local t, all = {}, {}
      for i = 1, 40 do t["field " .. i] = i end
      for name in pairs(t) do all[#all + 1] = name end
      print(TaskOutput(work(table.concat(all, ","))).cached)]]
    assert.equal("nil\n", p:run().out)
    for _ = 1, 3 do assert.equal("true\n", p:run("--resume").out) end
    local alone = place [[
      print(Task{isolation = "process", run = function()
        local t, all = {}, {}
        for i = 1, 40 do t["field " .. i] = i end
        for name in pairs(t) do all[#all + 1] = name end
        return table.concat(all, ",")
      end, key = arg[1]}.output)]]
    local command = ("cd %s && %s -q --store run.db %%s"):format(alone.dir, h.bin)
    local first = h.sh(command:format "work.lua a")
    local again = h.sh(command:format "--resume work.lua b")
    assert.equal(first.out, again.out, again.err)
  end)

  it("is a new run without --resume", function()
    local p = place "print(TaskOutput(work 'a').cached)"
    p:run()
    assert.equal("nil\n", p:run().out)
  end)

  it("does not mind the order of a fan-out", function()
    local p = place "orun.wait_all{work 'a', work 'b', work 'c'}"
    assert.same({"a", "b", "c"}, p:run().ran)
    p:write "orun.wait_all{work 'c', work 'a', work 'd', work 'b'}"
    assert.same({"d"}, p:run("--resume").ran)
  end)

  it("tells five equal tasks apart by how many there are", function()
    local p = place "orun.wait_all{work 'a', work 'a', work 'a'}"
    assert.same({"a", "a", "a"}, p:run().ran)
    p:write "orun.wait_all{work 'a', work 'a', work 'a', work 'a', work 'a'}"
    assert.same({"a", "a"}, p:run("--resume").ran)
  end)

  it("runs again what uses a result that is another one, and nothing else", function()
    local text = [[
      local one, two = work("one", %q), work "two"
      local function use(of)
        return orun.start{input = {of = of}, run = function(input)
          ran("use " .. input.of)
          return input.of
        end}
      end
      orun.wait_all{use(one), use(two)}]]
    local p = place(text:format "")
    assert.same({"one", "two", "use did one", "use did two"}, p:run().ran)
    p:write(text:format "!")
    assert.same({"one", "use did one!"}, p:run("--resume").ran)
  end)

  it("runs again what a changed helper is used by, and what captures another value", function()
    local text = [[
      local limit = %d
      local function helper(x) return x %s 1 end
      orun.wait_all{
        orun.start{run = function() ran "helped" return helper(1) end},
        orun.start{run = function() ran "limited" return limit end},
        orun.start{run = function() ran "neither" return 1 end},
      }]]
    local p = place(text:format(1, "+"))
    assert.same({"helped", "limited", "neither"}, p:run().ran)
    p:write("-- a line more\n" .. text:format(1, "+"))
    assert.same({}, p:run("--resume").ran)
    p:write(text:format(1, "-"))
    assert.same({"helped"}, p:run("--resume").ran)
    p:write(text:format(2, "-"))
    assert.same({"limited"}, p:run("--resume").ran)
  end)

  it("runs again what uses a module that was edited, however it comes by it", function()
    local p = place [[
      local captured = require "captured"
      local inner = require "deeper.outer"
      orun.wait_all{
        orun.start{run = function() ran "captures" return captured.one() end},
        orun.start{run = function() ran "requires" return require "captured".one() end},
        orun.start{run = function() ran "deeper" return inner.two() end},
        orun.start{run = function() ran "neither" return "captured" end},
      }]]
    local function module(name, text) h.write(p.dir .. "/" .. name .. ".lua", text) end
    os.execute("mkdir " .. h.quote(p.dir .. "/deeper"))
    module("captured", "return {one = function() return 1 end}")
    module("deeper/outer", [[
      local i = require('deeper.inner')
      return {two = function() return i.n end}]])
    module("deeper/inner", "return {n = 1}")
    assert.same({"captures", "deeper", "neither", "requires"}, p:run().ran)
    assert.same({}, p:run("--resume").ran)
    module("captured", "return {one = function() return 2 end}")
    assert.same({"captures", "requires"}, p:run("--resume").ran)
    module("deeper/inner", "return {n = 2}")
    assert.same({"deeper"}, p:run("--resume").ran)
    os.execute(("mv %s/deeper/inner.lua %s/away"):format(p.dir, p.dir))
    module("deeper/inner", "return {n = 2}")
    assert.same({}, p:run("--resume").ran)
  end)

  it("names what nobody asked for any longer", function()
    local p = place "for i = 1, 8 do TaskOutput(work('w' .. i)) end"
    p:run()
    p:write "TaskOutput(work 'w2') TaskOutput(work 'w3')"
    local r = h.sh(("cd %s && %s --no-history --store run.db --resume work.lua"):format(
      h.quote(p.dir), h.quote(h.bin)))
    assert.matches("2 results taken over from an earlier try; 6 results of it no longer asked for "
      .. "(w1, w4, w5, w6, w7, ...)", r.err, 1, true)
  end)

  it("does not miss what a task has started that need not run again", function()
    local text = [[
      TaskOutput(orun.start{input = %q, run = function()
        ran "outer"
        local middle = Task{run = function()
          return TaskOutput(work "inner").output
        end, description = "middle"}
        return Task{run = function() return ("x"):rep(100000) end, description = "long"}.output
      end, description = "outer"})]]
    local p = place(text:format "a")
    p:run()
    local r = p:run("--resume", "--strict")
    assert.same({0, {}}, {r.code, r.ran}, r.err)
    p:write((text:format("b"):gsub('"inner"', '"other"')))
    r = p:run("--resume", "--strict")
    assert.equal(1, r.code)
    assert.matches("no longer asked for: .*inner", r.err)
  end)

  it("is a finding of --strict, when nobody asked for a result any longer", function()
    local p = place "for i = 1, 3 do TaskOutput(work('w' .. i)) end"
    p:run()
    assert.equal(0, p:run("--resume", "--strict").code)
    p:write "TaskOutput(work 'w2')"
    assert.equal(0, p:run("--resume").code)
    local r = p:run("--resume", "--strict")
    assert.equal(1, r.code)
    assert.matches("orun: 2 results of an earlier try no longer asked for: w1, w3\n    was this",
      r.err, 1, true)
    p:write "TaskOutput(work 'w2') os.exit(3)"
    assert.equal(3, p:run("--resume", "--strict").code)
  end)

  it("goes by `key` alone where there is one, and never with cache = false", function()
    local text = [[
      orun.wait_all{
        orun.start{key = "k", run = function() ran "keyed" return %d end},
        orun.start{cache = false, run = function() ran "each time" return 1 end},
      }]]
    local p = place(text:format(1))
    assert.same({"each time", "keyed"}, p:run().ran)
    p:write(text:format(2))
    assert.same({"each time"}, p:run("--resume").ran)
  end)

  it("keeps failures, which --retry-failed runs again", function()
    local p = place [[
      local r = TaskOutput(orun.start{run = function() ran "bad" error("no", 0) end})
      print(r.status, r.error, r.error_kind, r.cached)]]
    assert.equal("failed\tno\tlua\tnil\n", p:run().out)
    local r = p:run("--resume")
    assert.equal("failed\tno\tlua\ttrue\n", r.out)
    assert.same({}, r.ran)
    assert.same({"bad"}, p:run("--resume", "--retry-failed").ran)
  end)

  it("runs again what has timed out once it has more time, and not before", function()
    local text = [[
      local t = orun.start{timeout = %s, run = function() ran "late" orun.sleep(1000) end}
      print(TaskOutput(t).error_kind)]]
    local p = place(text:format(0.1))
    assert.equal("timeout\n", p:run().out)
    for _, try in ipairs{{0.1, {}}, {0.05, {}}, {0.2, {"late"}}} do
      local seconds, ran = try[1], try[2]
      p:write(text:format(seconds))
      local r = p:run("--resume")
      assert.same({"timeout\n", ran}, {r.out, r.ran}, seconds)
    end
  end)

  it("does not keep what was cancelled, or could not be started", function()
    local p = place [[
      local t = orun.start{run = function() ran "stopped" orun.sleep(1000) end}
      local f
      repeat
        orun.sleep(0.001)
        f = io.open "ran"
      until f and f:read(1)
      TaskStop(t)
      print(TaskOutput(t).status, Task{command = {"/no/such program"}}.error_kind)]]
    assert.equal("cancelled\tspawn\n", p:run().out)
    local r = p:run("--resume")
    assert.equal("cancelled\tspawn\n", r.out)
    assert.same({"stopped"}, r.ran)
  end)

  it("keeps children with their parent, whichever of equal parents starts them", function()
    local text = [[
      local rs = orun.wait_all{%s}
      for _, r in ipairs(rs) do print(r.status) end]]
    local parent = [[orun.start{run = function()
      ran "parent"
      local r = Task{input = "c", run = function(x) ran(x) return x end}
      if not io.open "go" then error "stop here" end
      return r.output
    end}]]
    local p = place(text:format(parent .. "," .. parent))
    assert.same({"c", "c", "parent", "parent"}, p:run().ran)
    h.write(p.dir .. "/go", "")
    assert.same({"parent", "parent"}, p:run("--resume", "--retry-failed").ran)
    assert.same({}, p:run("--resume").ran)
  end)

  it("keeps what programs print, their exit codes and errors", function()
    local p = place [[
      local r = Task{command = {"sh", "-c", "echo out; echo err >&2; echo x >> ran; exit 3"}}
      print(r.status, r.exit_code, r.error_kind, r.cached)
      print(orun.output(r.task_id):tail(), orun.output(r.task_id, "stderr"):tail())
      local long = Task{command = {"sh", "-c", "seq 1 5000; echo x >> ran"}, max_output = 1000}
      print(long.truncated, orun.output(long.task_id):size())]]
    local first = p:run()
    assert.same({"x", "x"}, first.ran)
    local second = p:run("--resume")
    assert.same({}, second.ran)
    assert.equal((first.out:gsub("exit\tnil", "exit\ttrue")), second.out, second.err)
  end)

  it("goes on after kill -9 with what was kept", function()
    local p = place [[
      for i = 1, 3 do print(TaskOutput(work("w" .. i)).output) end
      if not io.open "go" then
        io.stdout:flush()
        os.execute("kill -9 " .. io.open "/proc/self/stat":read "n")
        orun.sleep(1000)
      end
      print(TaskOutput(work "last").output)]]
    local r = p:run()
    assert.not_equal(0, r.code)
    assert.same({"w1", "w2", "w3"}, r.ran)
    h.write(p.dir .. "/go", "")
    r = p:run("--resume")
    assert.same({"last"}, r.ran, r.err)
    assert.equal("did w1\ndid w2\ndid w3\ndid last\n", r.out)
  end)

  it("does not keep what another process could not have: functions, modules", function()
    local p = place [[
      local results = orun.wait_all{
        orun.start{run = function() ran "function" return {f = function() end} end},
        orun.start{run = function() ran "module" return {string} end},
        orun.start{run = function() ran "error" error{f = print} end},
      }
      for i, r in ipairs(results) do print(r.status, r.error_value or r.output) end]]
    local all = {"error", "function", "module"}
    local r = p:run()
    assert.same({all, 0}, {r.ran, r.code}, r.err)
    r = p:run("--resume")
    assert.same({all, 0}, {r.ran, r.code}, r.err)
    r = h.sh(("cd %s && %s --no-history --progress none --store run.db --resume work.lua"):format(
      h.quote(p.dir), h.quote(h.bin)))
    assert.matches("3 results not kept, because a function or module is in them", r.err, 1, true)
  end)

  it("may be kept where the script says", function()
    local p = place [[
      orun.config{store = "own.db"}
      print(TaskOutput(work "a").cached, pcall(orun.config, {store = "other.db"}))]]
    local function run(words)
      local r = h.sh(("cd %s && env -u ORUN_STORE %s %s"):format(h.quote(p.dir),
        h.quote(h.bin), words))
      return r.out, r.err
    end
    local refused = "\tfalse\tconfig: store: the run is kept in [^\n]*own.db\n$"
    assert.matches("^nil" .. refused, (run "--no-history -q work.lua"))
    assert.matches("^true" .. refused, (run "resume --store own.db"))
    p:write "work 'a' print(pcall(orun.config, {store = 'own.db'}))"
    assert.equal("false\tconfig: store: a task has begun: say it before the first one\n",
      (run "--no-history -q --no-store work.lua"))
    p:write [[
      local function try() return (select(2, pcall(orun.config, {store = "x"}))) end
      print(Task{run = try}.output)]]
    assert.matches("only the script itself can say", (run "--no-history -q work.lua"), 1, true)
  end)

  it("says how to go on after a bad end, but for a store in memory", function()
    local p = place "print(TaskOutput(work 'a').output) error('here', 0)"
    local function ends(store)
      return h.sh(("cd %s && %s --no-history --store %s work.lua"):format(h.quote(p.dir),
        h.quote(h.bin), store))
    end
    local r = ends "run.db"
    assert.same({1, "did a\n"}, {r.code, r.out})
    assert.matches("1 result is kept; go on with: orun resume --store run.db\n", r.err, 1, true)
    r = ends ":memory:"
    assert.same({1, "did a\n"}, {r.code, r.out})
    assert.matches("here\n", r.err, 1, true)
    assert.not_matches("go on with", r.err, 1, true)
  end)

  it("shares out what a list has got more of, and what has failed", function()
    local text = [[
      local items = {}
      for i = 1, %d do items[i] = {description = "item " .. i} end
      local results = orun.workers(function(item)
        ran(item.description)
        if item.description == "item 2" and not io.open "go" then error("no", 0) end
        return "did " .. item.description
      end, {limit = 2, items = items})
      for _, r in ipairs(results) do print(r.status) end]]
    local p = place(text:format(3))
    local r = p:run()
    assert.same({"completed\nfailed\ncompleted\n", {"item 1", "item 2", "item 3"}}, {r.out, r.ran})
    h.write(p.dir .. "/go", "")
    r = p:run("--resume", "--retry-failed")
    assert.same({("completed\n"):rep(3), {"item 2"}}, {r.out, r.ran}, r.err)
    p:write(text:format(5))
    r = p:run("--resume")
    assert.same({("completed\n"):rep(5), {"item 4", "item 5"}}, {r.out, r.ran}, r.err)
  end)

  it("refuses a store that is none, before anything runs", function()
    local p = place "work 'a'"
    h.write(p.dir .. "/run.db", "this is a text\n")
    local r = p:run()
    assert.same({1, {}}, {r.code, r.ran})
    assert.matches("run.db", r.err)
    assert.equal("this is a text\n", h.read(p.dir .. "/run.db"))
    r = place("work 'a'"):run("--resume")
    assert.same({1, {}}, {r.code, r.ran})
    assert.matches("run.db", r.err)
  end)
end)

describe("a folder of stores", function()
  local dir

  local function run(words)
    return h.sh(("cd %s && env -u ORUN_STORE %s --no-history -q %s"):format(h.quote(dir),
      h.quote(h.bin), words))
  end

  local function names()
    local all = h.sh("ls kept", {cwd = dir}).out
    local _, n = all:gsub("%.db\n", "")
    return n, all
  end

  local function old(name, when)
    h.write(("%s/kept/%s.db"):format(dir, name), "")
    if when then h.sh(("touch -d '%s' kept/%s.db"):format(when, name), {cwd = dir}) end
  end

  before_each(function()
    dir = h.tmpdir()
    h.sh("mkdir kept", {cwd = dir})
    h.write(dir .. "/work.lua", "Task{run = function() end}")
  end)

  it("has the newest twenty, and none of more than thirty days", function()
    for i = 1, 25 do old(("20260101-0000%02d-abcd"):format(i)) end
    old("20260101-000026-abcd", "31 days ago")
    assert.equal(0, run("--store kept/ work.lua").code)
    local n, all = names()
    assert.equal(20, n, all)
    assert.is_nil(all:find("20260101-00000[0-6]"), all)
    assert.is_nil(all:find("20260101-000026", 1, true), all)
    assert.is_truthy(all:find("20260101-000025", 1, true), all)
  end)

  it("keeps what a process has open", function()
    local live = h.start{cwd = dir, "--no-history", "-q", "--store", "kept/", "-e",
      "Task{run = function() end} io.open('there', 'w'):close() require'orun'.sleep(1000)"}
    assert(h.wait_for(function() return h.exists(dir .. "/there") end))
    local _, first = names()
    first = first:match("(%S+%.db)\n")
    for i = 1, 25 do old(("99990101-0000%02d-abcd"):format(i)) end
    assert.equal(0, run("--store kept/ work.lua").code)
    local _, all = names()
    assert.is_truthy(all:find(first, 1, true), all)
    live:kill "KILL"
    live:wait()
  end)

  it("has the run that is gone on with found: the script's newest that did not end well", function()
    h.write(dir .. "/bad.lua", "print(Task{run = function() end}.cached) error('x', 0)")
    run "--store kept/ bad.lua"
    run "--store kept/ work.lua"
    run "--store kept/ work.lua"
    assert.equal("true\n", run("--store kept/ --resume bad.lua").out)
    assert.equal("true\n", h.sh(("%s resume --store kept/"):format(h.quote(h.bin)),
      {cwd = dir}).out)
  end)
end)

describe("an agent that was interrupted", function()
  it("goes on with its session, if its type says so", function()
    local p = place [[
      local function agent(name, retry)
        orun.agent{name = name, retry = retry, run = function(input, task)
          ran(name .. " " .. (task.resume and task.resume.session_id or "new"))
          orun.report{session_id = "session of " .. name}
          if not io.open "go" then
            io.open(name, "w"):close()
            orun.sleep(1000)
          end
          return "done"
        end}
        return Task{subagent_type = name, prompt = "p", run_in_background = true}
      end
      local tasks = {agent("again", {max = 1, resume = true}), agent("anew", 1)}
      if not io.open "go" then
        repeat orun.sleep(0.001) until io.open "again" and io.open "anew"
        Task{run = function() return 1 end} -- and what was told is kept
        os.execute("kill -9 " .. io.open "/proc/self/stat":read "n")
      end
      for _, r in ipairs(orun.wait_all(tasks)) do print(r.output) end]]
    assert.same({"again new", "anew new"}, p:run().ran)
    h.write(p.dir .. "/go", "")
    local r = p:run("--resume")
    assert.equal("done\ndone\n", r.out, r.err)
    assert.same({"again session of again", "anew new"}, r.ran)
    assert.same({}, p:run("--resume").ran)
  end)
end)

describe("the list of a run that is gone on with", function()
  -- A planner, which does not run again, and workers over what it has put on the list.
  local PLAN <const> = [[
    local function planner()
      return Task{description = "plan", run = function()
        ran "plan"
        Task{run = function() TaskCreate{description = "from below", input = {n = 0}} end}
        local first = TaskCreate{description = "first", input = {n = 1}, metadata = {who = "me"}}
        TaskCreate{description = "second", input = {n = 2}, priority = 5, blockedBy = {first}}
        local gone = TaskCreate{description = "gone"}
        TaskUpdate{task_id = gone, status = "deleted"}
        return "planned"
      end}
    end
    local function list()
      local lines = {}
      for _, e in ipairs(TaskList{}) do
        lines[#lines + 1] = ("%s %s %s %s %s %s"):format(e.description, e.status, e.priority,
          e.metadata and e.metadata.who, #(e.blockedBy or {}), e.owner)
      end
      table.sort(lines)
      print(table.concat(lines, "\n"))
    end
  ]]

  it("has what tasks have put on it that do not run again", function()
    local p = place(PLAN .. "print(planner().cached) list()")
    local first = p:run()
    local second = p:run("--resume")
    assert.same({{"plan"}, {}}, {first.ran, second.ran}, second.err)
    assert.equal("nil\n", first.out:sub(1, 4))
    assert.equal("true\n" .. first.out:sub(5), second.out, second.err)
    assert.equal("true\n" .. first.out:sub(5), p:run("--resume").out)
  end)

  it("has items as they were ended: cancelled, too", function()
    local p = place(PLAN .. [[
      local r = Task{description = "plan", run = function()
        local one, two = TaskCreate{description = "one"}, TaskCreate{description = "two"}
        TaskCreate{description = "three", blockedBy = {two}}
        TaskUpdate{task_id = one, status = "failed", error = "no"}
        TaskUpdate{task_id = two, status = "cancelled"}
      end}
      print(r.cached)
      repeat orun.sleep(0.001) until #TaskList{status = "pending"} == 0
      list()]])
    local first = p:run()
    assert.matches("two cancelled", first.out, 1, true)
    local second = p:run("--resume")
    assert.equal("true\n" .. first.out:sub(5), second.out, second.err)
    assert.equal(second.out, p:run("--resume").out)
  end)

  it("has items with handles: of tasks that do not run again, of items, of the script's", function()
    local p = place(PLAN .. [[
      local mine = work "mine"
      TaskOutput(mine) -- captured below, it counts by its outcome
      local r = Task{description = "plan", run = function()
        local below = Task{description = "below", run = function() ran "below" return 42 end,
                           run_in_background = true}
        TaskOutput(below)
        local item = TaskCreate{description = "item"}
        TaskCreate{description = "many", input = {below, {of = item}, mine, "text"}}
        TaskCreate{description = "one", input = {below = below}}
      end}
      local go = io.open "go"
      while go do
        local item = orun.claim{wait = true}
        if not item then break end
        local input = item.input or {}
        print(item.description, input.below, input[1], (input[2] or {}).of, input[3], input[4])
        TaskUpdate{task_id = item.id, status = "completed", output = "of " .. item.description}
      end
      list()]])
    assert.equal("item pending 0 nil 0 nil\nmany pending 0 nil 1 nil\none pending 0 nil 0 nil\n",
      p:run().out)
    h.write(p.dir .. "/go", "")
    local r = p:run("--resume")
    assert.same({}, r.ran)
    assert.equal("item\tnil\tnil\tnil\tnil\tnil\none\t42\tnil\tnil\tnil\tnil\n"
      .. "many\tnil\t42\tof item\tdid mine\ttext\n"
      .. "item completed 0 nil 0 nil\nmany completed 0 nil 0 nil\none completed 0 nil 0 nil\n",
      r.out, r.err)
    -- By now they have ended, and have so at once.
    assert.equal("item completed 0 nil 0 nil\nmany completed 0 nil 0 nil\n"
      .. "one completed 0 nil 0 nil\n", p:run("--resume").out)
  end)

  it("has items that wait for what is asked again, and those that a failure blocks", function()
    local p = place(PLAN .. [[
      local slow = orun.start{description = "slow", run = function()
        if not io.open "go" then
          repeat orun.sleep(0.001) until io.open "planned"
          os.execute("kill -9 " .. io.open "/proc/self/stat":read "n")
        end
        repeat orun.sleep(0.001) until io.open "listed"
        return "slow"
      end}
      Task{description = "plan", run = function()
        local bad = Task{run = function() error("no", 0) end, run_in_background = true}
        TaskOutput(bad)
        TaskCreate{description = "blocked", blockedBy = {bad}}
        TaskCreate{description = "waits", input = {slow}}
      end}
      io.open("planned", "w"):close()
      list()
      io.open("listed", "w"):close()
      TaskOutput(slow)
      print(orun.claim{wait = true}.input[1])]])
    p:run()
    h.write(p.dir .. "/go", "")
    local r = p:run("--resume")
    assert.equal("blocked cancelled 0 nil 0 nil\nwaits pending 0 nil 1 nil\nslow\n", r.out, r.err)
  end)

  it("is without an item whose input has what is not kept, which is told", function()
    local p = place(PLAN .. [[
      print(Task{description = "plan", run = function()
        local t = Task{run = function() return 1 end, cache = false, run_in_background = true}
        TaskOutput(t)
        TaskCreate{description = "odd\27[31m", input = {t}}
        TaskCreate{description = "plain"}
      end}.cached)
      list()]])
    p:run()
    local r = p:run("--resume")
    assert.equal("true\nplain pending 0 nil 0 nil\n", r.out)
    assert.matches("orun: odd%S- of an earlier try is not on the list again, though t1, which had "
      .. "put it there, does not run again: a task in its input has no kept result", r.err)
    assert.not_matches("\27", r.err)
  end)

  it("has what an agent's program has put on it, which does not run again", function()
    local p = place(PLAN .. ("local bin = %q\n"):format(h.bin) .. [[
      orun.agent{name = "sh", command = {"sh"}, env = {ORUN_BIN = bin}}
      local r = Task{subagent_type = "sh", description = "program", prompt = [=[
        id=$("$ORUN_BIN" task create --subject first --metadata '{"who":"me"}')
        "$ORUN_BIN" task create --subject second --blocked-by "$id" >/dev/null]=]}
      print(r.cached, r.status, r.error)
      list()]])
    local first = p:run()
    assert.matches("^nil\tcompleted\tnil\n", first.out, first.err)
    assert.matches("first pending 0 me 0 nil\nsecond pending 0 nil 1 nil", first.out, 1, true)
    local second = p:run("--resume")
    assert.equal("true" .. first.out:sub(4), second.out, second.err)
  end)

  it("goes on with what is left, after kill -9", function()
    local p = place(PLAN .. [[
      planner()
      local rs = orun.workers(function(item)
        ran(item.description)
        if item.description == "first" and not io.open "go" then
          os.execute("kill -9 " .. io.open "/proc/self/stat":read "n")
          orun.sleep(1000)
        end
        return item.description
      end, {limit = 1})
      list()]])
    local first = p:run()
    assert.not_equal(0, first.code)
    h.write(p.dir .. "/go", "")
    local second = p:run("--resume")
    local all = {}
    for _, r in ipairs{first, second} do
      for _, name in ipairs(r.ran) do all[#all + 1] = name end
    end
    table.sort(all)
    assert.same({"first", "first", "from below", "plan", "second"}, all, second.err)
    assert.same({}, p:run("--resume").ran)
  end)
end)

describe("orun resume", function()
  it("begins the run again where it was, with its arguments and options", function()
    local p = place [[
      print(..., TaskOutput(work(...)).cached)
      os.exit(#... == 1 and 5 or 0)]]
    local base = "cd %s && env -u ORUN_STORE %s %s"
    local function run(dir, words)
      return h.sh(base:format(h.quote(dir), h.quote(h.bin), words))
    end
    local r = run(p.dir, "--no-history -q --store run.db -- work.lua x")
    assert.same({5, "x\tnil\n"}, {r.code, r.out}, r.err)
    r = run("/", "resume --store " .. h.quote(p.dir .. "/run.db"))
    assert.same({5, "x\ttrue\n"}, {r.code, r.out}, r.err)
    r = run("/", "resume nothing --store " .. h.quote(p.dir .. "/run.db"))
    assert.same({1, ""}, {r.code, r.out})
    assert.matches("no run 'nothing' is kept there", r.err, 1, true)
  end)

  it("may be behind options, as every command may", function()
    local p = place "print(..., TaskOutput(work(...)).cached)"
    local function run(words)
      return h.sh(("cd %s && env -u ORUN_STORE %s %s"):format(h.quote(p.dir), h.bin, words))
    end
    assert.equal(0, run("--no-history -q --store run.db work.lua x").code)
    for _, words in ipairs{"--store run.db -q resume", "-q --store=run.db resume",
                           "-q retry t9 --store run.db", "-j 2 -q resume --store run.db"} do
      local r = run(words)
      if words:find "t9" then
        assert.matches("t9: nothing is kept of such a task", r.err)
      else
        assert.same({0, "x\ttrue\n", ""}, {r.code, r.out, r.err}, words)
      end
    end
    assert.matches("work.lua", run("--store run.db runs").out)
    assert.matches("1 task,", run("-j 1 plan work.lua x").out)
    assert.matches("orun runs: unknown option %-q", run("-q runs").err)
    h.write(p.dir .. "/runs", "print 'a script'")
    assert.equal("a script\n", run("-q -- runs").out)
    assert.equal("1\na script\n", run("-q -e 'print(1)' runs").out)
  end)
end)
