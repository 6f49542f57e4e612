-- Durations remembered (runtime/task/history.c, history_file.c) and the order that
-- follows from them (rank.c, wait_queue.c).

local h = require "spec.support.helper"
local test = require "orun.test"
local support = require "spec.support.sim"

local HEAD <const> = "orun history 1\n"

-- A file of durations: {name = seconds}; the first letter of a name is its kind.
local function history(durations)
  local lines = {}
  for name, seconds in pairs(durations) do
    lines[#lines + 1] = ("%s 1 %d 0 0 - 7\n"):format(name, math.floor(seconds * 1e6 + 0.5))
  end
  return h.write(h.tmpdir() .. "/history", HEAD .. table.concat(lines))
end

local function keys(durations)
  local named = {}
  for key, seconds in pairs(durations) do named["k" .. key] = seconds end
  return history(named)
end

-- The lines of a file but the first, in order.
local function remembered(path)
  local lines = h.lines(assert(h.read(path)))
  assert.equal("orun history 2", table.remove(lines, 1))
  table.sort(lines)
  return lines
end

-- Finish what runs, one at a time, first come first; the order of the starts.
local function drain(sim)
  while sim:running()[1] do sim:finish(sim:running()[1]) end
  local order = {}
  for _, event in ipairs(sim:log()) do
    order[#order + 1] = tonumber(event:match("^start (%d+)$"))
  end
  return order
end

describe("the order of tasks that queue", function()
  it("is that of their coming while nothing is known", function()
    local sim = support.new { lua = 1, history = "/nowhere/history" }
    local a, b = sim:add { key = "a" }, sim:add { key = "b" }
    local c, d = sim:add { key = "c" }, sim:add { blockers = { b } }
    assert.same({ a, b, c, d }, drain(sim))
    assert.equal(0, sim:info(b).rank)
  end)

  it("begins with the longest", function()
    local sim = support.new { lua = 1, history = keys { short = 1, long = 5, mid = 3 } }
    local first, short = sim:add { key = "short" }, sim:add { key = "short" }
    local mid, long = sim:add { key = "mid" }, sim:add { key = "long" }
    assert.same({ first, long, mid, short }, drain(sim))
  end)

  it("is that of their coming among equals", function()
    local sim = support.new { lua = 1, history = keys { a = 2 } }
    local ids = {}
    for i = 1, 6 do ids[i] = sim:add { key = "a" } end
    assert.same(ids, drain(sim))
  end)

  it("counts what waits for a task as its own", function()
    -- Not the one that is checked: to count who queues puts them in order.
    local sim = assert(test.sim { lua = 1, history = keys { a = 1, b = 2, c = 4 } })
    local first = sim:add { key = "a" }
    local lone, other = sim:add { key = "c" }, sim:add { key = "c" }
    local head = sim:add { key = "a" }
    local middle = sim:add { key = "b", blockers = { head } }
    local tail = sim:add { key = "b", blockers = { middle } }
    assert.equal(5, sim:info(head).rank)
    assert.equal(4, sim:info(middle).rank)
    assert.same({ first, head, lone, other, middle, tail }, drain(sim))
  end)

  it("counts who becomes ready by an end, when its slot is given", function()
    local sim = support.new { lua = 1, history = keys { a = 1, b = 2, c = 4 } }
    local a, b = sim:add { key = "a" }, sim:add { key = "b" }
    local c = sim:add { key = "c", blockers = { a } }
    assert.same({ a, c, b }, drain(sim))
  end)

  it("is chosen among all that become ready at once", function()
    local sim = support.new { lua = 1, history = keys { a = 1, b = 2, c = 4 } }
    local gate = sim:add { kind = "item" }
    local a = sim:add { key = "a", blockers = { gate } }
    local c = sim:add { key = "c", blockers = { gate } }
    local b = sim:add { key = "b", blockers = { gate } }
    sim:resolve(gate, 0, "completed")
    assert.same({ c, b, a }, drain(sim))
  end)

  it("follows edges that are added later", function()
    local sim = support.new { lua = 1, history = keys { a = 1, b = 2, c = 4 } }
    local first = sim:add { key = "a" }
    local b, a = sim:add { key = "b" }, sim:add { key = "a" }
    local c = sim:add { key = "c" }
    assert.equal(true, sim:block { { c, a } })
    assert.equal(5, sim:info(a).rank)
    assert.same({ first, a, c, b }, drain(sim))
  end)

  it("follows edges from an older task to a newer one", function()
    local sim = support.new { lua = 1, history = keys { a = 1, b = 2, c = 4 } }
    local first = sim:add { key = "a" }
    local c, b, a = sim:add { key = "c" }, sim:add { key = "b" }, sim:add { key = "a" }
    sim:block { { c, b }, { b, a } }
    assert.is_true(sim:figures().ranked)
    assert.equal(7, sim:info(a).rank)
    assert.same({ first, a, b, c }, drain(sim))
  end)

  it("puts priority before it", function()
    local sim = support.new { lua = 1, history = keys { a = 1, b = 9 } }
    local first, b = sim:add { key = "a" }, sim:add { key = "b" }
    local a = sim:add { key = "a", priority = 1 }
    assert.same({ first, a, b }, drain(sim))
  end)

  it("puts who goes on after a wait before it", function()
    local sim = support.new { lua = 1, history = keys { a = 1, b = 9 } }
    local first = sim:add { key = "a" }
    sim:wait("time", first, 1)
    local second, b = sim:running()[1] or sim:add { key = "a" }, sim:add { key = "b" }
    sim:advance(1)
    sim:finish(second)
    assert.equal(first, sim:running()[1])
    sim:finish(first)
    assert.equal(b, sim:running()[1])
  end)

  it("holds in a named limit and among those that wait to write", function()
    local sim = support.new { lua = 9, history = keys { a = 1, b = 2 } }
    local one = sim:add { key = "a", limit = "db" }
    local a, b = sim:add { key = "a", limit = "db" }, sim:add { key = "b", limit = "db" }
    local two = sim:add { key = "a", writes = { "/f" } }
    local wa = sim:add { key = "a", writes = { "/f" } }
    local wb = sim:add { key = "b", writes = { "/f" } }
    assert.same({ one, two }, sim:running())
    sim:finish(one)
    sim:finish(two)
    assert.same({ b, wb }, sim:running())
    sim:finish(b)
    sim:finish(wb)
    assert.same({ a, wa }, sim:running())
  end)

  it("leaves no slot of a limit to a task that needs another one", function()
    local sim = support.new { lua = 1, process = 1, history = keys { a = 1 } }
    local first, second = sim:add { limit = "db" }, sim:add {}
    local program = sim:add { kind = "process", limit = "db", blockers = { second } }
    local third = sim:add {}
    sim:add { limit = "db" } -- before the program, and a slot for it is just free
    sim:finish(first)
    sim:finish(second)
    assert.same({ third, program }, sim:running())
  end)

  it("is told once to who watches, whatever the rank becomes", function()
    local sim = support.new { lua = 1, history = keys { a = 1, b = 2 } }
    sim:add { key = "a" }
    local waits = { sim:add { key = "a" }, sim:add { key = "a" } }
    sim:add { key = "b", blockers = { waits[2] } }
    assert.equal(2, sim:figures().lua.waiting)
    assert.same({ 1, waits[2] }, { sim:finish(1) or 1, sim:running()[1] })
  end)

  it("lets nobody wait for ever", function()
    local sim = support.new { lua = 1, history = keys { short = 1, long = 3 } }
    sim:add { key = "long" }
    local short = sim:add { key = "short" }
    local passed = 0
    while sim:running()[1] ~= short do
      sim:add { key = "long" }
      sim:advance(3)
      sim:finish(sim:running()[1])
      passed = passed + 1
      assert.is_true(passed < 100)
    end
    -- Eight times the difference of two ranks, in tasks of three seconds each.
    assert.is_true(passed >= 5 and passed <= 7, passed .. " passed it")
  end)

  it("is the same after a retry", function()
    local sim = support.new { lua = 1, history = keys { a = 1, b = 2, c = 3 } }
    local c = sim:add { key = "c", retry = { max = 1, backoff = 0 } }
    local b, a = sim:add { key = "b" }, sim:add { key = "a" }
    sim:finish(c, "failed")
    assert.same({ b }, sim:running())
    sim:advance(0)
    sim:finish(b)
    assert.same({ c }, sim:running())
    sim:finish(c)
    assert.same({ a }, sim:running())
  end)
end)

describe("what a task is expected to take", function()
  it("is told by its key, else its agent type, else its line, else the mean", function()
    local sim = support.new { history = history { kdone = 4, aquick = 2, ["l/x.lua:3"] = 10 } }
    sim:agent("quick", 9)
    sim:agent("other", 9)
    local function own(options) return sim:info(sim:add(options)).own end
    assert.equal(4, own { key = "done", agent = "quick" })
    assert.equal(2, own { key = "new", agent = "quick" })
    assert.equal(2, own { agent = "quick" })
    assert.equal(6, own { agent = "other" }) -- types and lines, each once
    assert.equal(6, own {})
  end)

  it("is nothing of a list item", function()
    local sim = support.new { history = keys { a = 4 } }
    local item = sim:add { kind = "item", key = "a" }
    assert.equal(0, sim:info(item).own)
  end)
end)

describe("the ranks of a large graph", function()
  -- What each would be if all was known at once; dependents have higher ids.
  local function exact(own, blockers)
    local rank = {}
    for id = #own, 1, -1 do
      rank[id] = (rank[id] or 0) + own[id]
      for _, b in ipairs(blockers[id]) do rank[b] = math.max(rank[b] or 0, rank[id]) end
    end
    return rank
  end

  local function random_graph(sim, n)
    local own, blockers = {}, {}
    for id = 1, n do
      own[id], blockers[id] = math.random(9), {}
      for i = 1, id > 1 and math.random(0, 3) or 0 do
        blockers[id][i] = math.random(math.max(1, id - 50), id - 1)
      end
      sim:add { key = "d" .. own[id], blockers = blockers[id] }
    end
    return exact(own, blockers)
  end

  local function nine()
    local all = {}
    for i = 1, 9 do all["d" .. i] = i end
    return keys(all)
  end

  it("are right at once while it is small", function()
    for seed = 1, 50 do
      math.randomseed(seed)
      local sim = support.new { lua = 1, history = nine() }
      local ranks = random_graph(sim, 20)
      for id = 2, 20 do assert.equal(ranks[id], sim:info(id).rank, "seed " .. seed) end
    end
  end)

  it("are right when tasks have ended that pay for them", function()
    math.randomseed(7)
    local sim = assert(test.sim { lua = 1, history = nine() })
    local ranks = random_graph(sim, 2000)
    local steps = 0
    while not sim:figures().ranked do
      sim:finish(sim:running()[1])
      steps = steps + 1
    end
    assert.is_true(steps < 250, steps .. " ends")
    assert.is_nil(sim:check())
    for id = 1, 2000 do
      local info = sim:info(id)
      if info.state == "WAITING" then assert.equal(ranks[id], info.rank) end
    end
  end)

  it("cost a chain no more than its length", function()
    local sim = assert(test.sim { lua = 1, history = nine() })
    local n, last = 20000, nil
    for _ = 1, n do last = sim:add { key = "d1", blockers = { last } } end
    assert.is_true(sim:info(1).rank > 0.9 * n)
    local ended = 0
    while not sim:figures().ranked do
      sim:finish(sim:running()[1])
      ended = ended + 1
    end
    assert.is_true(ended < 1000, ended .. " ends")
    assert.equal(n - ended, sim:info(ended + 1).rank)
  end)
end)

describe("a schedule by ranks", function()
  -- Seconds that tasks {own, blockers} take with so many slots, on the virtual clock.
  local function makespan(tasks, slots, path)
    local sim = assert(test.sim { lua = 99, history = path })
    sim:limit("pool", slots)
    local gate = sim:add { kind = "item" }
    for id, task in ipairs(tasks) do
      local blockers = { gate }
      for i, b in ipairs(task.blockers) do blockers[i] = b + gate end
      assert.equal(gate + id, sim:add { key = "t" .. id, blockers = blockers, limit = "pool" })
    end
    sim:resolve(gate, 0, "completed")
    local ends, now = {}, 0
    while true do
      local first
      for _, id in ipairs(sim:running()) do
        ends[id] = ends[id] or now + tasks[id - gate].own
        if not first or ends[id] < ends[first] then first = id end
      end
      if not first then return now end
      sim:advance(ends[first] - now)
      now = ends[first]
      sim:finish(first)
    end
  end

  -- Ten chains of four tasks whose durations are log-normal.
  local function chains(seed)
    math.randomseed(seed)
    local tasks, work, durations = {}, 0, {}
    for id = 1, 40 do
      local normal = math.sqrt(-2 * math.log(1 - math.random()))
        * math.cos(2 * math.pi * math.random())
      local own = math.floor(10 * math.exp(0.8 * normal) * 1000) / 1000
      tasks[id] = { own = own, blockers = { id > 10 and id - 10 or nil } }
      durations["t" .. id], work = own, work + own
    end
    local span = 0
    for c = 1, 10 do
      local sum = 0
      for stage = 0, 3 do sum = sum + tasks[c + 10 * stage].own end
      span = math.max(span, sum)
    end
    return tasks, durations, math.max(span, work / 5), work
  end

  -- Stage by stage, five at a time, each five waited for.
  local function by_chunks(tasks)
    local sum = 0
    for first = 1, #tasks, 5 do
      local longest = 0
      for id = first, first + 4 do longest = math.max(longest, tasks[id].own) end
      sum = sum + longest
    end
    return sum
  end

  it("is within 5 % of the bound, and 1.8 times as fast as chunk by chunk", function()
    local ratio, gain, better = 0, 0, 0
    for seed = 1, 40 do
      local tasks, durations, bound = chains(seed)
      local path = keys(durations)
      local informed = makespan(tasks, 5, path)
      local fifo = makespan(tasks, 5, "/nowhere/history")
      ratio, gain = ratio + informed / bound, gain + by_chunks(tasks) / informed
      better = better + fifo / informed
      assert.is_true(informed <= 1.15 * bound, ("seed %d: %.2f"):format(seed, informed / bound))
    end
    assert.is_true(ratio / 40 <= 1.03, ("%.3f of the bound"):format(ratio / 40))
    assert.is_true(gain / 40 >= 1.8, ("%.2f times as fast"):format(gain / 40))
    assert.is_true(better / 40 > 1.1, ("%.3f of first come"):format(better / 40))
  end)
end)

describe("the file of durations", function()
  local function finished(sim, options, seconds)
    local id = sim:add(options)
    sim:advance(seconds)
    sim:finish(id)
    return id
  end

  it("gets what completed tasks took, by key and by type", function()
    local path = h.tmpdir() .. "/deep/er/history"
    local sim = support.new { history = path }
    sim:agent("quick", 9)
    finished(sim, { key = "one", agent = "quick" }, 2)
    finished(sim, { key = "two", agent = "quick" }, 4)
    local failed = sim:add { key = "bad", agent = "quick" }
    sim:advance(9)
    sim:finish(failed, "failed")
    assert.is_nil(sim:save())
    local lines = remembered(path)
    for i, expected in ipairs { "aquick 2 3000000 0 1000000 0 0 -",
                                "k%0Aone 1 2000000 0 0 0 0 -", "k%0Atwo 1 4000000 0 0 0 0 -" } do
      assert.equal(expected, lines[i]:match("^(.*) %d+$"))
    end
    assert.equal(3, #lines)
  end)

  it("forgets slowly: what is new weighs an eighth", function()
    local path = h.write(h.tmpdir() .. "/history", "orun history 2\nk%0Aa 1 8000000 0 0 0 0 - 7\n")
    local function again(seconds)
      local sim = support.new { history = path }
      finished(sim, { key = "a" }, seconds)
      sim:save()
      return tonumber(remembered(path)[1]:match("^k%%0Aa %d+ (%d+)")) / 1e6
    end
    assert.equal(6, again(4))       -- two that weigh the same
    assert.equal(4, again(0))
    for _ = 1, 5 do again(4) end
    assert.equal(4, again(4))
    assert.equal(5, again(12))      -- the ninth: an eighth of what is new
  end)

  it("loses nothing when runs end at the same time", function()
    local path = h.tmpdir() .. "/history"
    local sims = {}
    for i = 1, 3 do
      sims[i] = support.new { history = path }
      finished(sims[i], { key = "mine " .. i }, 1)
      finished(sims[i], { key = "shared" }, 1)
    end
    for i = 1, 3 do sims[i]:save() end
    local lines = remembered(path)
    assert.equal(4, #lines)
    assert.truthy(lines[4]:find("^k%%0Ashared 3 1000000 "))
  end)

  it("keeps any bytes of a key", function()
    local path = h.tmpdir() .. "/history"
    local key = "a\9b\nc%41 \2\127é"
    local sim = support.new { history = path }
    finished(sim, { key = key }, 3)
    sim:save()
    sim = support.new { history = path }
    assert.equal(3, sim:info(sim:add { key = key }).own)
  end)

  it("has room for 5,000 names, those seen last", function()
    local lines = {}
    for i = 1, 5000 do lines[i] = ("kold%%20%d 1 1 0 0 - %d\n"):format(i, i) end
    local path = h.write(h.tmpdir() .. "/history", HEAD .. table.concat(lines))
    local sim = support.new { history = path }
    finished(sim, { key = "new" }, 1)
    sim:save()
    local kept = remembered(path)
    local names = table.concat(kept, "\n")
    assert.equal(5000, #kept)
    assert.truthy(names:find("k%0Anew ", 1, true))
    assert.truthy(names:find("oold%202 ", 1, true))
    assert.falsy(names:find("oold%201 ", 1, true))
  end)

  it("begins anew when it is damaged, and says so", function()
    for _, text in ipairs {
      "", "nonsense", HEAD .. "ka 1 2", HEAD .. "ka 1 2 0 0 - 7", HEAD .. "ka 1\n",
      HEAD .. "ka -1 2 0 0 - 7\n", HEAD .. "ka 0 2 0 0 - 7\n",
      HEAD .. "ka 1 2x 0 0 - 7\n", HEAD .. "xa 1 2 0 0 - 7\n",
      HEAD .. "k%4 1 2 0 0 - 7\n", HEAD .. "k%00 1 2 0 0 - 7\n",
      HEAD .. "ka 1 2 0 0 qq 7\n", HEAD .. "ka 1 2 0 0 - 7 8\n",
      HEAD .. ("ka 1 2 0 0 - 7\n"):rep(2),
      HEAD .. "ka 1 99999999999999999999 0 0 - 7\n",
      HEAD .. "k" .. ("a"):rep(2000) .. " 1 2 0 0 - 7\n", HEAD .. "\0\n",
    } do
      local path = h.write(h.tmpdir() .. "/history", text)
      local sim = support.new { history = path }
      finished(sim, { key = "b" }, 1)
      assert.equal("the history of earlier runs was damaged and begins anew: " .. path,
        sim:save(), ("%q"):format(text))
      assert.truthy(remembered(path)[1]:find("^k%%0Ab 1 1000000 "))
      assert.equal(1, #remembered(path))
    end
  end)

  it("is left alone when a later orun has written it", function()
    local text <const> = "orun history 3\n{}\n"
    local path = h.write(h.tmpdir() .. "/history", text)
    local sim = support.new { history = path }
    finished(sim, { key = "b" }, 1)
    assert.is_nil(sim:save())
    assert.equal(text, h.read(path))
  end)

  it("is not missed where it cannot be written", function()
    local sim = support.new { history = "/proc/nowhere/history" }
    finished(sim, { key = "b" }, 1)
    assert.is_nil(sim:save())
    local folder = h.tmpdir()
    h.sh("mkdir " .. h.quote(folder .. "/history"))
    sim = support.new { history = folder .. "/history" }
    finished(sim, { key = "b" }, 1)
    assert.is_nil(sim:save())
  end)

  it("says no memory is left, and is what it was", function()
    local path = history { ka = 2 }
    local before = h.read(path)
    for n = 1, 200 do
      local sim = support.new { history = path }
      finished(sim, { key = "new" }, 1)
      test.fail_at(n)
      assert.is_nil(sim:save())
      if h.read(path) ~= before then break end
      assert.is_true(n < 200)
    end
    assert.equal(2, #remembered(path))
  end)
end)
