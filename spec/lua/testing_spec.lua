--- orun.testing: scripts with agents that play a part, in virtual time.

local h = require "spec.support.helper"
local testing = require "orun.testing"

local ASK <const> = [[
  local answer, failed = orun.ask(..., {subagent_type = "reader"})
  print(answer or failed.error_kind .. ": " .. failed.error)]]

local function ask(part, extra)
  local t = {code = ASK, args = {"What?"}, agents = {reader = part}}
  for field, value in pairs(extra or {}) do t[field] = value end
  return testing.run(t)
end

describe("orun.testing.run", function()
  it("gives what a script printed, its exit code, and how long it took in its time", function()
    local run = testing.run{code = "print(...) orun.sleep(3600) io.stderr:write 'x' os.exit(3)",
      args = {"a", "b"}}
    assert.same({"a\tb\n", "x", 3, 3600.0}, {run.out, run.err, run.exit_code, run.duration})
    assert.same({}, run.calls)
  end)

  it("has agents say a text", function()
    assert.equal("that\n", ask("that").out)
  end)

  it("tells which calls there were", function()
    local run = ask{delay = "5m", output = "that"}
    assert.same({{agent = "reader", prompt = "What?", attempt = 1, task = "t1", number = 1,
      description = "What?", at = 0}}, run.calls)
    assert.equal(300, run.duration)
    local task = run.tasks[1]
    assert.same({"t1", "reader", "completed", "that", 300, 1}, {task.id, task.agent, task.status,
      task.output, task.duration, task.attempts})
  end)

  it("plays one outcome for each call, the last again and again", function()
    local run = testing.run{code = [[
      for i = 1, 3 do print(orun.ask("x", {subagent_type = "reader"})) end]],
      agents = {reader = {"one", {output = "two"}}}}
    assert.equal("one\ntwo\ntwo\n", run.out)
    assert.same({1, 2, 3}, {run.calls[1].number, run.calls[2].number, run.calls[3].number})
  end)

  it("plays failures, rate limits and what they cost", function()
    assert.equal("lua: full\n", ask{error = "full"}.out)
    assert.equal("http: down\n", ask{error = "down", error_kind = "http"}.out)
    local run = testing.run{code = [[
        local r = Task{prompt = "x", subagent_type = "reader", retry = 1}
        print(r.output, r.cost, r.usage.input_tokens, r.attempts)]],
      agents = {reader = {{error_kind = "rate", retry_after = "1h"},
        {output = "y", cost = 0.5, usage = {input_tokens = 7}}}}}
    assert.equal("y\t0.5\t7\t2\n", run.out, run.err)
    assert.is_true(run.duration >= 3600)
  end)

  it("asks a function, which is taken along by its source", function()
    local run = ask(function(call)
      return {output = call.prompt .. " " .. call.number, delay = 10}
    end)
    assert.equal("What? 1\n", run.out)
    assert.equal(10, run.duration)
    local word = "outside"
    local ok, why = pcall(ask, function() return word end)
    assert.is_false(ok)
    assert.matches('agents["reader"]: its function uses word of outside', why, 1, true)
  end)

  it("draws delays by the seed", function()
    local part = {delay = {60, 120}, output = "x"}
    local one = ask(part, {seed = 5})
    assert.is_true(one.duration >= 60 and one.duration <= 120)
    assert.equal(one.duration, ask(part, {seed = 5}).duration)
    assert.not_equal(one.duration, ask(part, {seed = 6}).duration)
  end)

  it("takes the place of programs that are agents, of APIs and of the types of orun", function()
    local run = testing.run{code = [[
      orun.agent{name = "a", preset = "claude", model = "m", limit = 1, retry = {max = 1,
        resume = true}}
      orun.agent{name = "b", api = "openai", model = "m"}
      orun.agent{name = "c", run = function() return "its own" end}
      for _, name in ipairs{"a", "b", "Explore", "c"} do
        print(orun.ask("x", {subagent_type = name}))
      end]], agents = {["*"] = function(call) return call.agent .. " played" end}}
    assert.equal("a played\nb played\nExplore played\nits own\n", run.out, run.err)
  end)

  it("asks no agent that has no part", function()
    local run = testing.run{code = [[
      orun.agent{name = "a", preset = "claude"}
      for _, name in ipairs{"a", "Explore"} do
        print(select(2, orun.ask("x", {subagent_type = name})).error)
      end
      print(Task{command = {"claude", "-p", "x"}}.exit_code)]]}
    assert.equal([[
orun.testing: this test has no part for the agent type "a": give one in agents
orun.testing: this test has no part for the agent type "Explore": give one in agents
70
]], run.out, run.err)
  end)

  it("gives the script no key, and what the test says", function()
    local run = testing.run{code = [[
      print(os.getenv "ANTHROPIC_API_KEY", os.getenv "OPENAI_API_KEY", os.getenv "MINE")]],
      env = {MINE = "here"}}
    assert.equal("nil\tnil\there\n", run.out)
  end)

  it("runs files and workflows", function()
    local dir = h.tmpdir()
    h.write(dir .. "/plan.lua", "print('in', ...)")
    assert.equal("in\t1\n", testing.run{script = dir .. "/plan.lua", args = {"1"}}.out)
    assert.equal("in\n", testing.run{script = "plan.lua", cwd = dir}.out)
    assert.equal(0, testing.run{script = "research", args = {"--dry-run", "Why?", "glaciers"}}
      .exit_code)
  end)

  it("raises when the script does not end", function()
    local ok, why = pcall(testing.run, {code = "while true do end", timeout = 0.3})
    assert.is_false(ok)
    assert.matches("orun.testing.run: timed out", why, 1, true)
  end)

  it("refuses what makes no sense", function()
    local function refused(t, what)
      local ok, why = pcall(testing.run, t)
      assert.is_false(ok)
      assert.matches(what, why, 1, true)
    end
    refused({}, "give either script, a file, or code, a text")
    refused({script = "a", code = "b"}, "give either script")
    refused({code = "x", agnets = {}}, "did you mean 'agents'?")
    refused({code = "x", seed = 0}, "seed = 0: expected a whole number, 1 or more")
    refused({code = "x", agents = {a = 5}}, 'agents["a"] = 5: expected a text, a table')
    refused({code = "x", agents = {a = {ouput = 5}}}, "did you mean 'output'?")
    refused({code = "x", agents = {a = {delay = "soon"}}}, 'delay = "soon"')
  end)

  it("leaves no file behind", function()
    local dir = h.tmpdir()
    local r = h.orun{"-e", [[require("orun.testing").run{code = "print(1)"}]], env = {TMPDIR = dir}}
    assert.equal(0, r.code, r.err)
    assert.equal("", h.sh("ls " .. h.quote(dir)).out)
  end)
end)
