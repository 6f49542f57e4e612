--- scenarios: what is run while allocations fail, one run after the other.
--
--     ORUN_FAULT_HERE=7 build/test/orun spec/fault/scenarios.lua NAME
--
-- The scenario NAME runs with its seventh allocation failing ("7*2": that and
-- the next, "7+": all from there on). It may end well or with an error that
-- speaks of memory, but what it says must be true: `check` compares each
-- result, and a wrong one is a lie (exit code 99). Afterwards no allocation
-- fails any more, and the runtime must work as if nothing had been.

local test = require "orun.test"

local LIE <const> = 99

local function lie(format, ...)
  io.stderr:write("LIE: ", format:format(...), "\n")
  os.exit(LIE)
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do
    if not same(v, b[k]) then return false end
  end
  for k in pairs(b) do
    if a[k] == nil then return false end
  end
  return true
end

local function show(v)
  if type(v) ~= "table" then return tostring(v):sub(1, 200) end
  local parts = {}
  for k, x in pairs(v) do parts[#parts + 1] = tostring(k) .. "=" .. show(x) end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end

-- Is it a reason a reader understands, or at least one?
local function check_reason(text, what)
  if type(text) ~= "string" or #text == 0 then lie("%s failed without a reason", what) end
  if text:find("LIE:", 1, true) then lie("%s", text) end
  for _, word in ipairs{"memory", "ENOMEM", "no worker could be started", "stack overflow",
                        "no other can be started"} do
    if text:find(word, 1, true) then return end
  end
  lie("%s failed for another reason: %s", what, text)
end

-- A result: what is wanted, or a failure that says why.
local function check(r, want, what)
  if r.status == "completed" then
    if not same(r.output, want) then lie("%s is %s", what, show(r.output)) end
    return true
  end
  if r.status ~= "failed" and r.status ~= "cancelled" then
    lie("%s is %s", what, tostring(r.status))
  end
  if not r.error_kind then lie("%s failed without a kind", what) end
  check_reason(r.error, what)
  return false
end

local function agents()
  orun.agent{name = "cat", command = {"cat"}}
  orun.agent{name = "file", command = {"cat", "{prompt_file}"}}
  orun.agent{name = "flood", command = {"head", "-c", "3000000", "/dev/zero"}}
  orun.agent{name = "bad", command = {"sh", "-c", "echo no >&2; exit 3"}}
  orun.agent{name = "none", command = {"/no/such/program"}}
end

local M = {}

function M.fan()
  local all = {}
  for i = 1, 4 do
    all[i] = Task{run = function(n) return {n, tostring(n)} end, input = i,
                  run_in_background = true}
  end
  for i = 1, 4 do check(TaskOutput(all[i]), {i, tostring(i)}, "task " .. i) end
end

function M.values()
  local add = function(a, b) return a + b end
  local shared = {text = ("x"):rep(300), n = 1.5, yes = true}
  local twice = function(v) return add(v.a.n, v.b.n), v end
  local r = Task{run = function(v)
    local sum, back = twice(v)
    return {sum = sum, one = back.a == back.b, text = v.a.text}
  end, input = {a = shared, b = shared}}
  check(r, {sum = 3.0, one = true, text = shared.text}, "the value")
end

-- A failure must stay one: with its own reason, or with memory as the reason.
local function check_failure(r, kind, text, what)
  if r.status == "completed" then lie("%s completed", what) end
  if r.error_kind == kind and (r.error or ""):find(text, 1, true) then return end
  check(r, nil, what)
end

function M.errors()
  check_failure(Task{run = function() error("boom") end}, "lua", "boom", "error")
  check_failure(Task{run = function() error{code = 7} end}, "lua", "table value", "table")
  check_failure(Task{run = function() return io.stdout end}, "lua", "userdata", "userdata")
  check_failure(Task{run = function() return _G.nowhere.x end}, "lua", "nil value", "index")
  local s = setmetatable({}, {__tostring = function() return "as text" end})
  check_failure(Task{run = function() error(s) end}, "lua", "", "tostring")
  check_failure(Task{run = function() os.exit(3) end}, "exit", "os.exit(3)", "exit")
end

-- The allocations are those of orun itself, not those of the task's process.
function M.apart()
  local r = Task{run = function(v) return {v.text, #v.text} end, input = {text = ("x"):rep(9000)},
                 isolation = "process"}
  check(r, {("x"):rep(9000), 9000}, "the value")
  check_failure(Task{run = function() error("boom") end, isolation = "process"}, "lua", "boom",
    "error")
end

function M.shell()
  local ok, how, code = os.execute("exit 3")
  if ok or how ~= "exit" or code ~= 3 then check_reason(tostring(how), "os.execute") end
  local pipe, why = io.popen("echo text")
  if not pipe then return check_reason(why, "popen") end
  local text = pipe:read("a")
  local closed, what, status = pipe:close()
  if text ~= "text\n" and closed then lie("popen read %q", text) end
  if not closed and what ~= "exit" and status ~= 12 then
    lie("popen ended %s %s", tostring(what), tostring(status))
  end
end

function M.programs()
  agents()
  local text = ("line\n"):rep(100)
  check(Task{subagent_type = "cat", prompt = text}, text, "cat")
  check(Task{subagent_type = "cat", input = {a = {1, 2}}}, '{"a":[1,2]}', "JSON")
  check(Task{subagent_type = "file", prompt = text}, text, "file")
  check_failure(Task{subagent_type = "bad", prompt = "x"}, "exit", "exit code 3", "bad")
  check_failure(Task{subagent_type = "none", prompt = "x"}, "spawn", "No such file", "none")
end

function M.flood()
  agents()
  local r = Task{subagent_type = "flood", prompt = "x", max_output = 1000}
  if r.status ~= "completed" then return check(r, nil, "flood") end
  local file = r.output_file and io.open(r.output_file, "rb")
  if not file then lie("flood completed without its file") end
  local size = file:seek("end")
  file:close()
  if size ~= 3000000 then lie("flood's file has %d bytes", size) end
  if not r.output:find("^\0+\n%[cut: 1000 of 3000000 bytes") then
    lie("flood's output is %q", r.output)
  end
end

function M.input()
  agents()
  local text = ("0123456789\n"):rep(30000)
  local r = Task{subagent_type = "cat", prompt = text, max_output = #text}
  check(r, text, "the input")
end

function M.exec()
  local function ran(r, code, out, err)
    -- Of an exit all that was printed is there.
    if r.error and r.error_kind ~= "exit" then return check_reason(r.error, "exec") end
    if r.exit_code ~= code then lie("exec gave %s", show(r)) end
    if r.output ~= out or r.stderr ~= err then lie("exec printed %s", show(r)) end
  end
  ran(orun.exec("echo", "a b"), 0, "a b\n", "")
  ran(orun.exec{command = {"sh", "-c", "cat; echo e >&2; exit 4"}, input = "in",
                env = {NAME = "value"}, cwd = "/"}, 4, "in", "e\n")
  local many = orun.exec{command = {"head", "-c", "200000", "/dev/zero"}, max_output = "100KiB"}
  if not many.error and not many.truncated then lie("exec gave %d bytes", #many.output) end
end

-- A program that asks the run: it gets what it asked for, or a reason; and what it was
-- not told of is not done.
function M.control()
  local item = TaskCreate{description = "one", prompt = "text"}
  local r = orun.exec{command = {"sh", "-c", '"$ORUN_PROGRAM" task claim --next'}}
  if r.exit_code == 0 and r.error then -- it was claimed; what was said of it was not kept
    check_reason(r.error, "the call")
  elseif r.exit_code == 0 and r.output ~= item.id .. "\tone\n" then
    lie("claimed: %s", r.output)
  elseif r.exit_code ~= 0 then
    check_reason(r.error_kind == "exit" and r.stderr or r.error, "the call")
  end
  local status = TaskGet(item).status
  if (status == "in_progress") ~= (r.exit_code == 0) then lie("%s after %s", status, show(r)) end
end

-- What is missing of a text was missed for want of memory.
function M.stream()
  local function read()
    local r, reason = orun.exec{stream = true, files = {text = ("x"):rep(1000)},
                                command = {"sh", "-c", "cat $0; echo; seq 300; exit 3", "{text}"}}
    if not r then return check_reason(reason, "the stream's start") end
    local n, last = 0
    for line in r:lines() do n, last = n + 1, line end
    local ending = r:wait()
    if ending.exit_code ~= 3 then return check_reason(ending.error, "the stream's end") end
    if n ~= 301 or last ~= "300" then lie("%d lines, and at last %s", n, show(last)) end
  end
  local ok, message = pcall(read)
  if not ok then check_reason(message, "the stream") end
end

function M.retries()
  local limit = "5ms"
  check_failure(Task{run = function() while true do end end, timeout = limit}, "timeout",
    "timed out", "the loop")
  local r = Task{run = function(_, task)
    if task.attempt < 3 then error("again") end
    return task.attempt
  end, retry = {max = 3, backoff = "1ms"}}
  if r.status ~= "completed" or r.attempts == 3 then
    check(r, 3, "the third try")
  elseif r.output ~= r.attempts then
    lie("attempt %s gave %s", tostring(r.attempts), show(r.output))
  end
  local sleeper = Task{run = function() orun.sleep(60) end, run_in_background = true}
  TaskStop{task_id = sleeper}
  check_failure(TaskOutput(sleeper), "cancelled", "cancelled", "the sleeper")
end

function M.edges()
  local a = Task{run = function() return 2 end, run_in_background = true}
  local b = Task{run = function(v) return v.a * 3 end, input = {a = a},
                 run_in_background = true}
  local c = Task{run = function(v) return v + 1 end, input = b, blockedBy = {a},
                 run_in_background = true}
  check(TaskOutput(c), 7, "the chain")
  local bad = Task{run = function() error("x") end, run_in_background = true}
  local after = Task{run = function() return 1 end, blockedBy = {bad}, run_in_background = true}
  check_failure(TaskOutput(after), "blocked", "blocked", "the blocked one")
  check_failure(TaskOutput(bad), "lua", "x", "the blocker")
end

function M.list()
  local ids = {}
  for i = 1, 3 do
    ids[i] = TaskCreate{description = "item " .. i, metadata = {i = i},
                        blockedBy = i > 1 and {ids[i - 1]} or nil}
  end
  local workers = {}
  for w = 1, 2 do
    workers[w] = Task{run = function()
      local mine = {}
      while true do
        local item = orun.claim{wait = true}
        if not item then return mine end
        mine[#mine + 1] = item.description
        TaskUpdate{task_id = item.id, status = "completed", output = item.metadata.i}
      end
    end, run_in_background = true}
  end
  local seen, whole = {}, true
  for w = 1, 2 do
    local r = TaskOutput(workers[w])
    if r.status == "completed" then
      for _, name in ipairs(r.output) do
        if seen[name] then lie("%s was done twice", name) end
        seen[name] = true
      end
    else
      whole = false
      check(r, nil, "worker " .. w)
    end
  end
  for _, item in ipairs(TaskList{}) do
    if item.status ~= "completed" and seen[item.description] then
      lie("%s is %s", item.description, item.status)
    end
    if whole and item.description:find("^item") and item.status ~= "completed" then
      lie("%s was left: %s", item.description, item.status)
    end
  end
  local ok, why, reason = TaskUpdate{task_id = ids[1], status = "in_progress"}
  if ok and whole then lie("a finished item was claimed") end
  if not ok and type(why) ~= "string" then lie("no reason but %s", tostring(reason)) end
end

function M.nested()
  local r = Task{run = function(depth)
    local function down(n)
      if n == 0 then return 1 end
      local left = Task{run = down, input = n - 1, run_in_background = true}
      local right = Task{run = down, input = n - 1}
      if right.status ~= "completed" then error(right.error, 0) end
      local l = TaskOutput(left)
      if l.status ~= "completed" then error(l.error, 0) end
      return l.output + right.output
    end
    return down(depth)
  end, input = 2}
  check(r, 4, "the tree")
end

function M.sorted()
  local r = Task{run = function()
    local t = {3, 1, 2}
    table.sort(t, function(a, b)
      local x = Task{run = function(v) return v[1] < v[2] end, input = {a, b}}
      if x.status ~= "completed" then error(x.error, 0) end
      return x.output
    end)
    return t
  end}
  check(r, {1, 2, 3}, "the sorted")
end

function M.stdlib()
  local fan_out = require "orun.fan_out"
  local ok, r = pcall(orun.map, {1, 2, 3}, function(n) return n * n end)
  if ok and not same(r, {1, 4, 9}) then lie("map gave %s", show(r)) end
  if not ok then check_reason(tostring(r), "map") end
  if not fan_out then lie("no module") end
end

function M.files()
  local r = Task{run = function()
    local name = os.tmpname()
    local f <close> = assert(io.open(name, "w"))
    assert(f:write(("y"):rep(5000)))
    f:close()
    local back = assert(io.open(name)):read("a")
    os.remove(name)
    return #back
  end}
  check(r, 5000, "the file")
end

-- A script in a runtime of its own, whose host has the agent type in-c.
local function embed(code)
  local made, ran, text, left, asked, failed = test.failing.embed(code,
    os.getenv("ORUN_FAULT_HERE"))
  if left > 0 then lie("%d blocks are left", left) end
  if made ~= 0 or ran ~= 0 then
    if text:find("LIE", 1, true) then lie("%s", text) end
    if made == 0 then check_reason(text, "the embedded script") end
  end
  return asked, failed
end

function M.embedded()
  return embed([[
    local r = Task{run = function() return 5 end}
    if r.status == "completed" and r.output ~= 5 then error("LIE: wrong") end
    if r.status ~= "completed" then error(r.error, 0) end
  ]])
end

function M.agent_in_c()
  return embed([[
    local function check(r, same)
      if r.status ~= "completed" then error(r.error, 0) end
      if not same then error("LIE: wrong") end
    end
    local h = Task{subagent_type = "in-c", input = {n = 5}, run_in_background = true,
                   schema = {type = "object", required = {"n"}}}
    local r = Task{subagent_type = "in-c", prompt = "x", model = "m"}
    check(r, r.output == "textx")
    r = TaskOutput(h)
    check(r, r.ok and r.output.n == 5)
    r = Task{subagent_type = "in-c", prompt = "abcdef", max_output = 2}
    check(r, r.truncated)
  ]])
end

-- What a task has ended with is shown if it is kept. Its look-up is over when it begins.
function M.kept(dir)
  local fine, r = pcall(Task, {input = os.getenv("ORUN_FAULT_HERE"), run = function(spec)
    require "orun.test".failing.arm(spec)
    return {text = ("x"):rep(100)}
  end})
  -- A store without memory ends the run.
  if not fine then error("no memory for the store: " .. tostring(r), 0) end
  local asked, failed = test.failing.arm()
  local shown = check(r, {text = ("x"):rep(100)}, "the outcome")
  local kept = orun.exec{command = {"sh", "-c", '"$ORUN_PROGRAM" output t1 --store "$0"',
                                    dir .. "/run.db"}}
  if shown and kept.output ~= ('{"text":"%s"}'):format(("x"):rep(100)) then
    lie("it is shown, and not kept: %s", show(kept))
  end
  return asked, failed
end

-- The same from before its look-up on; it captures a handle.
function M.looked(dir)
  local text = ("x"):rep(100)
  local first = Task{run = function() return text end, run_in_background = true}
  TaskOutput(first)
  test.failing.arm(os.getenv("ORUN_FAULT_HERE"))
  local fine, r = pcall(Task, {run = function() return TaskOutput(first).output end})
  local asked, failed = test.failing.arm()
  if fine and r.status == "cancelled" then error("no memory for the store: " .. r.error, 0) end
  if not fine then -- there is no task
    if tostring(r):find("interrupted", 1, true) then error(r, 0) end
    check_reason(tostring(r), "looked")
    return asked, failed
  end
  local shown = check(r, text, "the outcome")
  local kept = orun.exec{command = {"sh", "-c", '"$ORUN_PROGRAM" output t2 --store "$0"',
                                    dir .. "/run.db"}}
  if shown and kept.output ~= text then lie("it is shown, and not kept: %s", show(kept)) end
  return asked, failed
end

local PROGRAMS <const> = {apart = true, control = true, exec = true, flood = true, input = true,
                          kept = true, looked = true, programs = true, shell = true, stream = true}
-- These say themselves what fails, and give how much was asked for.
local ARMED <const> = {agent_in_c = true, embedded = true, kept = true, looked = true}

-- These may end the run.
local ENDS <const> = {kept = true, looked = true}

-- What tasks tell, and what limits ask of them.
function M.limits()
  orun.limit("pool", {slots = 1, rate = "1000/s"})
  orun.agent{name = "spender", slots = "http", account = "key", rate = {"1000/s", "1000 tokens/s"},
    budget = {usd = 100}, run = function(n, task)
      orun.report{usage = {output_tokens = n}, cost = 0.5, activity = "spends", model = "m"}
      if n == 2 and task.attempt == 1 then
        orun.fail{kind = "rate", message = "not enough memory for all", retry_after = 0.001}
      end
      return n
    end}
  local tasks = {}
  for i = 1, 3 do
    tasks[i] = Task{subagent_type = "spender", input = i, pool = "pool", run_in_background = true}
  end
  for i = 1, 3 do check(TaskOutput(tasks[i]), i, "spender " .. i) end
end

-- Agent files, which stand in hidden folders beside this file.
function M.files()
  check(Task{subagent_type = "found", prompt = "text"}, "text", "found")
  local known = {}
  for _, agent in ipairs(orun.agents.list().agents) do known[agent.name] = agent.def end
  if known.reader.description ~= "Reads: this." or known.coder.system ~= "You code.\n" then
    lie("what files say: %s", show(known))
  end
  local ok, why = pcall(Task, {subagent_type = "nobody", prompt = "x"})
  if ok then lie("nobody answered") end
  if not why:find('"nobody" is not defined', 1, true) then check_reason(why, "nobody") end
end

-- A folder with the store of this run.
local function kept_place()
  local dir = orun.exec("mktemp", "-d").output:match("[^\n]+")
  orun.config{store = dir .. "/run.db"}
  return dir, setmetatable({}, {__close = function() orun.exec("rm", "-rf", "--", dir) end})
end

-- A repository, and what it takes away again; made while nothing fails.
local function repository()
  local r = orun.exec("sh", "-c", [[cd "$(mktemp -d)" && git init -q && echo 1 > one && git add . &&
    git -c user.name=a -c user.email=a commit -qm first && pwd]])
  local dir = r.output:match("[^\n]+")
  return dir, setmetatable({}, {__close = function() orun.exec("rm", "-rf", "--", dir) end})
end

-- Whatever fails, what was there before stays as it was, and what is said to be committed is.
function M.worktree(dir)
  local r = Task{isolation = "worktree", cwd = dir,
                 run = function()
                   local done = orun.exec("sh", "-c", "echo 2 > two")
                   return done.exit_code or error(done.error, 0)
                 end}
  if check(r, 0, "in a worktree") then
    local w = r.worktree
    if w.files[1] ~= "two" or not w.commit then lie("committed: %s", show(w)) end
  end
end

-- Where a scenario runs, when it matters, and what removes that.
local function place_of(name)
  if name == "worktree" then return repository() end
  if name == "kept" or name == "looked" then return kept_place() end
end

-- Afterwards all is as ever.
local function check_health(name)
  local r = Task{run = function(n) return n + 1 end, input = 41}
  if r.output ~= 42 then lie("afterwards: %s", show(r)) end
  if not PROGRAMS[name] then return end
  r = orun.exec("echo", "alive")
  if r.output ~= "alive\n" then lie("afterwards: %s", show(r)) end
end

local function main(name)
  local spec = os.getenv("ORUN_FAULT_HERE")
  local run = assert(M[name], "no such scenario")
  local dir, _ <close> = place_of(name)
  if not ARMED[name] then test.failing.arm(spec) end
  local ok, err, its_failed = pcall(run, dir)
  local asked, failed = test.failing.arm()
  if ARMED[name] and ok then asked, failed = err, its_failed end
  local tally = os.getenv("ORUN_FAULT_COUNT")
  if tally then
    local f = assert(io.open(tally, "w"))
    f:write(("%d %d\n"):format(asked, failed))
    f:close()
  end
  if not ok and ENDS[name] and tostring(err):find("interrupted", 1, true) then
    error(err, 0) -- the run is ended: its exit code must be 74
  end
  if not ok then check_reason(tostring(err), name) end
  check_health(name)
  if not ok then error(err, 0) end
  print("done")
end

if arg[1] == "--list" then
  local names = {}
  for name in pairs(M) do names[#names + 1] = name end
  table.sort(names)
  print(table.concat(names, "\n"))
else
  main(arg[1])
end
