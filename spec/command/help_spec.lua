--- orun help: the manual in the terminal.

local h = require "spec.support.helper"

local function help(...)
  local r = h.orun{"help", ...}
  return r.out, r.code, r.err
end

-- On a terminal, with these variables.
local function on_terminal(words, env)
  env.SHELL, env.TERM = "/bin/sh", "xterm"
  local command = ("%s %s help %s"):format(os.getenv "ORUN_WRAP" or "", h.quote(h.bin), words)
  local r = h.sh(("script -qec %s /dev/null"):format(h.quote(command)), {env = env})
  return (r.out:gsub("\r\n", "\n")), r.code
end

describe("orun help", function()
  it("lists commands, workflows, functions, tables, chapters and what is in C", function()
    local out, code = help()
    assert.equal(0, code)
    for _, name in ipairs{"options", "agents", "gc", "report", "plan", "review", "spec:execute",
      "TaskOutput", "orun.fan_out", "Task fields", "error kinds", "orun_new"} do
      assert.matches("\n  " .. name .. " ", out, 1, true)
    end
    assert.matches("\n  Try it\n", out, 1, true)
  end)

  it("prints a function: its calls, parameters, return, errors, and an example", function()
    local out = help "TaskOutput"
    assert.matches("^TaskOutput\n\n    TaskOutput%(task%)\n", out)
    for _, part in ipairs{"Parameters", "Returns", "Errors", "Example"} do
      assert.matches("\n" .. part .. "\n", out, 1, true)
    end
    assert.equal(out, (help "taskoutput"))
  end)

  it("finds patterns with and without orun, and has the head of their file", function()
    local out = help "fan_out"
    assert.equal(out, (help "orun.fan_out"))
    assert.matches("Nothing is lost and nothing is raised for it", out, 1, true)
    assert.matches("    print(results[1].output)   --> 42\n", out, 1, true)
  end)

  it("finds tables, fields, chapters and C", function()
    assert.matches("\n  blockedBy\n", help "Task fields", 1, true)
    assert.equal((help "Task fields"), (help("Fields", "of", "Task")))
    assert.matches("\n  spawn\n", help "error kinds", 1, true)
    assert.matches("In entry fields\n", help "blockedBy", 1, true)
    assert.matches("--strict", help "options", 1, true)
    assert.matches("\n    int orun_free(orun *o);\n", help "orun_free", 1, true)
    assert.matches("make demo", help "try it", 1, true)
  end)

  it("prints the help of commands and workflows", function()
    for _, name in ipairs{"agents", "doctor", "gc", "help", "init", "mcp", "report", "rm", "runs",
      "show", "task", "tasks", "trust", "workflows"} do
      local text = h.orun{name, "--help"}.out
      for line in text:gmatch("[^\n]+") do assert.matches(line, help(name), 1, true) end
    end
    assert.matches("looks at what has changed", help "review", 1, true)
  end)

  it("says what may have been meant, and ends with 1", function()
    local out, code, err = help "TaskOutptu"
    assert.equal("", out)
    assert.equal(1, code)
    assert.equal("orun help: there is no topic TaskOutptu, did you mean TaskOutput?\n"
      .. "'orun help' lists them\n", err)
    err = select(3, help "\27[2J")
    assert.is_nil(err:find("\27", 1, true))
    assert.equal(2, select(2, help "--zzz"))
  end)

  it("is paged on a terminal only, by the pager that is wanted", function()
    local dir = h.tmpdir()
    h.write(dir .. "/page", "#!/bin/sh\necho paged\ncat\n")
    h.sh("chmod +x " .. h.quote(dir .. "/page"))
    local pager = dir .. "/page"
    assert.matches("^paged\n", (on_terminal("orun.now", {ORUN_PAGER = pager, PAGER = "false"})))
    assert.matches("^paged\n", (on_terminal("orun.now", {PAGER = pager, ORUN_PAGER = false})))
    assert.is_nil(on_terminal("orun.now", {ORUN_PAGER = "cat"}):find("paged", 1, true))
    assert.is_nil(on_terminal("orun.now", {ORUN_PAGER = ""}):find("paged", 1, true))
    local r = h.orun{"help", "orun.now", env = {ORUN_PAGER = pager}}
    assert.matches("^orun.now\n", r.out)
  end)

  it("has bold headings on a terminal, and none where no colours are wanted", function()
    assert.matches("^\27%[1morun.now\27%[m\n", (on_terminal("orun.now", {ORUN_PAGER = "cat"})))
    assert.matches("^orun.now\n", (on_terminal("orun.now", {ORUN_PAGER = "cat", NO_COLOR = "1"})))
  end)

  it("ends well when its pager does not read to the end", function()
    local _, code = on_terminal("", {ORUN_PAGER = "true"})
    assert.equal(0, code)
  end)

  it("fits the columns there are", function()
    local r = h.orun{"help", "Task fields", env = {COLUMNS = "50"}}
    for line in r.out:gmatch("[^\n]+") do assert.is_true(utf8.len(line) <= 50, line) end
  end)
end)
