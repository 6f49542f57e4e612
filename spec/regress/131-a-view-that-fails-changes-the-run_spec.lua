--- An error in the display ("attempt to concatenate a table value") made a run that went well
--- exit with 1, and ended the other views.

local h = require "spec.support.helper"
local json = require "cjson"

-- Each module of lua/view/ is a view, so a new one is in here by itself, but for those
-- that views are made of.
local PARTS <const> = {init = true, footer = true, lines = true}
local NAMES = {}
for _, path in ipairs(h.find("lua/view", "-name '*.lua'")) do
  local name = path:match("([%w_]+)%.lua$")
  if not PARTS[name] then NAMES[#NAMES + 1] = name end
end
assert(#NAMES >= 9, "no views are found")

-- What a view is opened with, where that is not "".
local VALUES <const> = {progress = "plain verbose", output = "tagged", report = "full",
                        record = "77 asked", plan = "json \n"}
local ENTRIES <const> = {"open", "event", "tick", "brief", "close"}
local PURPOSE <const> = {strict = true, plan = true} -- for them the exit code is to tell

local function file_of(name, dir)
  return (name == "events" or name == "trace") and dir .. "/" .. name or nil
end

-- What happens in the run that is shown.
local function events()
  local e = {
    {event = "script", name = "s.lua"}, {event = "phase", name = "one"},
    {event = "added", task = "t1", kind = "lua", description = "a", file = "s.lua", line = 1},
    {event = "ready", task = "t1"}, {event = "started", task = "t1", attempt = 1},
    {event = "added", task = "t2", kind = "item"}, {event = "claimed", task = "t2", by = "t1"},
    {event = "retry", task = "t1", error_kind = "lua", error = "no luck", delay = 0},
    {event = "started", task = "t1", attempt = 2}, {event = "reported", task = "t1", cost = 1},
    {event = "ended", task = "t1", status = "failed", error = "no luck", attempts = 2},
  }
  for i, one in ipairs(e) do one.at = i / 10 end
  e.lost = 0
  return e
end

-- What the runtime gives to views, without a runtime: it notes what is written and told.
local function runtime(wanted, many)
  local v = {wanted = wanted, written = {}, problems = {}}
  local batches = {events(), {lost = 0}}
  function v.next()
    local batch = table.remove(batches, 1)
    return batch, 2, false
  end
  function v.put(text) v.written[#v.written + 1] = text end
  function v.problem(text) v.problems[#v.problems + 1] = text end
  function v.line() end
  function v.fit(text) return text, #text end
  function v.output() return "printed\n", true, 1 end
  function v.post() return nil, "nobody listens" end
  function v.count_tasks() return {tasks = many or 2, completed = 1, failed = 1, cancelled = 0} end
  function v.final() return false end
  function v.added(id) return {event = "added", task = id, kind = "lua"} end
  function v.unix_time() return 0 end
  function v.processors() return 2 end
  for _, name in ipairs{"ready", "enough", "brief", "foot", "close_foot", "size", "open_foot",
                        "shows"} do
    v[name] = function() end
  end
  return v
end

-- What views use of their own state, as they find it there.
local function surroundings(dir)
  local runs, stdout = require "orun.record.store", io.stdout
  local new = runs.new
  function runs.new(id) return io.open(dir .. "/record", "w"), id, dir .. "/record" end
  io.stdout = {write = function() end, flush = function() end} -- luacheck: ignore
  return setmetatable({}, {__close = function()
    runs.new, io.stdout = new, stdout -- luacheck: ignore
  end})
end

-- Run lua/view/init.lua with these views, of which `name` raises whenever it is called at `entry`.
local function run(wanted, name, entry, many)
  local module = "orun.view." .. name
  local real = require(module)
  package.loaded[module] = function(...)
    if entry == "open" then error("made to fail") end
    local view = real(...)
    view.done = nil -- of a view that has nothing to show here
    view[entry] = function() error("made to fail") end
    return view
  end
  local v = runtime(wanted, many)
  local ok, why = pcall(require "orun.view", v)
  package.loaded[module] = real
  return v, ok, why
end

-- How often `text` is in what was written.
local function count(list, text)
  local n = 0
  for _, piece in ipairs(list) do
    for _ in piece:gmatch(text) do n = n + 1 end
  end
  return n
end

-- A view beside those, which sees what it is given.
local function witness(seen)
  return function()
    return {event = function() seen.events = seen.events + 1 end, brief = function() end,
            tick = function() seen.ticks = seen.ticks + 1 end,
            close = function() seen.closed = seen.closed + 1 end}
  end
end

describe("a view that raises", function()

  for _, name in ipairs(NAMES) do
    for _, entry in ipairs(ENTRIES) do
      it(("leaves the run and the other views alone: %s, %s"):format(name, entry), function()
        local dir, seen = h.tmpdir(), {events = 0, ticks = 0, closed = 0}
        local _ <close> = surroundings(dir)
        local other <const> = name == "otlp" and "trace" or "otlp"
        local own = package.loaded["orun.view." .. other]
        package.loaded["orun.view." .. other] = witness(seen)
        local value = file_of(name, dir) or VALUES[name] or ""
        local v, ok, why = run({other .. "=a", name .. "=" .. value, other .. "=b"}, name, entry,
          entry == "brief" and 1e6)
        package.loaded["orun.view." .. other] = own
        if PURPOSE[name] and entry == "open" then -- nothing has begun yet
          assert.is_false(ok)
          assert.matches("made to fail", why)
          return
        end
        assert.is_true(ok, why)
        assert.same({2 * #events(), 2}, {seen.events, seen.closed})
        assert.is_true(seen.ticks > 0)
        local told = count(PURPOSE[name] and v.problems or v.written, "made to fail")
        assert.equal(1, told)
        assert.equal(0, count(PURPOSE[name] and v.written or v.problems, "made to fail"))
      end)
    end
  end
end)

-- ---- the whole program ----

-- Code for the views' own state, that has them raise at an entry point.
local DOOR <const> = [[
  for name in ("%s"):gmatch("%%w+") do
    local real = require("orun.view." .. name)
    package.loaded["orun.view." .. name] = function(...)
      if "%s" == "open" then error("made to fail") end
      local view = real(...)
      view["%s"] = function() error("made to fail") end
      return view
    end
  end]]

local SCRIPT <const> = [[
  local a = Task{run = function() error("no luck") end, run_in_background = true}
  print(TaskOutput(a).status, Task{run = function() return 1 end}.output)]]

local function whole(names, entry, options)
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", SCRIPT)
  local args = {bin = h.test_bin, env = {ORUN_TEST_VIEW = DOOR:format(names, entry, entry),
    ORUN_PROGRESS = false, XDG_STATE_HOME = dir}}
  for _, word in ipairs{"--events", dir .. "/events", "--trace", dir .. "/trace", "--record",
                        "--report", "full", "--output", "tagged", "--progress", "plain"} do
    args[#args + 1] = word
  end
  for _, word in ipairs(options or {}) do args[#args + 1] = word end
  args[#args + 1] = dir .. "/s.lua"
  return h.orun(args), dir
end

describe("a run whose views raise", function()
  for _, entry in ipairs{"open", "event", "tick", "close"} do
    it("prints and ends as it would have: " .. entry, function()
      local r = whole("progress output report record trace events", entry)
      assert.same({"failed\t1\n", 0}, {r.out, r.code})
      local told = {}
      for name in r.err:gmatch("orun: (%w+) lacks something[^\n]*made to fail") do
        told[#told + 1] = name
      end
      table.sort(told)
      assert.same({"events", "output", "progress", "record", "report", "trace"}, told)
    end)
  end

  it("has the files of those that do not", function()
    local r, dir = whole("progress output report", "event")
    assert.equal(0, r.code)
    local last
    for line in io.lines(dir .. "/events") do last = json.decode(line) end
    assert.equal("run_ended", last.event)
    assert.is_table(json.decode(h.read(dir .. "/trace")).traceEvents)
  end)

  it("is still failed by --strict", function()
    local r = whole("progress report", "close", {"--strict", "-e", [[
      orun.agent{name = "sh", command = {"sh"}}
      Task{subagent_type = "sh", prompt = "echo important", run_in_background = true}]]})
    assert.equal(1, r.code)
    assert.matches("never collected", r.err)
  end)
end)

describe("the view of a run", function()
  it("is not disturbed by an error in what all views share", function()
    local model = require "orun.record.model"
    local real = model.new
    model.new = function()
      local whole_one = real()
      function whole_one.add() error("made to fail") end
      return whole_one
    end
    local dir = h.tmpdir()
    local v = runtime{"events=" .. dir .. "/e", "progress=plain"}
    local ok, why = pcall(require "orun.view", v)
    model.new = real
    assert.is_true(ok, why)
    assert.equal(1, count(v.written, "made to fail"))
    assert.same({}, v.problems)
    local n = 0
    for _ in io.lines(dir .. "/e") do n = n + 1 end
    assert.equal(#events() + 2, n)
  end)
end)
