-- Content keys of tasks (runtime/journal/key), through
-- require("orun.test").key.

local key = require("orun.test").key
local h = require "spec.support.helper"
local test = require "orun.test"

local function content(parts) return (assert(key.content(parts))) end

local function made(source, ...) return assert(load(source, "=script"))(...) end

local LIMIT <const> = "local limit, list = ...\nreturn function(x) return x < limit, list end"
local ABOVE <const> = LIMIT:gsub("<", ">")

-- A task with a bit of everything; `change` replaces fields of it.
local function task(change)
  local t = {
    agent = {name = "reviewer", description = "reviews", run = made(LIMIT, 10, {1}),
             env = {"A=1", "B=2"}, cwd = "/project/src", permissions = "edit", timeout = 5},
    prompt = "review it", input = {files = {"a.c"}}, model = "small", permissions = "read",
    schema = {type = "object"}, cwd = "/project", env = {"LANG=C"}, worktree = true, base = "main",
    max_output = 1000, blockers = {"one", "two"},
  }
  for name, value in pairs(change or {}) do
    t[name] = value ~= "none" and value or nil
  end
  return t
end

local function agent(change)
  local a = task().agent
  for name, value in pairs(change) do a[name] = value or nil end
  return {agent = a}
end

-- What differs between two tasks, in words.
local function why(was, is)
  local _, before = key.content(was)
  local _, after = key.content(is)
  return assert(key.differs(before, after))
end

-- What is changed, and how that is told.
local CHANGES <const> = {
  {"prompt", {prompt = "review it well"}, "prompt"},
  {"input", {input = {files = {"b.c"}}}, "input"},
  {"no input", {input = "none"}, "input"},
  {"model", {model = "large"}, "model"},
  {"schema", {schema = {type = "array"}}, "schema"},
  {"permissions", {permissions = "edit"}, "permissions"},
  {"cwd", {cwd = "/project/other"}, "cwd"},
  {"the value of a variable", {env = {"LANG=D"}}, "env LANG"},
  {"the name of a variable", {env = {"LONG=C"}}, "env LONG, env LANG"},
  {"no variable", {env = {}}, "env"},
  {"another variable", {env = {"LANG=C", "X="}}, "env X"},
  {"no worktree", {worktree = "none"}, "worktree"},
  {"where the worktree begins", {base = "next"}, "worktree"},
  {"that it begins at HEAD", {base = "none"}, "worktree"},
  {"max_output", {max_output = 2000}, "max_output"},
  {"what it waited for", {blockers = {"one", "three"}}, "blockedBy"},
  {"that it waited", {blockers = {}}, "blockedBy"},
  {"its type", {agent = "none"}, "agent type"},
  {"the code of its type", agent{run = made(ABOVE, 10, {1})}, "agent type: code"},
  {"what the code of its type captures", agent{run = made(LIMIT, 11, {1})},
    "agent type: captured value `limit`"},
  {"both of these", agent{run = made(ABOVE, 11, {1})},
    "agent type: code, agent type: captured value `limit`"},
  {"a variable of its type", agent{env = {"A=1", "B=3"}}, "agent type: B"},
  {"the folder of its type", agent{cwd = "/project/lib"}, "agent type: cwd"},
  {"what its type may do", agent{permissions = "full"}, "agent type: permissions"},
  {"a program in place of the function", agent{run = false, command = {"ls"}},
    "agent type: command, agent type: code, agent type: captured value `limit`, "
    .. "agent type: captured value `list`"},
  {"a function", {run = made(LIMIT, 1, {})}, "run"},
  {"a command", {command = {"make", "-j4"}}, "command"},
}

describe("the content of a task", function()
  it("is the same for the same task, whenever it is asked", function()
    assert.equal(content(task()), content(task()))
    assert.equal("", why(task(), task()))
    assert.equal(64, #content{prompt = "x"})
  end)

  for _, change in ipairs(CHANGES) do
    it("changes with " .. change[1], function()
      assert.are_not.equal(content(task()), content(task(change[2])))
      assert.equal(change[3], why(task(), task(change[2])))
    end)
  end

  it("differs for all these changes", function()
    local seen = {[content(task())] = "nothing"}
    for _, change in ipairs(CHANGES) do
      local one = content(task(change[2]))
      assert.is_nil(seen[one], change[1])
      seen[one] = change[1]
    end
  end)

  it("does not change with labels, limits and order", function()
    local same = {agent{name = "critic"}, agent{description = "another"}, agent{timeout = 3600},
      agent{env = {"B=2", "A=1"}}, {blockers = {"two", "one"}}, {writes = {"/project/out"}}}
    for i, change in ipairs(same) do
      assert.equal(content(task()), content(task(change)), i)
    end
  end)

  it("sees a function's code and each captured value", function()
    local function run(source, ...) return {run = made(source, ...)} end
    local one = run(LIMIT, 10, {1})
    assert.equal(content(one), content(run("-- moved\n" .. LIMIT, 10, {1})))
    assert.equal("run: captured value `limit`", why(one, run(LIMIT, 11, {1})))
    assert.equal("run: captured value `list`", why(one, run(LIMIT, 10, {2})))
    assert.equal("run: code", why(one, run(ABOVE, 10, {1})))
  end)

  it("sees each word of a command", function()
    local seen = {}
    for _, words in ipairs{{"a", "b"}, {"b", "a"}, {"ab"}, {"a b"}, {"a", "b", ""}, {"a"}, {}} do
      local one = content{command = words}
      assert.is_nil(seen[one])
      seen[one] = true
    end
    assert.are_not.equal(content{command = {"ls"}}, content{agent = {command = {"ls"}}})
    assert.equal("agent type: command",
      why({agent = {command = {"ls"}}}, {agent = {command = {"ls", "-l"}}}))
  end)

  it("is that of the key alone where one is given", function()
    local one = content(task{key = "mine"})
    for _, change in ipairs(CHANGES) do
      local t = task(change[2])
      t.key = "mine"
      assert.equal(one, content(t))
    end
    assert.are_not.equal(one, content(task{key = "yours"}))
    assert.equal("key", why(task{key = "mine"}, task{key = "yours"}))
  end)

  it("counts of a secret only the name", function()
    local function env(s) return {prompt = "p", env = {s}} end
    assert.equal(content(env "SOME_API_KEY=first-key-of-many"),
      content(env "SOME_API_KEY=second-key-of-many"))
    assert.are_not.equal(content(env "SOME_API_KEY=first-key-of-many"),
      content(env "OTHER_API_KEY=first-key-of-many"))
    assert.are_not.equal(content(env "PLAIN=first"), content(env "PLAIN=second"))
  end)

  it("sees paths from the root of the project, so that it may be moved", function()
    local function at(root, cwd) return {prompt = "p", root = root, cwd = root .. cwd} end
    assert.equal(content(at("/old/p", "/src")), content(at("/srv/p", "/src")))
    assert.equal(content(at("/old/p", "")), content(at("/srv/p", "")))
    assert.are_not.equal(content(at("/old/p", "/src")), content(at("/srv/p", "/lib")))
    assert.are_not.equal(content{prompt = "p", root = "/a", cwd = "/ab/c"},
      content{prompt = "p", root = "/b", cwd = "/bb/c"})
  end)

  it("tells at most so many details, and counts all", function()
    local function env(at)
      local all = {}
      for i = 1, 200 do all[i] = ("V%03d=%d"):format(i, i == at and 2 or 1) end
      return {prompt = "p", env = all}
    end
    assert.are_not.equal(content(env(0)), content(env(150)))
    assert.equal("env", why(env(0), env(150)))
    assert.equal("env V007", why(env(0), env(7)))
    local _, parts = key.content{prompt = "p", env = {("L"):rep(3000) .. "=1"}}
    assert.is_true(#parts < 500)
  end)

  it("gives an error when memory is out, at each place", function()
    local dir = h.tmpdir()
    h.write(dir .. "/a", "text")
    local t, n = task{reads = {dir}, writes = {dir .. "/b"}}, 0
    local one = content(t)
    repeat
      n = n + 1
      test.fail_at(n)
      local got, why_not = key.content(t)
      if got then assert.equal(one, got) else assert.equal("ENOMEM", why_not) end
    until got
    assert.is_true(n > 10)
  end)
end)

describe("the files a task reads", function()
  local dir
  before_each(function()
    dir = h.tmpdir()
    h.sh(("mkdir -p %s/src/deep %s/.git && echo 1 >%s/src/a.c && echo 2 >%s/src/deep/b.c")
      :format(dir, dir, dir, dir))
  end)

  local function reads(paths, change)
    local t = {prompt = "p", reads = {}, root = dir}
    for i, path in ipairs(paths) do t.reads[i] = path == "." and dir or dir .. "/" .. path end
    for name, value in pairs(change or {}) do t[name] = value end
    return t
  end

  -- Does the content change with this command?
  local function changes(paths, command, change)
    local before, was = key.content(reads(paths, change))
    assert.equal(0, h.sh("cd '" .. dir .. "' && " .. command).code)
    local after, is = key.content(reads(paths, change))
    return before ~= after, assert(key.differs(was, is))
  end

  it("count by what is in them, each by its name", function()
    local both = {"src/a.c", "src/deep/b.c"}
    local different, told = changes(both, "echo 3 >src/a.c")
    assert.is_true(different)
    assert.equal("reads src/a.c", told)
    assert.is_false((changes(both, "touch -d '2001-01-01' src/a.c && chmod 600 src/a.c")))
    assert.is_true((changes({"src/a.c"}, "truncate -s 0 src/a.c")))
    assert.is_true((changes({"src/a.c"}, "rm src/a.c")))
    assert.is_true((changes({"src/a.c"}, "touch src/a.c")))
    assert.is_true((changes({"src/a.c"}, "rm src/a.c && mkdir src/a.c")))
  end)

  it("count in any order", function()
    assert.equal(content(reads{"src/a.c", "src/deep/b.c"}),
      content(reads{"src/deep/b.c", "src/a.c"}))
  end)

  it("are looked at in folders, too, all the way down", function()
    local different, told = changes({"src"}, "echo 3 >src/deep/b.c")
    assert.is_true(different)
    assert.equal("reads src", told)
    assert.is_true((changes({"src"}, "mv src/deep/b.c src/deep/c.c")))
    assert.is_true((changes({"src"}, "mv src/deep/c.c src/c.c")))
    assert.is_true((changes({"src"}, "mkdir src/empty")))
    assert.is_true((changes({"src"}, "touch src/.hidden")))
    assert.is_false((changes({"src"}, "rm src/.hidden && touch src/.hidden")))
    assert.is_false((changes({"src"}, "touch -d '2001-01-01' src/a.c src")))
  end)

  it("do not count below .git, nor what the task itself writes", function()
    assert.is_false((changes({"."}, "echo x >.git/index")))
    local writes = {writes = {dir .. "/src/out", dir .. "/src/a.c"}}
    assert.is_false((changes({"src"}, "mkdir src/out && echo x >src/out/y", writes)))
    assert.is_false((changes({"src", "src/a.c", "src/out/y"},
      "echo changed >src/a.c && echo changed >src/out/y", writes)))
    assert.is_true((changes({"src"}, "echo x >src/outer", writes)))
  end)

  it("count as links by where these lead, without being followed", function()
    h.sh(("ln -s a.c %s/src/link && ln -s / %s/src/all && ln -s nowhere %s/src/dangling")
      :format(dir, dir, dir))
    assert.is_false((changes({"src/link"}, "echo other >src/a.c")))
    assert.is_true((changes({"src/link"}, "ln -sfn b.c src/link")))
    assert.is_string(key.files(dir .. "/src"))
    assert.are_not.equal(key.files(dir .. "/src/dangling"), key.files(dir .. "/src/missing"))
  end)

  it("may be missing, pipes or anything else", function()
    h.sh(("mkfifo %s/pipe && mkdir %s/folder"):format(dir, dir))
    local seen = {}
    for _, path in ipairs{dir .. "/missing", dir .. "/pipe", dir .. "/folder", "/dev/null",
                          dir .. "/src/a.c"} do
      local one = key.files(path)
      assert.is_nil(seen[one], path)
      seen[one] = path
    end
    assert.equal(key.files(dir .. "/missing"), key.files(dir .. "/src/a.c/below"))
  end)

  it("may be big, and many, and deep", function()
    h.sh(("truncate -s 20M %s/big && mkdir %s/many && cd %s/many && seq 3000 | xargs touch")
      :format(dir, dir, dir))
    assert.is_true((changes({"big"}, "printf x | dd of=big bs=1 seek=15000000 conv=notrunc")))
    assert.is_true((changes({"many"}, "echo >many/1500")))
    local deep = dir .. ("/d"):rep(200)
    h.sh("mkdir -p '" .. deep .. "' && touch '" .. deep .. "/f'")
    assert.is_string(key.files(dir .. "/d"))
  end)

  it("may have any name", function()
    local name = "a\27[31mb\nc"
    h.write(dir .. "/" .. name, "1")
    local _, was = key.content(reads{name})
    h.write(dir .. "/" .. name, "2")
    local _, is = key.content(reads{name})
    local told = key.differs(was, is)
    assert.is_nil(told:find "[\27\n]")
    assert.matches("reads a", told, 1, true)
  end)
end)

describe("parts of contents", function()
  local _, one = key.content(task())
  local _, two = key.content(task{prompt = "other", model = "large"})

  it("are told in their order", function()
    assert.equal("prompt, model", key.differs(one, two))
    assert.equal("prompt, model", key.differs(two, one))
    assert.equal("", key.differs(one, one))
    assert.equal("", key.differs("", ""))
  end)

  it("are refused when they are malformed", function()
    for n = 1, 17 do
      assert.equal("EPROTO", select(2, key.differs(one:sub(1, #one - n), two)))
    end
    for _, bad in ipairs{"\0", "\0\0", "\255\0" .. ("x"):rep(16), "\0\5abc", ("x"):rep(1 << 20)} do
      assert.equal("EPROTO", select(2, key.differs(bad, one)))
      assert.equal("EPROTO", select(2, key.differs(one, bad)))
    end
    for i = 1, #one do
      for _, c in ipairs{"\0", "\127", "\255"} do
        local told, wrong = key.differs(one:sub(1, i - 1) .. c .. one:sub(i + 1), two)
        assert.is_true(told ~= nil or wrong == "EPROTO")
      end
    end
  end)
end)
