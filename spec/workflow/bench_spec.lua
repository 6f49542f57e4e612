--- `orun bench guide`: the guide's figures, measured.
---
--- How long anything took depends on the machine and is no test: counts, bytes and the shape are.

local h = require "spec.support.helper"
local json = require "orun.json"

local function bench(opts)
  for i, word in ipairs{"--no-history", "-q", "bench"} do table.insert(opts, i, word) end
  opts.cwd = opts.cwd or h.tmpdir()
  return h.orun(opts)
end

local function measured(opts)
  table.insert(opts, "--json")
  local r = bench(opts)
  assert.equal(0, r.code, r.err)
  return json.decode(r.out)
end

local WAYS <const> = {"one_by_one", "chunks", "in_slots", "longest_first", "all_at_once"}

-- What holds whoever does the tasks, on any machine.
local function holds(m)
  assert.same({of = 10, one_by_one = 8, slots = 2}, m.blocked)
  assert.is_true(m.context.handed > 0 and m.context.handed < m.context.made)
  assert.is_true(m.context.saved > 0 and m.context.saved < 1)
  for _, way in ipairs{m.one_by_one, m.chunks, m.in_slots} do
    assert.is_true(way.first > 0 and way.first < way.seconds)
  end
  assert.is_true(m.pair.one_by_one.seconds > 0 and m.pair.at_once.seconds > 0)
  assert.is_true(m.break_even.programs >= 0)
end

describe("orun bench guide", function()
  it("measures with agents that sleep", function()
    local m = measured{"guide", "--minute", "1ms"}
    holds(m)
    assert.same({"sleeping agents", 5, 0.001}, {m.kind, m.slots, m.minute})
    for _, way in ipairs(WAYS) do assert.is_true(m[way].seconds > 0.005, way) end
    assert.is_true(m.one_by_one.seconds >= 0.03)
    -- A thousand numbers and an answer, from each of ten.
    assert.is_true(m.context.made > 10 * #"1000\n" * 700)
    assert.equal(m.context.handed // 4, m.context.tokens.handed)
  end)

  it("measures with programs that compute, in other slots", function()
    local m = measured{"guide", "--commands", "--numbers", "1000", "-j", "3"}
    holds(m)
    assert.same({"commands", 3}, {m.kind, m.slots})
    assert.is_nil(m.minute)
    -- The answer is the greatest of the numbers, 1000 a minute; the last thousand are printed.
    assert.equal(10 * #"1000", m.context.handed)
    assert.is_true(m.context.made > 9 * 1000 * #"1000")
  end)

  it("measures with real agents, and counts their tokens", function()
    local dir = h.tmpdir()
    local log = dir .. "/log"
    local env = {PATH = h.root .. "/spec/support/agents:" .. os.getenv "PATH", FAKE_LOG = log}
    local m = measured{"guide", "--agent", "claude", env = env}
    holds(m)
    assert.equal("claude", m.kind)
    assert.is_nil(m.all_at_once)
    assert.is_true(m.context.tokens.made > 0)
    local asked = 0
    for line in h.read(log):gmatch("[^\n]+") do
      if line:find("^< .* answer in one sentence%.$") then asked = asked + 1 end
    end
    assert.equal(42, asked)
  end)

  it("prints a table in which each figure stands beside the guide's", function()
    local r = bench{"guide", "--minute", "1ms"}
    assert.equal(0, r.code, r.err)
    for _, row in ipairs{
      "^sleeping agents, 1 ms for each minute; 5 slots, %d+ workers\n",
      "measured +gain  the guide says\n", "\n10 independent tasks\n",
      "\n  one by one +%d[%d.]* m?s +~30 min\n", "\n  in chunks of 5 .- x  3%-6 x\n",
      "\n  in 5 slots .- x  3%-6 x\n", "\n  in 5 slots, the longest first .- x\n",
      "\n  all at once .- x  6 x, ~5 min\n", "\n  both at once .- x  2 x, ~5 min\n",
      "\n  made by the agents .- tokens +100 %%\n", "%% saved  80%-85 %% saved\n",
      "\n  one by one +8 +all that follow\n", "\n  as tasks +2 +only dependents\n",
      "\n  in chunks of 5 +[%d.]+ m?s +each batch\n", "\n  functions .- 30 s\n",
      "\n  programs .- 30 s\n$",
    } do
      assert.matches(row, r.out)
    end
  end)

  it("says what it would start", function()
    local r = bench{"guide", "--dry-run"}
    assert.same({0, ""}, {r.code, r.err})
    assert.matches(": 50 tasks, which are ten in 5 ways; 4 in pairs; 8 beside one that fails\n$",
      r.out)
    assert.matches("of the type any; .*: 30 tasks, which are ten in 3 ways",
      bench{"guide", "--dry-run", "--agent", "any"}.out)
    assert.matches("usage: orun bench guide", bench{"--help"}.out, 1, true)
  end)

  it("refuses what makes no sense", function()
    for words, message in pairs{
      [""] = "orun bench: what to measure is expected: guide",
      ["guid"] = "orun bench: bench guid: expected guide, did you mean guide?",
      ["guide more"] = "orun bench: more is one word too many",
      ["guide --minute never"] = "--minute never: expected a time, such as 30s or 250ms",
      ["guide --agent"] = "--agent needs the name of an agent type",
      ["guide --agent x --commands"] = "one of --commands, --agent and --minute is expected",
      ["guide --numbers 5"] = "--numbers is for --commands",
      ["guide --comands"] = "unknown option --comands, did you mean --commands?",
    } do
      local list = {}
      for word in words:gmatch("%S+") do list[#list + 1] = word end
      local r = bench(list)
      assert.same({2, ""}, {r.code, r.out})
      assert.matches(message, r.err, 1, true)
    end
  end)

  it("ends at once when an agent is not there, or fails", function()
    local log = h.tmpdir() .. "/log"
    local r = bench{"guide", "--agent", "no-such-type"}
    assert.same({1, ""}, {r.code, r.out})
    assert.matches('orun bench: subagent_type "no-such-type" is not defined; the known ones are',
      r.err, 1, true)
    local env = {PATH = h.root .. "/spec/support/agents:" .. os.getenv "PATH", FAKE = "max_turns",
                 FAKE_LOG = log}
    r = bench{"guide", "--agent", "claude", env = env}
    assert.same({1, ""}, {r.code, r.out})
    local _, asked = h.read(log):gsub("answer in one sentence", "")
    assert.equal(1, asked)
  end)

  it("gives a script the figures", function()
    local r = h.orun{"--no-history", "-q", "-e", [[
      local m = orun.workflow("bench", {"guide", minute = 0.001})
      print(m.blocked.one_by_one, m.blocked.slots, m.exit_code)
      print(pcall(orun.workflow, "bench", {"guide", agent = "nobody"}))]]}
    assert.equal(0, r.code, r.err)
    assert.matches('^8\t2\tnil\nfalse\torun bench: subagent_type "nobody" is not defined', r.out)
  end)
end)
