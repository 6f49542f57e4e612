--- orun plan: what a script would do, and how long that would take.

local h = require "spec.support.helper"
local json = require "cjson"

local HEAD <const> = "orun history 1\n"

-- A folder of state whose history knows these: {name = seconds or {seconds, usd, gave}}.
local function state(known)
  local dir, lines = h.tmpdir(), {}
  for name, value in pairs(known or {}) do
    local t = type(value) == "table" and value or {value}
    lines[#lines + 1] = ("%s 2 %d %d %d %s 9\n"):format(name, t[1] * 1000000,
      t[2] and 1 or 0, (t[2] or 0) * 1000000, t[3] or "s")
  end
  h.sh("mkdir " .. h.quote(dir .. "/orun"))
  h.write(dir .. "/orun/history", HEAD .. table.concat(lines))
  return dir
end

-- orun plan on a script's text; opts as for h.orun, `known` as above.
local function plan(script, opts)
  opts = opts or {}
  local dir = h.tmpdir()
  h.write(dir .. "/script.lua", script)
  local words = {"plan"}
  for i, word in ipairs(opts) do words[i + 1] = word end
  words[#words + 1] = dir .. "/script.lua"
  for _, word in ipairs(opts.args or {}) do words[#words + 1] = word end
  words.env = opts.env or {}
  words.env.XDG_STATE_HOME = words.env.XDG_STATE_HOME or state(opts.known)
  words.cwd = dir
  return h.orun(words), dir
end

local function json_of(script, opts)
  opts = opts or {}
  table.insert(opts, 1, "--json")
  local r = plan(script, opts)
  assert.equal(0, r.code, r.err)
  return json.decode(r.out)
end

local function by_id(p)
  local all = {}
  for _, t in ipairs(p.tasks) do all[t.id] = t end
  return all
end

-- Four explore, one analyses what they found, three build.
local SCRIPT <const> = [[
orun.agent{name = "explore", command = {"sh", "-c", "echo started >> log; exit 9"}}
local found = {}
for i = 1, 4 do
  found[i] = Task{subagent_type = "explore", prompt = "x", key = "e" .. i,
                  description = "look " .. i, run_in_background = true}
end
local texts = {}
for i = 1, 4 do texts[i] = TaskOutput(found[i]).output end
local sum = Task{run = function(t) return #t end, input = texts, description = "analyse"}
for i = 1, 3 do
  found[i] = Task{subagent_type = "explore", prompt = "y", key = "b" .. i,
                  description = "build " .. i, run_in_background = true}
end
Task{subagent_type = "explore", prompt = "z", key = "test",
     blockedBy = {found[1], found[2], found[3]}}
print(sum.output)
]]
local KNOWN <const> = {ke1 = 10, ke2 = 20, ke3 = 30, ke4 = 40, kb1 = 60, kb2 = 50, kb3 = 10,
                       ktest = 5}

describe("orun plan", function()
  it("starts no agent, and prints what would run", function()
    local r, dir = plan(SCRIPT, {known = KNOWN})
    assert.equal(0, r.code)
    assert.is_false(h.exists(dir .. "/log"))
    assert.equal("4\n", r.err) -- what the script prints
    -- What the function took is as it is.
    local lines = h.lines((r.out:gsub(dir, ""):gsub(" +[%d.]+ [mµ]*s  ran now", "  T  ran now")))
    assert.equal([[
9 tasks, 8 of agents or programs, none of which was started: stubs gave results
functions ran (with --no-functions they do not)

task  by        starts after  expected  known by  what
t1    explore                     10 s  its key   look 1
t2    explore                     20 s  its key   look 2
t3    explore                     30 s  its key   look 3
t4    explore                     40 s  its key   look 4
t5    function  t1 t2 t3 t4  T  ran now   analyse
t6    explore   t5            1 m 00 s  its key   build 1
t7    explore   t5                50 s  its key   build 2
t8    explore   t5                10 s  its key   build 3
t9    explore   t6 t7 t8           5 s  its key   z

critical path, 1 m 45 s: t4 (look 4) -> t5 (analyse) -> t6 (build 1) -> t9 (z)

slots (-j)         1         2         5        10
time        3 m 45 s  1 m 55 s  1 m 45 s  1 m 45 s
speed-up         1.0       2.0       2.1       2.1
break-even: from 2 slots on (one by one: 3 m 45 s); more than 4 bring nothing
cost: not known; no agent here has ever told one]],
      table.concat(lines, "\n"))
  end)

  it("says the same as JSON", function()
    local p = json_of(SCRIPT, {"-j", "1,3", known = KNOWN})
    local tasks = by_id(p)
    assert.equal(9, #p.tasks)
    assert.same({"t4", "t5", "t6", "t9"}, p.critical_path)
    assert.same({"t1", "t2", "t3", "t4"}, tasks.t5.waits_for)
    assert.same({"t6", "t7", "t8"}, tasks.t9.blockedBy)
    assert.equal("key", tasks.t1.source)
    assert.equal("now", tasks.t5.source)
    assert.is_true(math.abs(p.span - 105) < 1)
    assert.is_true(math.abs(p.work - 225) < 1)
    assert.equal(1, p.slots[1].slots)
    assert.is_true(math.abs(p.slots[2].seconds - 115) < 1)
    assert.equal(2, p.pays_from)
    assert.equal(0, p.unknown)
  end)

  it("draws the graph, its critical path bold", function()
    local r, dir = plan(SCRIPT, {"--dot", known = KNOWN})
    assert.truthy(r.out:find("digraph plan {", 1, true))
    assert.truthy(r.out:find('t4 [label = "t4 look 4, 40 s", penwidth = 2];', 1, true))
    assert.truthy(r.out:find("t4 -> t5 [style = dashed, penwidth = 2];", 1, true))
    assert.truthy(r.out:find("t7 -> t9 [style = solid];", 1, true))
    assert.falsy(r.out:find("critical path", 1, true))
    local file = dir .. "/graph.dot"
    local other = plan(SCRIPT, {"--dot=" .. file, known = KNOWN})
    assert.truthy(other.out:find("critical path", 1, true))
    local ran <const> = "t5 analyse, [%d.]+ [mµ]*s"
    assert.equal((r.out:gsub(ran, "")), (h.read(file):gsub(ran, "")))
  end)

  it("takes the unknown for the mean of the known, or a minute, and says so", function()
    local some = plan(SCRIPT, {known = {ke1 = 10, ke2 = 20}})
    assert.truthy(some.out:find("6 tasks are new: 15 s each is assumed (the mean of the others)",
      1, true), some.out)
    local none = plan(SCRIPT, {known = {}})
    assert.truthy(none.out:find("8 tasks are new: 1 m 00 s each is assumed "
      .. "(nothing is known of any)", 1, true), none.out)
    assert.truthy(none.out:find("assumed   look 1", 1, true))
  end)

  it("adds up what it would cost", function()
    local known = {aexplore = {30, 0.25}}
    local r = plan(SCRIPT, {known = known})
    assert.truthy(r.out:find("cost: $2.00\n", 1, true), r.out)
    assert.truthy(r.out:find("its type  look 1", 1, true))
    r = plan(SCRIPT .. [[
      orun.agent{name = "new", command = {"x"}}
      Task{subagent_type = "new", prompt = "x"}]], {known = known})
    assert.truthy(r.out:find("cost: $2.00, and what 1 task costs of which none is known\n", 1,
      true))
  end)

  it("answers when nothing is gained", function()
    local serial <const> = [[
      orun.agent{name = "a", command = {"x"}}
      for i = 1, 3 do Task{subagent_type = "a", prompt = "x"} end]]
    local parallel <const> = serial:gsub('prompt = "x"', '%0, run_in_background = true')
    local p = json_of(serial, {known = {aa = 10}})
    assert.is_nil(p.pays_from)
    assert.equal(1, p.enough)
    local r = plan(serial, {known = {aa = 10}})
    assert.matches("break%-even: never %(one by one: 30[.%d]* s%)", r.out)
    assert.equal(2, json_of(parallel, {known = {aa = 10}}).pays_from)
    assert.is_nil(json_of(parallel, {"--overhead", "30", known = {aa = 10}}).pays_from)
  end)

  it("holds limits of agent types and named ones, and priorities", function()
    local p = json_of([[
      orun.limit("two", 2)
      orun.agent{name = "a", command = {"x"}, limit = 1}
      orun.agent{name = "b", command = {"x"}}
      for i = 1, 4 do
        Task{subagent_type = "a", prompt = "x", run_in_background = true}
        Task{subagent_type = "b", prompt = "x", pool = "two", run_in_background = true}
      end]], {"-j", "1,2,8", known = {aa = 10, ab = 10}})
    local seconds = {}
    for i, s in ipairs(p.slots) do seconds[i] = math.floor(s.seconds + 0.5) end
    assert.same({80, 40, 40}, seconds)
  end)

  it("neither waits for rates nor spends budgets, nor makes worktrees", function()
    local r, dir = plan([[
      orun.agent{name = "a", command = {"x"}, rate = "1/h", budget = {tasks = 1},
                 isolation = "worktree"}
      orun.config{rate = "1/h"}
      for i = 1, 3 do
        local r = Task{subagent_type = "a", prompt = "x"}
        print(r.status, r.exit_code)
      end]])
    assert.equal(("completed\t0\n"):rep(3), r.err)
    assert.is_false(h.exists(dir .. "/.git"))
  end)

  it("stands in for agents of APIs and presets as well", function()
    local r = plan([[
      orun.agent{name = "api", api = "anthropic", model = "m", base_url = "http://127.0.0.1:1"}
      orun.agent{name = "pre", preset = "claude"}
      orun.agent{name = "fun", slots = "process", run = function() error("started") end}
      for _, name in ipairs{"api", "pre", "fun"} do
        local r = Task{subagent_type = name, prompt = "x", schema = {type = "integer", minimum = 3}}
        print(r.status, r.output)
      end]], {env = {ANTHROPIC_API_KEY = "none-at-all", PATH = os.getenv("PATH")}})
    assert.equal(("completed\t3\n"):rep(3), r.err)
  end)

  it("gives what agents gave before, without a schema", function()
    local r = plan([[
      for _, name in ipairs{"s", "t", "n", "b", "none", "new"} do
        orun.agent{name = name, slots = "process", run = function() end}
        print(name, Task{subagent_type = name, prompt = "x"}.output)
      end]], {known = {as = {1, nil, "s"}, at = {1, nil, "t"}, an = {1, nil, "n"},
                       ab = {1, nil, "b"}, anone = {1, nil, "-"}}})
    assert.equal("s\t\nt\ttable\nn\t0\nb\tfalse\nnone\tnil\nnew\t\n",
      (r.err:gsub("table: 0x%x+", "table")))
  end)

  it("does not run functions either, with --no-functions", function()
    local script <const> = "print(Task{run = function() return 7 end}.output)"
    assert.equal("7\n", plan(script).err)
    local r = plan(script, {"--no-functions"})
    assert.equal("\n", r.err)
    assert.truthy(r.out:find("assumed", 1, true))
    assert.falsy(r.out:find("functions ran", 1, true))
  end)

  it("follows code that starts others and waits for them", function()
    local p = json_of([[
      orun.agent{name = "a", command = {"x"}}
      local function both()
        local one = Task{subagent_type = "a", prompt = "x", run_in_background = true}
        local two = Task{subagent_type = "a", prompt = "x", run_in_background = true}
        TaskOutput(one)
        TaskOutput(two)
        return Task{subagent_type = "a", prompt = "x"}.output
      end
      local t = Task{run = both, run_in_background = true}
      Task{run = both}
      TaskOutput(t)]], {"-j", "1,2,4", known = {aa = 10}})
    local seconds = {}
    for i, s in ipairs(p.slots) do seconds[i] = math.floor(s.seconds + 0.5) end
    assert.same({60, 30, 20}, seconds)
    assert.equal(8, #p.tasks)
  end)

  it("gives the script its arguments, and neither remembers nor fails by itself", function()
    local dir = state{aa = 10}
    local before = h.read(dir .. "/orun/history")
    local r = plan([[
      print(arg[1], ...)
      orun.agent{name = "a", command = {"x"}}
      Task{subagent_type = "a", prompt = "x"}]],
      {args = {"one", "--json"}, env = {XDG_STATE_HOME = dir}})
    assert.equal("one\tone\t--json\n", r.err)
    assert.equal(before, h.read(dir .. "/orun/history"))
    r = plan("error('no luck', 0)")
    assert.equal(1, r.code)
    assert.equal("no task is started\n", r.out)
    assert.truthy(r.err:find("no luck", 1, true))
  end)

  it("names list items, which it cannot follow", function()
    local r = plan([[
      TaskCreate{description = "page"}
      orun.agent{name = "a", command = {"x"}}
      Task{subagent_type = "a", prompt = "x"}]])
    assert.truthy(r.out:find("1 list item is not part of it", 1, true), r.out)
  end)

  it("is quick with thousands of tasks", function()
    local p = json_of([[
      orun.agent{name = "a", command = {"x"}}
      local all = {}
      for i = 1, 3000 do
        all[i] = Task{subagent_type = "a", prompt = "x", run_in_background = true,
                      blockedBy = {all[i - 7]}}
      end]], {known = {aa = 1}, limit = 30})
    assert.equal(3000, #p.tasks)
    assert.equal(429, math.floor(p.span - 429 * 0.005 + 0.5))
  end)

  it("refuses what it does not understand", function()
    local path = h.write(h.tmpdir() .. "/s.lua", "")
    for _, case in ipairs{
      {"-j", "0", "'0' is not a list of slots"}, {"-j", "1,,2", "'1,,2' is not a list of slots"},
      {"-j", "1,x", "'1,x' is not a list"}, {"-j", ("1,"):rep(16) .. "1", "at most 16"},
      {"-j", ("9"):rep(30), "is not a list"},
      {"--overhead", "x", "'x' is not a number of seconds"},
      {"--overhead", "-1", "'-1' is not a number"},
      {"--overhead", "nan", "'nan' is not a number"},
      {"--dot=", "unknown option '--dot='"}, {"--graph", "unknown option '--graph'"},
    } do
      local message = table.remove(case)
      table.insert(case, 1, "plan")
      case[#case + 1] = path
      local r = h.orun(case)
      assert.equal(2, r.code, message)
      assert.truthy(r.err:find(message, 1, true), r.err)
    end
    for _, option in ipairs{"--dot", "--no-functions", "--overhead=1"} do
      assert.truthy(h.orun{option, path}.err:find("unknown option", 1, true))
    end
    assert.equal(2, h.orun{"plan"}.code)
    local r = h.orun{"plan", "--dot=/nowhere/graph", path}
    assert.equal(1, r.code)
    assert.truthy(r.err:find("cannot write the graph: /nowhere/graph", 1, true))
    assert.equal(2, h.orun{"plan", "/nowhere/s.lua"}.code)
  end)
end)
