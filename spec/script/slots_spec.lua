--- What may run at once and who is next: limit, priority, writes.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local gate, open, background = shared.gate, shared.open, shared.background
local output_of, journal, rendezvous = shared.output_of, shared.journal, shared.rendezvous

describe("limit", function()
  it("lets so many run at once and no more", function()
    local path, lines = journal()
    orun.limit("p-two", 2)
    local tasks = {}
    for i = 1, 8 do
      -- A task that sleeps keeps its named slot.
      tasks[i] = background{input = path, pool = "p-two", run = function(file)
        local function say(word)
          local f <close> = io.open(file, "a")
          f:write(word, "\n")
        end
        say("start")
        orun.sleep("5ms")
        say("end")
      end}
    end
    for i = 1, 8 do assert.equal("completed", TaskOutput(tasks[i]).status) end
    local now, most = 0, 0
    for _, line in ipairs(lines()) do
      now = now + (line == "start" and 1 or -1)
      most = math.max(most, now)
    end
    assert.equal(16, #lines())
    assert.is_true(most <= 2)
  end)

  it("of 1 has one task at a time", function()
    local path, lines = journal()
    orun.limit("p-single", 1)
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = background{input = path, pool = "p-single", run = function(file)
        local f <close> = io.open(file, "a")
        f:setvbuf("no")
        f:write("start\n")
        orun.sleep("2ms")
        f:write("end\n")
      end}
    end
    for i = 1, 5 do TaskOutput(tasks[i]) end
    for i, line in ipairs(lines()) do assert.equal(i % 2 == 1 and "start" or "end", line) end
  end)

  it("grows at once when it is set higher", function()
    orun.limit("p-grows", 1)
    local one, other = rendezvous()
    local function run(command) return orun.exec{command = command}.exit_code end
    local a = background{run = run, input = one, pool = "p-grows"}
    local b = background{run = run, input = other, pool = "p-grows"}
    orun.limit("p-grows", 2)
    assert.equal(0, TaskOutput(a).output)
    assert.equal(0, TaskOutput(b).output)
  end)

  it("is given back by a task that waits for others", function()
    orun.limit("p-nest", 1)
    local function nest(n)
      if n == 0 then return "bottom" end
      return Task{run = nest, input = n - 1, pool = "p-nest"}.output
    end
    assert.equal("bottom", output_of{run = nest, input = 10, pool = "p-nest"})
  end)

  it("belongs to an agent type too", function()
    local path, lines = journal()
    orun.agent{name = "p-one-at-a-time", limit = 1, command = {"sh", "-c",
      'echo start >> "$0"; cat > /dev/null; echo end >> "$0"', path}}
    local tasks = {}
    for i = 1, 5 do tasks[i] = background{subagent_type = "p-one-at-a-time", prompt = "x"} end
    for i = 1, 5 do assert.equal("completed", TaskOutput(tasks[i]).status) end
    for i, line in ipairs(lines()) do assert.equal(i % 2 == 1 and "start" or "end", line) end
  end)

  it("of programs is -j", function()
    local script = [[
      local log = ...
      orun.agent{name = "a", command = {"sh", "-c", 'echo s >> "$0"; cat; echo e >> "$0"', log}}
      local tasks = {}
      for i = 1, 6 do
        tasks[i] = Task{subagent_type = "a", prompt = "x", run_in_background = true}
      end
      for i = 1, 6 do TaskOutput(tasks[i]) end]]
    local path, lines = journal()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", script)
    assert.equal(0, h.orun{"-j", "1", dir .. "/s.lua", path}.code)
    assert.equal("sesesesesese", table.concat(lines()))
  end)
end)

describe("programs of Lua tasks", function()
  -- What each program does: say when it starts and ends, into the file `log`.
  local SAY <const> = [[
    local log = ...
    local line = "echo s >> " .. log .. "; echo e >> " .. log
  ]]

  local function run(options, script)
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", SAY .. script)
    h.write(dir .. "/log", "")
    local words = {table.unpack(options)}
    words[#words + 1], words[#words + 2] = dir .. "/s.lua", dir .. "/log"
    local r = h.orun(words)
    return r, table.concat(h.lines(h.read(dir .. "/log")))
  end

  it("have a slot of -j while they run, however they are started", function()
    local r, log = run({"-j", "1"}, [[
      local items = {} for i = 1, 40 do items[i] = i end
      orun.agent{name = "sh", command = {"sh"}}
      local tasks = {}
      for i = 1, 5 do tasks[i] = orun.start{subagent_type = "sh", prompt = line} end
      local n = orun.map(items, function(i)
        local how = i % 4
        if how == 0 then return orun.exec("sh", "-c", line).exit_code end
        if how == 1 then return os.execute(line) and 0 end
        if how == 2 then return assert(io.popen(line)):close() and 0 end
        local reader <close> = orun.exec{command = {"sh", "-c", line}, stream = true}
        return reader:wait().exit_code
      end)
      assert(orun.wait_all(tasks).ok)
      for i = 1, 40 do assert(n[i] == 0) end
      print(#n)]])
    assert.equal("40\n", r.out, r.err)
    assert.equal(("se"):rep(45), log)
  end)

  it("run as many at once as there are slots", function()
    local one, other = rendezvous()
    local r = h.orun{"-j", "2", "--workers", "1", "-e", ([[
      local function meet(line) return orun.exec("sh", "-c", line).exit_code end
      local a, b = orun.start{run = meet, input = %q}, orun.start{run = meet, input = %q}
      print(TaskOutput(a).output, TaskOutput(b).output)]]):format(one[3], other[3])}
    assert.equal("0\t0\n", r.out, r.err)
  end)

  it("leave the worker to others while they wait for a slot", function()
    local fifo = h.tmpdir() .. "/fifo"
    orun.exec("mkfifo", fifo)
    local r = run({"-j", "1", "--workers", "1"}, ([[
      local fifo = %q
      local function exec(line) return orun.exec("sh", "-c", line).output end
      local a = orun.start{run = exec, input = "read -r x < " .. fifo .. "; echo $x"}
      local b = orun.start{run = exec, input = "echo b"}
      local c = Task{input = fifo, run = function(path)
        local file <close> = assert(io.open(path, "w"))
        file:write("a\n")
      end}
      io.write(c.status, " ", TaskOutput(a).output, TaskOutput(b).output)]]):format(fifo))
    assert.equal("completed a\nb\n", r.out, r.err)
  end)

  it("wait where Lua cannot yield, too", function()
    local r, log = run({"-j", "1"}, [[
      local items = {} for i = 1, 6 do items[i] = i end
      orun.map(items, function()
        return (("x"):gsub("x", function() return orun.exec("sh", "-c", line).output end))
      end)]])
    assert.equal("", r.err)
    assert.equal(("se"):rep(6), log)
  end)

  it("do not keep tasks from running that their own task waits for", function()
    local r = run({"-j", "1"}, [[
      orun.agent{name = "helper", run = function() return orun.exec("echo", "helped").output end}
      local first = Task{run = function()
        local reader <close> = orun.exec{command = {"cat", "/dev/zero"}, stream = true}
        return Task{run = function() return orun.exec("echo", "inner").output end}.output
      end}
      local second = Task{run = function()
        return orun.exec("sh", "-c", '"$ORUN_PROGRAM" task run --agent helper --prompt x').output
      end}
      io.write(first.output, second.output)]])
    assert.matches("^inner\nhelped\n", r.out, 1, r.err)
  end)

  it("are not started by a task that is stopped or times out while it queues", function()
    local dir = h.tmpdir()
    orun.exec("mkfifo", dir .. "/up", dir .. "/go")
    local r = run({"-j", "1"}, ([[
      local dir = %q
      local function exec() return orun.exec("echo", "ran").output end
      local a = orun.start{input = dir, run = function(place)
        return orun.exec("sh", "-c", "cd " .. place .. "; echo > up; cat go").output
      end}
      local up <close> = io.open(dir .. "/up")
      up:read("l")                            -- its program has the only slot
      local b = orun.start{run = exec, timeout = 0.02}
      local c = orun.start{run = exec}
      print(TaskOutput(b).error_kind)
      TaskStop(c)
      print(TaskOutput(c).status)
      local d = orun.start{run = exec}
      local e = orun.start{run = exec, isolation = "process"}
      local go = io.open(dir .. "/go", "w")
      go:write("a\n")
      go:close()
      io.write(TaskOutput(a).output, TaskOutput(d).output, TaskOutput(e).output)]]):format(dir))
    assert.equal("timeout\ncancelled\na\nran\nran\n", r.out, r.err)
  end)

  it("do not count when the script starts them", function()
    local fifo = h.tmpdir() .. "/fifo"
    orun.exec("mkfifo", fifo)
    local r = run({"-j", "1"}, ([[
      local fifo = %q
      local function read(path) return orun.exec("cat", path).output end
      local a = orun.start{run = read, input = fifo}
      orun.exec("sh", "-c", "echo through > " .. fifo)
      io.write(TaskOutput(a).output)]]):format(fifo))
    assert.equal("through\n", r.out, r.err)
  end)
end)

describe("priority", function()
  it("decides who is next where tasks queue", function()
    local path, lines = journal()
    local wait = gate()
    orun.limit("p-queue", 1)
    local function say(input)
      local f <close> = io.open(input[1], "a")
      f:write(input[2], "\n")
    end
    local tasks = {}
    -- The first to become ready gets the only slot; the others queue.
    for i, priority in ipairs{0, -5, 0, 10, 0, 3} do
      tasks[i] = background{run = say, input = {path, i .. ":" .. priority}, pool = "p-queue",
                            priority = priority, blockedBy = {wait}}
    end
    open(wait)
    for _, task in ipairs(tasks) do TaskOutput(task) end
    assert.same({"1:0", "4:10", "6:3", "3:0", "5:0", "2:-5"}, lines())
  end)
end)

describe("writes", function()
  -- Each says when it starts and ends; those that overlap may not interleave.
  local function order_of(first, second)
    local path, lines = journal()
    local function run(input)
      for _, word in ipairs{"start", "end"} do
        local f <close> = io.open(input[1], "a")
        f:write(word, " ", input[2], "\n")
        f:close()
        orun.sleep("5ms")
      end
    end
    local a = background{run = run, input = {path, "a"}, writes = first}
    local b = background{run = run, input = {path, "b"}, writes = second}
    TaskOutput(a)
    TaskOutput(b)
    return table.concat(lines(), ", ")
  end
  local ONE_BY_ONE <const> = "start a, end a, start b, end b"

  it("keeps tasks apart that change the same file", function()
    assert.equal(ONE_BY_ONE, order_of({"src/a.c"}, {"src/a.c", "src/b.c"}))
    assert.equal(ONE_BY_ONE, order_of({"./src//a.c"}, {"src/x/../a.c"}))
  end)

  it("keeps a folder and what is in it apart", function()
    assert.equal(ONE_BY_ONE, order_of({"src"}, {"src/deep/a.c"}))
    assert.equal(ONE_BY_ONE, order_of({"src/deep/a.c"}, {"src/"}))
    assert.equal(ONE_BY_ONE, order_of({"/"}, {"x"}))
  end)

  it("lets tasks run at once that change different files", function()
    local one, other = rendezvous()
    local function run(command) return orun.exec{command = command}.exit_code end
    local a = background{run = run, input = one, writes = {"src/a"}}
    local b = background{run = run, input = other, writes = {"src/ab"}}
    assert.equal(0, TaskOutput(a).output)
    assert.equal(0, TaskOutput(b).output)
  end)
end)
