--- The tasks of a run as somebody outside sees them (lib_overview.c), and as lines of a
--- table.

local overview = require "orun.overview"
local task_table = require "orun.watch.table"
local words = require "orun.watch.words"

local ALL <const> = {"running", "queued", "blocked", "failed", "cancelled", "completed"}

-- The specs share one run: what is looked for has this in its title.
local nth = 0
local function mark()
  nth = nth + 1
  return "overview-" .. nth
end

local function ids(entries)
  local list = {}
  for i, e in ipairs(entries) do list[i] = e.id end
  return list
end

local function items(name, n)
  local list = {}
  for i = 1, n do list[i] = TaskCreate{description = ("%s nr %d"):format(name, i)}.id end
  return list
end

describe("a page", function()
  it("has the tasks in the order of the states, the last that ended first", function()
    local name = mark()
    local a = items(name, 6)
    TaskCreate{description = name .. " behind", blockedBy = {a[6]}}
    for _, i in ipairs{4, 2} do TaskUpdate{task_id = a[i], status = "completed"} end
    TaskUpdate{task_id = a[3], status = "in_progress"}
    local entries, counts = overview.page(ALL, name)
    assert.same({a[3], a[1], a[5], a[6]}, {table.unpack(ids(entries), 1, 4)})
    assert.same({a[4], a[2]}, {table.unpack(ids(entries), 6)})
    assert.equal("blocked", entries[5].state)
    assert.same({a[6]}, entries[5].blockedBy)
    assert.same({running = 1, queued = 3, blocked = 1, failed = 0, cancelled = 0, completed = 2},
      counts)
    entries = overview.page({"completed", "running"}, name)
    assert.same({a[4], a[2], a[3]}, ids(entries))
    for _, i in ipairs{1, 3, 5, 6} do TaskUpdate{task_id = a[i], status = "deleted"} end
  end)

  it("begins where it is asked to, and has as many as are asked for", function()
    local name = mark()
    local a = items(name, 20)
    for i = 1, 5 do TaskUpdate{task_id = a[i], status = "completed"} end
    assert.same({a[18], a[19], a[20], a[5], a[4]}, ids(overview.page(ALL, name, 12, 5)))
    assert.same({a[2], a[1]}, ids(overview.page(ALL, name, 18, 5)))
    assert.same({}, ids(overview.page(ALL, name, 20, 5)))
    assert.same({}, ids(overview.page(ALL, name, 0, 0)))
    assert.same({}, ids(overview.page({}, name)))
    for i = 6, 20 do TaskUpdate{task_id = a[i], status = "deleted"} end
    assert.equal(5, #overview.page(ALL, name))
  end)

  it("tells the place of a task, if it is in it", function()
    local name = mark()
    local a = items(name, 10)
    for i = 1, 4 do TaskUpdate{task_id = a[i], status = "completed"} end
    local function place(id, states, match)
      local _, _, index = overview.page(states or ALL, match or name, 0, 1, id)
      return index
    end
    assert.equal(1, place(a[5]))
    assert.equal(6, place(a[10]))
    assert.equal(7, place(a[4]))
    assert.equal(10, place(a[1]))
    assert.equal(3, place(a[2], {"completed"}))
    assert.is_nil(place(a[5], {"completed"}))
    assert.is_nil(place(a[5], ALL, name .. " nr 7"))
    assert.is_nil(place("t99999999"))
    for i = 5, 10 do TaskUpdate{task_id = a[i], status = "deleted"} end
    assert.is_nil(place(a[5]))
  end)

  it("looks for ids, titles and agents, whatever their case is", function()
    local name = mark()
    local a = items(name:upper(), 2)
    assert.equal(2, #overview.page(ALL, name))
    assert.equal(1, #overview.page(ALL, name .. " NR 2"))
    assert.same({a[1]}, ids(overview.page(ALL, a[1], 0, 1)))
    assert.equal(0, #overview.page(ALL, name .. ".*"))
    assert.error_matches(function() overview.page({"late"}) end, "invalid option 'late'")
    assert.error_matches(function() overview.page(ALL, ("x"):rep(257)) end, "at most 256 bytes")
    for _, id in ipairs(a) do TaskUpdate{task_id = id, status = "deleted"} end
  end)

  it("shows a failure without reading it", function()
    local name = mark()
    local task = Task{description = name, run = function() error("unseen", 0) end,
      run_in_background = true}
    repeat
      local e = overview.entry(task.id)
      orun.sleep(0)
    until e.state == "failed"
    assert.matches("^unseen\n", overview.entry(task.id).error)
    assert.equal("lua", overview.page({"failed"}, name)[1].error_kind)
    assert.is_nil(overview.output(task.id))
    assert.equal("failed", TaskOutput(task).status)
  end)
end)

describe("a line", function()
  local function lines(columns, ...)
    local rows = {...}
    local layout, out = task_table.layout(rows, columns), {}
    for i, e in ipairs(rows) do out[i] = task_table.line(layout, e) end
    return task_table.header(layout), table.unpack(out)
  end

  local ENTRY <const> = {id = "t7", kind = "task", state = "running", description = "read all",
    agent = "Explore", elapsed = 75, activity = "Grep\ncallers", cost = 0.5,
    usage = {input_tokens = 12000, output_tokens = 400}}

  it("has the columns that have room", function()
    assert.same({"ID  STATE        TIME  TOKENS   COST  AGENT    TASK",
                 "t7  running  1 m 15 s   12.4k  $0.50  Explore  read all: Grep callers"},
      {lines(80, ENTRY)})
    assert.same({"ID  STATE        TIME  TOKENS   COST  AGENT    TASK      NOW",
                 "t7  running  1 m 15 s   12.4k  $0.50  Explore  read all  Grep callers"},
      {lines(100, ENTRY)})
    assert.same({"ID  STATE        TIME  TASK", "t7  running  1 m 15 s  read all: Grep c…"},
      {lines(40, ENTRY)})
    assert.same({"ID  STATE    TASK", "t7  running  read al…"}, {lines(21, ENTRY)})
  end)

  it("is never wider than there is room, whatever is in it", function()
    local terminal = require "orun.terminal"
    local wide = {id = "t12345678901", kind = "task", state = "cancelled", error = ("é日"):rep(99),
      description = ("日本\27[2J"):rep(99), agent = ("a"):rep(99), elapsed = 1e6, cost = 1e9}
    for columns = 1, 130 do
      for _, line in ipairs{lines(columns, wide, ENTRY)} do
        local _, used = terminal.fit(line, 1000)
        assert.is_true(used <= columns, line)
        assert.is_nil(line:find("\27"))
      end
    end
  end)

  it("says why a task does not run", function()
    local function note(e) return words.note(e) end
    assert.equal("waits for a slot of db",
      note{state = "queued", waiting_for = "slot", waiting_at = "db"})
    assert.equal("waits for a program slot",
      note{state = "queued", waiting_for = "slot", waiting_at = "process"})
    assert.equal("throttled by KEY, 3 s more",
      note{state = "queued", waiting_for = "throttled", waiting_at = "KEY", wait = 3.0})
    assert.equal("attempt 2: tries again in 1.5 s",
      note{state = "queued", waiting_for = "retry", wait = 1.5, attempts = 2})
    assert.equal("blocked by t1, t2, t3 and 4 more",
      note{state = "blocked", blockedBy = {"t1", "t2", "t3"}, blockers = 7})
    assert.equal("by ann: waits for t3",
      note{state = "running", waits = "task", other = "t3", owner = "ann"})
    assert.equal("Reading", note{state = "running", waits = "time", activity = "Reading"})
    assert.equal("asleep", note{state = "running", waits = "time"})
    assert.equal("no", note{state = "failed", error = "no\nstack traceback:\n\t[C]"})
    assert.is_nil(note{state = "cancelled", error = "cancelled"})
    assert.is_nil(note{state = "completed"})
  end)
end)
