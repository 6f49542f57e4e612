--- Agents that are programs whose output is understood, against fakes that
--- print what the real ones do.

local agents = require "spec.support.agents"
local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

describe("an agent with a preset", function()
  local bin, count = nil, 0
  setup(function()
    bin = agents.install()
  end)

  -- A type; gives its name and a function that reads what the fake was called with.
  local function agent(preset, fields)
    count = count + 1
    local log = ("%s/log%d"):format(bin, count)
    local t = {name = "preset" .. count, preset = preset, account = "preset" .. count,
               env = {PATH = bin .. ":" .. os.getenv "PATH", FAKE_LOG = log}}
    for field, value in pairs(fields or {}) do t[field] = value end
    return orun.agent(t), function() return h.read(log) or "" end
  end

  local function ask(name, prompt, fields)
    local t = {subagent_type = name, prompt = prompt}
    for field, value in pairs(fields or {}) do t[field] = value end
    return Task(t)
  end

  local function fails(preset, case, kind, words)
    local name = agent(preset)
    local r = ask(name, case .. " please")
    assert.same({"failed", kind}, {r.status, r.error_kind}, r.error)
    assert.matches(words, r.error, 1, true)
    return r
  end

  describe("claude", function()
    it("gives the text, usage, cost, model and session of its last result line", function()
      local name, log = agent("claude", {model = "m1", tools = {"Read", "Bash(git diff:*)"},
        args = {"--effort", "low"}, max_turns = 3, system = "Be brief."})
      local r = ask(name, "do it", {input = {n = 1}})
      assert.same({"completed", "did: do it", 0.25, "fake-sonnet", "s-1"},
        {r.status, r.output, r.cost, r.model, r.session_id})
      assert.same({input_tokens = 10, output_tokens = 4}, r.usage)
      local seen = log()
      assert.matches("[-p] [--output-format] [stream-json] [--verbose] [--model] [m1]", seen, 1,
        true)
      assert.matches("[--allowedTools] [Read,Bash(git diff:*)]", seen, 1, true)
      assert.matches("[--max-turns] [3] [--effort] [low]", seen, 1, true)
      assert.matches('do it\n\n{"n":1}\n', seen, 1, true)
      assert.matches("FILE Be brief.", seen, 1, true)
      assert.equal("the last", ask(name, "many").output)
      assert.equal("read it", ask(name, "chatter").output)
    end)

    it("takes the model a task asks for", function()
      local name, log = agent("claude", {model = "m1"})
      ask(name, "x", {model = "m2"})
      assert.matches("[--model] [m2]", log(), 1, true)
    end)

    it("has failed for each way to end without an answer", function()
      fails("claude", "api-error", "http", "API Error: 500 down")
      fails("claude", "max-turns", "exit", "Reached maximum number of turns")
      fails("claude", "budget", "budget", "it used all the money")
      fails("claude", "interrupted", "exit", "it was interrupted")
      fails("claude", "silent", "exit", "without a result line")
      fails("claude", "empty", "exit", "gave no answer")
      fails("claude", "garbage", "exit", "without a result line")
      fails("claude", "dies", "signal", "SIGKILL")
      fails("claude", "killed", "exit", "143")
      fails("claude", "usage", "exit", "unknown option")
    end)

    it("is throttled, not failed, by a rate limit", function()
      local name = agent("claude")
      local r = ask(name, "rate-once")
      assert.same({"completed", "after the wait", 2}, {r.status, r.output, r.attempts})
    end)

    it("goes on with its session when it was stopped: retry.resume", function()
      local name, log = agent("claude")
      local r = ask(name, "api-error", {retry = {max = 1, backoff = 0.001, resume = true}})
      assert.same({"completed", 2}, {r.status, r.attempts})
      assert.matches("went on", r.output)
      assert.equal(0.75, r.cost) -- the program tells that of the whole session
      assert.matches("[--resume] [s-1]\nYou were interrupted.", log(), 1, true)
    end)

    it("is asked again in its session when its answer has not the form", function()
      local name, log = agent("claude")
      local r = ask(name, "json", {schema = {type = "object", required = {"n"},
        properties = {n = {type = "integer"}}}})
      assert.same({n = 2}, r.output)
      assert.equal(0.75, r.cost)
      assert.matches('[--resume] [s-1]\nYour answer did not have the form', log(), 1, true)
      assert.matches('/n: "x" is a string', log(), 1, true)
    end)

    it("tells what it does while it does it, and ends with its task", function()
      local name = agent("claude")
      local task = Task{subagent_type = name, prompt = "slow", run_in_background = true}
      assert(h.wait_for(function() return TaskGet(task).activity == "Bash make" end))
      TaskStop(task)
      assert.equal("cancelled", TaskOutput(task).status)
      local r = ask(name, "slow", {timeout = 0.3 * h.slow})
      assert.same({"failed", "timeout"}, {r.status, r.error_kind})
    end)

    it("leaves nothing behind", function()
      local name = agent("claude")
      assert.equal("left one", ask(name, "leaves").output)
    end)
  end)

  it("codex: the last message, tokens, session; a failed turn", function()
    local name, log = agent("codex", {sandbox = "read-only", system = "Sys."})
    local r = ask(name, "do it")
    assert.same({"completed", "did: Sys.", "th-1"}, {r.status, r.output, r.session_id})
    assert.equal(7, r.usage.input_tokens)
    assert.equal(1, r.usage.reasoning_tokens)
    assert.matches("ARGS [exec] [--json] [--skip-git-repo-check] [-s] [read-only] [-]\n"
      .. "Sys.\n\ndo it", log(), 1, true)
    assert.equal("warned", ask(agent "codex", "warns").output)
    fails("codex", "fails", "exit", "stream error: 500")
    fails("codex", "silent", "exit", "gave no answer")
    fails("codex", "killed", "exit", "143")
    name, log = agent("codex")
    ask(name, "killed", {retry = {max = 1, backoff = 0.001, resume = true}})
    assert.matches("[exec] [resume] [th-1]", log(), 1, true)
  end)

  it("gemini: the pieces of its answer; errors on stderr and in the exit code", function()
    local r = ask(agent("gemini", {model = "pro"}), "do it")
    assert.same({"completed", "did: do it", "g-1", "fake-pro"},
      {r.status, r.output, r.session_id, r.model})
    assert.equal(9, r.usage.input_tokens)
    fails("gemini", "unauthorized", "http", "API key not valid")
    fails("gemini", "untrusted", "exit", "the folder is not trusted")
    fails("gemini", "turns", "exit", "it used all the turns")
    fails("gemini", "silent", "exit", "gave no answer")
  end)

  it("opencode: the text after the last step, costs added up, an unknown agent", function()
    local r = ask(agent "opencode", "do it")
    assert.same({"completed", "did: do it", 1.0, "ses-1"},
      {r.status, r.output, r.cost, r.session_id})
    assert.equal(10, r.usage.input_tokens)
    fails("opencode", "fails", "http", "Unauthorized")
    fails("opencode", "silent", "exit", "gave no answer")
    fails("opencode", "unknown-agent", "exit", "agent")
  end)

  it("can be any program, in ten lines", function()
    local json = require "orun.json"
    orun.agent{name = "mine", preset = {
      program = "printf",
      argv = function(o)
        return {"printf", "%s\n", '{"step":"a"}', false, '{"answer":"' .. o.model .. '"}'}
      end,
      line = function(s, text)
        local event = json.decode(text)
        s.activity, s.text = event.step or s.activity, event.answer or s.text
      end,
    }, model = "forty-two"}
    assert.equal("forty-two", ask("mine", "p").output)
    orun.agent{name = "mine", preset = {program = "false", argv = function() return {"false"} end,
      line = function() end}}
    assert.same({"exit"}, {ask("mine", "p").error_kind})
    orun.agent{name = "mine", preset = {program = "echo", argv = function() return {"echo"} end,
      line = function() error("my mistake") end}}
    assert.matches("my mistake", ask("mine", "p").error, 1, true)
    orun.agent{name = "mine", preset = {program = "none", argv = function()
      return {"there-is-no-such-program"} end, line = function() end}}
    local r = ask("mine", "p")
    assert.same({"failed", "spawn"}, {r.status, r.error_kind})
    assert.matches("there-is-no-such-program", r.error, 1, true)
  end)

  it("takes five slots of programs, whatever the number of workers", function()
    assert.equal("process", (function()
      local before = orun.config().processes
      orun.config{processes = 1}
      local gate = shared.gate()
      local name = agent("claude")
      local tasks = {}
      for i = 1, 2 do
        tasks[i] = Task{subagent_type = name, prompt = "slow", run_in_background = true}
      end
      assert(h.wait_for(function() return TaskGet(tasks[1]).status == "in_progress" end))
      local at = TaskGet(tasks[2]).waiting_at
      orun.config{processes = before}
      for i = 1, 2 do TaskStop(tasks[i]) end
      shared.open(gate)
      return at
    end)())
  end)

  it("says what is wrong with a definition", function()
    local function refused(fields)
      fields.name = "odd"
      return tostring(select(2, pcall(orun.agent, fields)))
    end
    assert.matches('agent "odd": preset = "cloud": one of these is wanted: claude, codex', refused{
      preset = "cloud"}, 1, true)
    assert.matches("unknown field \"modle\", did you mean 'model'?", refused{preset = "claude",
      modle = ""}, 1, true)
    assert.matches("preset.argv = nil: a function", refused{preset = {program = "x",
      line = print}}, 1, true)
    assert.matches("args[1] = 5: an array of strings", refused{preset = "claude", args = {5}}, 1,
      true)
    assert.matches("max_turns = 0: 1 or more", refused{preset = "claude", max_turns = 0}, 1, true)
    assert.matches("isolation: the program is a process already", refused{preset = "claude",
      isolation = "process"}, 1, true)
  end)
end)
