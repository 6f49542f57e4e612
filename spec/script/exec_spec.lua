--- orun.exec, and the small functions: sleep, log, config.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local background, journal = shared.background, shared.journal

describe("orun.exec", function()
  it("gives what a program printed and how it ended", function()
    local run = orun.exec{command = {"sh", "-c", "cat; echo bad >&2; exit 4"}, input = "in\0put"}
    assert.equal("in\0put", run.output)
    assert.equal("bad\n", run.stderr)
    assert.equal(4, run.exit_code)
    assert.equal("exit", run.error_kind)
    assert.equal("float", math.type(run.duration))
    assert.is_nil(orun.exec("true").error)
    assert.equal("a b\n", orun.exec("echo", "a b").output)
  end)

  it("takes numbers as arguments, and names the place of what cannot be one", function()
    assert.equal("1\n2\n3\n", orun.exec("seq", 1, 3).output)
    assert.equal("0.5\n", orun.exec{command = {"echo", 0.5}}.output)
    local function refused(why, ...)
      local ok, message = pcall(orun.exec, ...)
      assert.is_false(ok)
      assert.matches(why, message, 1, true)
    end
    refused("exec: command[3] = true: expected a string or a number", "seq", 1, true)
    refused("exec: command[2] = a table", {command = {"echo", {}}})
    refused("command[2]", "echo", "a\0b")
  end)

  it("has the words of a task's result, and refuses those it once had", function()
    local run = orun.exec("echo", "x")
    assert.same({true, 0, "x\n"}, {run.ok, run.exit_code, run.output})
    assert.is_false(orun.exec("false").ok)
    for old, new in pairs{code = "exit_code", stdout = "output"} do
      local ok, message = pcall(function() return run[old] end)
      assert.is_false(ok)
      assert.matches(("exec_spec.lua:%%d+: a result of orun.exec has no field %s; write %s"):format(
        old, new), message)
    end
    assert.is_nil(run.no_such_field)
  end)

  it("gives a result that goes elsewhere as any table does", function()
    local r = h.script[[
      local run = orun.exec("echo", "x")
      print(Task{run = function(r) return r.output .. tostring(r.code) end, input = run}.output)
      print(orun.json.encode(run):match('"output":"[^"]*"'))
      for key, value in pairs(run) do assert(rawequal(run[key], value)) end]]
    assert.equal('x\nnil\n"output":"x\\n"\n', r.out, r.err)
    assert.equal("", r.err)
  end)

  it("raises with check = true as orun.fail does, or gives the output", function()
    assert.equal("x\n", orun.exec{command = {"echo", "x"}, check = true})
    local r = Task{run = function()
      return orun.exec{command = {"sh", "-c", "echo part; echo bad >&2; exit 4"}, check = true}
    end}
    assert.same({"failed", "exit", "exit code 4: bad", "part\n"},
      {r.status, r.error_kind, r.error, r.output})
    local function kind(t)
      t.check = true
      local ok, e = pcall(orun.exec, t)
      assert.is_false(ok)
      assert.equal(e.message, tostring(e))
      return e.kind
    end
    assert.equal("spawn", kind{command = {"no-such-program-anywhere"}})
    assert.equal("signal", kind{command = {"sh", "-c", "kill -9 $$"}})
    assert.equal("timeout", kind{command = {"sleep", 1000}, timeout = "20ms"})
    local ok, why = pcall(orun.exec, {command = {"true"}, check = true, stream = true})
    assert.is_false(ok)
    assert.matches("exec: check = true is for a program whose end is waited for", why, 1, true)
  end)

  it("tells a signal, a failed start and a timeout apart, and never raises for them", function()
    assert.equal("signal", orun.exec("sh", "-c", "kill -9 $$").error_kind)
    assert.equal("spawn", orun.exec("no-such-program-anywhere").error_kind)
    assert.equal("spawn", orun.exec{command = {"true"}, cwd = "/no/such/folder"}.error_kind)
    assert.equal("timeout", orun.exec{command = {"sleep", "1000"}, timeout = "20ms"}.error_kind)
  end)

  it("takes cwd and env", function()
    assert.equal("/\n", orun.exec{command = {"pwd"}, cwd = "/"}.output)
    local run = orun.exec{command = {"sh", "-c", "echo $P_VAR"}, env = {P_VAR = "v"}}
    assert.equal("v\n", run.output)
  end)

  it("has the env of its task, and its own over that, wherever the task runs", function()
    local function say()
      local command = {"sh", "-c", "echo $ENV_A,$ENV_B,${HOME-none}"}
      local first = orun.exec{command = command, env = {ENV_B = "exec"}}.output
      local pipe <close> = io.popen("echo $ENV_A,$ENV_B,${HOME-none}")
      return first .. pipe:read("l")
    end
    for _, isolation in ipairs{"none", "process"} do
      local r = Task{run = say, isolation = isolation == "process" and isolation or nil,
                     env = {ENV_A = "a", ENV_B = "task", HOME = false}}
      assert.equal("a,exec,none\na,task,none", r.output or r.error)
    end
  end)

  it("keeps the whole of a long output in a file", function()
    local run = orun.exec{command = {"head", "-c", "5000", "/dev/zero"}, max_output = 1000}
    assert.is_true(run.truncated)
    assert.is_true(#run.output < 5000)
    assert.equal(5000, #h.read(run.output_file))
  end)

  it("works in tasks, and ends with the task", function()
    local path, lines = journal()
    local task = background{input = path, run = function(file)
      return orun.exec("sh", "-c", "echo $$ > " .. file .. "; exec sleep 1000")
    end}
    local pid = h.wait_for(function() return lines()[1] end)
    TaskStop(task)
    assert.equal("cancelled", TaskOutput(task).status)
    assert.is_truthy(h.wait_for(function() return not h.exists("/proc/" .. pid .. "/stat") end))
  end)
end)

describe("the small ones", function()
  it("sleep at least as long as told", function()
    local before = orun.now()
    orun.sleep("20ms")
    orun.sleep(0)
    assert.is_true(orun.now() - before >= 0.02)
  end)

  it("log a line on stderr, in one piece", function()
    local r = h.script[[orun.log("a", 1, nil, {} ~= nil) orun.log()]]
    assert.equal("a\t1\tnil\ttrue\n\n", r.err)
    assert.equal("", r.out)
  end)

  it("tell the version and the limits", function()
    assert.matches("^%d+%.%d+%.%d+$", orun.version)
    local r = h.orun{"-j", "3", "--workers", "4", "-e", [[
      local c = orun.config()
      print(c.processes, c.workers, orun.config{processes = 9}.processes)]]}
    assert.equal("3\t4\t9\n", r.out, r.err)
  end)
end)
