-- The worker pool (runtime/thread/pool.c). Every job stays where it is until the spec
-- lets it go on, so nothing here depends on how fast a thread is.

local test = require "orun.test"

local SIGURG <const> = 23

local function threads_of(pool)
  return (pool:count())
end

local function end_all(pool, jobs)
  for _, job in ipairs(jobs) do assert.is_true(pool:tell(job, "end")) end
end

-- Push jobs that all run at once; their numbers.
local function occupy(pool, n)
  local jobs, before = {}, #pool:order()
  for i = 1, n do jobs[i] = pool:push() end
  assert.is_true(pool:started(before + n), "not all of them were started")
  return jobs
end

describe("pool", function()
  it("starts no thread before there is work", function()
    local pool <close> = test.pool { want = 4 }
    assert.equal(0, threads_of(pool))
  end)

  it("runs a job on a worker that takes only the stop signal", function()
    local pool <close> = test.pool { want = 1 }
    local job = occupy(pool, 1)[1]
    local about = pool:about(job)
    assert.is_true(about.on_worker)
    assert.same({ SIGURG }, about.signals)
    assert.equal(1, threads_of(pool))
  end)

  it("knows that the spec's own thread is no worker", function()
    local pool <close> = test.pool { want = 1 }
    occupy(pool, 1)
    assert.is_false(pool:here())
    assert.same({ 1, 0 }, { pool:count() })
  end)

  it("runs as many at once as are wanted, each on a thread of its own", function()
    local pool <close> = test.pool { want = 8 }
    local seen = {}
    for _, job in ipairs(occupy(pool, 8)) do seen[pool:about(job).thread] = true end
    local n = 0
    for _ in pairs(seen) do n = n + 1 end
    assert.equal(8, n)
    assert.equal(8, threads_of(pool))
  end)

  it("runs no more at once than are wanted", function()
    local pool <close> = test.pool { want = 3 }
    local jobs = occupy(pool, 3)
    for _ = 1, 5 do pool:push() end
    assert.equal(3, threads_of(pool))
    assert.equal(3, #pool:order())
    end_all(pool, { jobs[2] })
    assert.is_true(pool:started(4))
    assert.equal(4, #pool:order())
    assert.equal(3, threads_of(pool))
  end)

  it("takes a want below one for one", function()
    for _, want in ipairs { 0, -3 } do
      local pool <close> = test.pool { want = want }
      occupy(pool, 1)
      pool:push()
      assert.equal(1, threads_of(pool))
    end
  end)

  it("begins jobs in the order they came, the higher priority first", function()
    local pool <close> = test.pool { want = 1 }
    local busy = occupy(pool, 1)
    local a, b = pool:push(), pool:push()
    local low, high = pool:push(-10), pool:push(10)
    local again = pool:push(10)
    local order = { high, again, a, b, low }
    end_all(pool, busy)
    end_all(pool, order)
    table.insert(order, 1, busy[1])
    assert.same(order, pool:order())
  end)

  it("goes on with what has begun before it begins anything", function()
    local pool <close> = test.pool { want = 1 }
    local busy = occupy(pool, 1)
    local fresh = pool:push(10)
    local first, second = pool:resume(), pool:resume()
    end_all(pool, busy)
    end_all(pool, { first, second, fresh })
    assert.same({ busy[1], first, second, fresh }, pool:order())
  end)

  it("runs jobs at once that were pushed while one worker is idle", function()
    for _ = 1, 50 do
      local pool <close> = test.pool { want = 4 }
      local job = occupy(pool, 1)
      end_all(pool, job)
      pool:burst(4)
      assert.is_true(pool:started(5), "a job waited although a worker was free")
    end
  end)

  it("runs jobs at once that were pushed while several are idle", function()
    local pool <close> = test.pool { want = 4 }
    for round = 1, 20 do
      local last = pool:burst(4)
      assert.is_true(pool:started(4 * round), "a job waited although a worker was free")
      end_all(pool, { last, last - 1, last - 2, last - 3 })
    end
  end)
end)

describe("a worker that blocks", function()
  it("has a spare take its place", function()
    local pool <close> = test.pool { want = 1 }
    local busy = occupy(pool, 1)
    local other = pool:push()
    assert.is_true(pool:tell(busy[1], "block"))
    assert.is_true(pool:started(2))
    assert.same({ 2, 1 }, { pool:count() })
    assert.same({ busy[1], other }, pool:order())
  end)

  it("costs no thread while there is nothing to do", function()
    local pool <close> = test.pool { want = 1 }
    local busy = occupy(pool, 1)
    pool:tell(busy[1], "block")
    assert.same({ 1, 1 }, { pool:count() })
    pool:push()
    assert.is_true(pool:started(2))
    assert.same({ 2, 1 }, { pool:count() })
  end)

  it("may be one of many: all block, and work still goes on", function()
    local pool <close> = test.pool { want = 2 }
    local blocked = {}
    for i = 1, 40 do
      blocked[i] = pool:push()
      assert.is_true(pool:started(i))
      assert.is_true(pool:tell(blocked[i], "block"))
    end
    assert.same({ 40, 40 }, { pool:count() })
    occupy(pool, 2)
    assert.same({ 42, 40 }, { pool:count() })
    pool:push()
    assert.equal(42, #pool:order())
  end)

  it("leaves the pool with as many as are wanted when it is back", function()
    local pool <close> = test.pool { want = 1 }
    local busy = occupy(pool, 1)
    pool:tell(busy[1], "block")
    local spare = occupy(pool, 1)
    end_all(pool, spare)
    assert.is_true(pool:tell(busy[1], "unblock"))
    assert.is_true(pool:settles(1))
    assert.same({ 1, 0 }, { pool:count() })
  end)

  it("may make a busy spare one too many, which ends with its job", function()
    local pool <close> = test.pool { want = 1 }
    local busy = occupy(pool, 1)
    pool:tell(busy[1], "block")
    local spare = occupy(pool, 1)
    pool:tell(busy[1], "unblock")
    assert.same({ 2, 0 }, { pool:count() })
    local queued = pool:push()
    end_all(pool, spare)
    assert.is_true(pool:settles(1))
    assert.is_true(pool:ended(spare[1]))
    assert.equal(2, #pool:order())
    end_all(pool, busy)
    assert.is_true(pool:started(3))
    assert.equal(queued, pool:order()[3])
  end)

  it("does not take a job's turn with it when it is one too many", function()
    for _ = 1, 30 do
      local pool <close> = test.pool { want = 2 }
      local busy = occupy(pool, 2)
      for _, job in ipairs(busy) do pool:tell(job, "block") end
      end_all(pool, occupy(pool, 2))
      pool:tell(busy[1], "unblock")
      pool:push()
      assert.is_true(pool:started(5))
    end
  end)
end)

describe("a worker that is given up", function()
  it("is counted out, and another takes its place", function()
    local pool <close> = test.pool { want = 1 }
    local stuck = occupy(pool, 1)[1]
    local next_job = pool:push()
    pool:abandon(stuck)
    assert.is_true(pool:started(2))
    assert.same({ 1, 0 }, { pool:count() })
    assert.equal(next_job, pool:order()[2])
    assert.is_true(pool:tell(stuck, "end"))
  end)

  it("ends when it does return, and takes no job", function()
    local pool <close> = test.pool { want = 1 }
    local stuck = occupy(pool, 1)[1]
    pool:abandon(stuck)
    local busy = occupy(pool, 1)
    pool:push()
    pool:tell(stuck, "end")
    assert.is_true(pool:ended(stuck))
    assert.equal(2, #pool:order())
    end_all(pool, busy)
    assert.is_true(pool:started(3))
  end)

  it("is given up once, however often it is said", function()
    local pool <close> = test.pool { want = 2 }
    local jobs = occupy(pool, 2)
    pool:abandon(jobs[1])
    pool:abandon(jobs[1])
    assert.same({ 1, 0 }, { pool:count() })
    occupy(pool, 1)
    assert.same({ 2, 0 }, { pool:count() })
    pool:tell(jobs[1], "end")
  end)

  it("may be every one of them, again and again", function()
    local pool <close> = test.pool { want = 2 }
    pool:most(20)
    local stuck = {}
    for _ = 1, 10 do
      for _, job in ipairs(occupy(pool, 2)) do
        pool:abandon(job)
        stuck[#stuck + 1] = job
      end
    end
    assert.same({ 0, 20 }, { threads_of(pool), pool:stuck() })
    occupy(pool, 2)
    end_all(pool, stuck)
  end)

  it("is not replaced beyond so many, until one comes back", function()
    local pool <close> = test.pool { want = 2 }
    pool:most(1)
    local stuck = occupy(pool, 2)
    pool:abandon(stuck[1])
    local third = occupy(pool, 1)[1]
    pool:abandon(stuck[2])
    local queued = pool:push()
    assert.same({ 1, 0 }, { pool:count() })
    assert.equal(third, pool:order()[3]) -- of the first two either may be first
    end_all(pool, { stuck[1] })
    assert.is_true(pool:started(4))
    assert.equal(queued, pool:order()[4])
    assert.same({ 2, 1 }, { threads_of(pool), pool:stuck() })
    end_all(pool, { stuck[2], third, queued })
  end)

  it("may be the last: then no job is taken, and those queued are given back", function()
    local pool <close> = test.pool { want = 1 }
    pool:most(1)
    local stuck = occupy(pool, 1)
    pool:abandon(stuck[1])
    stuck[2] = occupy(pool, 1)[1]
    local begun, fresh = pool:resume(), pool:push()
    assert.same({}, pool:reject())
    pool:abandon(stuck[2])
    assert.same({ begun, fresh }, pool:reject())
    assert.same({}, pool:reject())
    assert.same({ nil, "ESYS" }, { pool:push() })
    assert.same({ nil, "ESYS" }, { pool:resume() })
    end_all(pool, stuck)
    for _, job in ipairs(stuck) do assert.is_true(pool:ended(job)) end
    assert.equal(0, pool:stuck())
    occupy(pool, 1)
  end)

  it("may be all but one that blocks, which goes on when it is back", function()
    local pool <close> = test.pool { want = 1 }
    local blocked = occupy(pool, 1)[1]
    assert.is_true(pool:tell(blocked, "block"))
    pool:most(1)
    local stuck = {}
    for i = 1, 2 do
      stuck[i] = occupy(pool, 1)[1]
      pool:abandon(stuck[i])
    end
    assert.is_nil((pool:push()))
    assert.is_true(pool:tell(blocked, "unblock"))
    assert.is_nil((pool:push()), "the one that is back is to end, and takes no job")
    end_all(pool, { blocked, stuck[1], stuck[2] })
  end)

  it("may be one that blocks", function()
    local pool <close> = test.pool { want = 1 }
    local stuck = occupy(pool, 1)[1]
    pool:tell(stuck, "block")
    pool:abandon(stuck)
    local busy = occupy(pool, 1)
    pool:push()
    assert.equal(2, #pool:order(), "more run at once than are wanted")
    pool:tell(stuck, "unblock")
    pool:tell(stuck, "end")
    assert.is_true(pool:ended(stuck))
    assert.same({ 1, 0 }, { pool:count() })
    end_all(pool, busy)
  end)
end)

describe("a job in a hurry", function()
  it("runs although every worker is busy, and the spare ends with it", function()
    local pool <close> = test.pool { want = 1 }
    local busy = occupy(pool, 1)
    local job, fresh = pool:resume(), pool:push()
    assert.equal(1, #pool:order())
    pool:hurry(job)
    assert.is_true(pool:started(2))
    assert.same({ busy[1], job }, pool:order())
    assert.equal(2, threads_of(pool))
    end_all(pool, { job })
    assert.is_true(pool:settles(1))
    assert.equal(2, #pool:order(), "more run at once than are wanted")
    end_all(pool, busy)
    assert.is_true(pool:started(3))
    assert.equal(fresh, pool:order()[3])
  end)

  it("gets no more than one spare, however many there are", function()
    local pool <close> = test.pool { want = 1 }
    occupy(pool, 1)
    local jobs = {}
    for i = 1, 20 do
      jobs[i] = pool:resume()
      pool:hurry(jobs[i])
    end
    for i = 1, 20 do
      assert.is_true(pool:started(1 + i))
      assert.equal(2, threads_of(pool))
      end_all(pool, { jobs[i] })
    end
    assert.is_true(pool:settles(1))
  end)

  it("comes before all others", function()
    local pool <close> = test.pool { want = 1 }
    local busy = occupy(pool, 1)
    local spare = pool:resume()
    pool:hurry(spare)
    assert.is_true(pool:started(2))
    local first, second = pool:resume(), pool:resume()
    pool:hurry(second)
    end_all(pool, { spare })
    assert.is_true(pool:started(3))
    assert.equal(second, pool:order()[3])
    end_all(pool, { second, busy[1] })
    assert.is_true(pool:started(4))
    assert.equal(first, pool:order()[4])
  end)

  it("changes nothing when a worker has it already", function()
    local pool <close> = test.pool { want = 1 }
    local job = pool:resume()
    assert.is_true(pool:started(1))
    pool:hurry(job)
    pool:push()
    assert.same({ 1, 0 }, { pool:count() })
  end)
end)

describe("freeing a pool", function()
  it("lets queued jobs be, and waits for the running ones", function()
    local pool = test.pool { want = 2 }
    local jobs = occupy(pool, 2)
    for _ = 1, 3 do pool:push() end
    pool:free()
    assert.equal(2, #jobs)
    assert.has_error(function() pool:order() end)
  end)

  it("ends workers that are idle, and one that never had a thread", function()
    local pool = test.pool { want = 4 }
    end_all(pool, occupy(pool, 4))
    pool:free()
    test.pool({ want = 4 }):free()
  end)

  it("leaves that to the last that comes back while some are stuck", function()
    local pool <close> = test.pool { want = 2 }
    local stuck = occupy(pool, 2)
    for _, job in ipairs(stuck) do pool:abandon(job) end
    assert.is_false(pool:give_up())
    assert.same({ 1, 0 }, { pool:back(stuck[2]) }, "a worker")
    assert.same({ 2, 1 }, { pool:back(stuck[1]) }, "a worker and the pool")
  end)

  it("is done a thousand times without leaving a thread", function()
    local function threads()
      local status = assert(io.open("/proc/self/status")):read("a")
      return tonumber(status:match("Threads:%s*(%d+)"))
    end
    local before = threads()
    for _ = 1, 1000 do
      local pool <close> = test.pool { want = 2 }
      local job = pool:push()
      pool:started(1)
      assert(pool:tell(job, "end"))
      -- The pool is gone before its last thread is: wait for that one.
      assert(pool:settles(1))
    end
    for _ = 1, 10000 do
      if threads() <= before then break end
    end
    assert.is_true(threads() <= before)
  end)

  it("says so when memory is out, and the job stays the caller's", function()
    test.fail_at(1)
    local none, why = test.pool { want = 1 }
    test.fail_at(0)
    assert.is_nil(none)
    assert.equal("ENOMEM", why)

    local pool <close> = test.pool { want = 1 }
    test.fail_at(1)
    local job, err = pool:push()
    test.fail_at(0)
    assert.is_nil(job)
    assert.is_truthy(err)
    assert.equal(0, threads_of(pool))
    occupy(pool, 1)
  end)
end)
