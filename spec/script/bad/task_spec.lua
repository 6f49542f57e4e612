--- Careless and hostile calls of Task, row by row: what is refused, with which
--- words, and what works all the same.

local h = require "spec.support.helper"

orun.agent{name = "bad-cat", command = {"cat"}}
orun.agent{name = "bad-lua", run = function(_, task) return task.prompt end}

--- How many tasks and items there have been: ids are given in order.
local function count() return tonumber(TaskCreate{description = "count"}.id:sub(2)) end

--- The message of a call that must raise, and must not have made a task.
local function refused(fields)
  local before = count()
  local ok, message = pcall(Task, fields)
  assert.is_false(ok)
  assert.equal("string", type(message))
  assert.equal(before + 1, count())
  return message
end

--- Each call must be refused with all of these plain texts in its message.
local function refused_saying(fields, ...)
  local message = refused(fields)
  for _, text in ipairs{...} do assert.matches(text, message, 1, true) end
end

--- A task of `bad-cat` with these fields, or of a function.
local function cat(fields)
  fields.subagent_type = "bad-cat"
  fields.prompt = fields.prompt or "x"
  return fields
end
local function lua(fields)
  fields.run = fields.run or function() return "ran" end
  return fields
end

describe("Task with careless arguments", function()
  it("A1 refuses what is not a table, saying what it got", function()
    local function message_of(...) return select(2, pcall(Task, ...)) end
    assert.equal("Task: argument 1 is missing, not a table; call it as Task{...}", message_of())
    assert.equal("Task: argument 1 is nil, not a table; call it as Task{...}", message_of(nil))
    assert.equal('Task: argument 1 is "x", not a table; call it as Task{...}', message_of("x"))
    assert.equal("Task: argument 1 is 7, not a table; call it as Task{...}", message_of(7))
    assert.equal("Task takes one table, and got 2 arguments", message_of({}, {}))
  end)

  it("A1 names the caller's line", function()
    local r = h.script("\nTask(1)")
    assert.equal(1, r.code)
    assert.matches("script.lua:2: Task: argument 1", r.err, 1, true)
  end)

  it("A2 refuses an unknown field and names the nearest one", function()
    refused_saying({promt = "x"}, "unknown field \"promt\", did you mean 'prompt'?")
    refused_saying({run_in_backgroud = true}, "did you mean 'run_in_background'?")
    refused_saying({blockedby = {}}, "did you mean 'blockedBy'?")
    refused_saying({resluts = 1}, "unknown field \"resluts\"; there are allow_empty, ")
    refused_saying({name = "x"}, "unknown field \"name\", did you mean 'description'?")
    refused_saying({retyr = 1}, "did you mean 'retry'?")
    assert.not_matches("did you mean", refused{quite_something_else = 1})
  end)

  it("A2 refuses keys that are no names", function()
    refused_saying({function() end}, "the field [1] has no meaning here")
    refused_saying({[{}] = 1}, "the field [a table] has no meaning here")
    -- What is shown of a key does not reach the terminal as it is.
    local message = refused{["a\27[31m\n"] = 1}
    assert.is_nil(message:find("%c"))
  end)

  it("A3 wants a prompt for an agent, unless empty is allowed or there is an input", function()
    orun.agent{name = "bad-asked", run = function(_, task) return task.prompt or "" end}
    orun.agent{name = "bad-filed", command = {"cat", "{prompt_file}"}}
    for _, name in ipairs{"bad-asked", "bad-filed"} do
      refused_saying({subagent_type = name}, "prompt is missing", name, "allow_empty")
      refused_saying({subagent_type = name, prompt = ""}, "prompt is empty")
      assert.equal("", Task{subagent_type = name, allow_empty = true}.output)
    end
    refused_saying({subagent_type = "bad-cat", allow_empty = false}, "prompt is missing")
    for _, fields in ipairs{{allow_empty = true}, {prompt = "", allow_empty = true}, {}} do
      fields.subagent_type = "bad-cat"
      assert.equal("", Task(fields).output)
    end
    assert.equal("in", Task{subagent_type = "bad-cat", input = "in"}.output)
  end)

  it("A4 does not turn a prompt of another type into text", function()
    for _, value in ipairs{7, true, {}, print} do
      refused_saying({subagent_type = "bad-cat", prompt = value}, "Task: prompt = ",
        "expected a string")
    end
  end)

  it("A5 takes a prompt longer than an argument may be", function()
    local prompt = ("x"):rep(200000)
    assert.equal(prompt, Task(cat{prompt = prompt, max_output = "1MiB"}).output)
  end)

  it("A6 refuses a prompt beyond 16 MiB", function()
    refused_saying(cat{prompt = ("x"):rep((16 << 20) + 1)}, "prompt is 16777217 bytes long",
      "16777216")
    local whole = Task(cat{prompt = ("x"):rep(16 << 20), max_output = "32MiB"})
    assert.equal(16 << 20, #whole.output)
  end)

  it("A7 gives stdin the very bytes of the prompt", function()
    for _, prompt in ipairs{"\0", "a\0b", "\xff\xfe", "\r\n\r", "\xed\xa0\x80", "\27[2J"} do
      assert.equal(prompt, Task(cat{prompt = prompt}).output)
      assert.equal(prompt, Task{subagent_type = "bad-lua", prompt = prompt}.output)
    end
  end)

  it("A8 gives prompts no meaning on the way", function()
    for _, prompt in ipairs{"; rm -rf ~ #", "`id`", "$(id)", "--help", "-", "@/etc/passwd",
                            "%s%n", "{prompt_file}", "'\"\\"} do
      assert.equal(prompt, Task(cat{prompt = prompt}).output)
    end
  end)

  it("A9 refuses names of agent types that could be something else", function()
    for _, name in ipairs{"../../etc/passwd", "a/b", ".hidden", "bad-c\xd0\xb0t", "a b", "1a"} do
      refused_saying({subagent_type = name, prompt = "x"},
        ('Task: subagent_type "%s" is not defined'):format(name))
    end
    for _, name in ipairs{"", ("x"):rep(300), "a\0b", "-x", "a\n"} do
      refused_saying({subagent_type = name, prompt = "x"}, "Task: subagent_type = ",
        "one line of text, at most 200 bytes")
    end
    refused_saying({subagent_type = 7, prompt = "x"}, "expected a string")
    for _, name in ipairs{"a/\n", "", "a\0b", ("x"):rep(201)} do
      local ok, message = pcall(orun.agent, {name = name, run = print})
      assert.is_false(ok)
      assert.matches("one line of text, at most 200 bytes", message, 1, true)
    end
  end)

  it("A10 refuses an unknown agent type and lists the known ones", function()
    refused_saying({subagent_type = "Bad-Cat", prompt = "x"}, '"Bad-Cat" is not defined',
      "bad-cat", "bad-lua")
    local r = h.script('Task{subagent_type = "Explor", prompt = "x"}')
    assert.matches('"Explor" is not defined, did you mean "Explore"?; the known ones are: ', r.err,
      1, true)
  end)

  it("A11 refuses times that are none", function()
    for _, value in ipairs{-1, 0 / 0, -math.huge, "5", "", "x", "5x", "-1s", "1s2", "s", "inf",
                           true, {}, math.mininteger} do
      refused_saying(lua{timeout = value}, "Task: timeout = ", "a duration is")
    end
    for _, value in ipairs{0, 0.0, -0.0, "0s", "0ms"} do
      refused_saying(lua{timeout = value}, "Task: timeout = ", "use nil for none")
    end
  end)

  it("A11 takes inf for none, and clamps what is huge", function()
    for _, value in ipairs{math.huge, 1e300, math.maxinteger, "100000h"} do
      assert.equal("ran", Task(lua{timeout = value}).output)
    end
  end)

  it("A12 refuses what only looks like a boolean", function()
    for _, name in ipairs{"run_in_background", "detach", "allow_empty"} do
      refused_saying(lua{[name] = "false"}, "Task: " .. name .. ' = "false"',
        "a string counts as true")
      refused_saying(lua{[name] = 0}, "expected true or false")
    end
  end)

  it("A13 refuses an environment that is none", function()
    refused_saying(cat{env = {PATH = 1}}, "env.PATH = 1: expected a string")
    refused_saying(cat{env = {["A=B"] = "x"}}, '"A=B"')
    refused_saying(cat{env = {[""] = "x"}}, "may not be empty")
    refused_saying(cat{env = {"x"}}, "env has the key 1")
    refused_saying(cat{env = {A = "a\0b"}}, "env.A holds a NUL byte")
    refused_saying(cat{env = {["A\0"] = "x"}}, "NUL")
    refused_saying(cat{env = "x"}, 'env = "x"')
    refused_saying(lua{env = {PATH = 1}}, "env.PATH = 1: expected a string")
  end)

  it("A14 fails a task whose folder is none, and only the task", function()
    local dir = h.tmpdir()
    h.write(dir .. "/file", "")
    for path, errno in pairs{[dir .. "/absent"] = "ENOENT", [dir .. "/file"] = "ENOTDIR",
                             [""] = "ENOENT"} do
      local result = Task(cat{cwd = path})
      assert.equal("failed", result.status)
      assert.equal("spawn", result.error_kind)
      assert.matches("^cwd: ", result.error)
      assert.matches(errno, result.error, 1, true)
    end
    refused_saying(cat{cwd = 1}, "Task: cwd = 1")
    refused_saying(cat{cwd = "a\0b"}, "NUL")
    assert.matches("cwd: ", Task(lua{cwd = dir .. "/absent", run = function()
      return orun.exec("true").error
    end}).output)
  end)

  it("A15 fails a task whose program cannot be run, with the reason", function()
    local dir = h.tmpdir()
    h.write(dir .. "/plain", "x")
    h.write(dir .. "/text", "echo hi\n")
    h.write(dir .. "/orphan", "#!/no/such/interpreter\n")
    os.execute("chmod 755 " .. dir .. "/text " .. dir .. "/orphan")
    local cases = {
      {"no-such-program-anywhere", "ENOENT", 127},
      {dir .. "/absent", "ENOENT", 127},
      {dir .. "/plain", "EACCES", 126},
      {dir, "EACCES", 126},
      {dir .. "/text", "ENOEXEC", 126},
      {dir .. "/orphan", "interpreter", 127},
    }
    for i, case in ipairs(cases) do
      orun.agent{name = "bad-" .. i, command = {case[1]}}
      local result = Task{subagent_type = "bad-" .. i, prompt = "x"}
      assert.equal("failed", result.status)
      assert.equal("spawn", result.error_kind)
      assert.matches(case[1], result.error, 1, true)
      assert.matches(case[2], result.error, 1, true)
      assert.equal(case[3], result.exit_code)
    end
  end)

  it("A15 tells a program that ends with 127 from one that is not there", function()
    orun.agent{name = "bad-127", command = {"sh", "-c", "exit 127"}}
    local result = Task{subagent_type = "bad-127", prompt = "x"}
    assert.equal("exit", result.error_kind)
    assert.equal(127, result.exit_code)
    assert.matches("command not found?", result.error, 1, true)
  end)

  it("A16 never runs a metamethod of what it is given", function()
    local function never() error("a metamethod was run") end
    local mt = {__index = never, __pairs = never, __len = never, __newindex = never,
                __call = never, __eq = never, __tostring = never, __name = "orun.handle"}
    local function with(fields) return setmetatable(fields, mt) end
    assert.equal(2, Task(with{
      run = function(input) return #input.list end,
      input = with{list = with{1, 2}},
      blockedBy = with{},
      writes = with{"x"},
      retry = with{max = 0},
      metadata = with{a = with{}},
    }).output)
    local result = Task(with{subagent_type = "bad-cat", prompt = "x", env = with{A = "b"}})
    assert.equal("x", result.output)
  end)

  it("A17 copies what it is given at the call", function()
    local fields = {run = function(input) return input.n end, input = {}, run_in_background = true}
    local tasks = {}
    for i = 1, 1000 do
      fields.input.n = i
      tasks[i] = Task(fields)
    end
    fields.input.n = -1
    for i = 1, 1000 do assert.equal(i, TaskOutput(tasks[i]).output) end
  end)

  it("A18 queues any number of tasks, in their order", function()
    local path = h.tmpdir() .. "/order"
    local tasks = {}
    orun.limit("bad-fifo", 1)
    for i = 1, 10000 do
      tasks[i] = Task{run_in_background = true, pool = "bad-fifo", input = {path, i},
        run = function(input)
          if input[2] % 1000 == 0 then
            local file <close> = io.open(input[1], "a")
            file:write(input[2], " ")
          end
          return input[2]
        end}
    end
    for i = 1, 10000 do assert.equal(i, TaskOutput(tasks[i]).output) end
    assert.equal("1000 2000 3000 4000 5000 6000 7000 8000 9000 10000 ", h.read(path))
  end)

  it("A18 runs forty programs five at a time", function()
    local path = h.tmpdir() .. "/log"
    local r = h.script([[
      orun.agent{name = "p", command = {"sh", "-c", 'echo s >> "$0"; cat; echo e >> "$0"', ...}}
      local tasks = {}
      for i = 1, 40 do
        tasks[i] = Task{subagent_type = "p", prompt = "p" .. i, run_in_background = true}
      end
      for i = 1, 40 do assert(TaskOutput(tasks[i]).output == "p" .. i) end
      print("fine")]], {path})
    assert.equal("fine\n", r.out, r.err)
    local now, most = 0, 0
    for line in io.lines(path) do
      now = now + (line == "s" and 1 or -1)
      most = math.max(most, now)
    end
    assert.is_true(most <= 5)
  end)

  it("A19 refuses to nest deeper than 32", function()
    local function deeper(n)
      local result = Task{run = deeper, input = n + 1}
      return result.output or (n .. ": " .. result.error)
    end
    assert.matches("^31: .*Task: tasks are nested 32 deep", Task{run = deeper, input = 1}.output)
  end)

  it("A20 starts nothing once the run is being ended", function()
    local r = h.orun{"--no-wait", "-e", [[
      local begun = TaskCreate{description = "begun"}
      Task{run_in_background = true, run = function()
        local _ <close> = setmetatable({}, {__close = function()
          print(pcall(Task, {run = function() print("started") end}))
        end})
        print("waiting")
        TaskUpdate{task_id = begun, status = "completed"}
        orun.sleep("1h")
      end}
      TaskOutput(begun)]]}
    assert.equal(0, r.code, r.err)
    assert.equal("waiting\ntrue\tnil\tshutting down\n", r.out)
  end)

  it("A21 does not lose a task whose handle was", function()
    local r = h.script[[
      Task{run_in_background = true, run = function() orun.sleep("30ms") print("ran") end}
      Task{run_in_background = true, description = "Lost", run = function() error("why", 0) end}]]
    assert.equal("ran\n", r.out)
    assert.equal(1, r.code)
    assert.matches("script.lua:2: t2 (Lost) failed", r.err, 1, true)
  end)

  it("A21 names at most twenty of many failures that nobody read", function()
    local r = h.script[[
      for i = 1, 30 do Task{run = error, run_in_background = true} end]]
    assert.equal(1, r.code)
    assert.equal(20, select(2, r.err:gsub("script.lua:1: t%d+ failed", "")))
    assert.matches("and 10 more", r.err, 1, true)
  end)

  it("refuses functions that take along what cannot be sent", function()
    local file = io.stdout
    local thread = coroutine.create(print)
    refused_saying({run = function() return file end}, "captures 'file', a userdata",
      "bad/task_spec.lua:", "pass what it needs in input")
    refused_saying({run = function() return thread end}, "captures 'thread', a coroutine")
    local function helper() return file end
    refused_saying({run = function() return helper() end}, "'file'")
    refused_saying({run = ("x"):gmatch("x")}, "a C function cannot be sent")
  end)

  it("refuses what is done by two, or by nothing that can be called", function()
    refused_saying({run = print, subagent_type = "bad-cat"}, "both run and subagent_type")
    refused_saying({run = "print"}, 'Task: run = "print"', "expected a function")
    refused_saying({run = setmetatable({}, {__call = print})}, "Task: run = a table")
  end)

  it("refuses numbers and sizes that make no sense", function()
    for _, value in ipairs{11, -11, 1.5, "1", {}} do
      refused_saying(lua{priority = value}, "Task: priority = ", "an integer from -10 to 10")
    end
    for _, name in ipairs{"max_output", "memory_limit"} do
      for _, value in ipairs{0, -1, 1.5, "", "64kb", "KiB", "-1KiB", "1e30GiB", {}, true} do
        refused_saying(lua{[name] = value}, "Task: " .. name .. " = ", "a size is")
      end
    end
  end)

  it("refuses retries that make no sense", function()
    local cases = {
      {-1, "retry = -1"}, {1.5, "retry = 1.5"}, {"x", 'retry = "x"'}, {true, "retry = true"},
      {{maxx = 1}, "maxx"}, {{max = -1}, "retry.max = -1"}, {{max = 1e9}, "retry.max"},
      {{backoff = -1}, "retry.backoff = -1"}, {{on = "timeout"}, "retry.on"},
      {{on = {"timeot"}}, '"timeot"'}, {{on = {1}}, "retry.on"}, {{1}, "retry"},
    }
    for _, case in ipairs(cases) do refused_saying(lua{retry = case[1]}, "Task: ", case[2]) end
  end)

  it("refuses names of pools and paths that are none", function()
    for _, value in ipairs{"", "a b", "../x", 1, {}} do
      refused_saying(lua{pool = value}, "Task: pool = ")
    end
    refused_saying(lua{limit = "net"}, "Task: limit is now pool", 'Task{pool = "name"}')
    refused_saying(lua{limit = 4}, "Task: limit is now pool", "a task is one",
      'orun.limit("name", {slots = 4})')
    for _, value in ipairs{"x", 1, {1}, {""}, {"a\0b"}, {a = "x"}, {{}}, {nil, "x"}} do
      refused_saying(lua{writes = value}, "Task: writes")
    end
  end)

  it("refuses metadata that is no table, or cannot be kept", function()
    refused_saying(lua{metadata = 1}, "Task: metadata = 1", "a table of named fields")
    refused_saying(lua{metadata = {a = {b = io.stdout}}}, "metadata.a.b: a userdata cannot be sent")
  end)

  it("refuses a description that is too long or no text", function()
    refused_saying(lua{description = ("x"):rep(65537)}, "description is 65537 bytes long")
    refused_saying(lua{description = 7}, "Task: description = 7")
    refused_saying(lua{description = "a\0b"}, "NUL")
    assert.equal("a\n\27b", Task(lua{description = "a\n\27b"}).description)
  end)

  it("refuses a policy for blockers that is none", function()
    refused_saying(lua{on_blocker_failure = "skip"}, '"cancel" (the default) or "run"')
    refused_saying(lua{on_blocker_failure = true}, "expected a string")
  end)
end)

describe("orun.agent with careless arguments", function()
  local function message_of(fields)
    local ok, message = pcall(orun.agent, fields)
    assert.is_false(ok)
    return message
  end

  it("wants a name, and one way to do the work", function()
    assert.matches("name is missing", message_of{command = {"x"}})
    assert.matches("either command=.* or run=", message_of{name = "x"})
    assert.matches("either command=.* or run=", message_of{name = "x", command = {"x"},
      run = print})
    assert.matches("unknown field \"comand\", did you mean 'command'?", message_of{name = "x",
      comand = {"x"}}, 1, true)
  end)

  it("refuses a command that a shell would have to read, or is none", function()
    assert.matches('"sh", "-c"', message_of{name = "x", command = "ls -l"}, 1, true)
    assert.matches("command is empty", message_of{name = "x", command = {}})
    for _, command in ipairs{{""}, {true}, {"a", {}}, {"a\0b"}, {"a", nil, "b"}, {a = "b"}, 7} do
      assert.matches("command", message_of{name = "x", command = command})
    end
  end)

  it("refuses what only programs have for a function", function()
    assert.matches("env is for programs", message_of{name = "x", run = print, env = {}})
    assert.matches("expose is for commands", message_of{name = "x", run = print, expose = {}})
  end)

  it("keeps the type that was there when the new one is refused", function()
    orun.agent{name = "bad-keep", run = function() return "kept" end}
    message_of{name = "bad-keep", command = {}}
    assert.equal("kept", Task{subagent_type = "bad-keep", prompt = "x"}.output)
  end)
end)
