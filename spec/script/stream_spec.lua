--- orun.exec{stream = true}: programs that are read while they run.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local background, error_of, journal = shared.background, shared.error_of, shared.journal

-- Programs that print their pid first and stay.
local STAY <const> = {"sh", "-c", "echo $$; exec sleep 1000"}

local function gone(pid)
  return h.wait_for(function() return not h.exists("/proc/" .. pid .. "/stat") end)
end

local function stream(fields)
  fields.stream = true
  return assert(orun.exec(fields))
end

local function lines_of(reader, longest)
  local all = {}
  for line in reader:lines(longest) do all[#all + 1] = line end
  return all
end

describe("orun.exec with stream", function()
  it("gives what is printed while the program runs", function()
    local dir = h.tmpdir()
    orun.exec("mkfifo", dir .. "/go")
    local r <close> = stream{command = {"sh", "-c", "echo one; cat go; echo two"}, cwd = dir}
    assert.equal("one\n", r:read())
    h.write(dir .. "/go", "three\n") -- it waits for that
    assert.same({"three", "two"}, lines_of(r))
    assert.is_nil(r:read())
  end)

  it("tells the end as orun.exec does, as often as asked", function()
    local r = stream{command = {"sh", "-c", "cat; echo bad >&2; exit 4"}, input = "in\0put"}
    for _ = 1, 2 do
      local ending = r:wait()
      assert.same({"in\0put", "bad\n", 4, "exit"},
        {ending.output, ending.stderr, ending.exit_code, ending.error_kind})
    end
    assert.equal("in\0put", r:read()) -- the end takes nothing away
    assert.is_nil(r:read())
    assert.equal("signal", stream{command = {"sh", "-c", "kill -9 $$"}}:wait().error_kind)
    assert.is_nil(stream{command = {"true"}}:wait().error)
  end)

  it("gives nil and the reason when the program cannot be started", function()
    local r, message, kind = orun.exec{command = {"no-such-program-anywhere"}, stream = true}
    assert.is_nil(r)
    assert.matches("cannot start 'no%-such%-program%-anywhere': .*ENOENT", message)
    assert.equal("spawn", kind)
    r, message = orun.exec{command = {"true"}, cwd = "/no/such/folder", stream = true}
    assert.is_nil(r)
    assert.matches("^cwd: ", message)
  end)

  it("gives lines, the last one without its end too, and long ones in pieces", function()
    local function printed(text, longest)
      return lines_of(stream{command = {"cat"}, input = text}, longest)
    end
    assert.same({"a", "", "b"}, printed("a\n\nb"))
    assert.same({"a\r", "\0"}, printed("a\r\n\0\n"))
    assert.same({}, printed(""))
    assert.same({"abc", "de", "abc", "", "abc", "a"}, printed("abcde\nabc\n\nabca", 3))
    local long = printed(("x"):rep(2500000) .. "\nend")
    assert.same({1 << 20, 1 << 20, 2500000 - (2 << 20), 3},
      {#long[1], #long[2], #long[3], #long[4]})
  end)

  it("waits no longer than told for what comes next", function()
    local r <close> = stream{command = STAY}
    local pid = r:read("1h")
    assert.same({nil, "timeout"}, {r:read(0.01)})
    assert.same({nil, "timeout"}, {r:read(0)})
    assert.matches("^%d+\n$", pid)
    assert.matches('read: timeout = "soon"', error_of(r.read, r, "soon"), 1, true)
    local other <close> = stream{command = {"echo", "x"}}
    other:wait()
    assert.same({"x\n"}, {other:read(0)})
    assert.same({}, {other:read(0)})
  end)

  it("refuses a length of lines that is none", function()
    local r <close> = stream{command = {"true"}}
    assert.matches("longest = 0: expected a whole number", error_of(r.lines, r, 0), 1, true)
  end)

  it("does not hold a program up that is not read, nor keep what it prints in memory", function()
    local r = h.script([[
      local function peak()
        local file <close> = io.open("/proc/self/status")
        return tonumber(file:read("a"):match("VmHWM:%s*(%d+)"))
      end
      local before = peak()
      local r = orun.exec{command = {"head", "-c", "200000000", "/dev/zero"}, stream = true,
                          max_output = 1000}
      print(r:wait().truncated, peak() - before < 50000)
      local n = 0
      for line in r:lines() do n = n + #line end
      print(n)]])
    assert.equal("true\ttrue\n200000000\n", r.out, r.err)
  end)

  it("ends the program that is told to, and what it has started", function()
    local r = stream{command = {"sh", "-c", "sleep 1000 & echo $!; wait"}}
    local child = r:read():match("%d+")
    r:kill()
    assert.equal("signal", r:wait().error_kind)
    assert.is_nil(r:read())
    assert.is_truthy(gone(child))
  end)

  it("ends the program with the variable, with the reader and when it is closed", function()
    local pids = {}
    do
      local r <close> = stream{command = STAY}
      pids[1] = r:read():match("%d+")
    end
    pids[2] = stream{command = STAY}:read():match("%d+")
    collectgarbage()
    collectgarbage()
    local r = stream{command = STAY}
    pids[3] = r:read():match("%d+")
    r:close()
    for _, pid in ipairs(pids) do assert.is_truthy(gone(pid)) end
    r:close() -- again
    for _, method in ipairs{"read", "wait", "kill"} do
      assert.matches(method .. ": the program's stream is closed", error_of(r[method], r), 1, true)
    end
    assert.matches("orun.stream expected", error_of(r.read, {}), 1, true)
    assert.matches("orun.stream expected", error_of(r.close, io.stdout), 1, true)
  end)

  it("ends the program when its time is up, whoever waits", function()
    local r, pid
    h.in_time(function(timeout)
      r = stream{command = STAY, timeout = timeout}
      pid = (r:read() or ""):match("%d+")
      return pid
    end)
    assert.is_truthy(gone(pid)) -- nobody reads
    assert.is_nil(r:read())
    local ending = r:wait()
    assert.same({"timeout", "timed out"}, {ending.error_kind, ending.error})
    r = stream{command = {"sleep", "1000"}, timeout = "20ms"}
    assert.is_nil(r:read())
    assert.equal("timeout", r:wait().error_kind)
  end)

  it("works in tasks, and ends with the task", function()
    local function ended(fields)
      local path, lines = journal()
      fields.input = path
      local task = background(fields)
      local pid = h.wait_for(function() return lines()[1] end)
      TaskStop(task)
      assert.equal("cancelled", TaskOutput(task).status)
      assert.is_truthy(gone(pid))
    end
    local function read(path)
      local r = orun.exec{command = {"sh", "-c", "echo $$ >" .. path .. "; exec sleep 1000"},
                          stream = true}
      while r:read() do end
    end
    ended{run = read}
    ended{run = read, isolation = "process"}
    ended{run = function(path)
      local r = orun.exec{command = {"sh", "-c", "echo $$ >" .. path .. "; exec sleep 1000"},
                          stream = true}
      r:wait()
    end}
    ended{run = function(path) -- where it must not yield, and catches the error
      local r = orun.exec{command = {"sh", "-c", "echo $$ >" .. path .. "; exec sleep 1000"},
                          stream = true}
      table.sort({1, 2}, function() return pcall(r.read, r) end)
    end}
    assert.same({"a", "b"}, shared.output_of{run = function()
      local all = {}
      local r <close> = orun.exec{command = {"printf", "a\nb"}, stream = true}
      for line in r:lines() do all[#all + 1] = line end
      return all
    end})
  end)

  it("is read in coroutines of one's own and in comparators", function()
    local function read()
      local r <close> = orun.exec{command = {"printf", "a"}, stream = true}
      return r:read()
    end
    assert.equal("a", coroutine.wrap(read)())
    assert.equal("aa", shared.output_of{input = 1, run = function()
      local r <close> = orun.exec{command = {"printf", "a"}, stream = true}
      return coroutine.wrap(function() return r:read() end)() .. ("x"):gsub("x", function()
        local other <close> = orun.exec{command = {"printf", "a"}, stream = true}
        return other:read()
      end)
    end})
  end)

  it("lets go of the worker while it waits", function()
    local fifo = h.tmpdir() .. "/fifo"
    orun.exec("mkfifo", fifo)
    local r = h.orun{"--workers", "1", "-e", ([[
      local reader = Task{run_in_background = true, run = function()
        local r <close> = orun.exec{command = {"cat", %q}, stream = true}
        return r:read()
      end}
      local writer = Task{run_in_background = true, run = function()
        return orun.exec{command = {"sh", "-c", "echo through >" .. %q}}.error
      end}
      print(TaskOutput(reader).output, TaskOutput(writer).output)]]):format(fifo, fifo)}
    assert.equal("through\n\tnil\n", r.out, r.err)
  end)

  it("works in a process of its own", function()
    local r = Task{isolation = "process", run = function()
      local r <close> = orun.exec{command = {"sh", "-c", "echo a; echo b; printf c; exit 3"},
                                  stream = true}
      local all = {}
      for line in r:lines() do all[#all + 1] = line end
      local stay = orun.exec{command = {"sleep", "1000"}, stream = true}
      stay:kill()
      local killed = stay:wait().error_kind
      stay:close()
      local _, message, kind = orun.exec{command = {"no-such-program-anywhere"}, stream = true}
      return {all, r:wait().exit_code, killed, kind, message ~= nil,
              (select(2, pcall(stay.read, stay)))}
    end}
    assert.equal("completed", r.status, r.error)
    assert.same({{"a", "b", "c"}, 3, "signal", "spawn", true}, table.move(r.output, 1, 5, 1, {}))
    assert.matches("read: the program's stream is closed", r.output[6], 1, true)
  end)
end)

describe("orun.exec with files", function()
  it("puts texts into private files, whose paths stand in the arguments", function()
    local text = "a\0b\r\n" .. ("x"):rep(200000)
    local look = 'stat -c "%a %n" "$1" >&2; cat "$1" "$2"'
    local r = orun.exec{files = {config = text, other_one = ""}, max_output = "1MiB",
                        command = {"sh", "-c", look, "sh", "{config}", "{other_one}"}}
    assert.equal(text, r.output)
    local mode, path = r.stderr:match("^(%d+) (.-)\n$")
    assert.equal("600", mode)
    assert.is_false(h.exists(path)) -- gone with the program
  end)

  it("keeps them while the program runs, and no longer", function()
    local r = orun.exec{stream = true, files = {it = "text"},
                        command = {"sh", "-c", 'echo "$0"; exec sleep 1000', "{it}"}}
    local path = r:read():match("[^\n]+")
    assert.equal("text", h.read(path))
    r:close()
    assert.is_truthy(h.wait_for(function() return not h.exists(path) end))
    local none = orun.exec{files = {it = "text"}, command = {"no-such-program-anywhere", "{it}"}}
    assert.equal("spawn", none.error_kind)
  end)

  it("replaces a name wherever it stands, and nothing else", function()
    local function echoed(...)
      return orun.exec{files = {a = "{b}", b = "{a}"}, command = {"printf", "%s\n", ...}}.output
    end
    local path = "/[%w/.%-]+/a%-%d+%.txt"
    assert.matches("^" .. path .. "\n%-%-x=" .. path .. ",/[%w/.%-]+/b%-%d+%.txt!\n$",
      echoed("{a}", "--x={a},{b}!"))
    assert.matches('^{"a": 1}\n{}\n{c}\n{{' .. path .. "}\n/[^\n]+\n{a\n\n$",
      echoed('{"a": 1}', "{}", "{c}", "{{{a}}", "{b}", "{a", ""))
  end)

  it("is not confused by an input that looks like one", function()
    assert.equal("{prompt_file}", orun.exec{command = {"cat"}, input = "{prompt_file}"}.output)
    assert.equal("{prompt_file}", orun.exec("printf", "%s", "{prompt_file}").output)
  end)

  it("refuses names and texts that are none, and what no argument asks for", function()
    local function refused(files, words)
      local message = error_of(orun.exec, {command = {"echo", "{a}"}, files = files})
      assert.matches(words, message, 1, true)
    end
    refused("x", 'exec: files = "x": expected a table {name = text}')
    refused({a = 1}, "exec: files.a is a number; expected its text, a string")
    refused({"x"}, "exec: files has the name 1; a name has the letters a-z and _")
    refused({A = "x"}, 'exec: files has the name "A"')
    refused({["../a"] = "x"}, 'exec: files has the name "../a"')
    refused({["a\0"] = "x"}, "exec: files has the name")
    refused({[("a"):rep(65)] = "x"}, "at most 64")
    refused({a = "x", b = "y"}, "exec: no argument says {b}")
  end)

  it("says that a file cannot be written", function()
    local dir = h.tmpdir()
    h.write(dir .. "/script.lua", [[
      local ok, message = pcall(orun.exec, {command = {"cat", "{a}"}, files = {a = ("x"):rep(1e6)}})
      print(ok, message)]])
    local r = h.sh(("ulimit -f 20; %s script.lua"):format(h.quote(h.bin)), {cwd = dir})
    assert.matches("^false\texec: cannot start 'cat': File too large", r.out)
  end)
end)
