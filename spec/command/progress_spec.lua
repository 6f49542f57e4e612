--- What goes on while a run goes on: lines at the foot of a terminal, plain lines elsewhere.

local h = require "spec.support.helper"
local json = require "cjson"
local live_model = require "orun.record.live"
local run_model = require "orun.record.model"
local foot = require "orun.view.footer"
local screen = require "spec.support.screen"

-- Times are as they are: T.
local function timeless(text)
  return (text:gsub(" *%f[%d][%d.]+ [mµ]*s%f[^%w]", " T"))
end

-- ---- the foot, as a function of the model ----

local function fit(text, columns)
  if #text <= columns then return text, #text end
  return text:sub(1, columns - 1) .. "+", columns
end

-- A picture of what these events have led to, at second `now`.
local function picture(events, now, rows, columns, more)
  local model = run_model.new()
  local look = {now = now, rows = rows, columns = columns, tokens = 0, cost = 0, fit = fit,
    colour = function(_, text) return text end, under_way = {}, queued = {}, phases = {},
    last_line = function() return "" end}
  for k, value in pairs(more or {}) do look[k] = value end
  for _, e in ipairs(events) do model:add(e) end
  for _, t in ipairs(model.tasks) do
    look.under_way[t] = run_model.at_work(t.state) or nil
    look.queued[t] = t.state == "queued" or nil
  end
  return foot.lines(model, look)
end

local function added(n, description, fields)
  local e = {event = "added", at = 0, task = "t" .. n, kind = "lua", description = description}
  for k, value in pairs(fields or {}) do e[k] = value end
  return e
end

-- n tasks under way, and as many that are queued.
local function crowd(n)
  local events = {}
  for i = 1, n do
    events[#events + 1] = added(i, "part " .. i)
    events[#events + 1] = {event = "ready", at = 0, task = "t" .. i}
    events[#events + 1] = {event = "started", at = i / 10, task = "t" .. i, attempt = 1}
  end
  for i = n + 1, 2 * n do
    events[#events + 1] = added(i, "part " .. i)
    events[#events + 1] = {event = "queued", at = 0, task = "t" .. i, ["for"] = "slot",
      limit = "process"}
  end
  return events
end

describe("the foot of the terminal", function()
  it("has a line a task, with what it does and has spent, and one that counts", function()
    local lines = picture({
      added(1, "find the callers", {agent = "Explore", kind = "program"}),
      {event = "started", at = 1, task = "t1", attempt = 1},
      {event = "reported", at = 2, task = "t1", activity = "Read src/main.c",
       input_tokens = 3000, output_tokens = 240, cost = 0.021},
      added(2, "build"), {event = "started", at = 1, task = "t2", attempt = 1},
      {event = "retry", at = 3, task = "t2", error_kind = "exit", delay = 4},
      added(3, "ask"), {event = "started", at = 1, task = "t3", attempt = 1},
      {event = "throttled", at = 3, task = "t3", limit = "anthropic", wait = 12},
      added(4, "sum"), {event = "started", at = 1, task = "t4", attempt = 1},
      {event = "waits", at = 2, task = "t4", ["for"] = "task", other = "t1"},
      added(5, "later", {blockedBy = {"t1"}}),
      added(6, "over"), {event = "started", at = 0, task = "t6", attempt = 1},
      {event = "ended", at = 1, task = "t6", status = "failed"},
    }, 5, 24, 80, {tokens = 3240, cost = 0.021})
    assert.same({
      "t1          4 s  Explore: find the cal+  Read src/main.c       3.24k tok $0.021",
      "t2          4 s  build  failed (exit), again in 2 s",
      "t3          4 s  ask  throttled by anthropic, 10 s",
      "t4          4 s  sum  waits for t1 (Explore: find the callers)",
      "1 failed, 0 of 6 done, 5 s, 1 running, 1 waiting, 1 throttled, 1 to be retried",
    }, lines)
  end)

  it("fits any terminal, however many tasks there are", function()
    for _, size in ipairs{{24, 80}, {50, 200}, {10, 30}, {5, 20}, {3, 12}, {1, 5}} do
      for _, n in ipairs{0, 3, 30, 3000} do
        local lines = picture(crowd(n), 400, size[1], size[2])
        local what = ("%d tasks at %d x %d"):format(n, size[2], size[1])
        assert.is_true(#lines < size[1] or #lines == 1, what)
        for _, line in ipairs(lines) do assert.is_true(#line < size[2], what .. ": " .. line) end
      end
    end
  end)

  it("says how many it leaves out, and why tasks are queued", function()
    local lines = picture(crowd(3000), 400, 24, 80)
    assert.equal("... and 2989 more", lines[#lines - 1])
    assert.equal("0 of 6000 done, 6 m 40 s, 3000 running, 3000 queued (for program slots)",
      lines[#lines])
    assert.equal(13, #lines)
  end)

  it("says how long it may still take, where that is known of each task", function()
    local a = {expected = 10, attempts = {{from = 2}}}
    local b = {expected = 20, attempts = {{from = 1}}}
    local queued = {expected = 30, attempts = {}}
    assert.is_true(math.abs(foot.eta({[a] = true, [b] = true}, 6) - 15) < 1e-9)
    assert.is_true(math.abs(foot.eta({[a] = true, [b] = true, [queued] = true}, 6) - 30) < 1e-9)
    assert.is_nil(foot.eta({[a] = true, [{attempts = {}}] = true}, 6))
    assert.is_nil(foot.eta({}, 6))
    assert.matches("^0 of 1 done, 2 s, about 1 m 05 s more, ", picture({added(1, "a"),
      {event = "started", at = 0, task = "t1", attempt = 1}}, 2, 24, 80, {eta = 65})[2])
  end)

  it("groups tasks by phase", function()
    local lines = picture({
      {event = "phase", at = 0, name = "look"}, added(1, "a"),
      {event = "started", at = 0, task = "t1", attempt = 1},
      {event = "phase", at = 1, name = "write"}, added(2, "b"),
      {event = "started", at = 1, task = "t2", attempt = 1},
    }, 2, 24, 40, {phases = {look = {all = 3, ended = 2}, write = {all = 1, ended = 0}}})
    assert.same({"look  2 of 3", "t1          2 s  a", "write  0 of 1", "t2          1 s  b",
      "0 of 2 done, 2 s, 2 running"}, lines)
  end)
end)

-- ---- a run too long to be told whole ----

describe("the live model", function()
  local function event(name, n, fields)
    local e = {event = name, at = n, task = "t" .. n}
    for k, value in pairs(fields or {}) do e[k] = value end
    return e
  end

  -- The model after t1 completed, t2 runs, t3 is blocked; then these events, of which only the
  -- notable ones are told; `over` has the ids of what has ended by then.
  local function live(events, over, totals)
    local whole = run_model.new()
    whole:add{event = "phase", at = 0, name = "much"}
    for n = 1, 3 do whole:add(added(n, "part " .. n)) end
    whole:add(event("started", 1, {attempt = 1}))
    whole:add(event("ended", 1, {status = "completed"}))
    whole:add(event("started", 2, {attempt = 1}))
    local model = live_model.of(whole)
    for _, e in ipairs(events) do
      live_model.add(model, e, function(id)
        return {event = "added", task = id, kind = "lua", description = "part " .. id:sub(2)}
      end)
    end
    live_model.prune(model, function(id) return over[id] or false end, totals)
    return model, whole
  end

  local function ids(model)
    local list = {}
    for id in pairs(model.by_id) do list[#list + 1] = id end
    table.sort(list)
    return list
  end

  it("has the tasks that are at work, and counts the rest", function()
    local model, whole = live({
      event("started", 25000, {attempt = 1}),
      event("retry", 25001, {error_kind = "exit", delay = 1}),
      event("ended", 25002, {status = "failed", error = "no"}),
      event("started", 25003, {attempt = 1}),
    }, {t25003 = true}, {tasks = 30000, completed = 20000, failed = 1, cancelled = 2})
    assert.same({"t2", "t25000", "t25001"}, ids(model))
    assert.same({"part 25000", 25000, "much"}, {model.by_id.t25000.description,
      model.by_id.t25000.nth, model.by_id.t25000.phase})
    assert.same({completed = 20000, failed = 1, cancelled = 2, running = 2, retrying = 1,
                 pending = 9994}, model.counts)
    assert.equal(30000, model.total)
    assert.equal(0, #model.tasks)
    assert.same({3, "blocked"}, {#whole.tasks, whole.by_id.t3.state}) -- as it was
  end)

  it("is shown like any other at the foot", function()
    local model = live({event("started", 25000, {attempt = 1})}, {},
      {tasks = 30000, completed = 20000, failed = 0, cancelled = 0})
    local look = {now = 25004, rows = 24, columns = 60, tokens = 0, cost = 0, fit = fit,
      colour = function(_, text) return text end, under_way = {}, queued = {}, phases = {},
      last_line = function() return "" end}
    for _, t in pairs(model.by_id) do look.under_way[t] = true end
    assert.same({"much", "t2     6 h 56 m  part 2", "t25000       4 s  part 25000",
      "20000 of 30000 done, 6 h 56 m, 2 running, 9998 pending"}, foot.lines(model, look))
  end)
end)

-- ---- on a terminal ----

local GATED <const> = [[
  local orun = require "orun"
  orun.agent{name = "sh", command = {"sh"}}
  local function held(name, text)
    return Task{subagent_type = "sh", description = name, run_in_background = true,
      prompt = text .. "; until [ -e go ]; do sleep 0.05; done"}
  end
  print("before")
  local a, b = held("first", "echo the last line"), held("evil\27[2J", "true")
  orun.exec("sh", "-c", "until [ -e print ]; do sleep 0.05; done")
  for i = 1, 3 do print("line " .. i) end
  io.write("a question? ")
  orun.exec("sh", "-c", "until [ -e answer ]; do sleep 0.05; done")
  print("yes")
  print(TaskOutput(a).status, TaskOutput(b).status)
]]

-- The script on a terminal, and its folder.
local function gated(words, opts)
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", GATED)
  opts = opts or {}
  opts.cwd = dir
  return screen.open(("%s --report none %s s.lua"):format(h.quote(h.bin), words or ""), opts), dir
end

describe("on a terminal", function()
  it("stands below what the script prints, and goes at the end", function()
    local s <close>, dir = gated()
    local shown = timeless(s:shows("2 running"))
    assert.equal("before\nt1 T  sh: first  the last line\nt2 T  sh: evil\\x1b[2J\n"
      .. "0 of 2 done, T, 2 running", shown)
    h.write(dir .. "/print", "")
    s:shows("a question%?$") -- nothing is drawn into a line that has no end yet
    h.write(dir .. "/answer", "")
    shown = timeless(s:shows("yes\n.*2 running"))
    assert.equal("before\nline 1\nline 2\nline 3\na question? yes\nt1 T  sh: first  the last line\n"
      .. "t2 T  sh: evil\\x1b[2J\n0 of 2 done, T, 2 running", shown)
    h.write(dir .. "/go", "")
    assert.equal("before\nline 1\nline 2\nline 3\na question? yes\ncompleted\tcompleted\nexit 0",
      (s:ended():gsub("completed +completed", "completed\tcompleted")))
  end)

  it("follows the size of the terminal", function()
    local s <close> = gated()
    s:shows("2 running")
    s:resize(30, 12)
    local shown = s:shows("t1 [^\n]*\nt2[^\n]*…\n0 of 2 done[^\n]*$")
    for line in shown:gmatch("[^\n]+") do assert.is_true(utf8.len(line) < 30, line) end
    assert.matches("^before\n", s:text("-S -"))
    s:resize(100, 24)
    assert.equal("t1 T  sh: first  the last line\nt2 T  sh: evil\\x1b[2J\n"
      .. "0 of 2 done, T, 2 running", timeless(s:shows("t2 [^\n]*2J\n0 [^\n]*$"))
      :match("t1[^\n]*\nt2[^\n]*\n0[^\n]*$"))
    assert.matches("^before\n", s:text("-S -"))
  end)

  it("leaves a clean screen behind when it is interrupted", function()
    local s <close> = gated()
    s:shows("2 running")
    s:keys("C-c")
    local text = s:ended()
    assert.is_nil(text:find("2 running", 1, true), text)
    assert.is_nil(text:find("t1 ", 1, true), text)
    assert.matches("^before\norun: stopped: interrupted", text)
  end)

  it("has colours unless NO_COLOR is set", function()
    local plain <close> = gated("", {env = {NO_COLOR = "1"}})
    plain:shows("2 running")
    assert.is_nil(plain:text("-e"):find("\27[", 1, true))
    local coloured <close> = gated()
    coloured:shows("2 running")
    assert.is_truthy(coloured:text("-e"):find("\27[2m", 1, true))
  end)

  it("shows nothing with -q, and lines where the terminal cannot draw", function()
    local quiet <close>, dir = gated("-q")
    h.write(dir .. "/print", "")
    h.write(dir .. "/answer", "")
    h.write(dir .. "/go", "")
    assert.equal("before\nline 1\nline 2\nline 3\na question? yes\n",
      quiet:ended():match(".-yes\n"))
    local dumb <close> = gated("", {env = {TERM = "dumb"}})
    assert.matches("before\n.* t1 starts: sh: first\n.* t2 starts: sh: evil",
      dumb:shows("t2 starts"))
  end)
end)

-- ---- elsewhere ----

local PLAIN <const> = [[
  orun.phase("one")
  orun.agent{name = "sh", command = {"sh"}}
  local a = Task{subagent_type = "sh", description = "say it", prompt = "echo so; echo bad >&2"}
  local b = Task{description = "twice", run = function() error("no luck") end,
                 retry = {max = 1, backoff = 0.001}}
  assert(not b.ok)
  TaskOutput(Task{description = "after", run = print, blockedBy = {b}, run_in_background = true})
  local item = TaskCreate{description = "an item"}
  TaskUpdate{task_id = item, status = "in_progress", owner = "me"}
]]

local function plain(words, env)
  local args = {}
  for word in words:gmatch("%S+") do args[#args + 1] = word end
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", PLAIN)
  args[#args + 1] = dir .. "/s.lua"
  args.env = env or {ORUN_PROGRESS = false}
  args.cwd = dir
  return h.orun(args)
end

describe("where there is no terminal", function()
  it("is a line a start and a line an end", function()
    local r = plain("")
    local lines = h.lines(timeless(r.err))
    assert.same({
      " T  phase one", " T  t1 starts: sh: say it", " T  t1 completed in T: sh: say it",
      " T  t2 starts: twice", " T  t2 failed (lua), again in T: s.lua:4: no luck",
      " T  t2 failed in T, 2 attempts: twice: s.lua:4: no luck",
      " T  t3 cancelled: after: its blocker t2 failed", " T  t4 is claimed: an item",
    }, (function()
      for i, line in ipairs(lines) do lines[i] = line:gsub(": [^ ]*/s.lua:", ": s.lua:") end
      lines[7] = lines[7] and lines[7]:gsub("after: .*t2.*", "after: its blocker t2 failed")
      return lines
    end)())
    assert.equal("", r.out)
  end)

  it("is nothing with -q, --progress none or ORUN_PROGRESS=none", function()
    assert.equal("", plain("-q").err)
    assert.equal("", plain("--progress none").err)
    assert.equal("", plain("", {ORUN_PROGRESS = "none"}).err)
    assert.equal("", h.orun{"agents", "--json", env = {ORUN_PROGRESS = false}}.err)
  end)

  it("says more with -v", function()
    local text = plain("-v").err
    assert.matches("t2 starts again, attempt 2", text)
  end)

  it("is all events with --progress json", function()
    local first, last, seen = nil, nil, {}
    for line in plain("--progress json").err:gmatch("[^\n]+") do
      last = json.decode(line)
      first = first or last
      seen[last.event] = true
    end
    assert.same({"run", 1}, {first.event, first.version})
    assert.equal("run_ended", last.event)
    assert.is_true(seen.added and seen.ended and seen.phase and seen.claimed)
  end)

  it("counts what nobody can read, and names each failure", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[
      local all = {}
      for i = 1, 300 do
        all[i] = Task{run = function(n) if n % 100 == 0 then error("bad " .. n) end end,
                      input = i, run_in_background = true}
      end
      for i = 1, 300 do assert(TaskOutput(all[i]).status) end]])
    local r = h.orun{dir .. "/s.lua", env = {ORUN_PROGRESS = "plain"}}
    assert.matches("%.%.%. and %d+ lines? more\n", r.err)
    for i = 1, 3 do assert.matches("bad " .. i * 100, r.err) end
    assert.is_true(#h.lines(r.err) < 300)
  end)

  it("only counts a run of very many tasks, and names each failure", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[
      for i = 1, 30000 do TaskCreate{description = "item " .. i} end
      local all = {}
      for i = 1, 200 do
        all[i] = Task{run = function(n) if n % 100 == 0 then error("bad " .. n) end end,
                      input = i, run_in_background = true}
      end
      for i = 1, 200 do assert(TaskOutput(all[i]).status) end]])
    local r = h.orun{dir .. "/s.lua", env = {ORUN_PROGRESS = "plain"}}
    assert.same({0, ""}, {r.code, r.out})
    for i = 1, 2 do assert.matches("bad " .. i * 100, r.err) end
    assert.matches("%.%.%. 198 of 30200 done, 2 failed\n$", r.err)
    assert.is_true(#h.lines(r.err) < 200)
  end)

  it("says at the end what a run of very many tasks was like as far as it was looked at", function()
    local r = h.orun{"--report", "short", "-e",
      "for i = 1, 30000 do Task{run = os.time, run_in_background = true} end",
      env = {ORUN_PROGRESS = "plain"}}
    assert.equal(0, r.code, r.err)
    assert.matches("%.%.%. 30000 of 30000 done\n", r.err)
    assert.matches("%d+ tasks are as many as are looked at", r.err)
  end)

  it("refuses modes that it does not know", function()
    local r = plain("--progress fast")
    assert.equal(1, r.code)
    assert.matches('%-%-progress: "fast" is not a way to show progress: auto, tty, plain, json or '
      .. "none", r.err)
    assert.matches("standard error is not a terminal", plain("--progress tty").err)
    assert.matches('%-%-output: "all" is not a way to show output', plain("--output all").err)
    assert.matches("'%-%-progress' needs a value", h.orun{"--progress"}.err)
  end)
end)

describe("--output", function()
  it("shows what programs print, line by line with the task's id", function()
    local lines = h.lines(plain("-q --output tagged").err)
    assert.same({"t1  | so", "t1  | bad"}, lines)
  end)

  it("shows it task by task", function()
    assert.equal("---- t1 (sh: say it): completed\nso\nbad\n", plain("-q --output grouped").err)
  end)

  it("loses nothing of long output, of long lines, or of a retry", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[
      local orun = require "orun"
      orun.agent{name = "sh", command = {"sh"}}
      Task{subagent_type = "sh", retry = {max = 1, backoff = 0.001}, prompt =
        "seq 1 20000; head -c 200000 /dev/zero | tr '\\0' x; [ -e second ] || { >second; exit 1; }"}
    ]])
    local r = h.orun{"-q", "--output", "grouped", "s.lua", cwd = dir}
    assert.is_truthy(r.err:find("\n19999\n20000\n" .. ("x"):rep(200000) .. "\n", 1, true))
    os.remove(dir .. "/second")
    r = h.orun{"-q", "--output", "tagged", "s.lua", cwd = dir}
    -- Of the attempt that was retried some may be missing; of the last nothing is.
    local last = r.err:match("^.*(t1  | 1\n.*)$")
    local numbers = {}
    for n in last:gmatch("t1  | (%d+)\n") do numbers[#numbers + 1] = n end
    local _, x = last:gsub("x", "")
    assert.same({20000, "20000", 200000}, {#numbers, numbers[#numbers], x})
  end)
end)
