--- Memory: what a task may use, what one value may be, what a run may hold.

local h = require "spec.support.helper"

local LIMIT <const> = "6MiB"

local function hungry(fn, input)
  return Task{description = "hungry", memory_limit = LIMIT, timeout = 60 * h.slow, run = fn,
    input = input}
end

local function assert_hit(result)
  assert.equal("failed", result.status)
  assert.equal("memory", result.error_kind, result.error)
  assert.is_truthy(result.error:find("memory_limit of 6 MiB", 1, true), result.error)
  assert.is_truthy(result.error:find('memory_limit = "12MiB"', 1, true), result.error)
end

-- Most memory that the process had resident, in bytes.
local PEAK <const> = [[
  local function peak()
    for line in io.lines("/proc/self/status") do
      local kib = line:match("^VmHWM:%s*(%d+) kB")
      if kib then return kib * 1024 end
    end
  end
]]

local WAYS <const> = {
  ["a table that grows"] = function()
    local all = {}
    while true do table.insert(all, {}) end
  end,
  ["a string that doubles"] = function()
    local s = "x"
    while true do s = s .. s end
  end,
  ["E13 string.rep"] = function() return ("x"):rep(1e9, ",") end,
  ["table.concat"] = function()
    local part = ("x"):rep(1000)
    local all = {}
    for i = 1, 100000 do all[i] = part end
    return table.concat(all)
  end,
  ["recursion"] = function()
    local function deeper(n)
      local here = {n}
      return deeper(n + 1), here
    end
    return deeper(1)
  end,
  ["a pcall loop"] = function()
    while true do
      pcall(function()
        local all = {}
        while true do table.insert(all, {}) end
      end)
    end
  end,
  ["a pcall loop around string.rep"] = function()
    while true do pcall(string.rep, "x", 1e9, ",") end
  end,
  ["an xpcall loop with a handler"] = function()
    while true do
      xpcall(function()
        local all = {}
        while true do table.insert(all, {}) end
      end, function(why) return why end)
    end
  end,
  ["a loop of coroutines"] = function()
    while true do
      local co = coroutine.create(function()
        local all = {}
        while true do table.insert(all, {}) end
      end)
      coroutine.resume(co)
      coroutine.close(co)
    end
  end,
  ["a loop of load"] = function()
    while true do
      load(function()
        local all = {}
        while true do table.insert(all, {}) end
      end)
    end
  end,
  ["E9 with the collector stopped"] = function()
    collectgarbage("stop")
    local all = {}
    while true do table.insert(all, {}) end
  end,
  ["E9 with the generational collector"] = function()
    collectgarbage("generational")
    local all = {}
    while true do table.insert(all, {}) end
  end,
  ["an error that is huge"] = function() error(("x"):rep(20e6)) end,
}

describe("memory_limit", function()
  for way, fn in pairs(WAYS) do
    it("ends a task that hits it by " .. way, function() assert_hit(hungry(fn)) end)
  end

  it("says where it was hit", function()
    local result = hungry(WAYS["a table that grows"])
    assert.is_truthy(result.error:find("memory_spec.lua:%d+: not enough memory"), result.error)
    assert.is_truthy(result.traceback:find("memory_spec.lua", 1, true))
  end)

  it("E9 leaves garbage to the collector, whatever is done to it", function()
    for _, game in ipairs{"stop", "generational", "incremental"} do
      local result = hungry(function(what)
        collectgarbage(what)
        collectgarbage("setpause", 1000)
        for i = 1, 200000 do local _ = {i} end
        return "done"
      end, game)
      assert.equal("done", result.output, result.error)
    end
  end)

  it("E13 refuses a string beyond all bounds at once", function()
    local result = hungry(function() return ("x"):rep(1 << 40) end)
    assert.equal("failed", result.status)
    assert.is_truthy(result.error:find("too large", 1, true), result.error)
  end)

  it("lets an error for memory be caught, when what was asked for was too much", function()
    local result = hungry(function()
      local ok, why = pcall(string.rep, "x", 1e9, ",")
      return {ok, why}
    end)
    assert.same({false, "not enough memory"}, result.output)
  end)

  it("lets <close> run", function()
    local path = h.tmpdir() .. "/closed"
    assert_hit(hungry(function(file)
      local _ <close> = setmetatable({}, {__close = function()
        io.open(file, "w"):close()
      end})
      local all = {}
      while true do table.insert(all, {}) end
    end, path))
    assert.is_true(h.exists(path))
  end)

  it("counts what a task was given", function()
    assert_hit(hungry(function(input) return #input end, ("x"):rep(8 << 20)))
    local result = Task{memory_limit = 1, run = function() end}
    assert.equal("memory", result.error_kind, result.error)
  end)

  it("harms no other task, and not the next in that state", function()
    local handles = {}
    for i = 1, 60 do
      handles[i] = Task{
        description = "one of many", memory_limit = LIMIT, run_in_background = true,
        input = i, run = i % 3 == 0 and WAYS["a pcall loop"] or function(n)
          local all = {}
          for k = 1, 1000 do all[k] = {k} end
          return n + #all
        end,
      }
    end
    for i, handle in ipairs(handles) do
      local result = TaskOutput(handle)
      if i % 3 == 0 then assert_hit(result) else assert.equal(i + 1000, result.output) end
    end
  end)

  it("has a default that fits the machine, and can be set", function()
    local r = h.script[[
      local limit = orun.config().memory_limit
      assert(limit > 0 and limit <= 1 << 30)
      orun.config{memory_limit = "6MiB"}
      assert(orun.config().memory_limit == 6 << 20)
      local result = Task{run = function() return #("x"):rep(7 << 20) end}
      print(result.error_kind, (result.error:match("memory_limit of.-;")))]]
    assert.equal("memory\tmemory_limit of 6 MiB (the default);\n", r.out, r.err)
  end)

  it("keeps of a raised text no more than 64 KiB", function()
    local result = Task{run = function() error(("x"):rep(1 << 20), 0) end}
    assert.is_true(#result.error < 70000)
    assert.is_truthy(result.error:find("[cut: 65536 of 1048576 bytes]", 1, true))
  end)
end)

describe("one value", function()
  it("D3 may not be nested a million deep", function()
    local deep = {}
    for _ = 1, 1000000 do deep = {deep} end
    local ok, why = pcall(Task, {run = function() end, input = deep})
    assert.is_false(ok)
    assert.is_truthy(why:find("nested deeper than 100 levels", 1, true), why)
    local result = Task{run = function()
      local t = {}
      for _ = 1, 1000000 do t = {t} end
      return t
    end}
    assert.equal("failed", result.status)
    assert.is_truthy(result.error:find("nested deeper than 100 levels", 1, true), result.error)
  end)

  it("D4 is refused beyond 256 MiB before it is copied", function()
    local r = h.script(PEAK .. [[
      local big = ("x"):rep((256 << 20) + 1)
      local before = peak()
      local function refused(fn, fields)
        local ok, why = pcall(fn, fields)
        print(ok, (why:match("input.*")))
      end
      local gate = TaskCreate{description = "gate"}
      refused(Task, {run = function() end, input = big})
      refused(TaskCreate, {description = "item", input = {1, {deep = big}}})
      print(peak() - before < 64 << 20)]], {limit = 120})
    local why = "more than the 256 MiB one value may have"
    local lines = h.lines(r.out)
    assert.equal("false\tinput: " .. why, lines[1], r.err)
    assert.equal("false\tinput[2].deep: " .. why, lines[2])
    if h.variant == "" then assert.equal("true", lines[3]) end
  end)

  it("D4 counts entries too", function()
    local result = Task{memory_limit = "1GiB", run = function()
      local pad, t = ("x"):rep(60), {}
      for i = 1, 20 do t[i] = {pad .. i} end
      local wide = {}
      for i = 1, 5000000 do wide[i] = t[i % 20 + 1][1] end
      return wide
    end}
    assert.equal("failed", result.status)
    assert.is_truthy(result.error:find("more than the 256 MiB one value may have", 1, true),
      result.error)
  end)
end)

describe("the backlog", function()
  local HOLD <const> = [[
    local gate = TaskCreate{description = "gate"}
    local function open() TaskUpdate{task_id = gate, status = "completed"} end
    local function held(input)
      return Task{run = function(x) return #x end, input = input, blockedBy = {gate},
        run_in_background = true}
    end
  ]]

  it("refuses tasks whose inputs there is no memory for, and says what to do", function()
    local r = h.script(HOLD .. [[
      orun.config{backlog = "8MiB"}
      local handles, ok, why = {}
      repeat
        ok, why = pcall(held, ("x"):rep(100000) .. #handles)
        if ok then handles[#handles + 1] = why end
      until not ok or #handles == 1000
      print(#handles > 70 and #handles < 90, (why:match("Task: .*")))
      open()
      for _, handle in ipairs(handles) do assert(TaskOutput(handle).output > 100000) end
      print(pcall(held, ("x"):rep(100000)))]])
    local lines = h.lines(r.out)
    assert.matches("^true\tTask: .*8 MiB of memory.*orun.fan_out has limit=.*"
      .. 'orun.config{backlog = "4GiB"}', lines[1], r.err)
    assert.matches("^true", lines[2], r.err)
  end)

  it("is bounded for a script that starts tasks for ever, and what it has started ends",
    function()
      local r = h.script(HOLD .. [[
        orun.config{backlog = "4MiB"}
        local handles, ok, why = {}
        repeat
          ok, why = pcall(Task, {run = function() end, blockedBy = {gate},
            run_in_background = true})
          handles[#handles + 1] = ok and why or nil
        until not ok
        print(#handles > 5000 and #handles < 20000, why:find("4 MiB", 1, true) ~= nil)
        open()
        for _, handle in ipairs(handles) do
          assert(TaskOutput(handle).status == "completed")
        end]])
      assert.equal("true\ttrue\n", r.out, r.err)
    end)

  it("moves large values to files, which leaves room", function()
    local r = h.script(HOLD .. [[
      orun.config{backlog = "8MiB"}
      local handles = {}
      for i = 1, 40 do handles[i] = held(("x"):rep(1 << 20) .. i) end
      open()
      local sum = 0
      for i, handle in ipairs(handles) do sum = sum + TaskOutput(handle).output end
      print(sum)
      for i = 1, 40 do
        handles[i] = Task{run = function(n) return ("y"):rep(1 << 20) .. n end, input = i,
          run_in_background = true}
      end
      for _ = 1, 2 do
        for i, handle in ipairs(handles) do
          local output = TaskOutput(handle).output
          assert(output == ("y"):rep(1 << 20) .. i)
        end
      end
      print("all there")]])
    assert.equal(("%d\nall there\n"):format(40 * (1 << 20) + 9 + 31 * 2), r.out, r.err)
  end)

  it("fails a task whose result there is no room for, and loses no other", function()
    local r = h.script[[
      orun.config{backlog = "4MiB"}
      local handles = {}
      for i = 1, 100 do
        handles[i] = Task{run = function(n) return ("y"):rep(100000) .. n end, input = i,
          run_in_background = true}
      end
      local kept, refused = 0, 0
      for i, handle in ipairs(handles) do
        local result = TaskOutput(handle)
        if result.status == "completed" then
          assert(result.output == ("y"):rep(100000) .. i)
          kept = kept + 1
        else
          assert(result.error_kind == "memory" and result.error:find("backlog", 1, true))
          refused = refused + 1
        end
      end
      print(kept > 30 and kept < 45, kept + refused)]]
    assert.equal("true\t100\n", r.out, r.err)
  end)

  it("C14 counts descriptions, which are at most 64 KiB", function()
    local r = h.script[[
      orun.config{backlog = "2MiB"}
      local n, ok, why = 0, true
      while ok do
        ok, why = pcall(TaskCreate, {description = ("x"):rep(65536)})
        n = n + 1
      end
      print(n > 20 and n < 40, (why:match("TaskCreate: the tasks of this run")))
      print(select(2, pcall(TaskCreate, {description = ("x"):rep(10 << 20)}))
        :find("65536", 1, true) ~= nil)]]
    assert.equal("true\tTaskCreate: the tasks of this run\ntrue\n", r.out, r.err)
  end)

  it("C12 lets a long list be read by a script, and a task's limit hold", function()
    local r = h.script[[
      for i = 1, 20000 do TaskCreate{description = "item " .. i} end
      print(#TaskList{status = "pending"})
      local result = Task{memory_limit = "1MiB", run = function() return #TaskList() end}
      print(result.error_kind)]]
    assert.equal("20000\nmemory\n", r.out, r.err)
  end)
end)
