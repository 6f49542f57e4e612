-- Slots and declared writes (runtime/task/limit.c, slots.c).

local test = require "orun.test"
local support = require "spec.support.sim"

local new, states = support.new, support.states

-- Finish what runs, one at a time, first come first; the order of the starts.
local function drain(sim)
  while sim:running()[1] do sim:finish(sim:running()[1]) end
  local order = {}
  for _, event in ipairs(sim:log()) do
    order[#order + 1] = tonumber(event:match("^start (%d+)$"))
  end
  return order
end

describe("a named limit", function()
  it("has one slot when nothing else is said", function()
    local sim = new { lua = 5 }
    for _ = 1, 3 do sim:add { limit = "db" } end
    assert.same({ 1 }, sim:running())
    assert.same({ slots = 1, used = 1, waiting = 2 }, sim:figures().limits.db)
    assert.same({ 1, 2, 3 }, drain(sim))
    assert.same({ slots = 1, used = 0, waiting = 0 }, sim:figures().limits.db)
  end)

  it("lets as many run as it has slots, in the order they came", function()
    local sim = new { lua = 9 }
    sim:limit("api", 3)
    for _ = 1, 6 do sim:add { limit = "api" } end
    assert.same({ 1, 2, 3 }, sim:running())
    sim:finish(2)
    assert.same({ 1, 3, 4 }, sim:running())
  end)

  it("is shared by tasks of different kinds", function()
    local sim = new { lua = 5, process = 5 }
    sim:limit("api", 2)
    local a = sim:add { limit = "api" }
    local b = sim:add { limit = "api", kind = "process" }
    local c = sim:add { limit = "api" }
    local d = sim:add { limit = "api", kind = "process" }
    assert.same({ a, b }, sim:running())
    sim:finish(a)
    assert.same({ b, c }, sim:running())
    sim:finish(b)
    assert.same({ c, d }, sim:running())
  end)

  it("does not hold up tasks that are not under it", function()
    local sim = new { lua = 2 }
    local a, b = sim:add { limit = "a" }, sim:add { limit = "a" }
    local other, free = sim:add { limit = "b" }, sim:add {}
    assert.same({ a, other }, sim:running())
    sim:finish(other)
    assert.same({ a, free }, sim:running())
    sim:finish(a)
    assert.same({ free, b }, sim:running())
  end)

  it("keeps no slot for a task that lacks another one", function()
    local sim = new { lua = 1, process = 1 }
    local busy = sim:add {}
    local queued = sim:add { limit = "a" }
    local process = sim:add { limit = "a", kind = "process" }
    assert.same({ busy, process }, sim:running())
    sim:finish(busy)
    assert.same({ process }, sim:running())
    sim:finish(process)
    assert.same({ queued }, sim:running())
  end)

  it("starts the higher priority first", function()
    local sim = new { lua = 9 }
    local order = { sim:add { limit = "a" } }
    order[4] = sim:add { limit = "a", priority = -1 }
    order[3] = sim:add { limit = "a" }
    order[2] = sim:add { limit = "a", priority = 1 }
    assert.same(order, drain(sim))
  end)

  it("starts more when it is made larger, and none when smaller", function()
    local sim = new { lua = 9 }
    for _ = 1, 6 do sim:add { limit = "a" } end
    sim:limit("a", 4)
    assert.same({ 1, 2, 3, 4 }, sim:running())
    sim:limit("a", 2)
    sim:finish(1)
    sim:finish(2)
    assert.same({ 3, 4 }, sim:running())
    sim:finish(3)
    assert.same({ 4, 5 }, sim:running())
  end)

  it("forgets a task that was cancelled in its queue", function()
    local sim = new { lua = 9 }
    for _ = 1, 4 do sim:add { limit = "a" } end
    sim:stop(2)
    assert.equal(2, sim:figures().limits.a.waiting)
    assert.same({ 1, 3, 4 }, drain(sim))
  end)

  it("gets its slot back from a task that is given up", function()
    local sim = new { lua = 9 }
    local a, b = sim:add { limit = "a" }, sim:add { limit = "a" }
    sim:stop(a)
    sim:advance(1.25)
    assert.same({ b }, sim:running())
  end)

  it("gets its slot back while a task waits to be tried again", function()
    local sim = new { lua = 9 }
    local a = sim:add { limit = "a", retry = { max = 1, backoff = 1 } }
    local b = sim:add { limit = "a" }
    sim:finish(a, "failed")
    assert.same({ b }, sim:running())
    sim:advance(1)
    assert.same({ b }, sim:running())
    sim:finish(b)
    assert.same({ a }, sim:running())
  end)
end)

describe("a program that code starts", function()
  it("needs a slot of the programs, which it shares with others of its task", function()
    local sim = new { lua = 9, process = 1 }
    local a, b, c = sim:add {}, sim:add {}, sim:add {}
    assert.is_true(sim:program(a))
    assert.is_true(sim:program(a))
    assert.is_false(sim:program(b))
    assert.is_false(sim:program(c))
    assert.same({ a }, sim:running())
    assert.is_false(sim:info(b).has_kind)
    sim:program_over(a)
    assert.same({ a, b }, sim:running())
    sim:finish(b)
    assert.same({ a, c }, sim:running())
    assert.is_false(sim:program(a))
    sim:program_over(c)
    assert.same({ c, a }, sim:running())
  end)

  it("takes its turn among tasks that are programs", function()
    local sim = new { lua = 9, process = 1 }
    local a, b = sim:add {}, sim:add {}
    local one, two = sim:add { kind = "process" }, sim:add { kind = "process" }
    assert.same({ a, b, one }, sim:running())
    assert.is_false(sim:program(a)) -- after two, which came before
    local three = sim:add { kind = "process" }
    local first = sim:add { kind = "process", priority = 1 }
    assert.is_false(sim:program(b))
    local order = {}
    for _, id in ipairs { one, first, two } do
      sim:finish(id)
      order[#order + 1] = sim:running()[#sim:running()]
    end
    assert.same({ first, two, a }, order)
    sim:program_over(a)
    sim:finish(three)
    assert.same({ a, b }, sim:running())
  end)

  it("gives its slot to others while its task waits for tasks", function()
    local sim = new { lua = 9, process = 1 }
    local a = sim:add {}
    assert.is_true(sim:program(a))
    local child = sim:add { parent = a }
    assert.is_false(sim:program(child))
    assert.equal("pending", sim:wait(child, a))
    assert.same({ child }, sim:running())
    local other = sim:add { kind = "process" }
    sim:finish(child)
    assert.same({ other, a }, sim:running()) -- it goes on without asking
    local last = sim:add { kind = "process" }
    sim:finish(other)
    assert.same({ a }, sim:running())
    sim:finish(a)
    assert.same({ last }, sim:running())
  end)

  it("leaves named slots with its task, and the slot of its kind with others", function()
    local sim = new { lua = 1, process = 1 }
    sim:limit("db", 1)
    local busy = sim:add { kind = "process" }
    local a = sim:add { limit = "db" }
    assert.is_false(sim:program(a))
    local other, b = sim:add {}, sim:add { limit = "db" }
    assert.same({ busy, other }, sim:running())
    sim:finish(other)
    assert.same({ busy }, sim:running())
    sim:finish(busy)
    assert.same({ a }, sim:running())
    sim:finish(a)
    assert.same({ b }, sim:running())
  end)

  it("is not started by a task that is stopped while it queues", function()
    local sim = new { lua = 9, process = 1 }
    local busy = sim:add { kind = "process" }
    local a, b = sim:add {}, sim:add { timeout = 1 }
    local c = sim:add {}
    for _, id in ipairs { a, b, c } do assert.is_false(sim:program(id)) end
    sim:stop(a)
    sim:advance(1)
    assert.same({ busy, a, b }, sim:running())
    sim:finish(a, "cancelled")
    sim:finish(b, "failed", "timeout")
    sim:finish(busy)
    assert.same({ c }, sim:running())
    assert.is_nil(sim:check())
  end)

  it("has no slot left over from an attempt that has ended", function()
    local sim = new { lua = 9, process = 1 }
    local a = sim:add { retry = { max = 1, backoff = 1 } }
    assert.is_true(sim:program(a))
    local b = sim:add { kind = "process" }
    sim:finish(a, "failed")
    assert.same({ b }, sim:running())
    sim:advance(1)
    assert.is_false(sim:program(a))
    sim:finish(b)
    assert.same({ a }, sim:running())
  end)

  it("starts as soon as there are more slots", function()
    local sim = new { lua = 9, process = 1 }
    local ids = {}
    for i = 1, 4 do ids[i] = sim:add {} end
    assert.is_true(sim:program(ids[1]))
    for i = 2, 4 do assert.is_false(sim:program(ids[i])) end
    sim:slots("process", 3)
    assert.same({ ids[1], ids[2], ids[3] }, sim:running())
  end)
end)

describe("an agent type's limit", function()
  it("counts with the named one: a task needs a slot of each", function()
    local sim = new { lua = 9 }
    sim:agent("claude", 2)
    sim:limit("api", 2)
    local a = sim:add { agent = "claude", limit = "api" }
    local b = sim:add { agent = "claude" }
    local c = sim:add { agent = "claude", limit = "api" }
    local d = sim:add { limit = "api" }
    local e = sim:add { limit = "api" }
    assert.same({ a, b, d }, sim:running())
    sim:finish(d)
    assert.same({ a, b, e }, sim:running())
    sim:finish(b)
    assert.same({ a, e }, sim:running())
    sim:finish(a)
    assert.same({ e, c }, sim:running())
  end)

  it("of two types are two", function()
    local sim = new { lua = 9 }
    sim:agent("one", 1)
    sim:agent("two", 1)
    local a, b = sim:add { agent = "one" }, sim:add { agent = "two" }
    sim:add { agent = "one" }
    assert.same({ a, b }, sim:running())
  end)
end)

describe("tasks of one limit", function()
  it("start in the order they came, whatever else queues between them", function()
    -- With one slot of each, the second of the limit comes to the head of the
    -- kind's queue in the moment the first one ends.
    local sim = new { lua = 1 }
    local busy = sim:add {}
    local a, b = sim:add { limit = "a" }, sim:add { limit = "a" }
    local free, c = sim:add {}, sim:add { limit = "a" }
    assert.same({ busy, a, b, free, c }, drain(sim))
  end)

  it("start in the order they came although another kind has the slot", function()
    local sim = new { lua = 2, process = 1 }
    local x, y = sim:add {}, sim:add {}
    local a = sim:add { limit = "a" }
    local free, b = sim:add {}, sim:add { limit = "a" }
    local process = sim:add { limit = "a", kind = "process" }
    assert.same({ x, y, process }, sim:running())
    sim:finish(x) -- the slot of "a" is taken: `free` overtakes, as it may
    assert.same({ y, process, free }, sim:running())
    sim:finish(process) -- no slot of its kind is free for `a`
    sim:finish(y)
    assert.same({ free, a }, sim:running())
    sim:finish(free)
    sim:finish(a)
    assert.same({ b }, sim:running())
  end)

  it("start in the order they came when they write the same, too", function()
    local sim = new { lua = 1 }
    local busy = sim:add {}
    local a, b = sim:add { writes = { "f" } }, sim:add { writes = { "f" } }
    local free, c = sim:add {}, sim:add { writes = { "f" } }
    assert.same({ busy, a, b, free, c }, drain(sim))
  end)

  it("go on after a wait in the order their waits ended", function()
    local sim = new { lua = 9 }
    sim:limit("a", 2)
    local a, b, what = sim:add { limit = "a" }, sim:add { limit = "a" }, sim:add {}
    local other = sim:add {}
    sim:wait(what, a)
    sim:wait(other, b)
    local c, d = sim:add { limit = "a" }, sim:add { limit = "a" }
    sim:finish(what)
    sim:finish(other)
    assert.same({ c, d }, sim:running())
    sim:finish(c)
    assert.same({ d, a }, sim:running())
    sim:finish(d)
    assert.same({ a, b }, sim:running())
  end)
end)

describe("a task that waits", function()
  it("gives its slots to others and takes them again before it goes on", function()
    local sim = new { lua = 1 }
    sim:agent("one", 1)
    local a = sim:add { limit = "a", agent = "one" }
    local b = sim:add { limit = "a", agent = "one" }
    local c = sim:add { limit = "a", agent = "one" }
    assert.equal("pending", sim:wait(b, a))
    assert.same({ b }, sim:running())
    sim:finish(b)
    -- c was first in the queue when the slot came free
    assert.same({ c }, sim:running())
    assert.equal("done", sim:outcome(a))
    assert.is_true(sim:info(a).woken)
    sim:finish(c)
    assert.same({ a }, sim:running())
    assert.is_true(sim:info(a).has_rest)
  end)

  it("goes before those that have not begun", function()
    local sim = new { lua = 9 }
    local a, b = sim:add { limit = "a" }, sim:add {}
    local c, d = sim:add { limit = "a" }, sim:add { limit = "a" }
    sim:wait(b, a)
    sim:finish(b)
    sim:finish(c)
    assert.same({ a }, sim:running())
    sim:finish(a)
    assert.same({ d }, sim:running())
  end)

  it("needs no slot of its kind to go on", function()
    local sim = new { lua = 1 }
    local a = sim:add {}
    assert.equal("pending", sim:wait("time", a, 1))
    local b = sim:add {}
    assert.same({ b }, sim:running())
    sim:advance(1)
    assert.same({ b, a }, sim:running())
    local c = sim:add {}
    sim:finish(a)
    assert.same({ b }, sim:running())
    sim:finish(b)
    assert.same({ c }, sim:running())
  end)

  it("keeps its named slots while it sleeps or runs something outside", function()
    for _, what in ipairs { "time", "op" } do
      local sim = new { lua = 1 }
      local a = sim:add { limit = "a", writes = { "f" } }
      local b, c = sim:add { limit = "a" }, sim:add { writes = { "f" } }
      local free = sim:add {}
      assert.equal("pending", sim:wait(what, a, 5))
      assert.same({ free }, sim:running())
      sim:advance(5)
      assert.same({ free, a }, sim:running())
      sim:finish(free)
      sim:finish(a)
      assert.equal("RUNNING READY", states(sim, { b, c }))
    end
  end)

  it("has no more slots when it does not have to wait", function()
    local sim = new { lua = 2 }
    local a, b = sim:add { limit = "a" }, sim:add {}
    sim:finish(b)
    assert.equal("done", sim:wait(b, a))
    assert.equal("timed_out", sim:wait("time", a, 0))
    assert.same({ a }, sim:running())
    assert.equal(1, sim:figures().limits.a.used)
  end)

  it("cannot deadlock a limit with one slot, however deep tasks nest", function()
    local sim = new { lua = 1 }
    sim:agent("one", 1)
    local parent = 0
    for depth = 1, 32 do
      local id = sim:add { parent = parent, limit = "a", agent = "one", writes = { "f" } }
      if parent > 0 then assert.equal("pending", sim:wait(id, parent)) end
      assert.same({ id }, sim:running(), "at depth " .. depth)
      parent = id
    end
    for id = 32, 1, -1 do
      assert.same({ id }, sim:running())
      sim:finish(id)
    end
    assert.equal(0, sim:figures().live)
  end)
end)

describe("writes", function()
  local function overlap(a, b)
    assert.equal(test.overlap(a, b), test.overlap(b, a))
    return test.overlap(a, b)
  end

  it("overlap when they are the same or one lies in the other", function()
    for _, pair in ipairs { { "/a", "/a" }, { "/a", "/a/b" }, { "/a", "/a/b/c" },
      { "/", "/a" }, { "/", "/" } } do
      assert.is_true(overlap(pair[1], pair[2]), pair[1] .. " " .. pair[2])
    end
    for _, pair in ipairs { { "/a", "/b" }, { "/a", "/ab" }, { "/a/b", "/a/c" },
      { "/a/b", "/a/bc/d" }, { "/ab/c", "/a" } } do
      assert.is_false(overlap(pair[1], pair[2]), pair[1] .. " " .. pair[2])
    end
  end)

  it("are made plain: no dots, no double slashes, none at the end", function()
    for path, plain in pairs {
      ["a"] = "/sim/a", ["./a//b/"] = "/sim/a/b", ["a/../b"] = "/sim/b",
      ["../a"] = "/a", ["../../../a"] = "/a", ["."] = "/sim", [".."] = "/",
      [""] = "/sim", ["/"] = "/", ["/x/../.."] = "/", ["..."] = "/sim/...",
      ["..a/.b"] = "/sim/..a/.b", ["/no such/../a/."] = "/a", ["//a//b"] = "/a/b",
      ["a/b/c/../../d"] = "/sim/a/d",
    } do
      assert.equal(plain, test.path("/sim", path), path)
    end
  end)

  it("follow links in the part that exists", function()
    local h = require "spec.support.helper"
    local dir = h.tmpdir()
    local real = h.sh("cd " .. h.quote(dir) .. " && pwd -P && mkdir r && ln -s r l").out
      :match("^[^\n]+")
    assert.equal(real .. "/r/new/file", test.path(dir, "l/new/file"))
    assert.equal(real .. "/r", test.path(dir, "l"))
    assert.is_true(overlap(test.path(dir, "l/x"), test.path(dir, "r")))
  end)

  it("of any length are taken", function()
    local long = ("x/"):rep(5000) .. "y"
    assert.equal("/sim/" .. long, test.path("/sim", long))
  end)

  it("that overlap never run at the same time", function()
    for _, pair in ipairs { { "f", "f" }, { "d", "d/f" }, { "d/f", "d" },
      { "d/f", "d/../d/./f" }, { ".", "x" }, { "/", "x" }, { "..", "x" } } do
      local sim = new { lua = 9 }
      local a = sim:add { writes = { "one", pair[1] } }
      local b = sim:add { writes = { "two", pair[2] } }
      assert.same({ a }, sim:running(), pair[1] .. " " .. pair[2])
      sim:finish(a)
      assert.same({ b }, sim:running())
    end
  end)

  it("that do not overlap do", function()
    local sim = new { lua = 9 }
    local ids = {}
    for i, path in ipairs { "a", "b", "ab", "c/d", "c/e", "../sim2" } do
      ids[i] = sim:add { writes = { path } }
    end
    ids[#ids + 1] = sim:add {}
    assert.same(ids, sim:running())
  end)

  it("are fair: who comes later does not overtake who waits for the same", function()
    local sim = new { lua = 9 }
    local a = sim:add { writes = { "x" } }
    local both = sim:add { writes = { "x", "y" } }
    local y = sim:add { writes = { "y" } }
    local z = sim:add { writes = { "z" } }
    assert.same({ a, z }, sim:running())
    sim:finish(a)
    assert.same({ z, both }, sim:running())
    sim:finish(both)
    assert.same({ z, y }, sim:running())
  end)

  it("are handed on in the order they were asked for", function()
    local sim = new { lua = 9 }
    for _ = 1, 20 do sim:add { writes = { "f" } } end
    local expected = {}
    for id = 1, 20 do expected[id] = id end
    assert.same(expected, drain(sim))
  end)

  it("are free when a task in front gives up waiting", function()
    local sim = new { lua = 9 }
    local a = sim:add { writes = { "x" } }
    local both = sim:add { writes = { "x", "y" } }
    local y = sim:add { writes = { "y" } }
    assert.same({ a }, sim:running())
    sim:stop(both)
    assert.same({ a, y }, sim:running())
  end)

  it("are free when a task in front gets a blocker", function()
    local sim = new { lua = 9 }
    local a = sim:add { writes = { "x" } }
    local both = sim:add { writes = { "x", "y" } }
    local y = sim:add { writes = { "y" } }
    sim:block { { both, a } }
    assert.same({ a, y }, sim:running())
    sim:finish(a)
    sim:finish(y)
    assert.same({ both }, sim:running())
  end)

  it("are not lost to who came later when a priority is raised", function()
    local sim = new { lua = 9 }
    local a = sim:add { writes = { "x" } }
    local both = sim:add { writes = { "x", "y" } }
    local y = sim:add { writes = { "y" } }
    sim:priority(both, 3)
    sim:finish(a)
    assert.same({ both }, sim:running())
    sim:finish(both)
    assert.same({ y }, sim:running())
  end)

  it("go to the higher priority first, which later ones of a lower do not pass", function()
    local sim = new { lua = 9 }
    local a = sim:add { writes = { "x" } }
    local low, high = sim:add { writes = { "x" } }, sim:add { writes = { "x" }, priority = 5 }
    local middle = sim:add { writes = { "x" }, priority = 3 }
    local raised = sim:add { writes = { "x" } }
    sim:priority(raised, 4)
    for _, id in ipairs { a, high, raised, middle, low } do
      assert.same({ id }, sim:running())
      sim:finish(id)
    end
  end)

  it("are held by a task that waits, to its end", function()
    local sim = new { lua = 9 }
    local parent = sim:add { writes = { "d" } }
    local other = sim:add { writes = { "d" } }
    local child = sim:add { parent = parent }
    sim:wait(child, parent)
    assert.same({ child }, sim:running())
    sim:finish(child)
    assert.same({ parent }, sim:running())
    sim:finish(parent)
    assert.same({ other }, sim:running())
  end)

  it("of a task are passed on to those below it, which share them", function()
    local sim = new { lua = 9 }
    local top = sim:add { writes = { "d/e" } }
    local other = sim:add { writes = { "d" } }
    local middle = sim:add { parent = top }
    local below = sim:add { parent = middle, writes = { "d/e/f" } }
    local above = sim:add { parent = middle, writes = { "d" } }
    assert.same({ top, middle, below }, sim:running())
    sim:finish(below)
    assert.same({ top, middle, above }, sim:running())
    for _, id in ipairs { above, middle, top } do sim:finish(id) end
    assert.same({ other }, sim:running())
  end)

  it("of a task that was started under a hold are held when that has ended", function()
    local sim = new { lua = 9 }
    local parent = sim:add { writes = { "d" } }
    local child = sim:add { parent = parent, writes = { "d/f" }, detach = true }
    local other = sim:add { writes = { "d" } }
    sim:finish(parent)
    assert.same({ child }, sim:running())
    sim:finish(child)
    assert.same({ other }, sim:running())
  end)

  it("that are waited for keep nobody from what a task that waits needs", function()
    local sim = new { lua = 9 }
    local holder = sim:add { writes = { "f" } }
    local both = sim:add { writes = { "f", "g" } }
    local needed = sim:add { writes = { "g" } }
    assert.same({ holder }, sim:running())
    sim:wait(needed, holder)
    assert.same({ needed }, sim:running())
    sim:finish(needed)
    sim:finish(holder)
    assert.same({ both }, sim:running())
  end)

  it("are not shared by a task that is tried again and one below it that is being stopped",
  function()
    local sim = new { lua = 9 }
    local parent = sim:add { writes = { "f" }, retry = { max = 1, backoff = 0 } }
    local child = sim:add { parent = parent, writes = { "f" } }
    sim:finish(parent, "failed")
    sim:advance(0)
    assert.same({ child }, sim:running())
    sim:finish(child)
    assert.same({ parent }, sim:running())
  end)

  it("that close a ring of waits are found, before the last of them begins", function()
    local sim = new { lua = 9 }
    local one = sim:add { writes = { "f" }, description = "one" }
    local two = sim:add { writes = { "g" }, description = "two" }
    local for_g = sim:add { parent = one, writes = { "g" } }
    local for_f = sim:add { parent = two, writes = { "f" } }
    assert.is_nil(sim:closes(one, for_g))
    sim:wait(for_g, one)
    assert.equal("t4 -> (writes) t1 (one) -> t3 -> (writes) t2 (two)", sim:closes(two, for_f))
    sim:finish(two)
    assert.same({ for_g }, sim:running())
  end)

  it("that close a ring through a wait for one of several are found, when none can end", function()
    local sim = new { lua = 9 }
    local one, two = sim:add { writes = { "f" } }, sim:add { writes = { "g" } }
    local for_g, free = sim:add { parent = one, writes = { "g" } }, sim:add { parent = one }
    local for_f = sim:add { parent = two, writes = { "f" } }
    local several = sim:collector { for_g, free }
    assert.is_nil(sim:closes(one, several))
    sim:wait(several, one)
    assert.is_nil(sim:closes(two, for_f))
    assert.is_nil(sim:closes(free, for_f))
    local ring = "t5 -> (writes) t1 -> t3 -> (writes) t2"
    sim:finish(free)
    assert.equal(free, several:next())
    sim:wait(several, one)
    assert.equal(ring, sim:closes(two, for_f))
    assert.equal(ring, sim:closes(two, sim:collector { for_f }))
  end)

  it("that close a ring with the queue of a task itself are found", function()
    local sim = new { lua = 9 }
    local holder = sim:add { writes = { "f" } }
    local queued = sim:add { writes = { "f" } }
    assert.equal("t2 -> (writes) t1", sim:closes(holder, queued))
    local child = sim:add { parent = holder }
    sim:wait(child, holder)
    assert.equal("t2 -> (writes) t1 -> t3", sim:closes(child, queued))
  end)

  it("that close a ring by a blocker are found", function()
    local sim = new { lua = 9 }
    local holder = sim:add { writes = { "f" } }
    local gate = sim:add { kind = "item" }
    local blocked = sim:add { blockers = { gate } }
    local queued = sim:add { writes = { "f" } }
    sim:wait(blocked, holder)
    local ok, why, path = sim:block { { blocked, queued } }
    assert.is_nil(ok)
    assert.same({ "ECYCLE", "t4 -> (writes) t1 -> t3" }, { why, path })
  end)

  it("are given back by a task that failed and will be tried again", function()
    local sim = new { lua = 9 }
    local a = sim:add { writes = { "f" }, retry = { max = 1, backoff = 1 } }
    local b = sim:add { writes = { "f" } }
    sim:finish(a, "failed")
    assert.same({ b }, sim:running())
    sim:advance(1)
    sim:finish(b)
    assert.same({ a }, sim:running())
  end)

  it("of 2,000 tasks on one file are served one by one", function()
    local sim = test.sim { lua = 9 }
    for _ = 1, 2000 do sim:add { writes = { "f" } } end
    for id = 1, 2000 do
      assert(sim:running()[1] == id and not sim:running()[2])
      sim:finish(id)
    end
    assert.is_nil(sim:check())
  end)
end)

describe("the order of those that queue", function()
  it("is by priority, then by turn, through whichever queues they go", function()
    local sim, order = test.sim { lua = 1 }, {}
    local busy = sim:add {}
    local random = 1
    for i = 1, 3000 do
      random = random * 1103515245 + 12345 & 0x7fffffff
      local kind = random >> 8 & 3
      local priority = kind == 3 and (random >> 16) % 5 or 0
      order[i] = { priority = priority, id = sim:add {
        priority = priority, limit = kind == 1 and "a" or kind == 2 and "b" or nil } }
    end
    table.sort(order, function(x, y)
      if x.priority ~= y.priority then return x.priority > y.priority end
      return x.id < y.id
    end)
    sim:finish(busy)
    for _, one in ipairs(order) do
      assert(sim:running()[1] == one.id, "out of turn")
      sim:finish(one.id)
    end
    assert.is_nil(sim:check())
  end)

  it("puts the thousands that are woken at once first, in theirs", function()
    local sim = test.sim { lua = 2 }
    sim:limit("one", 1)
    local gate = sim:add {}
    local waiting, fresh = {}, {}
    for i = 1, 2000 do
      waiting[i] = sim:add { limit = "one" }
      sim:wait(gate, waiting[i])
    end
    local holder = sim:add { limit = "one" }
    for i = 1, 2000 do fresh[i] = sim:add { limit = "one" } end
    sim:finish(gate)
    assert.same({ holder }, sim:running())
    sim:finish(holder)
    for _, ids in ipairs { waiting, fresh } do
      for _, id in ipairs(ids) do
        assert(sim:running()[1] == id, "out of turn")
        sim:finish(id)
      end
    end
    assert.is_nil(sim:check())
  end)

  it("follows a priority that changes while woken tasks queue", function()
    local sim, ids = new { lua = 9 }, {}
    sim:limit("one", 1)
    local gate = sim:add {}
    for i = 1, 5 do
      ids[i] = sim:add { limit = "one" }
      sim:wait(gate, ids[i])
    end
    sim:add { limit = "one" }
    sim:finish(gate)
    sim:finish(ids[5] + 1)
    assert.same({ ids[1] }, sim:running())
    sim:priority(ids[4], 1)
    for _, i in ipairs { 1, 4, 2, 3, 5 } do
      assert.same({ ids[i] }, sim:running())
      sim:finish(ids[i])
    end
  end)

  it("serves those that lack two slots, whichever comes free, in a few steps each", function()
    local sim, n = test.sim { lua = 2 }, 1000
    sim:limit("api", 6)
    for i = 1, 2 * n do sim:add { limit = i % 2 == 0 and "api" or nil } end
    local slept = {} -- a task under the limit keeps that slot while it does, not its kind's
    while sim:figures().live > 0 do
      local ids = sim:running()
      if not ids[1] then sim:advance(1) end
      for _, id in ipairs(ids) do
        if id % 2 == 0 and not slept[id] then
          slept[id] = true
          assert.equal("pending", sim:wait("time", id, 1))
        else
          sim:finish(id)
        end
      end
    end
    assert.is_nil(sim:check())
    local offers = sim:figures().offers
    assert.is_true(offers >= 2 * n and offers < 10 * n, offers .. " steps")
  end)

  it("passes by none that needs a slot of another kind, or none to go on", function()
    local sim = new { lua = 1, process = 1 }
    sim:limit("api", 2)
    local busy = sim:add {}
    local first = sim:add { limit = "api", priority = 1 }
    local other = sim:add { limit = "api", kind = "process" }
    assert.same({ busy, other }, sim:running())
    local gate = sim:add { kind = "item" }
    assert.equal("pending", sim:wait(gate, other))
    local late = sim:add { limit = "api", kind = "process" }
    assert.same({ busy, late }, sim:running())
    sim:finish(late)
    sim:finish(busy)
    assert.same({ first }, sim:running())
  end)
end)
