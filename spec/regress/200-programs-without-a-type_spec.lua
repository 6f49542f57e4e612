-- A program could be run by an agent type only, and only with a prompt.

local h = require "spec.support.helper"
local orun = require "orun"

describe("a task that is a program", function()
  it("needs no agent type and no input", function()
    local r = Task{command = {"echo", "a b", 3}}
    assert.same({"completed", "a b 3\n", 0}, {r.status, r.output, r.exit_code})
    assert.equal("echo a b 3", r.description)
    assert.equal("", Task{command = {"cat"}}.output)
    assert.equal("named", Task{command = {"true"}, description = "named"}.description)
  end)

  it("reads its prompt and its input", function()
    assert.equal("in", Task{command = {"cat"}, input = "in"}.output)
    assert.equal("ask\n\n[1]", Task{command = {"cat"}, prompt = "ask", input = {1}}.output)
    assert.equal("filed", Task{command = {"cat", "{prompt_file}"}, prompt = "filed"}.output)
    local first = Task{command = {"echo", "one"}, run_in_background = true}
    assert.equal("one\n", Task{command = {"cat"}, input = first}.output)
  end)

  it("is called by its command, cut where a character ends", function()
    local long = ("ä"):rep(100)
    local title = Task{command = {"true", "x\ny", long}}.description
    assert.is_truthy(utf8.len(title))
    assert.matches("^true x y [\128-\255]+%.%.%.$", title)
  end)

  it("has cwd, env, timeout, retry and max_output", function()
    local dir = h.tmpdir()
    local r = Task{command = {"sh", "-c", "pwd -P; echo $A"}, cwd = dir, env = {A = "v"}}
    assert.matches("\nv\n$", r.output)
    assert.equal("timeout", Task{command = {"sleep", 60}, timeout = 0.01}.error_kind)
    local count = dir .. "/count"
    r = Task{command = {"sh", "-c", 'echo >> "$0"; test $(wc -l < "$0") = 2', count},
             retry = {max = 3, backoff = 0.001}}
    assert.same({"completed", 2}, {r.status, r.attempts})
    assert.is_true(Task{command = {"seq", 5000}, max_output = 100}.truncated)
  end)

  it("fails as programs do", function()
    local r = Task{command = {"sh", "-c", "echo why >&2; exit 3"}}
    assert.same({"failed", "exit", 3}, {r.status, r.error_kind, r.exit_code})
    assert.matches("why", r.error)
    r = Task{command = {"orun-no-such-program"}}
    assert.same({"failed", "spawn"}, {r.status, r.error_kind})
    assert.matches("orun-no-such-program", r.error, 1, true)
  end)

  it("gives a value where its output is to have a form", function()
    local form = {type = "object", properties = {n = {type = "integer"}}}
    local r = Task{command = {"echo", '{"n": 7}'}, schema = form}
    assert.same({7, 0}, {r.output.n, r.exit_code})
    r = Task{command = {"echo", '{"n": "x"}'}, schema = form}
    assert.same({"failed", "schema"}, {r.status, r.error_kind})
    r = Task{command = {"echo", "words"}, schema = form}
    assert.equal("schema", r.error_kind)
    assert.matches("not JSON", r.error)
    r = Task{command = {"sh", "-c", "echo '{}'; exit 2"}, schema = form}
    assert.same({"exit", 2}, {r.error_kind, r.exit_code})
    assert.equal("timeout", Task{command = {"sleep", 60}, schema = form, timeout = 0.01}.error_kind)
    r = Task{command = {"seq", "-f", "[%g,", "-s", "", 1}, schema = form}
    assert.equal("schema", r.error_kind)
  end)

  it("works in tasks, in isolated ones and in every pattern", function()
    local function inner() return Task{command = {"echo", "in"}}.output end
    assert.equal("in\n", Task{run = inner}.output)
    assert.equal("in\n", Task{run = inner, isolation = "process"}.output)
    local echo = {command = {"echo", "x"}}
    assert.equal("x\n", orun.fan_out({echo})[1].output)
    assert.equal("echo x", orun.fan_out({echo})[1].description)
    assert.equal("x\n", orun.fan_out({echo}, {defaults = {subagent_type = "none"}})[1].output)
    assert.equal("x\n", orun.batches({{tasks = {echo}}}, {progress = false})[1].output)
    assert.equal("x\n", orun.race{echo}.output)
    assert.equal("x\n", orun.quorum({echo}, 1)[1].output)
    assert.equal("x\n", orun.retry(echo).output)
    assert.equal("AB", orun.pipeline({"ab"}, {command = {"tr", "a-z", "A-Z"}})[1].output)
    assert.same({"A", "B"}, orun.map({"a", "b"}, {command = {"tr", "a-z", "A-Z"}}))
    local none = orun.map({1}, {command = {"false"}}, {on_failure = "go_on"})
    assert.equal("exit code 1", none.failed[1].error)
    local items = {{description = "said"}, {description = "d", prompt = "asked"}}
    local done = orun.workers({command = {"cat"}}, {items = items})
    assert.same({"said", "asked"}, {done[#done - 1].output, done[#done].output})
  end)

  it("is planned and not started", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", 'Task{command = {"touch", "made"}, schema = {type = "object"}}')
    local r = h.orun{"plan", "s.lua", cwd = dir}
    assert.equal(0, r.code, r.err)
    assert.matches("touch made", r.out, 1, true)
    assert.matches("program", r.out, 1, true)
    assert.is_nil(io.open(dir .. "/made"))
  end)

  it("is refused with the fix where the command is none", function()
    local function refused(fields, ...)
      local ok, message = pcall(Task, fields)
      assert.is_false(ok)
      for _, part in ipairs{...} do assert.matches(part, message, 1, true) end
    end
    refused({command = {}}, "Task: command is empty", '{"ls", "-l"}')
    refused({command = "ls -l"}, 'command = "ls -l"', '{"sh", "-c", line}')
    refused({command = 7}, "command = 7: expected an array")
    refused({command = {"a", true}}, "command[2] = true: expected a string or a number")
    refused({command = {"a\0b"}}, "NUL")
    refused({command = {""}}, "command[1] is empty")
    refused({command = {"a", nil, "c"}}, "holes")
    refused({command = {"a"}, run = print}, "both run and command are given")
    refused({command = {"a"}, subagent_type = "x"}, "both command and subagent_type are given")
    refused({command = {"a"}, model = "m"}, "model")
    refused({command = {"a"}, isolation = "process"}, "isolation")
    refused({run = print, expose = {"A"}}, "expose is for command")
    refused({}, "neither run nor prompt is given", "command = {")
  end)

  it("of an agent type that is a command runs without a prompt", function()
    orun.agent{name = "regress-200", command = {"echo", "done"}}
    assert.equal("done\n", Task{subagent_type = "regress-200"}.output)
  end)
end)
