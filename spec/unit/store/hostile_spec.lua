--- What may be at the path of a store: nothing it cannot be is overwritten, none
--- crashes orun, and each is refused with a sentence that says what to do.

local h = require "spec.support.helper"
local store = require "orun.test".store

local RUN <const>, OUTCOME <const>, END <const> = 1, 2, 5

-- A store with two runs in `path`, closed; gives what they hold: { [1] = { body, … }, … }.
local function fill(path)
  local s = assert(store.open(path))
  local runs = {}
  for i = 1, 2 do
    runs[i] = { id = assert(s:begin()) }
    s:append(RUN, "", "run " .. i)
    runs[i][1] = "run " .. i
    for n = 1, 25 do
      local body = ("%d.%d "):format(i, n):rep(n * 7)
      s:append(OUTCOME, "key " .. n, body)
      table.insert(runs[i], body)
    end
    local large = ("large %d "):format(i):rep(10000)
    s:append(OUTCOME, "large", large)
    table.insert(runs[i], large)
    s:append(END, "", "done")
    table.insert(runs[i], "done")
    assert.is_true(s:flush())
  end
  assert.is_true(s:close())
  return runs
end

-- Open refuses with this code and a sentence in which each of the patterns is found.
local function refused(code, path, patterns, flags)
  local s, got, why = store.open(path, flags)
  assert.is_nil(s, path)
  assert.equal(code, got, why)
  for _, pattern in ipairs(patterns) do assert.matches(pattern, why) end
  return why
end

-- All of a store is read: each fact is what it was, or an error with a sentence.
-- Gives how many were read.
local function survives(path, runs, flags)
  local s, code, why = store.open(path, flags)
  if not s then
    assert.is_true(code == "EPROTO" or code == "ESTATE" or code == "ESYS" or code == "ENOENT", code)
    assert.is_true(#why > 20 and why:find(path:match("[^/]+$"), 1, true) ~= nil, why)
    return 0
  end
  local read = 0
  local listed = s:runs() or {}
  for i, run in ipairs(runs) do
    for n, fact in ipairs(s:load(run.id) or {}) do
      local body = fact.body or s:body(run.id, n)
      assert.is_true(body == nil or body == run[n], "run " .. i .. ", fact " .. n)
      read = read + 1
    end
  end
  for _, run in ipairs(listed) do
    assert.is_true(run.run == nil or run.run:match("^run %d$") ~= nil)
    s:load(run.id)
  end
  s:close()
  return read
end

local function flipped(bytes, bit)
  local at = bit // 8 + 1
  return bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1 << bit % 8) .. bytes:sub(at + 1)
end

-- Another process that opens a store, begins a run in it, says so and waits.
local function holder(path)
  local script = h.write(h.tmpdir() .. "/holder.lua", [[
    local s = assert(require "orun.test".store.open(arg[1]))
    print(assert(s:begin()))
    io.stdout:flush()
    orun.sleep(1000)]])
  local p = h.start{ script, path, bin = h.test_bin }
  h.wait_for(function() return p:printed():find("\n") end)
  return p
end

describe("the path of a store", function()
  local dir, path

  before_each(function()
    dir = h.tmpdir()
    path = dir .. "/runs.store"
  end)
  after_each(function()
    collectgarbage()
    store.fs(0)
    store.next()
  end)

  it("I3 may be a file that is empty or not there, and is its user's only", function()
    for _, text in ipairs{ false, "" } do
      os.remove(path)
      if text then h.write(path, text) end
      local s = assert(store.open(path))
      assert(s:begin())
      s:close()
      assert.equal("SQLite format 3", h.read(path):sub(1, 15))
      if not text then
        assert.equal("600\n", h.sh("stat -c %a " .. h.quote(path)).out)
      end
    end
    assert.same({ path }, h.find(dir, "-type f")) -- and nothing is left beside it
  end)

  it("I3 is not made by who only looks", function()
    for _, flags in ipairs{ { read = true }, { exists = true } } do
      refused("ENOENT", path, { "runs.store cannot be opened: No such file" }, flags)
      h.write(path, "")
      refused("ENOENT", path, { "is empty: no run is kept there" }, flags)
      assert.equal("", h.read(path))
      os.remove(path)
    end
    refused("ENOENT", dir .. "/no/runs.store", { "the folder: No such file" })
    refused("EPROTO", "", { "/ is a folder and no store" }, { exists = true })
  end)

  it("I3 is left as it is when it is another file", function()
    local texts = { "x", "#!/bin/sh\necho hello\n", ("\0"):rep(100), ("text "):rep(5000),
      "SQLite format 3", "SQLite format 3\0", "SQLite format 3\0" .. ("\0"):rep(84) }
    for _, text in ipairs(texts) do
      h.write(path, text)
      refused("EPROTO", path, { "runs%.store is ", "was left as it is; name another file$" })
      assert.equal(text, h.read(path))
    end
    assert.same({ path }, h.find(dir, "-type f"))
  end)

  it("I3 is refused when it is a folder, a pipe, a socket, a device or a link", function()
    refused("EPROTO", dir, { "is a folder and no store; name a file, which may be a new one$" })
    refused("EPROTO", "/dev/null", { "^/dev/null is a device and no store" })
    assert.equal(0, h.sh("mkfifo " .. h.quote(path)).code)
    refused("EPROTO", path, { "is a pipe and no store" })
    os.remove(path)
    fill(dir .. "/real")
    for _, target in ipairs{ "real", "/dev/null", "nowhere", "runs.store" } do
      assert.equal(0, h.sh(("ln -sfn %s %s"):format(target, h.quote(path))).code)
      refused("EPROTO", path,
        { "is a symbolic link and no store; it leads to " .. target .. ": name that file itself$" })
    end
    assert.is_false(h.exists(dir .. "/nowhere"))
  end)

  it("I4 withstands a flipped bit anywhere, and reads nothing that is not so", function()
    local runs = fill(path)
    local bytes = h.read(path)
    local whole = survives(path, runs)
    assert.equal(2 * 28, whole)
    local step = 2711 * math.min(h.slow, 20) | 1
    local hurt, refusals = 0, 0
    -- Every bit of the header, then some of all the rest.
    local bit = 0
    while bit < #bytes * 8 do
      local bad = flipped(bytes, bit)
      h.write(path, bad)
      local read = survives(path, runs)
      if read < whole then hurt = hurt + 1 end
      if read == 0 then
        refusals = refusals + 1
        assert.is_true(h.read(path) == bad, "bit " .. bit .. " was changed")
      end
      bit = bit + (bit < 800 and (h.slow > 1 and 7 or 1) or step)
    end
    assert.is_true(hurt > 50 // h.slow and refusals > 20 // h.slow, hurt .. ", " .. refusals)
  end)

  it("I4 withstands a file that is cut anywhere or longer than it was", function()
    local runs = fill(path)
    local bytes = h.read(path)
    for cut = 1, #bytes - 1, 1531 * math.min(h.slow, 8) do
      h.write(path, bytes:sub(1, cut))
      survives(path, runs)
    end
    for _, more in ipairs{ "x", ("\0"):rep(4096), ("\255"):rep(9000) } do
      h.write(path, bytes .. more)
      survives(path, runs)
    end
  end)

  it("I4 withstands pages of zeros, of ones and of each other, and wrong sizes", function()
    local runs = fill(path)
    local bytes = h.read(path)
    local pages = #bytes // 4096
    local function with(page, text)
      return bytes:sub(1, page * 4096) .. text .. bytes:sub(page * 4096 + 4097)
    end
    for page = 0, pages - 1 do
      for _, text in ipairs{ ("\0"):rep(4096), ("\255"):rep(4096),
          bytes:sub(4096 * (pages - 1 - page) + 1, 4096 * (pages - page)) } do
        h.write(path, with(page, text))
        survives(path, runs)
      end
    end
    for _, size in ipairs{ 0, 1, 256, 512, 1024, 8192, 32768, 4095, 65535 } do
      h.write(path, bytes:sub(1, 16) .. string.pack(">I2", size) .. bytes:sub(19))
      survives(path, runs)
    end
  end)

  it("I4 finds the beginning of a run again when its journal is damaged", function()
    local s = assert(store.open(path))
    local run = { id = assert(s:begin()) }
    for n = 1, 12 do
      run[n] = ("fact %d "):format(n):rep(20)
      s:append(OUTCOME, "k", run[n])
      s:flush()
    end
    local bytes, journal = h.read(path), h.read(path .. "-wal")
    s:close()
    local copy = dir .. "/copy.store"
    local function try(text)
      h.write(copy, bytes)
      h.write(copy .. "-wal", text)
      os.remove(copy .. "-shm")
      return survives(copy, { run })
    end
    assert.equal(12, try(journal))
    for bit = 0, #journal * 8 - 1, 20011 * math.min(h.slow, 10) do try(flipped(journal, bit)) end
    for cut = 0, #journal, 4999 * math.min(h.slow, 10) do
      assert.is_true(try(journal:sub(1, cut)) <= 12)
    end
    try(("\0"):rep(#journal))
  end)

  it("I4 says that a store was emptied whose journal is there", function()
    h.write(path, "")
    h.write(path .. "-wal", "something")
    refused("EPROTO", path, { "is empty, but .*%-wal beside it is not: the store was damaged" })
    assert.equal("something", h.read(path .. "-wal"))
  end)

  it("I5 refuses tables that are not those of orun, and runs none of their code", function()
    local changes = {
      "CREATE TABLE other(x)",
      "CREATE VIEW v AS SELECT * FROM fact",
      "CREATE TRIGGER t AFTER INSERT ON fact BEGIN DELETE FROM fact; END",
      "CREATE INDEX i ON fact(kind)",
      "ALTER TABLE run RENAME COLUMN name TO title",
      "ALTER TABLE fact ADD COLUMN more TEXT DEFAULT (random())",
      "DROP TABLE piece",
      "DROP INDEX fact_blob",
      "DROP TABLE run; CREATE VIEW run AS SELECT 1 id, 'x' name, 1 epoch, 0 begun, 0 first, 0 last",
      "DROP TABLE blob; CREATE TABLE blob(id INTEGER PRIMARY KEY, sha BLOB NOT NULL UNIQUE,"
        .. " size INTEGER NOT NULL CHECK(abs(randomblob(1000000000)) > 0))",
      "ANALYZE",
      "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE x(' || char(0)",
      "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name = 'fact'",
      "PRAGMA writable_schema=ON; INSERT INTO sqlite_schema SELECT * FROM sqlite_schema",
    }
    for i, change in ipairs(changes) do
      os.remove(path)
      local s = assert(store.open(path))
      s:close()
      local ok, message = store.sql(path, change)
      assert.is_true(ok, message)
      local before = h.read(path)
      local why = refused("EPROTO", path, { "left as it is" })
      assert.is_true(h.read(path) == before, why .. i)
    end
  end)

  it("I6 refuses the database of another program", function()
    for _, sql in ipairs{ "CREATE TABLE moz_places(x)",
        "PRAGMA application_id=1196444487; CREATE TABLE t(x)", "PRAGMA user_version=1; VACUUM" } do
      os.remove(path)
      assert.is_true(store.sql(path, sql))
      local before = h.read(path)
      refused("EPROTO", path,
        { "is the database of another program and was left as it is; name another file$" })
      assert.is_true(h.read(path) == before)
    end
  end)

  it("I7 refuses a newer version of its tables", function()
    fill(path)
    for _, version in ipairs{ 2, 99, 2147483647 } do
      assert.is_true(store.sql(path, "PRAGMA user_version=" .. version))
      refused("ESTATE", path, { "was made by a newer orun %(version " .. version
        .. " of its tables; this one knows 1%) and was left as it is; use that orun" })
    end
    for _, version in ipairs{ 0, -1 } do
      assert.is_true(store.sql(path, "PRAGMA user_version=" .. version))
      refused("EPROTO", path, { "tables that are not those of orun" })
    end
  end)

  it("I7 brings an older version up to date, and keeps a copy", function()
    local runs = fill(path)
    store.next("CREATE TABLE more(x)")
    assert.equal(56, survives(path, runs, { read = true })) -- who looks changes nothing
    assert.is_false(h.exists(path .. ".version-1"))
    assert.equal(56, survives(path, runs))
    assert.is_true(h.exists(path .. ".version-1"))
    assert.equal(56, survives(path, runs))
    local s = assert(store.open(path))
    assert(s:begin())
    s:append(OUTCOME, "k", "new")
    assert.is_true(s:flush())
    s:close()
    store.next()
    refused("ESTATE", path, { "newer orun %(version 2 of its tables; this one knows 1%)" })
    assert.equal(56, survives(path .. ".version-1", runs))
  end)

  it("I8 is noticed when it is deleted, renamed or replaced while it is in use", function()
    local changes = {
      deleted = function() os.remove(path) end,
      renamed = function() os.rename(path, path .. ".moved") end,
      replaced = function()
        h.write(path .. ".copy", h.read(path))
        os.rename(path .. ".copy", path)
      end,
    }
    for name, change in pairs(changes) do
      h.sh("rm -f " .. h.quote(path) .. "*")
      local s = assert(store.open(path))
      assert(s:begin())
      s:append(OUTCOME, "k", "before")
      assert.is_true(s:flush())
      change()
      s:append(OUTCOME, "k", "behind")
      assert.equal("ESTATE", select(2, s:flush()))
      assert.matches("runs%.store was .*" .. name .. ".* while it was in use", select(2, s:fault()))
      assert.same({ { 1 }, { 2, "ESTATE" } }, s:kept())
      assert.is_nil(s:close())
    end
  end)

  it("I8 is noticed when its journal is deleted or replaced", function()
    for _, name in ipairs{ "deleted", "replaced" } do
      h.sh("rm -f " .. h.quote(path) .. "*")
      local s = assert(store.open(path))
      assert(s:begin())
      local journal = path .. "-wal"
      h.write(journal .. ".copy", h.read(journal))
      if name == "deleted" then
        os.remove(journal)
      else
        os.rename(journal .. ".copy", journal)
      end
      s:append(OUTCOME, "k", "behind")
      assert.equal("ESTATE", select(2, s:flush()))
      local why = select(2, s:fault())
      assert.matches("runs%.store%-wal was " .. name .. " while it was in use", why)
      assert.is_nil(s:close())
      assert.equal(name == "replaced", h.exists(journal)) -- it is not ours to remove
    end
  end)

  it("leaves nothing beside the file when it was only looked at", function()
    local s = assert(store.open(path))
    assert(s:begin())
    assert(s:close())
    for _ = 1, 2 do
      s = assert(store.open(path, {read = true}))
      assert.equal(1, #s:runs())
      assert(s:close())
      assert.is_false(h.exists(path .. "-wal"))
      assert.is_false(h.exists(path .. "-shm"))
    end
  end)

  it("leaves what is beside the file when that is another one by now", function()
    assert(assert(store.open(path)):close())
    local s = assert(store.open(path, {read = true}))
    s:runs()
    os.rename(path, path .. ".old")
    os.rename(path .. "-wal", path .. ".old-wal")
    h.write(path, "another")
    h.write(path .. "-wal", "")
    assert(s:close())
    assert.is_true(h.exists(path .. "-wal"))
  end)

  it("I9 is one process's at a time, which is named", function()
    local p = holder(path)
    refused("ESTATE", path, { "runs%.store is in use by process " .. p.pid
      .. "; wait until that has ended, or name another file$" })
    local s = assert(store.open(path, { read = true })) -- to look is no harm
    assert.equal(1, #s:runs())
    local none, code, why = s:begin()
    assert.is_nil(none)
    assert.equal("ESTATE", code)
    assert.equal("this store was opened for reading only", why)
    s:close()
    p:kill("STOP")
    h.wait_for(function()
      return h.read(("/proc/%d/stat"):format(p.pid)):match("%) (.)") == "T"
    end)
    refused("ESTATE", path, { "in use by process " .. p.pid .. ", which is stopped;",
      '"kill %-CONT ' .. p.pid .. '" lets it go on, "kill %-KILL ' .. p.pid .. '" ends it' })
    p:kill("KILL")
    p:wait()
    assert(store.open(path)):close()
  end)

  it("I9 is open once in a process, by whatever name", function()
    fill(path)
    local s = assert(store.open(path))
    refused("ESTATE", path, { "runs%.store is open in this process already$" })
    assert.equal(0, h.sh(("cd %s && ln runs.store hard && ln -s . folder"):format(dir)).code)
    refused("ESTATE", dir .. "/hard", { "open in this process already$" })
    refused("ESTATE", dir .. "/folder/runs.store", { "open in this process already$" })
    s:close()
    assert(store.open(dir .. "/folder/runs.store")):close()
  end)

  it("I10 is refused on a network file system, unless that is wanted", function()
    for name, number in pairs{ NFS = 0x6969, SMB = 0xff534d42, ["9p"] = 0x01021997,
        FUSE = 0x65735546 } do
      store.fs(number)
      refused("ESTATE", path, { "runs%.store is on a network file system %(" .. name
        .. "%), where a store could be damaged; name a file on a local disk$" })
      assert.is_false(h.exists(path))
      assert(store.open(path, { unsafe = true })):close()
      os.remove(path)
    end
  end)

  it("I11 is a path and nothing else, whatever it looks like", function()
    for _, name in ipairs{ "a?mode=memory", "50%41.store", "a#b", "file:x?mode=ro", "file:", "-x",
        "a b'c\"d", ":memory:x", "é\u{301}", "\xff\xfe", "a\nb", "%s%n", ("n"):rep(200) } do
      local s, code, why = store.open(dir .. "/" .. name)
      assert.is_truthy(s, tostring(code) .. " " .. tostring(why))
      assert(s:begin())
      s:append(OUTCOME, "k", name)
      assert.is_true(s:flush())
      s:close()
      assert.is_true(h.exists(dir .. "/" .. name), name)
    end
    assert.equal(13, #h.find(dir, "-maxdepth 1 -type f -printf 'x%i\\n'"))
    refused("ESYS", dir .. "/" .. ("n"):rep(300), { "File name too long" })
    refused("ESYS", ("/x"):rep(5000), { "File name too long" })
    refused("ESYS", "/dev/null/x", { "Not a directory" })
  end)

  it("I12 is free at once when its owner was killed, whatever its id is now", function()
    local p = holder(path)
    local run = p:printed():match("%w+")
    p:kill("KILL")
    p:wait()
    local s = assert(store.open(path))
    local _, epoch = assert(s:begin(run))
    assert.equal(2, epoch)
    s:close()
  end)

  it("I13 is not read as a whole when it is opened, if it is large", function()
    local s = assert(store.open(path))
    local run = assert(s:begin())
    local body = ("x"):rep(60000)
    for i = 1, 640 do s:append(OUTCOME, "k", i .. body) end
    s:close()
    local file <close> = assert(io.open(path, "r+b"))
    file:seek("set", 30 << 20)
    file:write(("\255"):rep(20000))
    file:close()
    s = assert(store.open(path))
    local none, code, why = s:load(run)
    assert.is_nil(none)
    assert.equal("EPROTO", code)
    assert.matches("runs%.store is damaged %(.*%) and was left as it is; restore a copy", why)
  end)

  it("I14 has its runs in the order in which they were begun, whatever the clock said", function()
    local runs = fill(path)
    assert.is_true(store.sql(path, "UPDATE run SET begun = -begun"))
    local s = assert(store.open(path))
    local third = assert(s:begin())
    local ids = {}
    for i, run in ipairs(s:runs()) do ids[i] = run.id end
    assert.same({ runs[1].id, runs[2].id, third }, ids)
  end)

  it("keeps equal large bodies once, and gives room back when a run is removed", function()
    local large = {}
    for i = 1, 40 do large[i] = ("%03d"):format(i):rep(60000) end
    local s = assert(store.open(path))
    local runs = {}
    for i = 1, 3 do
      runs[i] = assert(s:begin())
      for n = i == 1 and 1 or 21, 40 do s:append(OUTCOME, "k", large[n]) end
      s:append(OUTCOME, "k", "small")
      assert.is_true(s:flush())
    end
    local function size()
      s:close()
      local n = #h.read(path)
      s = assert(store.open(path))
      return n
    end
    local first = size()
    assert.is_true(first > 7.2e6 and first < 8e6, first) -- 40 bodies, not 80
    assert.is_true(s:forget(runs[1]))
    local second = size()
    assert.is_true(second > 3.6e6 and second < 4.2e6, second) -- 20 are still wanted
    assert.is_true(s:body(runs[3], 7) == large[27])
    assert.is_true(s:forget(runs[2]))
    assert.is_true(s:forget(runs[3]))
    assert.is_true(size() < 100000)
  end)
end)
