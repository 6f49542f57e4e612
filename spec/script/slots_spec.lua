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
