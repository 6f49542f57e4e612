-- A C module forked after a first Task: the next Task of the child waited for threads that a fork
-- does not have; a child that came to the end of its code ended the run of its parent a second
-- time; and one that did not end stayed when orun had.

local h = require "spec.support.helper"

describe("a fork by a C module", function()
  local folder
  setup(function()
    folder = h.tmpdir()
    local r = h.sh("cc -shared -fPIC -O1 $(pkg-config --cflags lua5.4) -o "
      .. h.quote(folder .. "/forks.so") .. " " .. h.quote(h.root .. "/spec/support/forks.c"))
    assert(r.code == 0, r.err)
  end)

  local function begin(text)
    return "package.cpath = " .. ("%q"):format(folder .. "/?.so;") .. " .. package.cpath\n"
      .. "local forks = require 'forks'\n"
      .. "Task{run = function() end}\n"
      .. "orun.exec('true')\n"
      .. text
  end

  local function script(text, args)
    return h.script(begin(text), args)
  end

  -- The end of the pipe is that of the last process which has it.
  local function piped(text)
    local path = h.write(h.tmpdir() .. "/x.lua", begin(text))
    local r = h.sh(h.quote(h.bin) .. " " .. h.quote(path) .. " | cat", {limit = 60})
    assert.equal(0, r.code, r.err)
  end

  it("has every primitive raise ORUN_EFORKED in the child", function()
    local r = script [[
      local t = Task{run = function() return 1 end, run_in_background = true}
      TaskOutput(t)
      local item = TaskCreate{description = "x"}
      local calls = {
        {"Task", function() Task{run = function() end} end},
        {"Task", function() Task{run = function() end, run_in_background = true} end},
        {"TaskOutput", function() TaskOutput(t) end},
        {"TaskList", function() TaskList{} end},
        {"claim", function() TaskList:claim{} end},
        {"TaskCreate", function() TaskCreate{description = "y"} end},
        {"TaskGet", function() TaskGet(item) end},
        {"TaskUpdate", function() TaskUpdate{task_id = item.id, priority = 1} end},
        {"TaskStop", function() TaskStop(t) end},
        {"sleep", function() orun.sleep(0) end},
        {"exec", function() orun.exec("true") end},
        {"execute", function() os.execute("true") end},
        {"popen", function() io.popen("true") end},
        {"config", function() orun.config{workers = 3} end},
        {"limit", function() orun.limit("x", 1) end},
        {"map", function() orun.map({1}, function() end) end},
      }
      local pid = forks.fork()
      if pid == 0 then
        for _, call in ipairs(calls) do
          local ok, why = pcall(call[2])
          if ok or not tostring(why):find("ORUN_EFORKED", 1, true) then
            print(call[1], ok, why)
          end
        end
        local _, why = pcall(function() Task{run = function() end} end)
        print((why:gsub("^.-:%d+: ", ""):match("^[^;]*")))
        os.exit(7)
      end
      print(forks.wait(pid))
      print(TaskOutput(t).output, Task{run = function() return "well" end}.output)
      TaskUpdate{task_id = item.id, status = "completed"}]]
    assert.equal("Task: ORUN_EFORKED: a C module forked this process after orun had started, and a "
      .. "fork has none of orun's threads\n7\n1\twell\n", r.out)
    assert.equal("", r.err)
    assert.equal(0, r.code)
  end)

  it("leaves the run's end to the parent", function()
    local events = folder .. "/events"
    local r = script([[
      local t = Task{run = function() return 1 end, run_in_background = true}
      io.write("before ") io.flush()
      local log = assert(io.open((...), "w"))
      local pid = forks.fork()
      if pid == 0 then
        io.write("child ")
        log:write("child") -- not closed: the end of the code does that
        return
      end
      print(forks.wait(pid))
      print(TaskOutput(t).output, io.open((...)):read("a"))]], {folder .. "/log"})
    assert.equal("before child 0\n1\tchild\n", r.out)
    assert.equal("", r.err)
    assert.equal(0, r.code)
    local path = h.tmpdir() .. "/x.lua"
    h.write(path, begin [[
      for _ = 1, 3 do
        Task{run = function() end, run_in_background = true}
        local pid = forks.fork()
        if pid == 0 then return end
        forks.wait(pid)
      end]])
    r = h.orun {"--events", events, path, limit = 60}
    assert.equal(0, r.code, r.err)
    local seen = {}
    for line in io.lines(events) do
      assert.is_nil(seen[line], line)
      seen[line] = true
      assert.is_truthy(line:match("^{.*}$"), line)
    end
  end)

  it("gives the child the code of its own end", function()
    local r = script [[
      local pid = forks.fork()
      if pid == 0 then error("of the child") end
      print(forks.wait(pid))]]
    assert.equal("1\n", r.out)
    assert.is_truthy(r.err:find("of the child", 1, true), r.err)
    assert.equal(0, r.code)
  end)

  local places = {["in a task"] = "", ["in an isolated task"] = "isolation = 'process',"}
  for where, fields in pairs(places) do
    it("ends the child with its code, " .. where, function()
      local r = script("local folder = " .. ("%q"):format(folder) .. [[

        local r = Task{]] .. fields .. [[ run = function()
          local forks = require "forks"
          local codes = {}
          for i = 1, 3 do
            local pid = forks.fork()
            if pid == 0 then
              if i == 1 then return "twice" end
              if i == 2 then os.exit(9) end
              TaskOutput("t1")
            end
            codes[i] = forks.wait(pid)
          end
          return table.concat(codes, " ")
        end}
        print(r.output, r.error)]])
      assert.equal("0 9 1\tnil\n", r.out)
      assert.is_truthy(r.err:find("TaskOutput: ORUN_EFORKED", 1, true), r.err)
      assert.equal(0, r.code)
    end)

    it("has no child outlive orun, " .. where, function()
      piped("Task{" .. fields .. [[ run = function()
        local forks = require "forks"
        if forks.fork() == 0 then forks.pause() end
      end}]])
    end)
  end

  it("has no child outlive orun, however that ends", function()
    local pause = "if forks.fork() == 0 then forks.pause() end\n"
    piped(pause)
    piped(pause .. "os.exit(3)")
    piped(pause .. "local f = io.open('/proc/self/stat')\n"
      .. "forks.kill(f:read('n'), 9) forks.pause()")
  end)

  it("is ended by the signals that end any process", function()
    local r = script [[
      local pid = forks.fork()
      if pid == 0 then forks.pause() end
      forks.kill(pid, 15)
      print(forks.wait(pid))]]
    assert.equal("signal\t15\n", r.out)
  end)
end)
