-- Three runs of 100 tokens in one session were 600; usage was nil until claude's result
-- came; input_tokens held what was read from a cache with some programs and not with
-- others; reasons of failures were lost, and no model was told of codex and opencode.

local h = require "spec.support.helper"
local json = require "orun.json"
local preset = require "orun.preset"

local CLAUDE <const> = [[#!/bin/sh
cat >/dev/null
n=$(($(cat runs 2>/dev/null || echo 0) + 1)); echo $n >runs
echo '{"type":"system","subtype":"init","session_id":"s-1","model":"m"}'
part() {
  echo '{"type":"assistant","session_id":"s-1","message":{"id":"'$1'","model":"m","content":'\
'[{"type":"text","text":"working"}],"usage":{"input_tokens":'$2',"output_tokens":11}}}'
}
part one 60; part one 60; part two 40
[ -z "$GATE" ] || read -r _ <"$GATE"
[ -z "$LIMIT" ] || exit 1
echo '{"type":"result","subtype":"success","is_error":false,"result":"{\"about\":7}",'\
'"session_id":"s-1","total_cost_usd":0.00'$n',"usage":{"input_tokens":100,"output_tokens":11},'\
'"modelUsage":{"m":{"inputTokens":'$((100*n))',"outputTokens":'$((11*n))'}}}'
]]
local CODEX <const> = [[#!/bin/sh
cat >/dev/null
n=$(($(cat runs 2>/dev/null || echo 0) + 1)); echo $n >runs
echo '{"type":"thread.started","thread_id":"t-1"}'
echo '{"type":"item.completed","item":{"type":"agent_message","text":"{\"about\":7}"}}'
echo '{"type":"turn.completed","usage":{"input_tokens":'$((100*n))',"cached_input_tokens":'\
$((20*n))',"output_tokens":'$((11*n))'}}'
[ -z "$LIMIT" ] || [ $n -gt 1 ] || exit 1
]]
local SCHEMA <const> = [[{type = "object", required = {"about"},
  properties = {about = {type = "string"}}}]]

local function project(name, text)
  local dir = h.tmpdir()
  h.sh("mkdir bin", {cwd = dir})
  h.write(dir .. "/bin/" .. name, text)
  h.sh("chmod 755 bin/*", {cwd = dir})
  return dir
end

local function run(dir, text, env)
  env = env or {}
  env.PATH, env.HOME = dir .. "/bin:/usr/bin:/bin", dir
  h.write(dir .. "/s.lua", text)
  return h.orun{"--progress=none", "s.lua", cwd = dir, env = env}
end

describe("usage of a session", function()
  it("is counted once, over corrections in one attempt", function()
    for name, text in pairs{claude = CLAUDE, codex = CODEX} do
      local r = run(project(name, text), ([[
        orun.agent{name = "a", preset = "%s"}
        local r = Task{subagent_type = "a", prompt = "x", schema = %s}
        print(r.error_kind, r.usage.input_tokens, r.usage.cache_read_tokens,
          r.usage.output_tokens, r.cost)]]):format(name, SCHEMA))
      assert.equal(name == "claude" and "schema\t300\tnil\t33\t0.003\n"
        or "schema\t240\t60\t33\tnil\n", r.out, r.err)
    end
  end)

  it("is counted once, over attempts that resume it", function()
    local r = run(project("codex", CODEX), [[
      orun.agent{name = "a", preset = "codex", retry = {max = 2, backoff = 0.001, resume = true}}
      local r = Task{subagent_type = "a", prompt = "x"}
      print(r.status, r.attempts, r.usage.input_tokens, r.usage.output_tokens)]], {LIMIT = "1"})
    assert.equal("completed\t2\t160\t22\n", r.out, r.err)
  end)

  it("is the run's where its program does not count the runs before", function()
    local since = preset.usage_since
    assert.same({input_tokens = 5}, since({input_tokens = 15}, {input_tokens = 10}))
    assert.same({input_tokens = 7}, since({input_tokens = 7}, {input_tokens = 10}))
    assert.same({input_tokens = 10}, since({input_tokens = 10}, {input_tokens = 10},
      {input_tokens = 10}))
    assert.same({input_tokens = 9, output_tokens = 2}, since({input_tokens = 9}, nil,
      {input_tokens = 3, output_tokens = 2}))
  end)
end)

describe("usage of claude", function()
  it("is told while it works, each message once", function()
    local dir = project("claude", CLAUDE)
    h.sh("mkfifo gate", {cwd = dir})
    local r = run(dir, [[
      orun.agent{name = "a", preset = "claude"}
      local gate = io.open("gate", "r+")
      local task = Task{subagent_type = "a", prompt = "x", run_in_background = true}
      local now
      repeat
        orun.sleep(0.01)
        now = TaskOutput{task_id = task, block = false}
      until now.usage and now.usage.input_tokens == 100
      print(now.status, now.usage.output_tokens)
      gate:write("on\n")
      gate:flush()
      print(TaskOutput(task).usage.input_tokens)]], {GATE = "gate"})
    assert.equal("in_progress\t22\n100\n", r.out, r.err)
  end)

  it("stays when it ends without a result, and stops it at the end of a budget", function()
    local r = run(project("claude", CLAUDE), [[
      orun.agent{name = "a", preset = "claude"}
      local r = Task{subagent_type = "a", prompt = "x"}
      print(r.status, r.usage.input_tokens)]], {LIMIT = "1"})
    assert.equal("failed\t100\n", r.out, r.err)
    local dir = project("claude", CLAUDE)
    h.sh("mkfifo gate", {cwd = dir})
    r = run(dir, [[
      orun.agent{name = "a", preset = "claude", budget = {tokens = 50}}
      local r = Task{subagent_type = "a", prompt = "x"}
      print(r.status, r.error_kind, r.usage.input_tokens)]], {GATE = "gate"})
    assert.equal("failed\tbudget\t100\n", r.out, r.err)
  end)
end)

-- Feed lines to a preset; gives what was kept, and why it is no success.
local function fed(name, lines, code, stderr)
  local p, s = require("orun.preset." .. name), {}
  for _, line in ipairs(lines) do p.line(s, json.encode(line)) end
  return s, preset.judge(p, s, {code = code or 0, stderr = stderr or "",
    error = code and code ~= 0 and "exit code " .. code or nil, error_kind = code and "exit"})
end

describe("input_tokens", function()
  it("are without what was read from a cache or written to one, for all", function()
    local want = {input_tokens = 70, output_tokens = 9, cache_read_tokens = 20}
    local s = fed("codex", {{type = "turn.completed", usage = {input_tokens = 90,
      cached_input_tokens = 20, output_tokens = 9}}})
    assert.same(want, s.session_usage)
    s = fed("gemini", {{type = "result", status = "success", stats = {input_tokens = 90,
      cached = 20, input = 70, output_tokens = 9, total_tokens = 99}}})
    assert.same(want, s.usage)
    s = fed("opencode", {{type = "step_finish", part = {tokens = {input = 70, output = 9,
      cache = {read = 20, write = 5}}}}})
    want.cache_write_tokens = 5
    assert.same(want, s.usage)
    s = fed("claude", {{type = "result", result = "x", usage = {input_tokens = 70,
      output_tokens = 9, cache_read_input_tokens = 20, cache_creation_input_tokens = 5}}})
    assert.same(want, s.usage)
    want.cache_write_tokens = nil
    local openai, state = require "orun.llm.openai", {}
    openai.event(state, nil, json.encode{choices = json.array(), usage = {prompt_tokens = 90,
      completion_tokens = 9, prompt_tokens_details = {cached_tokens = 20}}})
    assert.same(want, state.usage)
  end)

  it("that are no counts are left out", function()
    local s = fed("codex", {{type = "turn.completed", usage = {input_tokens = -5,
      output_tokens = 2.5, cached_input_tokens = 7}}})
    assert.same({cache_read_tokens = 7}, s.session_usage)
  end)
end)

describe("the reason of a failure", function()
  it("is that of gemini's error events", function()
    local _, wrong = fed("gemini", {{type = "init", session_id = "g-1", model = "auto"},
      {type = "error", severity = "error", message = "The model returned an empty response."},
      {type = "result", status = "error", stats = {}}})
    assert.same({kind = "exit", message = "gemini: The model returned an empty response."}, wrong)
  end)

  it("is of the kind http where it is one", function()
    local _, wrong = fed("codex", {{type = "turn.failed",
      error = {message = "unexpected status 401 Unauthorized"}}}, 1)
    assert.equal("http", wrong.kind)
    _, wrong = fed("codex", {{type = "turn.failed",
      error = {message = "unexpected status 429 Too Many Requests"}}}, 1)
    assert.equal("rate", wrong.kind)
    _, wrong = fed("claude", {{type = "result", subtype = "success", is_error = true,
      result = "API Error: Unable to connect to API (ConnectionRefused)"}}, 1)
    assert.equal("http", wrong.kind)
    _, wrong = fed("gemini", {{type = "result", status = "error",
      error = {message = "fetch failed"}}}, 1)
    assert.equal("http", wrong.kind)
    _, wrong = fed("opencode", {{type = "error", error = {name = "UnknownError",
      data = {message = "Unable to connect. Is the computer able to access the url?"}}}}, 1)
    assert.equal("http", wrong.kind)
    assert.equal("exit", preset.kind_of_words("the file has 401 lines"))
  end)
end)

describe("the model of a result", function()
  it("is the one asked for, where its program tells none", function()
    local dir = project("codex", CODEX)
    local r = run(dir, [[
      orun.agent{name = "a", preset = "codex", model = "gpt-9"}
      print(Task{subagent_type = "a", prompt = "x"}.model,
        Task{subagent_type = "a", prompt = "x", model = "gpt-8"}.model)]])
    assert.equal("gpt-9\tgpt-8\n", r.out, r.err)
  end)
end)

describe("an agent file that its backend cannot do all of", function()
  it("is told when it is asked for, once", function()
    local dir = project("gemini", [[#!/bin/sh
cat >/dev/null
echo '{"type":"message","role":"assistant","content":"done"}'
echo '{"type":"result","status":"success"}'
]])
    h.sh("mkdir -p .gemini/agents", {cwd = dir})
    h.write(dir .. "/.gemini/agents/g.md",
      "---\nname: g\ndescription: d\ntools: [read_file]\nmax_turns: 3\n---\nx")
    local r = run(dir, [[
      for _ = 1, 2 do assert(Task{subagent_type = "g", prompt = "x"}.status == "completed") end]])
    assert.equal('orun: .gemini/agents/g.md:2: agent "g": its turns are not limited in gemini\n'
      .. 'orun: .gemini/agents/g.md:2: agent "g": its tools are not limited in gemini\n', r.err)
  end)
end)
