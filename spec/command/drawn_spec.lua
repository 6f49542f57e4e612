--- What code draws in a run that is kept, and what came first, is the same when the run is gone
--- on with: orun.now, orun.random, orun.uuid; wait_any and all that collects.

local h = require "spec.support.helper"

-- A script with its store; `run(options)` gives the lines that it printed.
local Place = {}
Place.__index = Place

local HEAD <const> = [[
local orun = require "orun"
local function exists(name) local f <close> = io.open(name) return f ~= nil end
local function touch(name) local f <close> = assert(io.open(name, "w")) end
local function await(name) while not exists(name) do orun.sleep(0.001) end end
-- Ends, with that word, once there is the file.
local function after(file, word)
  return orun.start{input = {file, word}, run = function(input)
    if input[1] then await(input[1]) end
    return input[2]
  end}
end
]]

local function place(text)
  local p = setmetatable({dir = h.tmpdir()}, Place)
  p:write(text)
  return p
end

function Place:write(text) h.write(self.dir .. "/work.lua", HEAD .. text) end

function Place:run(options)
  local r = h.sh(("cd %s && %s --no-history -q --store run.db %s work.lua"):format(
    h.quote(self.dir), h.quote(h.bin), options or ""))
  return h.lines(r.out), r
end

-- Two tries of a script, the second gone on with.
local function twice(text)
  local p = place(text)
  local first, r = p:run()
  assert.equal("", r.err)
  return first, p:run("--resume"), p
end

local UUID <const> = "^" .. ("%x"):rep(8) .. "%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-" .. ("%x"):rep(12)
  .. "$"

describe("orun.random and orun.uuid", function()
  it("give numbers as math.random does, and UUIDs", function()
    local lines, r = place([[
      local low, high = 1, 0
      for i = 1, 2000 do
        local f, a, b = orun.random(), orun.random(6), orun.random(-3, 3)
        assert(math.type(f) == "float" and f >= 0 and f < 1)
        assert(math.type(a) == "integer" and a >= 1 and a <= 6)
        assert(b >= -3 and b <= 3)
        low, high = math.min(low, f), math.max(high, f)
      end
      assert(low < 0.1 and high > 0.9)
      assert(orun.random(math.mininteger, math.maxinteger) ~= orun.random(0))
      assert(orun.random(7, 7) == 7 and orun.random(1) == 1)
      local seen = {}
      for i = 1, 100 do seen[orun.random(3)] = true end
      print(#seen)
      print(orun.uuid())
      print(orun.uuid() ~= orun.uuid())]]):run("--no-store")
    assert.same({"", "3", "true"}, {r.err, lines[1], lines[3]})
    assert.matches(UUID, lines[2])
  end)

  it("say what is wrong with their arguments", function()
    for call, message in pairs{
      ["orun.random('x')"] = 'random: m = "x": expected an integer',
      ["orun.random(1.5)"] = "random: m = 1.5: expected an integer",
      ["orun.random(1, '2')"] = 'random: n = "2": expected an integer',
      ["orun.random(-1)"] = "random: m = -1: expected 0, or 1 at least",
      ["orun.random(2, 1)"] = "random: n = 1: expected no less than m",
      ["orun.random(1, 2, 3)"] = "random: expected at most 2 arguments, got 3",
    } do
      local _, r = place(call):run("--no-store")
      assert.matches(message, r.err, 1, true)
    end
  end)
end)

describe("what is drawn", function()
  local DRAW <const> = "print(orun.now(), orun.random(), orun.random(1000000), orun.uuid())\n"

  it("is another in each run, and the same when one is gone on with", function()
    local first, second, p = twice(DRAW:rep(3))
    assert.equal(3, #first)
    assert.same(first, second)
    assert.same(first, (p:run("--resume")))
    assert.not_same(first, (p:run()))
  end)

  it("is the same in tasks, whichever begins first, and in processes of their own", function()
    local text = [[
      local function draw(n, isolation)
        local spec = {input = n, isolation = isolation, cache = false}
        function spec.run(n)
          if not exists("go") and n == 3 then await("go") end
          return ("%d %.17g %d %s"):format(n, orun.random(), orun.random(9), orun.uuid())
        end
        return orun.start(spec)
      end
      local tasks = {draw(1), draw(1), draw(2, "process"), draw(3)}
      TaskOutput(tasks[3])
      touch "go"
      for i, r in ipairs(orun.wait_all(tasks)) do print(r.output) end]]
    local first, second = twice(text)
    table.sort(first)
    table.sort(second)
    assert.equal(4, #first)
    assert.not_equal(first[1], first[2])
    assert.same(first, second)
  end)

  it("goes on with new values after the last that was kept; the clock never back", function()
    local p = place(DRAW)
    local first = p:run()
    p:write(DRAW:rep(2))
    local second = p:run("--resume")
    assert.equal(first[1], second[1])
    assert.is_true(tonumber(second[2]:match("^%S+")) >= tonumber(first[1]:match("^%S+")))
    assert.same(second, (p:run("--resume")))
  end)

  it("keeps what was drawn before a kill", function()
    local p = place [[
      print(orun.uuid())
      io.stdout:flush()
      if exists "go" then os.exit(0) end
      print(Task{run = function() return orun.uuid() end}.output)
      io.stdout:flush()
      os.execute("kill -9 " .. io.open "/proc/self/stat":read "n")
      orun.sleep(1000)]]
    local first = p:run()
    assert.equal(2, #first)
    h.write(p.dir .. "/go", "")
    assert.same({first[1]}, (p:run("--resume")))
  end)

  it("does not move with other kinds, or with a range that was edited", function()
    local p = place "print(orun.random(1 << 40), orun.uuid())"
    local first = p:run()
    p:write "orun.now() local u = orun.uuid() print(orun.random(1 << 40), u)"
    assert.same(first, (p:run("--resume")))
    p:write "print(orun.random(10))"
    assert.is_true(tonumber(p:run("--resume")[1]) <= 10)
  end)

  it("is another when a task that failed runs again", function()
    local p = place [[
      local r = TaskOutput(orun.start{run = function() error(orun.uuid(), 0) end})
      print(r.error)]]
    local first = p:run()
    assert.same(first, (p:run("--resume")))
    assert.not_same(first, (p:run("--resume --retry-failed")))
  end)

  it("does not count what orun's own deadlines ask", function()
    local p = place "print(orun.now())"
    local first = p:run()
    p:write [[
      orun.wait_all({after(nil, 1), after(nil, 2)}, 100)
      orun.map({1, 2, 3}, function(x) return x end, {timeout = 100})
      for _ in orun.as_completed({after(nil, 3)}, {timeout = 100}) do end
      print(orun.now())]]
    assert.same(first, (p:run("--resume")))
  end)
end)

describe("which task came first", function()
  local ANY <const> = [[
    local slow, quick = after("go", "slow"), after(nil, %q)
    print(orun.wait_any{slow, quick}.output)
    touch "go"
    print(TaskOutput(slow).output, TaskOutput(quick).output)]]

  it("is the same when the run is gone on with", function()
    local first, second = twice(ANY:format "quick")
    assert.same({"quick", "slow\tquick"}, first)
    assert.same(first, second)
  end)

  it("is the same for a task that waits, and for those that are blocked by others", function()
    local first, second = twice [[
      print(Task{cache = false, run = function()
        local base = after(nil, "base")
        local slow = after("go", "slow")
        local quick = orun.start{blockedBy = {base}, run = function() return "quick" end}
        local won = orun.wait_any{slow, quick}.output
        touch "go"
        return won .. " " .. TaskOutput(slow).output
      end}.output)]]
    assert.same({"quick slow"}, first)
    assert.same(first, second)
  end)

  it("is the same in as_completed and race", function()
    local first, second = twice [[
      local tasks = {after("b", "a"), after("c", "b"), after(nil, "c")}
      for r in orun.as_completed(tasks) do
        print(r.output)
        touch(r.output)
      end
      os.remove "x"
      local r = orun.race({function() await "x" return "one" end, function() return "two" end},
        {limit = 2})
      print(r.output)]]
    assert.same({"c", "b", "a", "two"}, first)
    assert.same(first, second)
  end)

  it("is whichever comes, when the first is no longer there", function()
    local p = place(ANY:format "quick")
    p:run()
    p:write [[
      local slow, other = after("go", "slow"), after("later", "another")
      print(orun.wait_any{slow, other}.output)
      touch "later"
      print(TaskOutput(other).output)]]
    assert.same({"slow", "another"}, (p:run("--resume")))
    os.remove(p.dir .. "/later")
    assert.same({"slow", "another"}, (p:run("--resume")))
  end)
end)
