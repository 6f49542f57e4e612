--- What the system may refuse a store, and a kill at any call: nothing that was told
--- to be kept is lost, what failed is said, and the file can be opened afterwards.

local h = require "spec.support.helper"
local store = require "orun.test".store

local EIO <const>, EACCES <const>, EMFILE <const>, ENOSPC <const>, EROFS <const> = 5, 13, 24, 28, 30
local KILLED <const> = 0 -- refuse.c kills the caller instead
local ALL <const> = 0 -- from there on

local SIZES <const> = { 10, 200, 70000, 0, 3000 }

local refuse

setup(function()
  refuse = h.tmpdir() .. "/refuse"
  assert.equal(0, h.sh("cc -std=c11 -o " .. h.quote(refuse) .. " spec/support/refuse.c").code)
end)

local function body(n) return ("%d "):format(n):rep(SIZES[n]):sub(1, SIZES[n]) end

-- Prints what it is told, line by line, as a journal would know it.
local KEEPER <const> = [[
  io.stdout:setvbuf("line")
  local store = require "orun.test".store
  if arg[2] == "next" then store.next("CREATE TABLE more(x)") end
  local s, code, why = store.open(arg[1])
  if not s then return print("refused", code, why) end
  local run
  run, code, why = s:begin()
  if not run then return print("refused", code, why) end
  print("run", run)
  local told = 0
  local function tell()
    s:flush()
    for i = told + 1, #s:kept() do
      if not s:kept()[i][2] then print("kept", s:kept()[i][1]) end
    end
    told = #s:kept()
  end
  for n, size in ipairs{ 10, 200, 70000, 0, 3000 } do
    s:append(2, "k", ("%d "):format(n):rep(size):sub(1, size))
    tell()
    if s:fault() then break end
  end
  if s:fault() then print("fault", s:fault()) end
  s:append(2, "k", "one more")
  tell()
  print("closed", s:close())]]

-- Run it while calls are refused: what it printed, and how it ended.
local function keep(path, call, errno, first, last, word)
  local script = h.write(h.tmpdir() .. "/keeper.lua", KEEPER)
  local r = h.sh(("%s %s %d %d %d %s %s %s %s"):format(h.quote(refuse), h.quote(call), errno, first,
    last, h.quote(h.test_bin), h.quote(script), h.quote(path), word or ""))
  if r.code == 125 then pending("system calls cannot be filtered here") end
  assert.equal(errno == KILLED and r.code == 137 and 137 or 0, r.code, r.err)
  return r.out, r.code
end

-- All that was said to be kept is there, in order, and nothing but what was appended.
local function check(path, out, hint)
  local kept, fault = 0, false
  for line in out:gmatch("[^\n]+") do
    local n = line:match("^kept\t(%d)")
    if n then
      assert.is_false(fault, hint .. ": kept behind a fault")
      assert.equal(kept + 1, tonumber(n), hint)
      kept = kept + 1
    elseif line:match("^fault") or line:match("^refused") then
      fault = true
      assert.matches("runs.store", line, 1, true)
    end
  end
  local run = out:match("run\t(%w+)")
  local s, code, why = store.open(path) -- whatever happened, it can be opened
  assert.is_truthy(s, hint .. ": " .. tostring(code) .. " " .. tostring(why))
  local facts = run and s:load(run) or {}
  assert.is_true(#facts >= kept, ("%s: %d of %d are there"):format(hint, #facts, kept))
  for n, fact in ipairs(facts) do
    local want = n == 6 and "one more" or body(n)
    assert.is_true((fact.body or s:body(run, n)) == want, hint .. ": fact " .. n)
  end
  assert(s:begin(run)) -- and goes on
  s:append(2, "k", "behind")
  assert.is_true(s:flush(), hint)
  assert.is_true(s:close(), hint)
  return fault, kept
end

-- With the first, second, … call refused, fewer of the later ones.
local function at_each(most, call, errno, last, each)
  local first = 1
  while first <= most do
    local path = h.tmpdir() .. "/runs.store"
    local hint = ("%s %d at %d"):format(call, errno, first)
    local out = keep(path, call, errno, first, last == ALL and ALL or first)
    each(out, hint, check(path, out, hint))
    first = first + 1 + (first > 6 and first // 4 or 0) * (h.slow > 1 and 4 or 1)
  end
end

describe("a store that the system refuses something", function()
  it("I1 says that its file or folder cannot be written", function()
    local path = h.tmpdir() .. "/runs.store"
    assert(store.open(path)):close()
    for _, errno in ipairs{ EROFS, EACCES } do
      local out = keep(path, "openat:runs.store", errno, 1, ALL)
      assert.matches("^refused\tESYS\t.*runs.store cannot be written: .*;"
        .. " name a file that this user may write\n$", out)
      local other = h.tmpdir() .. "/runs.store"
      out = keep(other, "openat:.new-", errno, 1, ALL)
      assert.matches("^refused\tESYS\t.*runs.store.* cannot be made: .*;"
        .. " name a file that this user may write\n$", out)
      assert.is_false(h.exists(other))
    end
    -- The file may be written, but no journal can be made beside it.
    local out = keep(path, "openat:-wal", EACCES, 1, ALL)
    assert.matches("^refused\tESYS\t.*runs.store: .*; this user must be able to write the file"
      .. " and its folder: name another file\n$", out)
  end)

  it("I1 says that there are no descriptors left", function()
    local path = h.tmpdir() .. "/runs.store"
    for first = 1, 6 do
      local out = keep(path, "openat:runs.store", EMFILE, first, first)
      check(path, out, "EMFILE at " .. first)
    end
  end)

  it("I2 loses nothing on a full disk, and says that it is full", function()
    local faults = 0
    at_each(60, "pwrite:runs.store", ENOSPC, ALL, function(out, hint, fault)
      if not fault then return end
      faults = faults + 1
      assert.matches("the disk is full; make room, then go on: all that was kept before is there\n",
        out, 1, true, hint)
      assert.is_nil(out:match("kept\t6"))
    end)
    assert.is_true(faults >= 8, faults)
  end)

  it("I2 loses nothing when one write fails", function()
    local faults = 0
    at_each(60, "pwrite:runs.store", EIO, 1, function(out, _, fault)
      if not fault then return end
      faults = faults + 1
      assert.is_nil(out:match("kept\t6"), out) -- dead, though the disk would take it again
    end)
    assert.is_true(faults >= 8, faults)
  end)

  it("I2 loses nothing when a sync fails", function()
    -- Each commit has a sync of its own: of the run, of five facts.
    for call, least in pairs{ fdatasync = 12, fsync = 2 } do
      local faults = 0
      for _, errno in ipairs{ EIO, ENOSPC } do
        at_each(12, call, errno, 1, function(out, _, fault)
          if not fault then return end
          faults = faults + 1
          assert.is_nil(out:match("kept\t6"), out)
        end)
      end
      assert.is_true(faults >= least, call .. " " .. faults)
    end
  end)

  it("I2 loses nothing when the file system has become read-only", function()
    at_each(30, "pwrite:runs.store", EROFS, ALL, function() end)
    for _, call in ipairs{ "ftruncate", "unlink", "link", "rename" } do
      at_each(4, call .. ":runs.store", EROFS, ALL, function() end)
    end
  end)

  it("I2 loses nothing when it is killed at a write, a sync or a change of the folder", function()
    local kills = 0
    for call, most in pairs{ ["pwrite:runs.store"] = 60, fdatasync = 12, fsync = 6,
        ["ftruncate:runs.store"] = 4, ["link:runs.store"] = 1, ["unlink:runs.store"] = 3 } do
      at_each(most, call, KILLED, 1, function(out)
        if not out:match("closed") then kills = kills + 1 end
      end)
    end
    assert.is_true(kills > 15, kills)
  end)

  it("I7 can be killed while it brings an older version up to date", function()
    local dir = h.tmpdir()
    local path = dir .. "/old.store"
    local s = assert(store.open(path))
    local run = assert(s:begin())
    for n = 1, #SIZES do s:append(2, "k", body(n)) end
    s:close()
    local old = h.read(path)
    local kills, rounds = 0, 0
    for call, most in pairs{ pwrite = 60, fdatasync = 8, fsync = 4, rename = 1, unlink = 4,
        ftruncate = 3 } do
      local first = 1
      while first <= most do
        rounds = rounds + 1
        local place = ("%s/%d/runs.store"):format(dir, rounds)
        h.sh("mkdir " .. h.quote(place:match("^(.*)/")))
        h.write(place, old)
        local _, code = keep(place, call, KILLED, first, first, "next")
        if code == 137 then kills = kills + 1 end
        if h.exists(place .. ".version-1") then
          local copy = assert(store.open(place .. ".version-1"))
          assert.equal(#SIZES, #copy:load(run))
          copy:close()
        end
        store.next("CREATE TABLE more(x)")
        local again = assert(store.open(place))
        assert.equal(#SIZES, #again:load(run))
        again:close()
        store.next()
        assert.is_true(h.exists(place .. ".version-1"))
        first = first + 1 + first // 3 * (h.slow > 1 and 4 or 1)
      end
    end
    assert.is_true(kills >= 10, kills)
  end)

  -- Each allocation in turn is refused, of the store's own and of SQLite's.
  it("survives every allocation that fails", function()
    local test = require "orun.test"
    local dir = h.tmpdir()
    local whole = 0
    local n, step = 1, h.slow > 1 and 9 or 1
    while whole < 3 do
      local path = ("%s/%d.store"):format(dir, n)
      test.failing.arm(tostring(n))
      local s, code, why = store.open(path)
      local run
      if s then
        local begun, of
        run, begun, of = s:begin()
        if not run then
          code, why = begun, of
        else
          for i = 1, #SIZES do s:append(2, "k", body(i)) end
          local kept = s:flush()
          if not kept then code, why = s:fault() end
        end
      end
      local failed = select(2, test.failing.arm()) > 0
      if code then assert.is_true(code == "ENOMEM" or code == "ESYS", code .. " " .. why) end
      if code then assert.is_true(#why > 10, why) end
      local kept = s and #s:kept() or 0
      for i = 1, kept do
        if s:kept()[i][2] then kept = math.min(kept, i - 1) end
      end
      if s then s:close() end
      local again = assert(store.open(path))
      assert.is_true(kept <= (run and #again:load(run) or 0), "allocation " .. n)
      again:close()
      os.remove(path)
      whole = failed and 0 or whole + 1
      n = n + step + n // 50
    end
    assert.is_true(n > 100, n)
  end)
end)
