--- Agent types with a preset, against stand-ins for the programs.

local h = require "spec.support.helper"
local json = require "orun.json"
local shared = require "spec.support.tasks"

local background, error_of = shared.background, shared.error_of

local PLACE <const> = h.root .. "/spec/support/agents"
local PATH <const> = PLACE .. ":" .. os.getenv "PATH"
local PROGRAMS <const> = {"claude", "codex", "gemini", "opencode"}

local function define(name, fields)
  fields = fields or {}
  fields.name, fields.preset = name, fields.preset or name
  fields.env, fields.account = fields.env or {}, name
  fields.env.PATH = PATH
  return orun.agent(fields)
end

for _, name in ipairs(PROGRAMS) do define(name) end

-- The result of a task for which the stand-in does what `fake` says.
local function ask(name, fake, fields)
  fields = fields or {}
  fields.subtask, fields.subagent_type, fields.prompt = nil, name, fields.prompt or "say hello"
  fields.env = fields.env or {}
  fields.env.FAKE = fake
  return Task(fields)
end

local function failed(kind, words, r)
  assert.equal("failed", r.status)
  assert.equal(kind, r.error_kind, r.error)
  assert.is_truthy(r.error:find(words, 1, true), r.error)
  return r
end

local function completed(text, r)
  assert.equal("completed", r.status, r.error)
  assert.equal(text, r.output)
  return r
end

-- A folder with a log of what a stand-in was given, and its environment.
local function logged(fake)
  local dir = h.tmpdir()
  return {FAKE = fake, FAKE_LOG = dir .. "/log", FAKE_STATE = dir}, function()
    return h.read(dir .. "/log") or ""
  end
end

local function gone(pid)
  return not h.exists("/proc/" .. pid .. "/stat")
end

describe("an agent type with a preset", function()
  it("gets the prompt, gives the answer and tells what it took", function()
    local said = "you said: say hello\n\n{\"n\":1}"
    local function took(name, usage, cost)
      local r = completed(said, ask(name, "ok", {input = {n = 1}}))
      assert.same(usage, r.usage)
      assert.equal(cost, r.cost)
      assert.is_string(r.session_id)
      return r
    end
    local r = took("claude", {input_tokens = 10, output_tokens = 2, cache_read_tokens = 3}, 0.001)
    assert.equal("claude-fake-1", r.model)
    took("codex", {input_tokens = 6, output_tokens = 2, cache_read_tokens = 4,
                   reasoning_tokens = 1})
    r = took("gemini", {input_tokens = 7, output_tokens = 2, cache_read_tokens = 3})
    assert.equal("gemini-fake", r.model)
    took("opencode", {input_tokens = 10, output_tokens = 3, reasoning_tokens = 1,
                      cache_read_tokens = 3, cache_write_tokens = 4}, 0.25)
  end)

  it("hands on bytes as they are, and never on the command line", function()
    local prompt = "; rm -rf ~ #`id` $(id) --help\n@/etc/passwd %s%n \"\\ é"
    local env, log = logged "ok"
    for _, name in ipairs(PROGRAMS) do
      completed("you said: " .. prompt, ask(name, "ok", {prompt = prompt, env = env}))
    end
    for line in log():gmatch("[^\n]+") do
      assert.is_true(line:sub(1, 2) == "< " or not line:find("rm -rf", 1, true), line)
    end
  end)

  it("keeps all that was printed as what is read of the task", function()
    local r = ask("claude", "noise")
    completed("you said: say hello", r)
    local text = h.read(r.output_file)
    assert.matches("warning: \xff\0 {\r\n", text, 1, true)
    assert.matches('"type":"result"', text, 1, true)
    local log = orun.output(r)
    assert.equal(#text, log:size())
    assert.equal("", orun.output(r, "stderr"):tail())
    assert.is_nil(r.truncated)
    assert.equal("Reading additional input from stdin...",
      orun.output(ask("codex", "ok"), "stderr"):tail())
  end)

  it("can be followed while it works, and says what it does", function()
    local env, log = logged "slow"
    local task = background{subagent_type = "claude", prompt = "x", env = env}
    local lines = orun.output(task):lines()
    local last
    repeat last = json.decode(lines()) until last.message and last.message.content[1].name
    assert.is_truthy(h.wait_for(function()
      return TaskOutput{task_id = task, block = false}.activity == "Bash make test"
    end))
    local now = TaskOutput{task_id = task, block = false}
    assert.same({"in_progress", "claude-fake-1"}, {now.status, now.model})
    assert.is_string(now.session_id)
    local child = h.wait_for(function() return log():match("child (%d+)") end)
    TaskStop(task)
    local r = TaskOutput(task)
    assert.equal("cancelled", r.status)
    assert.is_true(gone(log():match("program (%d+)"))) -- the task ends after its program
    assert.is_truthy(h.wait_for(function() return gone(child) end))
    assert.is_nil(lines())
    assert.equal(now.session_id, r.session_id)
  end)

  it("goes on with the next run's output when one follows in the same task", function()
    local schema = {type = "object", required = {"n"}, properties = {n = {type = "integer"}}}
    local pipe = h.tmpdir() .. "/gate"
    h.sh("mkfifo " .. h.quote(pipe))
    local gate <close> = assert(io.open(pipe, "r+")) -- kept open, it waits for nobody
    local task = background{subagent_type = "claude", prompt = "count", schema = schema,
                            env = {FAKE = "json", FAKE_GATE = pipe}}
    local answers = {}
    for line in orun.output(task):lines() do
      local event = json.decode(line)
      if event.type == "result" then
        answers[#answers + 1] = event.result
        gate:write("go on\n") -- the first run's answer was read: it may end
        gate:flush()
      end
    end
    assert.same({"n is 1", '{"n": 1}'}, answers)
    assert.same({n = 1}, TaskOutput(task).output)
  end)
end)

describe("claude", function()
  it("answers with the last of many result lines", function()
    completed("the last", ask("claude", "many"))
  end)

  it("has failed after an API error, whose subtype is success", function()
    for _, status in ipairs{401, 500} do
      local r = failed("http", "claude: API Error: " .. status, ask("claude", "api-" .. status))
      assert.equal("API Error: " .. status, r.output) -- what there is of an answer
      assert.equal(0.001, r.cost)
    end
  end)

  it("is throttled, not failed, by a rate limit", function()
    local env = logged "busy"
    local r = completed("you said: say hello", ask("claude", "busy", {env = env}))
    assert.equal(2, r.attempts)
  end)

  it("has failed when its turns or its money are used up", function()
    failed("exit", "Reached maximum number of turns (2)", ask("claude", "max_turns"))
    failed("budget", "all the money", ask("claude", "budget"))
  end)

  it("has failed when it was interrupted, though its exit code is 0", function()
    failed("exit", "Request was aborted", ask("claude", "interrupted"))
  end)

  it("has failed without a result line, with an empty answer or with plain text", function()
    failed("exit", "ended without a result line", ask("claude", "unfinished"))
    failed("exit", "gave no answer", ask("claude", "empty"))
    failed("exit", "ended without a result line", ask("claude", "plain"))
    failed("exit", "ended without a result line", ask("claude", "silent"))
  end)

  it("has failed when it does not know an argument, and says which", function()
    define("claude-odd", {preset = "claude", args = {"--oops"}})
    failed("exit", "unknown option '--oops'", ask("claude-odd", "ok"))
  end)

  it("ends by a SIGTERM, gently, when its time is up, and names its session", function()
    local env, log
    local r = h.in_time(function(timeout)
      env, log = logged "slow"
      local late = failed("timeout", "timed out", ask("claude", "slow", {env = env,
        timeout = timeout}))
      return late.session_id and log():find("child %d+") and late
    end)
    assert.matches("^5e55%-", r.session_id)
    assert.is_true(gone(log():match("program (%d+)")))
    assert.is_truthy(h.wait_for(function() return gone(log():match("child (%d+)")) end))
    assert.is_nil(h.read(r.output_file):find('"type":"result"', 1, true))
  end)

  it("has failed when somebody interrupts it, though it exits with 0", function()
    local env, log = logged "slow"
    local task = background{subagent_type = "claude", prompt = "x", env = env}
    local pid = h.wait_for(function() return log():match("program (%d+)") end)
    h.sh("kill -INT " .. pid)
    failed("exit", "Request was aborted", TaskOutput(task))
  end)

  it("tells that it waits for its API", function()
    local task = background{subagent_type = "claude", prompt = "x", env = {FAKE = "retry"}}
    assert.is_truthy(h.wait_for(function()
      return TaskOutput{task_id = task, block = false}.activity
        == "waits to try again: attempt 2 of 10, HTTP 529"
    end))
    TaskStop(task)
    TaskOutput(task)
  end)

  it("is called with what the type and the task ask for", function()
    define("claude-full", {preset = "claude", model = "haiku", system = "You are\nterse.",
      tools = {"Read", "Bash(git diff:*)"}, max_turns = 7, agent = "reviewer", effort = "high",
      args = {"--model", "last-wins"}})
    local env, log = logged "ok"
    completed("(You are\nterse.) you said: say hello", ask("claude-full", "ok", {env = env,
      model = "opus[1m]"}))
    local words = log():gsub("\n<.*", ""):gsub("\n", " ")
    assert.matches("^%-p %-%-output%-format stream%-json %-%-verbose %-%-model opus%[1m%] "
      .. "%-%-agent reviewer %-%-system%-prompt%-file (/%S+) "
      .. "%-%-permission%-mode acceptEdits %-%-allowedTools Read,Bash%(git "
      .. "diff:%*%),mcp__orun %-%-max%-turns 7 %-%-effort high %-%-mcp%-config (/%S+) %-%-model "
      .. "last%-wins$", words)
    assert.is_false(h.exists(words:match("prompt%-file (/%S+)")))
    assert.is_false(h.exists(words:match("mcp%-config (/%S+)")))
  end)
end)

describe("a session", function()
  local RETRY <const> = {max = 1, backoff = 0.001, resume = true}

  -- A program whose first attempt says what its session is and no more, and is ended by its
  -- time-out; its environment, its log, and what came of the task.
  local function interrupted(name)
    local log, r
    local env = h.in_time(function(timeout)
      local its
      its, log = logged "slow:ok"
      r = ask(name, "slow:ok", {env = its, retry = RETRY, timeout = timeout})
      return r.status == "completed" and r.session_id and its
    end)
    return env, log, r
  end

  it("is gone on with by the next attempt, and its cost counted once", function()
    local _, log, r = interrupted "claude"
    completed("you said: You were interrupted. Go on with the task where you stopped, "
      .. "and end with the answer that was asked for.", r)
    assert.equal(2, r.attempts)
    assert.matches("\n--resume\n" .. r.session_id .. "\n", log(), 1, true)
    local env = logged "api-500:ok"
    r = ask("claude", "api-500:ok", {env = env, retry = RETRY})
    assert.same({"completed", 2, 0.002}, {r.status, r.attempts, r.cost})
  end)

  it("is gone on with by codex, gemini and opencode, too", function()
    for name, way in pairs{codex = "exec\nresume\n%s\n", gemini = "\n-r\n%s\n",
                           opencode = "\n-s\n%s\n"} do
      local _, log, r = interrupted(name)
      assert.same({"completed", 2}, {r.status, r.attempts}, r.error)
      assert.matches(way:format(r.session_id), log(), 1, true)
    end
  end)

  it("is begun anew when the program does not know it any more", function()
    local log, id, r
    h.in_time(function(timeout)
      local env
      env, log = logged "slow:ok"
      local task = background{subagent_type = "claude", prompt = "say hello", env = env,
                              retry = RETRY, timeout = timeout}
      id = h.wait_for(function()
        local now = TaskOutput{task_id = task, block = false}
        return now.session_id or now.status == "failed"
      end)
      os.remove(env.FAKE_STATE .. "/" .. tostring(id))
      r = TaskOutput(task)
      return r.attempts == 2 and r.session_id ~= id
    end)
    assert.matches("\n--resume\n" .. id .. "\n", log(), 1, true)
    assert.equal(2, r.attempts)
    assert.not_equal(id, r.session_id)
  end)

  it("is not gone on with unless that was asked for", function()
    local env, log = logged "api-500:ok"
    local r = ask("claude", "api-500:ok", {env = env, retry = {max = 1, backoff = 0.001}})
    assert.same({"failed", 2, 0.002}, {r.status, r.attempts, r.cost})
    assert.is_nil(log():find("--resume", 1, true))
  end)

  it("is where an answer without the form asked for is put right", function()
    local schema = {type = "object", required = {"n"}, properties = {n = {type = "integer"}}}
    for _, name in ipairs{"claude", "codex", "opencode"} do
      local env, log = logged "json"
      local r = ask(name, "json", {env = env, schema = schema})
      assert.same({n = 1}, r.output, r.error)
      local _, prompts = log():gsub("< say hello", "")
      assert.equal(1, prompts) -- what is sent later is only what is wrong
      assert.equal(name == "codex" and 12 or 20, r.usage.input_tokens, name)
      assert.equal(({claude = 0.002, opencode = 0.5})[name], r.cost)
    end
    failed("schema", "does not have the form asked for", ask("gemini", "ok", {schema = schema}))
  end)

  it("has an id that cannot be an option", function()
    define("sly", {retry = RETRY, preset = {program = "sh", resumes = true,
      argv = function(o) return {"sh", "-c", "echo " .. (o.resume or "none") .. "; exit 1"} end,
      line = function(s, text) s.text, s.session_id = text, "--yolo" end}})
    local r = ask("sly", "ok")
    assert.same({"failed", "none"}, {r.status, r.output})
    assert.is_nil(r.session_id)
  end)
end)

describe("codex", function()
  it("answers with its last message, in spite of errors it got over", function()
    completed("you said: say hello", ask("codex", "ok"))
    completed("in spite of all", ask("codex", "warned"))
  end)

  it("has failed after a failed turn, a bad end, an empty answer", function()
    local r = failed("http", "codex: unexpected status 500", ask("codex", "failed"))
    assert.equal("half of it", r.output)
    failed("exit", "Reconnecting... 5/5", ask("codex", "reconnect"))
    failed("exit", "gave no answer", ask("codex", "empty"))
  end)

  it("is told its sandbox and its model", function()
    define("codex-safe", {preset = "codex", sandbox = "read-only", model = "gpt-5.1-codex"})
    local env, log = logged "ok"
    ask("codex-safe", "ok", {env = env})
    assert.matches("\n-m\ngpt-5.1-codex\n-s\nread-only\n-c\nmcp_servers.orun.", log(), 1, true)
  end)

  it("gets a system prompt before the prompt", function()
    define("codex-terse", {preset = "codex", system = "Be terse."})
    completed("you said: Be terse.\n\nsay hello", ask("codex-terse", "ok"))
  end)
end)

describe("opencode", function()
  it("answers with the text after its last step", function()
    local r = completed("the answer", ask("opencode", "steps"))
    assert.same({20, 0.5}, {r.usage.input_tokens, r.cost})
  end)

  it("has failed after an error, an empty answer, and when another agent answered", function()
    failed("http", "opencode: HTTP 401", ask("opencode", "api-401"))
    failed("exit", "gave no answer", ask("opencode", "empty"))
    define("opencode-other", {preset = "opencode", agent = "revoc"})
    failed("exit", 'did not use the agent asked for: ! agent "revoc" not found',
      ask("opencode-other", "other"))
  end)
end)

describe("gemini", function()
  it("has failed with what stands at the end of its stderr", function()
    failed("http", "gemini: HTTP 401", ask("gemini", "api-401"))
    failed("exit", "the folder is not trusted", ask("gemini", "untrusted"))
    failed("exit", "all the turns", ask("gemini", "turns"))
    failed("exit", "gemini: the stream broke", ask("gemini", "told"))
    failed("exit", "gave no answer", ask("gemini", "empty"))
  end)
end)

describe("what agent programs do", function()
  it("F1 is killed when it does not heed SIGTERM", function()
    local env, log = logged "deaf"
    local task = background{subagent_type = "claude", prompt = "x", env = env}
    local child = h.wait_for(function() return log():match("child (%d+)") end)
    TaskStop(task)
    assert.equal("cancelled", TaskOutput(task).status)
    -- The task's own code has as long to end as its program, and may be the first.
    local program = log():match("program (%d+)")
    assert.is_truthy(h.wait_for(function() return gone(program) and gone(child) end))
  end)

  it("F2 and F3 leave children behind, which hold nothing up and are gone", function()
    completed("you said: say hello", ask("claude", "grandchild"))
  end)

  it("F4 closes its outputs and lives on", function()
    failed("exit", "ended without a result line", ask("claude", "closed"))
  end)

  it("F5 and F6 does not read its prompt", function()
    define("unread", {preset = {program = "sh", argv = function() return {"sh", "-c", "echo x"} end,
      line = function(s, text) s.text = text end}})
    completed("x", ask("unread", "ok", {prompt = ("x"):rep(10 << 20)}))
  end)

  it("F7 is ended by a signal", function()
    failed("signal", "SIGKILL", ask("claude", "kill"))
    failed("signal", "SIGSEGV", ask("codex", "segv"))
  end)

  it("F8 ends well and says nothing", function()
    for _, name in ipairs(PROGRAMS) do failed("exit", "", ask(name, "silent")) end
  end)

  it("F9 stops itself", function()
    failed("timeout", "timed out", ask("claude", "stopped", {timeout = 0.3 * h.slow}))
  end)

  it("F10 prints a line of 20 MB, and bytes that are no text", function()
    completed("you said: say hello", ask("claude", "flood"))
    completed("you said: say hello", ask("gemini", "noise"))
  end)

  it("F11 says much on stderr, whose end is the reason", function()
    failed("exit", "the reason", ask("opencode", "chatter"))
  end)

  it("F14 is not there, or cannot be run", function()
    local dir = h.tmpdir()
    failed("spawn", "cannot start 'claude': No such file or directory (ENOENT); is it installed",
      ask("claude", "ok", {env = {PATH = dir}}))
    h.write(dir .. "/claude", "#!/no/such/interpreter\n")
    h.sh("chmod +x claude", {cwd = dir})
    failed("spawn", "claude", ask("claude", "ok", {env = {PATH = dir}}))
    failed("spawn", "cwd: ", ask("claude", "ok", {cwd = dir .. "/nowhere"}))
  end)

  it("F17 kills its own process group, and only that", function()
    ask("claude", "group")
    completed("you said: say hello", ask("claude", "ok"))
  end)
end)

describe("a preset of one's own", function()
  it("takes ten lines", function()
    define("counter", {model = "m-1", args = {5}, preset = {
      program = "seq",
      argv = function(o) return {"seq", nil, o.model and "-s=", nil, o.args[1]} end,
      line = function(s, text) s.text, s.usage, s.cost = text, {output_tokens = 3}, 0.5 end,
      judge = function(s) return s.text ~= "1=2=3=4=5" and {kind = "lost", message = "cut"} end,
    }})
    local r = completed("1=2=3=4=5", ask("counter", "ok"))
    assert.same({3, 0.5}, {r.usage.output_tokens, r.cost})
  end)

  it("may use what is there for presets, and be wrong about what it read", function()
    local preset = require "orun.preset"
    define("events", {preset = {
      program = "sh", argv = function() return {"sh", "-c", "echo '{\"a\": \"x\"}'"} end,
      line = function(s, text)
        s.text = preset.field(preset.event(text), "a")
        s.usage, s.cost = {input_tokens = -1, output_tokens = 1.5, other = "x"}, 0 / 0
        s.activity, s.model, s.session_id = "a\0b\nc", {}, 7
      end,
    }})
    local r = completed("x", ask("events", "ok"))
    assert.is_nil(r.usage)
    assert.is_nil(r.cost)
  end)

  it("fails its task when it raises or gives nonsense", function()
    local function failure(argv, line, judge)
      define("broken", {preset = {program = "x", argv = argv, line = line, judge = judge}})
      return ask("broken", "ok")
    end
    local function echo() return {"echo", "x"} end
    local function take(s, text) s.text = text end
    failed("lua", "expected an array of arguments", failure(function() return "echo" end, take))
    failed("lua", "argv[2] = a function: expected a string or a number",
      failure(function() return {"echo", print} end, take))
    failed("lua", "in line", failure(echo, function() error("in line") end))
    failed("lua", "fail: kind", failure(echo, take, function()
      return {kind = "sad", message = "x"}
    end))
    failed("http", "later", failure(echo, take, function()
      return {kind = "http", message = "later"}
    end))
  end)
end)

describe("orun.agent with preset", function()
  local function refused(words, fields)
    fields.name = "refused"
    assert.matches(words, error_of(orun.agent, fields), 1, true)
  end

  it("refuses what there is not, and says what there is", function()
    refused('agent "refused": preset = "claud": there are claude, codex, gemini, opencode; or give',
      {preset = "claud"})
    refused("preset = 7: there are", {preset = 7})
    refused("unknown field \"modle\", did you mean 'model'?", {preset = "claude", modle = "x"})
    refused("unknown field \"command\"", {preset = "claude", command = {"x"}})
    refused("unknown field of preset: \"lines\", did you mean 'line'?", {preset = {lines = 1}})
    refused("preset.argv is missing; it is a function", {preset = {program = "x"}})
    refused("preset.program = 7: expected a string", {preset = {program = 7}})
    refused('preset.system = "argument": expected "file"', {preset = {program = "x",
      argv = print, line = print, system = "argument"}})
  end)

  it("refuses an API beside it, at the line that gives both", function()
    local why = error_of(function()
      orun.agent{name = "refused", preset = "claude", api = "openai"}
    end)
    assert.matches("_spec%.lua:%d+: agent: give either api= or preset=", why)
  end)

  it("refuses values that are none, and what could be an option", function()
    refused("model = 7: expected a string", {preset = "claude", model = 7})
    refused('model = "--yolo": expected a name', {preset = "claude", model = "--yolo"})
    refused('agent: the name "-x" cannot be that of an agent', {preset = "claude", agent = "-x"})
    refused('permissions = "write": expected "read", "edit" or "full"', {preset = "claude",
      permissions = "write"})
    refused('tools[1] = "--all"', {preset = "claude", tools = {"--all"}})
    refused('tools = "Read": expected an array of strings', {preset = "claude", tools = "Read"})
    refused("args = a table: expected an array of strings and numbers",
      {preset = "claude", args = {true}})
    refused("args = a table: expected an array of strings and numbers",
      {preset = "claude", args = {a = "x"}})
    refused('effort = "hihg": there are minimal, low, ', {preset = "claude", effort = "hihg"})
    refused("effort: gemini has no such option", {preset = "gemini", effort = "low"})
    refused("max_turns = 0: expected a whole number above 0", {preset = "claude", max_turns = 0})
    refused('agent: timeout = "soon"', {preset = "claude", timeout = "soon"})
    assert.matches('Task: model = "-x": expected a name such as',
      error_of(Task, {subagent_type = "claude", prompt = "x", model = "-x"}), 1, true)
  end)

  it("refuses options its program has no way to take", function()
    refused("tools: codex has no such option; it takes effort, sandbox, permissions, or give it "
      .. "as it is", {preset = "codex", tools = {"Read"}})
    refused("max_turns: gemini has no such option; it takes permissions, or give",
      {preset = "gemini", max_turns = 2})
    refused("retry.resume: the preset of x does not say", {retry = {resume = true},
      preset = {program = "x", argv = print, line = print}})
  end)

  it("gives a type that holds a slot for programs, an hour at most, in a thread", function()
    assert.matches("what an agent with a command, preset or api does is done by another process",
      error_of(Task, {subagent_type = "claude", prompt = "x", isolation = "process"}), 1, true)
    local dir = h.tmpdir()
    define("placed", {cwd = "/", preset = {
      program = "sh", argv = function() return {"sh", "-c", "pwd; echo $A$B"} end,
      line = function(s, text) s.text = (s.text or "") .. text end,
    }, env = {A = "type", B = "b"}})
    completed("/typeb", ask("placed", "ok"))
    completed(dir .. "ownb", ask("placed", "ok", {cwd = dir, env = {A = "own"}}))
  end)

  it("keeps secrets out of what is said", function()
    local r = h.script(([[
      orun.agent{name = "leaky", secrets = {"MY_TOKEN"}, env = {MY_TOKEN = "s3cr3t-of-mine"},
        preset = {program = "sh", argv = function() return {"sh", "-c",
                    "echo $MY_TOKEN; echo bad $MY_TOKEN >&2; exit 1"} end,
                  line = function(s, text) s.activity = text end}}
      print(Task{subagent_type = "leaky", prompt = "x"}.error)]]))
    assert.matches("bad %[MY_TOKEN%]", r.out, 1, r.err)
    assert.is_nil(r.out:find("s3cr3t", 1, true))
  end)
end)
