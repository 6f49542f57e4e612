--- What the known programs print, and what it means: one test an outcome.

local json = require "orun.json"
local preset = require "orun.preset"

local function load(name)
  return require("orun.preset." .. name)
end

-- Feed lines (tables become JSON) and an ending; gives what was kept, and why it
-- is no success.
local function run(name, lines, ending)
  local p, s = load(name), {}
  for _, line in ipairs(lines) do
    p.line(s, type(line) == "table" and json.encode(line) or line)
  end
  ending = ending or {exit_code = 0, stderr = ""}
  if ending.exit_code ~= 0 then
    ending.error = ending.error or "exit code " .. tostring(ending.exit_code)
    ending.error_kind = ending.error_kind or "exit"
  end
  return s, preset.judge(p, s, ending)
end

local function wrong(words, kind, s, judged)
  assert.is_table(judged, "it counts as a success")
  assert.equal(kind, judged.kind, judged.message)
  assert.is_truthy(judged.message:find(words, 1, true), judged.message)
  return s
end

local function result(fields)
  local event = {type = "result", subtype = "success", is_error = false, session_id = "s1"}
  for k, v in pairs(fields) do event[k] = v end
  return event
end

describe("the preset claude", function()
  local init = {type = "system", subtype = "init", session_id = "s1", model = "sonnet"}

  it("takes the last of many result lines", function()
    local s, judged = run("claude", {init, result{result = ""}, result{result = "the answer",
      total_cost_usd = 0.25, usage = {input_tokens = 10, output_tokens = 2}}})
    assert.is_nil(judged)
    assert.same({"the answer", 0.25, "sonnet", "s1"}, {s.text, s.cost, s.model, s.session_id})
    assert.same({input_tokens = 10, output_tokens = 2}, s.usage)
  end)

  it("counts the tokens of all models", function()
    local s = run("claude", {result{result = "x", usage = {input_tokens = 1},
      modelUsage = {a = {inputTokens = 5, outputTokens = 1}, b = {inputTokens = 7}}}})
    assert.same({input_tokens = 12, output_tokens = 1}, s.session_usage)
  end)

  it("tells what it does as it does it", function()
    local p, s = load "claude", {}
    local function said(content)
      p.line(s, json.encode{type = "assistant", message = {content = content}})
      return s.activity
    end
    assert.equal("I look", said{{type = "text", text = "\nI look\nat it"}})
    local tool = {type = "tool_use", name = "Bash", input = {command = "ls -l"}}
    assert.equal("Bash ls -l", said{tool})
    p.line(s, json.encode{type = "system", subtype = "api_retry", attempt = 2, max_retries = 10,
      error_status = 529})
    assert.equal("waits to try again: attempt 2 of 10, HTTP 529", s.activity)
  end)

  it("is no success after an API error, whatever the subtype says", function()
    for status, kind in pairs{[401] = "http", [429] = "rate", [500] = "http", [529] = "rate"} do
      wrong("API Error", kind, run("claude", {init, result{is_error = true,
        api_error_status = status, result = "API Error: no"}}, {exit_code = 1}))
    end
  end)

  it("is no success when it was cut short", function()
    wrong("all the turns", "exit", run("claude",
      {result{subtype = "error_max_turns", is_error = true}}, {exit_code = 1}))
    wrong("maximum number of turns (2)", "exit", run("claude", {result{is_error = true,
      subtype = "error_max_turns", errors = {"maximum number of turns (2)"}}}, {exit_code = 1}))
    wrong("all the money", "budget", run("claude",
      {result{subtype = "error_max_budget_usd", is_error = true}}, {exit_code = 1}))
    wrong("interrupted", "exit", run("claude",
      {result{subtype = "error_during_execution", is_error = true}}, {exit_code = 0}))
  end)

  it("is no success without a result line, and names the session", function()
    wrong("session s1", "exit", run("claude", {init}, {exit_code = 0}))
    wrong("exit code 143", "exit", run("claude", {init}, {exit_code = 143}))
  end)

  it("is no success with an empty answer", function()
    wrong("gave no answer", "exit", run("claude", {result{result = " \n"}}))
  end)

  it("reads past lines that are none of its own", function()
    local s, judged = run("claude", {"warning: x", "{broken", '{"type":7}', '["a"]', "",
      {type = "assistant", message = "text"}, {type = "assistant", message = {content = 7}},
      {type = "result", result = {1}, modelUsage = "x", total_cost_usd = "y"},
      result{result = "ok"}})
    assert.is_nil(judged)
    assert.equal("ok", s.text)
  end)

  it("is called with what the type and the task ask for", function()
    local argv = load("claude").argv{model = "haiku", tools = {"Read", "Bash(git diff:*)"},
      resume = "s1", mcp = true, system = "You are", args = {"--x"}}
    assert.equal("claude -p --output-format stream-json --verbose --model haiku "
      .. "--system-prompt-file {system_file} --allowedTools "
      .. "Read,Bash(git diff:*),mcp__orun "
      .. "--mcp-config {mcp_file} --resume s1 --x", table.concat(argv, " "))
  end)
end)

describe("the preset codex", function()
  local function message(text)
    return {type = "item.completed", item = {type = "agent_message", text = text}}
  end

  it("takes the last message", function()
    local s, judged = run("codex", {{type = "thread.started", thread_id = "t9"}, message "one",
      {type = "item.started", item = {type = "command_execution", command = "ls"}},
      message "two", {type = "turn.completed", usage = {input_tokens = 3, output_tokens = 4,
      cached_input_tokens = 1}}})
    assert.is_nil(judged)
    assert.same({"two", "t9"}, {s.text, s.session_id})
    assert.same({input_tokens = 2, output_tokens = 4, cache_read_tokens = 1}, s.session_usage)
  end)

  it("is no success after a failed turn", function()
    wrong("no money", "exit", run("codex", {message "x",
      {type = "turn.failed", error = {message = "no money"}}}, {exit_code = 1}))
    wrong("429", "rate", run("codex",
      {{type = "turn.failed", error = {message = "HTTP 429 Too Many Requests"}}}, {exit_code = 1}))
  end)

  it("is a success in spite of warnings and of errors it got over", function()
    local _, judged = run("codex", {{type = "item.completed", item = {type = "error"}},
      {type = "error", message = "Reconnecting... 1/2"}, message "done"})
    assert.is_nil(judged)
  end)

  it("tells the last error when it ends badly", function()
    wrong("Reconnecting", "exit", run("codex", {{type = "error", message = "Reconnecting... 2/2"}},
      {exit_code = 1}))
  end)

  it("reads the prompt from standard input", function()
    assert.equal("codex exec resume t9 --json --skip-git-repo-check -m o -c "
      .. 'sandbox_mode="read-only" -',
      table.concat(load("codex").argv{resume = "t9", model = "o", sandbox = "read-only"}, " "))
  end)
end)

describe("the preset opencode", function()
  local function part(kind, fields)
    return {type = kind, sessionID = "ses", part = fields or {}}
  end

  it("takes the text after the last step began, and adds up what steps cost", function()
    local tokens = {input = 10, output = 1, reasoning = 2, cache = {read = 5, write = 6}}
    local s, judged = run("opencode", {part "step_start", part("text", {text = "thinking"}),
      part("tool_use", {tool = "bash", state = {input = {command = "ls"}}}),
      part("step_finish", {cost = 0.5, tokens = tokens}), part "step_start",
      part("text", {text = "the "}), part("text", {text = "answer"}),
      part("step_finish", {cost = 0.25, tokens = tokens})})
    assert.is_nil(judged)
    assert.same({"the answer", 0.75, "ses"}, {s.text, s.cost, s.session_id})
    assert.same({input_tokens = 20, output_tokens = 6, reasoning_tokens = 4,
      cache_read_tokens = 10, cache_write_tokens = 12}, s.usage)
  end)

  it("is no success after an error", function()
    local function failed(status)
      return {{type = "error", error = {name = "APIError",
        data = {message = "no", statusCode = status}}}}
    end
    wrong("opencode: no", "http", run("opencode", failed(401), {exit_code = 1}))
    wrong("opencode: no", "rate", run("opencode", failed(429), {exit_code = 1}))
  end)

  it("is no success when another agent than the one asked for answered", function()
    wrong("did not use the agent", "exit", run("opencode", {part("text", {text = "hello"})},
      {exit_code = 0, stderr = 'agent "revoc" not found. Falling back to default agent\n'}))
  end)
end)

describe("the preset gemini", function()
  it("adds up what the assistant says", function()
    local s, judged = run("gemini", {{type = "init", session_id = "g", model = "pro"},
      {type = "message", role = "user", content = "hi"},
      {type = "message", role = "assistant", content = "the ", delta = true},
      {type = "message", role = "assistant", content = "answer", delta = true},
      {type = "result", status = "success", stats = {input_tokens = 4, output_tokens = 2,
        total_tokens = 6}}})
    assert.is_nil(judged)
    assert.same({"the answer", "g", "pro"}, {s.text, s.session_id, s.model})
    assert.same({input_tokens = 4, output_tokens = 2}, s.usage)
  end)

  it("tells the error at the end of stderr", function()
    local stderr = 'Error: x\n  at f {code}\n{"error": {"message": "quota", "code": 1}}\n'
    wrong("gemini: quota", "rate", run("gemini", {}, {exit_code = 429 & 255, stderr = stderr}))
    wrong("key is wrong", "http", run("gemini", {}, {exit_code = 145, stderr = "at f {"}))
    wrong("not trusted", "exit", run("gemini", {}, {exit_code = 55, stderr = ""}))
  end)
end)

describe("any preset", function()
  it("is no success when its program ended badly", function()
    for _, name in ipairs{"claude", "codex", "gemini", "opencode"} do
      wrong("killed by signal 9", "signal", run(name, {}, {signal = 9,
        error = "killed by signal 9 (SIGKILL)", error_kind = "signal"}))
    end
  end)

  it("shortens an activity between characters", function()
    local short = preset.short(("\u{e9}"):rep(100))
    assert.is_truthy(utf8.len(short))
    assert.is_true(#short <= 80)
  end)
end)
