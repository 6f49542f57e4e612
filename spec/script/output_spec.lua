--- orun.output: what a task prints, read piece by piece.

local h = require "spec.support.helper"

orun.agent{name = "reader-sh", command = {"sh"}}

local function start(line, fields)
  fields = fields or {}
  fields.subagent_type, fields.prompt, fields.run_in_background = "reader-sh", line, true
  return Task(fields)
end

local function all_of(reader)
  local pieces = {}
  for piece in function() return reader:read() end do pieces[#pieces + 1] = piece end
  return table.concat(pieces)
end

local function lines_of(reader)
  local lines = {}
  for line in reader:lines() do lines[#lines + 1] = line end
  return lines
end

-- A file that a shell loop waits for, so that it prints when told to.
local function gate()
  local path = h.tmpdir() .. "/go"
  return ("until [ -e %s ]; do sleep 0.02; done; "):format(path),
    function() h.write(path, "") end
end

describe("orun.output", function()
  it("gives lines while the task runs", function()
    local wait, go = gate()
    local task = start("echo one; " .. wait .. "echo two; printf three")
    local next_line = orun.output(task):lines()
    assert.equal("one", next_line())
    assert.equal("in_progress", TaskOutput{task_id = task, block = false}.status)
    go()
    assert.equal("two", next_line())
    assert.equal("three", next_line())
    assert.is_nil(next_line())
    assert.is_nil(next_line())
  end)

  it("may be made before the task runs", function()
    local item = TaskCreate{description = "gate"}
    local task = start("echo late", {blockedBy = {item}})
    local reader = orun.output(task)
    assert.equal(0, reader:size())
    assert.same({nil, "timeout"}, {reader:read(10, 0)})
    TaskUpdate{task_id = item, status = "completed"}
    assert.equal("late\n", reader:read())
    assert.is_nil(reader:read())
  end)

  it("follows from a task as from the script", function()
    local wait, go = gate()
    local task = start("echo one; " .. wait .. "echo two")
    local follower = Task{run_in_background = true, input = task.id, run = function(id)
      local lines = {}
      for line in orun.output(id):lines() do lines[#lines + 1] = line end
      return lines
    end}
    h.wait_for(function() return orun.output(task):size() == 4 end)
    go()
    assert.same({"one", "two"}, TaskOutput(follower).output)
  end)

  it("ends with a task that is stopped, and with one that fails", function()
    local task = start("echo begun; exec sleep 100")
    local reader = orun.output(task)
    assert.equal("begun\n", reader:read())
    TaskStop(task)
    assert.is_nil(reader:read())
    task = start("echo said; exit 3")
    assert.equal("said\n", all_of(orun.output(task)))
    assert.equal("exit", TaskOutput(task).error_kind)
  end)

  it("gives up a read when its time is over", function()
    local task = start("exec sleep 100")
    local reader = orun.output(task)
    assert.same({nil, "timeout"}, {reader:read(1, "10ms")})
    TaskStop(task)
  end)

  it("reads exactly where it is told to", function()
    local task = start("printf 0123456789")
    local reader = orun.output(task)
    assert.equal("0123", reader:read(4))
    assert.equal(4, reader:seek())
    assert.equal("45", reader:read(2))
    assert.equal(1, reader:seek(1))
    assert.equal("123456789", reader:read())
    assert.equal(7, reader:seek(-3))
    assert.equal("789", all_of(reader))
    reader:seek(50)
    assert.is_nil(reader:read())
    assert.equal(10, reader:size())
  end)

  it("gives the last lines", function()
    local reader = orun.output(start("seq 20"))
    while reader:read() do end
    assert.equal("18\n19\n20", reader:tail(3))
    assert.equal("20", reader:tail(1))
    assert.equal("11\n12\n13\n14\n15\n16\n17\n18\n19\n20", reader:tail())
    assert.equal("1\n", reader:tail(20):sub(1, 2))
    assert.equal(reader:tail(20), reader:tail(1000))
    assert.equal("19\n20", reader:tail(10, 6))
    assert.equal("9\n20", reader:tail(10, 5))
    assert.equal("", orun.output(start("exit 0")):tail(3))
    local open = orun.output(start("printf 'a\\nb\\n\\nc'"))
    while open:read() do end
    assert.equal("\nc", open:tail(2))
  end)

  it("B17 begins a tail that cuts a line at a whole character", function()
    local reader = orun.output(start("printf 'a\\303\\251\\303\\251\\342\\202\\254'"))
    while reader:read() do end
    assert.equal("aéé€", reader:tail(1))
    assert.equal("é€", reader:tail(1, 5))
    assert.equal("€", reader:tail(1, 4))
    assert.equal("€", reader:tail(1, 3))
    assert.equal("", reader:tail(1, 2))
    local bytes = orun.output(start("printf '\\200\\201\\202\\203\\204\\205'"))
    while bytes:read() do end
    assert.equal("\x82\x83\x84\x85", bytes:tail(1, 4))
  end)

  it("B16 gives the exact bytes", function()
    for line, bytes in pairs{
      ["printf 'a\\000b'"] = "a\0b", ["printf 'a\\r\\n\\r'"] = "a\r\n\r",
      ["printf '\\377\\376'"] = "\xff\xfe", ["exit 0"] = "", ["printf 'no end'"] = "no end",
    } do
      assert.equal(bytes, all_of(orun.output(start(line))))
    end
  end)

  it("reads stderr too, of a task that failed or did not", function()
    local task = start("echo out; echo warning >&2")
    assert.equal("warning\n", all_of(orun.output(task, "stderr")))
    assert.equal("out\n", all_of(orun.output(task)))
    task = start("seq 100000 >&2; exit 1")
    assert.equal(100000, #lines_of(orun.output(task, "stderr")))
    assert.equal("", all_of(orun.output(task)))
    TaskOutput(task)
    assert.equal("", all_of(orun.output(start("exit 0"), "stderr")))
  end)

  it("goes on with a retry from its beginning", function()
    local file = h.tmpdir() .. "/tries"
    local task = start(("echo x >>%s; echo try $(wc -l <%s); [ $(wc -l <%s) = 2 ]"):format(
      file, file, file), {retry = {max = 1, backoff = "10ms"}})
    assert.equal("completed", TaskOutput(task).status)
    local reader = orun.output(task)
    assert.equal("try 2\n", all_of(reader))
    file = h.tmpdir() .. "/tries"
    local wait, go = gate()
    task = start(("echo x >>%s; if [ $(wc -l <%s) = 2 ]; then echo new; exit 0; fi; "
      .. "echo old output; %sexit 1"):format(file, file, wait),
      {retry = {max = 1, backoff = "10ms"}})
    reader = orun.output(task)
    assert.equal("old output\n", reader:read())
    go()
    assert.equal("new\n", reader:read())
    assert.is_nil(reader:read())
  end)

  it("reads the text that a function returned, and refuses what is none", function()
    local text = Task{run = function() return "one\ntwo" end}
    assert.same({"one", "two"}, lines_of(orun.output(text)))
    local item = TaskCreate{description = "item"}
    TaskUpdate{task_id = item, status = "completed", output = "by hand"}
    assert.equal("by hand", all_of(orun.output(item)))
    assert.equal("", all_of(orun.output(Task{run = function() end})))
    local ok, why = pcall(orun.output, Task{run = function() return {1} end})
    assert.is_false(ok)
    assert.is_truthy(why:find("is not text", 1, true), why)
  end)

  it("reads what orun.exec gave, cut or not", function()
    local short = orun.exec{command = {"seq", "3"}}
    assert.same({"1", "2", "3"}, lines_of(orun.output(short)))
    local long = orun.exec{command = {"sh", "-c", "seq 50000; seq 7 >&2"}, max_output = 10}
    assert.is_true(long.truncated)
    assert.equal(50000, #lines_of(orun.output(long)))
    assert.equal("49999\n50000", orun.output(long):tail(2))
    assert.equal("6\n7", orun.output(long, "stderr"):tail(2))
  end)

  it("gives a line without end in pieces", function()
    local task = start("head -c 2500000 /dev/zero | tr '\\0' x; echo; echo end")
    local lines = lines_of(orun.output(task))
    assert.equal("end", lines[#lines])
    assert.equal(2500000 + 3, #table.concat(lines))
    assert.equal(1 << 20, #lines[1])
  end)

  it("refuses what makes no sense", function()
    local function refused(words, ...)
      local ok, why = pcall(...)
      assert.is_false(ok)
      for _, word in ipairs(words) do assert.is_truthy(why:find(word, 1, true), why) end
    end
    local task = start("exit 0")
    local reader = orun.output(task)
    refused({"orun.output", "task", "t999999"}, orun.output, "t999999")
    refused({"orun.output", "stream", '"stdlog"', "stderr"}, orun.output, task, "stdlog")
    refused({"reader:read", "n = 0"}, reader.read, reader, 0)
    refused({"orun.output", "timeout"}, reader.read, reader, 1, -1)
    refused({"reader:tail", "max = -1"}, reader.tail, reader, 1, -1)
    refused({"reader:seek", "offset = 1.5"}, reader.seek, reader, 1.5)
  end)

  it("refuses to wait for the task's own end", function()
    local result = Task{run = function(_, task) return orun.output(task.id):read() end}
    assert.equal("failed", result.status)
    assert.is_truthy(result.error:find("wait for itself", 1, true), result.error)
    local item = TaskCreate{description = "nobody's"}
    local r = h.script[[
      local item = TaskCreate{description = "nobody's"}
      orun.output(item):read()]]
    assert.is_truthy(r.err:find("can never end", 1, true), r.err)
    TaskUpdate{task_id = item, status = "deleted"}
  end)

  it("does not count as reading a failure", function()
    local r = h.script[[
      orun.agent{name = "sh", command = {"sh"}}
      local task = Task{subagent_type = "sh", prompt = "echo out; exit 4",
        run_in_background = true}
      for line in orun.output(task):lines() do print(line) end]]
    assert.equal(1, r.code)
    assert.is_truthy(r.err:find("was never read", 1, true), r.err)
  end)
end)

describe("a flood", function()
  local PEAK <const> = [[
    local function small()
      for line in io.lines("/proc/self/status") do
        local kib = line:match("^VmHWM:%s*(%d+) kB")
        if kib then return tonumber(kib) < 64 * 1024 end
      end
    end
    orun.agent{name = "sh", command = {"sh"}}
  ]]

  local function assert_small(text) if h.variant == "" then assert.equal("true", text) end end

  it("F10 B15 is read piece by piece in little memory", function()
    local r = h.script(PEAK .. [[
      local task = Task{subagent_type = "sh", run_in_background = true,
        prompt = "head -c 100000000 /dev/zero | tr '\\0' x; printf '\\nlast'"}
      local reader, n, last = orun.output(task), 0, ""
      for piece in function() return reader:read(1 << 20) end do
        n, last = n + #piece, (last .. piece):sub(-6)
      end
      print(n, (last:gsub("\n", "|")))
      print(reader:tail(1))
      local result = TaskOutput(task)
      print(result.status, result.truncated, #result.output < 40000)
      print(small())]], {limit = 120})
    local lines = h.lines(r.out)
    assert.equal("100000005\tx|last", lines[1], r.err)
    assert.equal("last", lines[2])
    assert.equal("completed\ttrue\ttrue", lines[3])
    assert_small(lines[4])
  end)

  it("E12 of print and io.write in a Lua task goes out at once", function()
    local r = h.script(PEAK .. [[
      local result = Task{memory_limit = "8MiB", run = function()
        local line = ("x"):rep(99999)
        for _ = 1, 200 do
          print(line)
          io.write(line, "\n")
        end
        return "done"
      end}
      io.stderr:write(tostring(result.output), " ", tostring(small()))]], {limit = 120})
    assert.equal(400 * 100000, #r.out)
    assert.is_nil(r.out:find("[^x\n]"))
    if h.variant == "" then assert.equal("done true", r.err) end
  end)
end)
