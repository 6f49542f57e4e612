--- A run whose store is refused something by the system, or is taken away: it ends, says why
--- and what to do, has shown nothing that is not kept, and can be gone on with.

local durable = require "spec.support.durable"
local h = require "spec.support.helper"
local orun = require "orun"

local EIO <const>, ENOSPC <const>, EROFS <const> = 5, 28, 30
local ALL <const>, ONE <const> = true, false -- that call and all behind it, or it alone

local refuse

setup(function()
  refuse = h.tmpdir() .. "/refuse"
  assert.equal(0, h.sh("cc -std=c11 -o " .. h.quote(refuse) .. " spec/support/refuse.c").code)
end)

-- Runs side by side, the n-th of which is refused its n-th call; each one's tries.
local function refused_at(call, errno, all, firsts)
  local tasks = {}
  for i, first in ipairs(firsts) do
    tasks[i] = orun.start{
      input = {refuse, call, tostring(errno), tostring(first), all and "0" or tostring(first)},
      run = function(words) return require "spec.support.durable".refused(words) end,
    }
  end
  local tries = {}
  for i, task in ipairs(tasks) do
    local r = TaskOutput(task)
    assert.equal("completed", r.status, r.error)
    tries[i] = r.output
    if tries[i][1].code == 125 then pending("system calls cannot be filtered here") end
  end
  return tries
end

-- What holds whatever is refused; how many of the runs were ended by it.
local function check(call, errno, all, firsts, said)
  local ended = 0
  for i, tries in ipairs(refused_at(call, errno, all, firsts)) do
    local hint = ("%s, %d at %d: %s"):format(call, errno, firsts[i], tries[1].error)
    ended = ended + (tries[1].code == 74 and 1 or 0)
    if tries[1].code == 74 then assert.matches(said, tries[1].error, 1, true, hint) end
    assert.same({}, durable.misjudged(tries), hint)
  end
  return ended
end

local EACH <const> = {1, 7, 18, 25, 28, 33, 40, 50, 60}

describe("a run whose store is refused something", function()
  it("I2 ends when the disk is full, and goes on when there is room", function()
    local ended = check("pwrite:run.db", ENOSPC, ALL, EACH, "the disk is full; make room")
    assert.is_true(ended >= 3, ended)
  end)

  it("I2 ends when a write fails, though the next might not", function()
    local ended = check("pwrite:run.db", EIO, ONE, EACH, "the run was ended, and no result")
    assert.is_true(ended >= 3, ended)
  end)

  it("I2 ends when a sync fails, though the next might not", function()
    local ended = check("fdatasync:run.db", EIO, ONE, {1, 2, 3, 4, 6, 8}, "the run was ended")
    assert.is_true(ended >= 3, ended)
  end)

  it("I1 ends when the disk can only be read", function()
    local ended = check("pwrite:run.db", EROFS, ALL, EACH, "the run was ended, and no result")
    assert.is_true(ended >= 3, ended)
  end)
end)

-- A script in a folder of its own. `show(name)` runs a task of that name, and adds to `shown`
-- what it has completed with; `until_file(name)` waits for a file.
local HEAD <const> = [[
local orun = require "orun"
local function until_file(name)
  local f
  repeat
    orun.sleep(0.002)
    f = io.open(name)
  until f
  f:close()
end
local function note(file, text)
  local f <close> = assert(io.open(file, "a"))
  f:write(text, "\n")
end
local function show(name)
  local r = Task{input = name, run = function(n) note("ran", n) return "did " .. n end}
  if r.status == "completed" then note("shown", r.output) end
end
]]

local function place(text)
  local dir = h.tmpdir()
  h.write(dir .. "/work.lua", HEAD .. text)
  return dir
end

local function options(dir, ...)
  return {"--no-history", "-q", "--store", "run.db", cwd = dir, ...}
end

local function lines(dir, name) return h.lines(h.read(dir .. "/" .. name) or "") end

describe("a store that two want", function()
  -- Start a run that waits for the file `go`.
  local function waiting()
    local dir = place "show 'one' note('there', '') until_file 'go' show 'two'"
    local run = h.start(options(dir, "work.lua"))
    assert(h.wait_for(function() return h.exists(dir .. "/there") end))
    return dir, run
  end

  it("I9 is the first one's; the other is told whose it is, and begins nothing", function()
    local dir, run = waiting()
    h.write(dir .. "/other.lua", HEAD .. "show 'other'")
    for _, words in ipairs{{"other.lua"}, {"--resume", "work.lua"}} do
      local r = h.orun(options(dir, table.unpack(words)))
      assert.same({1, ""}, {r.code, r.out})
      assert.matches(("run.db is in use by process %d; wait until that has ended"):format(run.pid),
        r.err, 1, true)
    end
    local r = h.orun{"resume", "--store", "run.db", cwd = dir}
    assert.not_equal(0, r.code)
    assert.matches(tostring(run.pid), r.err, 1, true)
    h.write(dir .. "/go", "")
    assert.equal(0, run:wait().code)
    assert.same({"one", "two"}, lines(dir, "ran"))
    assert.equal(0, h.orun(options(dir, "--resume", "work.lua")).code)
    assert.same({"one", "two"}, lines(dir, "ran"))
  end)

  it("I9 is free as soon as the first one is killed", function()
    local dir, run = waiting()
    run:kill("KILL")
    h.write(dir .. "/go", "")
    local r = h.orun(options(dir, "--resume", "work.lua"))
    assert.equal(0, r.code, r.err)
    assert.same({"one", "two"}, lines(dir, "ran"))
    run:wait()
  end)
end)

describe("a store that is open", function()
  it("I16 is so in one process only, whatever that has started", function()
    local dir = place [[
      show "one"
      orun.start{isolation = "process", run = function()
        io.open("isolated", "w"):close()
        orun.sleep(1000)
      end}
      orun.start{command = {"sh", "-c", "touch program; exec sleep 1000"}}
      until_file "isolated" until_file "program"
      note("there", "")
      orun.sleep(1000)]]
    local run = h.start(options(dir, "work.lua"))
    assert(h.wait_for(function() return h.exists(dir .. "/there") end))
    local pids = {}
    for path in h.sh("ls -l /proc/[0-9]*/fd 2>/dev/null").out:gmatch "/proc/[^\n]*fd:\n.-\n\n" do
      if path:find(dir .. "/run.db", 1, true) then
        pids[#pids + 1] = tonumber(path:match "/proc/(%d+)")
      end
    end
    run:kill "INT"
    assert.equal(130, run:wait().code)
    assert.same({run.pid}, pids)
  end)
end)

describe("a store that is taken away in mid-run", function()
  -- What happens to it, what is said; the file in which the first outcome still is.
  local ways = {
    {"deleted", "rm run.db", "run.db was deleted or renamed while it was in use"},
    {"renamed", "mv run.db away.db; mv run.db-wal away.db-wal", "deleted or renamed", "away.db"},
    {"replaced", "mv run.db old; mv run.db-wal old-wal; cp old run.db; cp old-wal run.db-wal",
      "run.db was replaced", "old"},
    {"without its journal", "rm run.db-wal", "run.db-wal was deleted while it was in use"},
  }
  for _, way in ipairs(ways) do
    local name, command, said, still = table.unpack(way)
    it(("I8 ends the run when it is %s"):format(name), function()
      local dir = place(([[
        show "one"
        assert(os.execute %q)
        local parent = orun.start{run = function()
          for i = 1, 1000 do show("child " .. i) end
        end}
        orun.start{command = {"sh", "-c", "echo $$ >pid; exec sleep 1000"}}
        until_file "pid"
        show "two"
        TaskOutput(parent)
        note("shown", "behind")]]):format(command))
      local r = h.orun(options(dir, "work.lua"))
      assert.equal(74, r.code, r.err)
      assert.matches(said, r.err, 1, true)
      assert.matches("the run was ended, and no result was shown that is not kept", r.err, 1, true)
      assert.same({"did one"}, lines(dir, "shown"))
      local pid = (h.read(dir .. "/pid") or ""):match("%d+")
      assert.is_true(not pid or not h.exists("/proc/" .. pid))
      if not still then return end
      assert(os.execute(("cd %s && sed -i '/os.execute/d; s/sleep 1000/true/; s/1000/2/' work.lua "
        .. "&& rm -f ran pid"):format(h.quote(dir))))
      r = h.orun{"--no-history", "-q", "--store", still, "--resume", "work.lua", cwd = dir}
      assert.equal(0, r.code, r.err)
      -- What ended behind it may be in the old file, though it was not shown.
      for _, one in ipairs(lines(dir, "ran")) do assert.not_equal("one", one) end
      local shown = lines(dir, "shown")
      table.sort(shown)
      assert.same({"behind", "did child 1", "did child 2", "did one", "did one", "did two"}, shown)
    end)
  end
end)
