-- Task{cmd = {...}} was told "did you mean 'cwd'?".

local orun = require "orun"

describe("an unknown field", function()
  it("is told by what it means in other tools", function()
    for field, ours in pairs{cmd = "command", argv = "command", exec = "command", args = "command",
        shell = "command", fn = "run", func = "run", ["function"] = "run", callback = "run",
        deps = "blockedBy", depends_on = "blockedBy", dependsOn = "blockedBy", dir = "cwd",
        workdir = "cwd", ["working-directory"] = "cwd", environment = "env", name = "description",
        title = "description", agent = "subagent_type", background = "run_in_background",
        retries = "retry", message = "prompt", data = "input", memory = "memory_limit"} do
      local _, message = pcall(Task, {[field] = 1})
      assert.equal(("Task: unknown field %q, did you mean '%s'?"):format(field, ours), message)
    end
  end)

  it("is told so of other calls and of patterns, by a name they have", function()
    local function said(want, f, ...)
      local _, message = pcall(f, ...)
      assert.matches(("did you mean '%s'?"):format(want), message, 1, true)
    end
    said("command", orun.exec, {cmd = {"x"}})
    said("cwd", orun.exec, {command = {"x"}, dir = "/"})
    said("description", orun.agent, {title = "x", command = {"x"}})
    said("limit", orun.fan_out, {}, {concurrency = 2})
    said("limit", orun.workers, print, {concurrency = 2})
    said("pool", Task, {concurrency = 2})
  end)

  it("is still told by its letters", function()
    local _, message = pcall(Task, {promt = "x"})
    assert.matches("did you mean 'prompt'?", message, 1, true)
    _, message = pcall(Task, {commnad = "x"})
    assert.matches("did you mean 'command'?", message, 1, true)
  end)
end)
