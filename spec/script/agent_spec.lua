--- Agent types that are programs.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local background, output_of = shared.background, shared.output_of

orun.agent{name = "p-cat", command = {"cat"}}
orun.agent{name = "p-sh", command = {"sh"}}

describe("agent types that are programs", function()
  it("get the prompt on stdin and give stdout, byte for byte", function()
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    local text = table.concat(bytes) .. "\r\n\xff no newline at the end"
    assert.equal(text, output_of{subagent_type = "p-cat", prompt = text})
  end)

  it("get the prompt in a file that only the user can read", function()
    orun.agent{name = "p-file", command = {"sh", "-c",
      'echo "$0"; stat -c %a "$0"; cat "$0"; cat', "{prompt_file}"}}
    local result = Task{subagent_type = "p-file", prompt = "in a file"}
    local path, mode, text = result.output:match("^([^\n]*)\n([^\n]*)\n(.*)$")
    assert.matches("^/", path)
    assert.equal("600", mode)
    assert.equal("in a file", text) -- and nothing on stdin
    assert.is_false(h.exists(path))
  end)

  it("get the file's name in the middle of an argument too", function()
    orun.agent{name = "p-middle", command = {"sh", "-c", 'cat "${0#--prompt=}"',
                                           "--prompt={prompt_file}"}}
    assert.equal("x", output_of{subagent_type = "p-middle", prompt = "x"})
  end)

  it("never see a prompt in their arguments or environment", function()
    orun.agent{name = "p-look", command = {"sh", "-c",
      "tr '\\0' '\\n' < /proc/$$/cmdline; tr '\\0' '\\n' < /proc/$$/environ"}}
    assert.is_nil(output_of{subagent_type = "p-look", prompt = "very secret",
                            max_output = "1MiB"}:find("very secret"))
  end)

  it("get an empty prompt when that is allowed", function()
    assert.equal("", output_of{subagent_type = "p-cat", prompt = "", allow_empty = true})
    assert.equal("", output_of{subagent_type = "p-cat", allow_empty = true})
  end)

  it("fail with their exit code and the end of their stderr", function()
    local result = Task{subagent_type = "p-sh", prompt = "echo partial; echo cannot >&2; exit 3"}
    assert.equal("failed", result.status)
    assert.equal("exit", result.error_kind)
    assert.equal(3, result.exit_code)
    assert.is_nil(result.signal)
    assert.matches("exit code 3", result.error)
    assert.matches("cannot$", result.error)
    assert.equal("partial\n", result.output)
  end)

  it("fail with the last of a long stderr", function()
    local result = Task{subagent_type = "p-sh", prompt = [[
      i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo noise $i >&2; done
      echo the reason >&2; exit 1]]}
    assert.matches("the reason$", result.error)
    assert.is_true(#result.error < 10000)
  end)

  it("fail with their signal", function()
    local result = Task{subagent_type = "p-sh", prompt = "kill -KILL $$"}
    assert.equal("signal", result.error_kind)
    assert.equal(9, result.signal)
    assert.is_nil(result.exit_code)
    assert.matches("SIGKILL", result.error)
  end)

  it("fail with the reason why they could not be started", function()
    orun.agent{name = "p-absent", command = {"no-such-program-anywhere"}}
    local result = Task{subagent_type = "p-absent", prompt = "x"}
    assert.equal("spawn", result.error_kind)
    assert.matches("no%-such%-program%-anywhere", result.error)
    assert.matches("ENOENT", result.error)
  end)

  it("keep stdout and stderr apart", function()
    local result = Task{subagent_type = "p-sh", prompt = "echo one; echo two >&2; echo three"}
    assert.equal("one\nthree\n", result.output)
  end)

  it("run in cwd", function()
    local dir = h.tmpdir()
    assert.equal(dir .. "\n", output_of{subagent_type = "p-sh", prompt = "pwd -P", cwd = dir})
    orun.agent{name = "p-there", command = {"pwd", "-P"}, cwd = dir}
    assert.equal(dir .. "\n", output_of{subagent_type = "p-there", prompt = "x"})
    assert.equal("/\n", output_of{subagent_type = "p-there", prompt = "x", cwd = "/"})
  end)

  it("have the script's environment, the type's, and the task's, in that order", function()
    local script = [[
      orun.agent{name = "a", command = {"sh"}, env = {ONE = "type", TWO = "type"}}
      local ask = 'echo "$ZERO $ONE $TWO"'
      io.write(Task{subagent_type = "a", prompt = ask, env = {TWO = "task"}}.output)]]
    local r = h.script(script, {env = {ZERO = "script", ONE = "script", TWO = "script"}})
    assert.equal("script type task\n", r.out)
  end)

  it("know their task's id", function()
    local result = Task{subagent_type = "p-sh", prompt = "echo $ORUN_TASK_ID"}
    assert.equal(result.task_id .. "\n", result.output)
  end)

  it("may be defined again; the last one counts", function()
    orun.agent{name = "p-again", run = function() return "old" end}
    orun.agent{name = "p-again", run = function() return "new" end}
    assert.equal("new", output_of{subagent_type = "p-again", prompt = "x"})
  end)

  it("show what they have printed so far to who does not wait", function()
    local dir = h.tmpdir()
    assert(orun.exec("mkfifo", dir .. "/go").exit_code == 0)
    local task = background{subagent_type = "p-sh",
                            prompt = "echo so far; read -r _ < " .. dir .. "/go; echo done"}
    assert.is_truthy(h.wait_for(function()
      local now = TaskOutput{task_id = task, block = false}
      return now.status == "in_progress" and now.output == "so far\n"
    end))
    assert.equal(0, orun.exec("sh", "-c", "echo > " .. dir .. "/go").exit_code)
    assert.equal("so far\ndone\n", TaskOutput(task).output)
  end)
end)
