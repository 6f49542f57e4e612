--- Agents that are LLM APIs, against a server on loopback.

local h = require "spec.support.helper"
local http_server = require "spec.support.http_server"
local json = require "orun.json"
local llm = require "spec.support.llm"

local KEY <const> = "sk-0123456789abcdef"

describe("an agent that is an API", function()
  local server, dir, names
  setup(function()
    server = http_server.start()
    dir = h.tmpdir()
    names = 0
    h.write(dir .. "/key", KEY .. "\n")
    os.execute("chmod 600 " .. h.quote(dir .. "/key"))
  end)
  teardown(function() server:stop() end)

  -- A model's answers to come, and the agent type that gets them.
  local function agent(fields, api)
    names = names + 1
    local name = "api" .. names
    local say = llm.new(server, api or "anthropic", name)
    local t = {name = name, api = api or "anthropic", model = "fake-1", base_url = say.base,
               key_file = dir .. "/key", key_env = "ORUN_SPEC_NO_KEY", account = name}
    for field, value in pairs(fields or {}) do t[field] = value end
    orun.agent(t)
    return say, name
  end

  local function ask(name, fields)
    local t = {subagent_type = name, prompt = "What is it?"}
    for field, value in pairs(fields or {}) do t[field] = value end
    return Task(t)
  end

  for _, api in ipairs{"anthropic", "openai"} do
    describe(api, function()
      it("answers a prompt: text, usage, cost, model", function()
        local say, name = agent({system = "Be brief.", max_tokens = 77, temperature = 0.5,
          effort = "low",
          price = {input_tokens = 1e6, output_tokens = 2e6}}, api)
        say:text("It is é.")
        local r = ask(name, {input = {a = 1}})
        assert.same({"completed", "It is é.", "fake-1", 20.0},
          {r.status, r.output, r.model, r.cost})
        assert.same({10, 5}, {r.usage.input_tokens, r.usage.output_tokens})
        local sent = say:request(1)
        assert.matches("^POST /llm/", sent.line)
        assert.matches(KEY, sent.headers, 1, true)
        assert.equal(0.5, sent.body.temperature)
        assert.equal("low", api == "openai" and sent.body.reasoning_effort
          or sent.body.output_config.effort)
        assert.equal(77, sent.body.max_tokens or sent.body.max_completion_tokens)
        assert.is_true(sent.body.stream)
        local last = sent.body.messages[#sent.body.messages]
        assert.same({"user", 'What is it?\n\n{"a":1}'}, {last.role, last.content})
        assert.equal("Be brief.", sent.body.system or sent.body.messages[1].content)
      end)

      it("G9 runs the tools it declares, as tasks, side by side, and tells their results",
      function()
        local say, name = agent({tools = {{
          name = "double", description = "Twice a number.",
          schema = {type = "object", required = {"n"}, properties = {n = {type = "integer"}}},
          run = function(input)
            if input.n == 13 then error("unlucky", 0) end
            return {twice = input.n * 2}
          end,
        }}}, api)
        say:turn{text = "Let me see.", calls = {{"double", '{"n":21}'}, {"double", '{"n":13}'},
          {"double", '{"n":"x"}'}, {"rm", '{"path":"/"}'}, {"double", '{"n":'}}}
        say:text("42")
        local r = ask(name)
        assert.same({"completed", "42"}, {r.status, r.output})
        assert.same({20, 10}, {r.usage.input_tokens, r.usage.output_tokens})
        local body = say:request(2).body
        local text = json.encode(body.messages)
        assert.matches([[{\"twice\":42}]], text, 1, true)
        assert.matches("error: unlucky", text, 1, true)
        assert.matches("error: the arguments do not fit: /n: ", text, 1, true)
        assert.matches([[error: there is no tool \"rm\"; there are: double]], text, 1, true)
        assert.matches("error: the arguments are not a JSON object", text, 1, true)
        assert.equal("double", body.tools[1].name or body.tools[1]["function"].name)
      end)

      it("keeps its connection from turn to turn", function()
        local say, name = agent({tools = {{name = "t", description = "d",
          run = function() return "ok" end}}}, api)
        for _ = 1, 5 do say:turn{calls = {{"t", "{}"}}} end
        say:text("done")
        local before = server:stats().connections
        assert.equal("done", ask(name).output)
        assert.is_true(server:stats().connections - before <= 2)
      end)

      it("fails when an answer was cut at max_tokens, is empty, or has no end", function()
        local say, name = agent(nil, api)
        say:turn{text = "It is", stop = api == "openai" and "length" or "max_tokens"}
        local r = ask(name)
        assert.same({"failed", "exit", "the answer was cut at max_tokens", "It is"},
          {r.status, r.error_kind, r.error, r.output})
        say:text(" \n")
        assert.same({"exit", "the answer is empty"}, {ask(name).error_kind, ask(name).error and
          "the answer is empty"})
      end)

      it("G1 tells what a server that is busy said, and waits as long as it wants", function()
        local say, name = agent(nil, api)
        say:http(429, '{"error":{"message":"slow down"}}', {"Retry-After: 1"})
        say:http(529, "{}", {"retry-after-ms: 120"})
        say:text("now")
        local begun = orun.now()
        local r = ask(name)
        assert.same({"completed", "now", 3}, {r.status, r.output, r.attempts})
        assert.is_true(orun.now() - begun >= 1.12)
      end)

      it("G2 fails for HTML, a redirect, an error, an event that is not JSON", function()
        local say, name = agent(nil, api)
        say:http(200, "<html>Welcome</html>", {"Content-Type: text/html"})
        assert.matches('expected an event stream, got "text/html"', ask(name).error, 1, true)
        say:http(302, "", {"Location: http://127.0.0.1:1/"})
        assert.matches("redirects are not followed", ask(name).error, 1, true)
        say:http(500, '{"error":{"message":"down"}}')
        local r = ask(name)
        assert.equal("http", r.error_kind)
        assert.matches("HTTP 500: down", r.error, 1, true)
        say:raw("data: {oops\n\ndata: [DONE]\n\n")
        assert.matches("not JSON", ask(name).error, 1, true)
      end)

      it("G3 keeps what came before the stream broke off, as partial output", function()
        local say, name = agent(nil, api)
        say:turn{text = "half of it"}
        local file = ("%s/%s.1"):format(server.folder, say.name)
        local whole = h.read(file)
        local _, at = whole:find("half of it.-\n\n")
        h.write(file, whole:sub(1, at) .. "data: {\"ty")
        local r = ask(name)
        assert.same({"failed", "http", "half of it"}, {r.status, r.error_kind, r.output})
        assert.equal("the stream ended in the middle of the answer", r.error)
      end)

      it("gives typed results: asks, checks, sends back what is wrong", function()
        local say, name = agent(nil, api)
        local form = {type = "object", required = {"n"}, properties = {n = {type = "integer"}}}
        say:text('Here: {"n": "one"}')
        say:text('```json\n{"n": 1}\n```')
        local r = ask(name, {schema = form})
        assert.same({n = 1}, r.output)
        local first = say:request(1).body.messages
        assert.matches("JSON Schema", first[#first].content, 1, true)
        local second = say:request(2).body.messages
        assert.matches("/n: \"one\" is a string", second[#second].content, 1, true)
        for _ = 1, 3 do say:text("no") end
        r = ask(name, {schema = form})
        assert.same({"failed", "schema", "no"}, {r.status, r.error_kind, r.output})
        assert.matches("the answer has no JSON in it", r.error, 1, true)
      end)
    end)
  end

  it("takes the model a task asks for", function()
    local say, name = agent()
    say:text("x")
    ask(name, {model = "other-2"})
    assert.equal("other-2", say:request(1).body.model)
  end)

  it("stops after max_turns", function()
    local say, name = agent{max_turns = 2, tools = {{name = "t", description = "d",
      run = function() return 1 end}}}
    for _ = 1, 3 do say:turn{calls = {{"t", "{}"}}} end
    local r = ask(name)
    assert.equal("it used all the 2 turns it was allowed (max_turns)", r.error)
    assert.is_nil(say:request(3))
  end)

  it("has the primitives as tools, in the name of its own task", function()
    orun.agent{name = "helper", run = function(_, task) return "did " .. task.prompt end}
    local say, name = agent{tools = {"Task", "TaskOutput", "TaskCreate", "TaskList", "TaskClaim",
      "TaskUpdate", "TaskGet", "TaskStop"}}
    say:turn{calls = {{"Task", '{"subagent_type":"helper","prompt":"this"}'},
      {"Task", '{"subagent_type":"nobody","prompt":"that"}'},
      {"TaskCreate", '{"subject":"api item","description":"do it"}'},
      {"TaskClaim", '{"owner":"api"}'}, {"TaskOutput", '{"task_id":"t999999"}'}}}
    say:text("done")
    local r = ask(name)
    assert.equal("done", r.output)
    local text = json.encode(say:request(2).body.messages)
    assert.matches("did this", text, 1, true)
    assert.matches([[subagent_type \"nobody\" is not defined]], text, 1, true)
    assert.matches("api item", text, 1, true)
    assert.matches("t999999: no such task", text, 1, true)
    for _, item in ipairs(TaskList{status = "pending"}) do
      if item.description == "api item" then
        TaskUpdate{task_id = item.id, status = "deleted"} -- its claim came back with the task's end
        return
      end
    end
    error("the item was not given back")
  end)

  it("has tools that read files and stay inside the root", function()
    local root = h.tmpdir()
    h.write(root .. "/a.txt", "one\ntwo\nthree\n")
    os.execute(("mkdir %s/sub; ln -s /etc %s/out"):format(root, root))
    h.write(root .. "/sub/b.lua", "return 'two'\n")
    local say, name = agent{root = root, tools = {"read_file", "list_files", "grep", "run"}}
    say:turn{calls = {{"read_file", '{"path":"a.txt","first":2}'}, {"list_files", "{}"},
      {"grep", '{"pattern":"two"}'}, {"run", '{"command":"pwd; exit 3"}'},
      {"read_file", '{"path":"../../etc/passwd"}'}, {"read_file", '{"path":"out/passwd"}'},
      {"read_file", '{"path":"/etc/passwd"}'}, {"read_file", '{"path":"none"}'}}}
    say:text("done")
    assert.equal("done", ask(name).output)
    local results = {}
    for _, part in ipairs(say:request(2).body.messages[3].content) do
      local content = part.content
      results[#results + 1] = type(content) == "string" and content or content[1].text
    end
    assert.equal("2\ttwo\n3\tthree", results[1])
    assert.equal("a.txt\nout\nsub/\nsub/b.lua", results[2])
    assert.equal("a.txt:2:two\nsub/b.lua:1:return 'two'", results[3])
    assert.matches('"exit_code":3', results[4], 1, true)
    for i = 5, 7 do assert.matches("is outside of the folder", results[i], 1, true) end
    assert.equal("error: none: No such file or directory", results[8])
  end)

  it("is told what its tools have not read", function()
    local files = require "orun.llm.files"
    local root = h.tmpdir()
    local here = {prompt = root}
    h.write(root .. "/wide", (("x"):rep(199) .. "\n"):rep(200))
    os.execute(("cd %s && mkdir sub many && mkfifo pipe && seq 2500 >long && "
      .. "for i in $(seq 10); do cp wide sub/$i; done; cd many && seq 2100 | xargs touch")
      :format(h.quote(root)))
    local function refused(path)
      return select(2, pcall(files.read_lines, {path = path}, here))
    end
    assert.equal("sub: it is a directory", refused "sub")
    assert.equal("pipe: it is a fifo", refused "pipe")
    assert.matches("\n2000\t2000\n%(and more, from line 2001%)$",
      files.read_lines({path = "long"}, here))
    assert.matches("^2400\t.*\n2500\t2500$", files.read_lines({path = "long", first = 2400}, here))
    assert.matches("%d\n%(and 100 more%)$", files.list({path = "many"}, here))
    assert.matches("x\n%(and more%)$", files.search({path = "sub", pattern = "x"}, here))
    assert.equal("(no match)", files.search({path = "long", pattern = "x"}, here))
    assert.matches("rep", select(2, pcall(files.search, {pattern = "["}, here)))
    local bin = h.tmpdir()
    h.write(bin .. "/find", "#!/bin/sh\necho a\necho 'find: b: Permission denied' >&2\nexit 1\n")
    os.execute("chmod +x " .. h.quote(bin .. "/find"))
    local r = h.script([[print(require("orun.llm.files").list({}, {prompt = "."}))]],
      {env = {PATH = bin .. ":" .. os.getenv "PATH"}})
    assert.matches("^a\n%(not all: .*Permission denied%)\n$", r.out)
  end)

  it("is stopped in the middle, and its tools with it", function()
    local say, name = agent{idle_timeout = 60 * h.slow}
    say:http(200, "", {})
    os.remove(("%s/%s.1"):format(server.folder, say.name))
    orun.agent{name = "hanging", api = "anthropic", model = "m",
               base_url = server.url .. "/never?x=", key_file = dir .. "/key",
               key_env = "ORUN_SPEC_NO_KEY"}
    local task = Task{subagent_type = "hanging", prompt = "p", run_in_background = true}
    TaskStop(task)
    assert.equal("cancelled", TaskOutput(task).status)
    assert.equal("timeout", Task{subagent_type = "hanging", prompt = "p", timeout = 0.1}.error_kind)
    assert.is_string(name)
  end)

  it("refuses a prompt that is not UTF-8, and says where", function()
    local _, name = agent()
    local r = Task{subagent_type = name, prompt = "ab\xff"}
    assert.matches("the prompt's byte 3 is not UTF-8", r.error, 1, true)
  end)

  it("G7 is not defined without a key, whose value is never shown", function()
    local function refused(fields)
      local t = {name = "keyless", api = "anthropic", model = "m", key_env = "ORUN_SPEC_NO_KEY"}
      for field, value in pairs(fields) do t[field] = value end
      local ok, why = pcall(orun.agent, t)
      assert.is_false(ok)
      return tostring(why)
    end
    assert.matches("no key: ORUN_SPEC_NO_KEY: it is not set", refused{}, 1, true)
    local function key(text, mode)
      h.write(dir .. "/bad", text)
      os.execute(("chmod %s %s/bad"):format(mode, dir))
      local why = refused{key_file = dir .. "/bad"}
      assert.is_nil(why:find("secretvalue", 1, true))
      return why
    end
    assert.matches("others could read it: it must be yours, with mode 0600", key("secretvalue",
      "644"), 1, true)
    assert.matches("it has a character that no key has", key("secretvalue\nInjected: yes", "600"),
      1, true)
    assert.matches("it has a character that no key has", key("secretvalu\u{e9}", "600"), 1, true)
    assert.matches("it is empty", key("\n", "600"), 1, true)
    assert.matches("No such file", refused{key_file = dir .. "/nowhere"}, 1, true)
    assert.matches("it is not a file", refused{key_file = dir}, 1, true)
  end)

  it("says what is wrong with a definition", function()
    local function refused(fields)
      local t = {name = "odd", api = "anthropic", model = "m", key_file = dir .. "/key",
                 key_env = "ORUN_SPEC_NO_KEY"}
      for field, value in pairs(fields) do t[field] = value end
      return tostring(select(2, pcall(orun.agent, t)))
    end
    assert.matches('agent: api = "cohere": expected "anthropic" or "openai"',
      refused{api = "cohere"}, 1, true)
    assert.matches("unknown field \"sytem\", did you mean 'system'?", refused{sytem = ""}, 1, true)
    assert.matches("max_tokens = 0: it must be above 0", refused{max_tokens = 0}, 1, true)
    assert.matches("temperature = \"hot\": expected a number", refused{temperature = "hot"},
      1, true)
    assert.matches('effort = "hihg": there are minimal, low, medium, high, xhigh, max',
      refused{effort = "hihg"}, 1, true)
    assert.matches("effort = 3: expected a string", refused{effort = 3}, 1, true)
    assert.matches("tools[1] = \"rm\": there is no such built-in tool", refused{tools = {"rm"}}, 1,
      true)
    assert.matches("tools[1] (x): run = nil", refused{tools = {{name = "x"}}}, 1, true)
    assert.matches("headers[\"a\"]", refused{headers = {a = "b\nc: d"}}, 1, true)
    assert.matches("give either api= or preset=", refused{preset = "claude"}, 1, true)
  end)
end)

describe("Task{schema=}", function()
  it("checks what a function returns", function()
    local form = {type = "array", items = {type = "integer"}, minItems = 1}
    assert.same({1, 2}, Task{schema = form, run = function() return {1, 2} end}.output)
    local r = Task{schema = form, run = function() return {1, "2"} end}
    assert.same({"failed", "schema"}, {r.status, r.error_kind})
    assert.matches('the result does not have the form asked for: /1: "2" is a string', r.error, 1,
      true)
    assert.same({1, "2"}, r.output)
  end)

  it("is refused at the call when it cannot be checked in full", function()
    assert.error_matches(function() Task{schema = {type = "str"}, run = print} end,
      'Task: schema/type = "str"')
    assert.error_matches(function() Task{schema = {patern = "x"}, run = print} end,
      "Task: schema/patern: orun does not understand this keyword")
    orun.agent{name = "plain", command = {"cat"}}
    assert.error_matches(function() Task{subagent_type = "plain", prompt = "x", schema = {}} end,
      "Task: schema = .-: it is for agents that orun asks in its own name")
  end)
end)

describe("orun.llm.retry_after", function()
  local retry_after = require "orun.llm.retry_after"

  it("G1 understands seconds and dates, and nothing else", function()
    assert.equal(0, retry_after("0"))
    assert.equal(120, retry_after(" 120 "))
    assert.equal(1.5, retry_after("1.5"))
    assert.equal(3600, retry_after("99999999"))
    for _, text in ipairs{"-5", "abc", "", "1e3", "0x10", "5 s"} do
      assert.is_nil(retry_after(text), text)
    end
    assert.is_nil(retry_after(nil))
    assert.equal(7, retry_after("3, 7"))
    local now = 784111777 -- Sun, 06 Nov 1994 08:49:37 GMT
    assert.equal(0, retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now))
    assert.equal(23, retry_after("Sun, 06 Nov 1994 08:50:00 GMT", now))
    assert.equal(0, retry_after("Sun, 06 Nov 1983 08:49:37 GMT", now))
    assert.equal(3600, retry_after("Tue, 19 Jan 2038 03:14:08 GMT", now))
    assert.equal(3600, retry_after("Sun, 06 Nov 2094 08:49:37 GMT", now))
    assert.is_nil(retry_after("Sun, 06 Foo 1994 08:49:37 GMT", now))
  end)
end)
