--- Programs that clean up after a Lua task which was stopped.

local h = require "spec.support.helper"

-- A script: `task(fields, body)` starts a task that waits, whose <close> calls `body`, a function
-- of a file's path, in that task; `lines()` are what was added to the file.
local HEAD <const> = [[
  local orun = require "orun"
  local path = ...
  local function task(fields, body)
    fields.input = path
    fields.run_in_background = true
    fields.run = function(file)
      local _ <close> = setmetatable({}, {__close = function() body(file) end})
      local f <close> = assert(io.open(file, "a"))
      f:write("up\n") f:flush()
      orun.sleep("1h")
    end
    return Task(fields)
  end
  local function lines()
    local f <close> = assert(io.open(path))
    return f:read("a")
  end
  local function up()
    while lines() == "" do orun.sleep("2ms") end
  end
]]

local function run(text)
  local path = h.tmpdir() .. "/log"
  h.write(path, "")
  return h.script(HEAD .. text, {path})
end

-- What the clean-up does: it adds a line by a program.
local EXEC <const> = [[
  local function exec(file)
    local r = orun.exec("sh", "-c", "sleep 0.4; echo cleaned >> " .. file)
    local f <close> = assert(io.open(file, "a"))
    f:write(tostring(r.ok), "\n")
  end
]]

describe("clean-up by programs", function()
  it("is done after TaskStop, a time-out and the end of the parent", function()
    for _, how in ipairs{
      "local t = task({}, exec) up() TaskStop(t)",
      "local t = task({timeout = '100ms'}, exec)",
      "Task{run = function() task({}, exec) up() end} local t = 't2'",
    } do
      local r = run(EXEC .. how .. " local r = TaskOutput(t) print(r.status, lines())")
      assert.matches("^%a+\tup\ncleaned\ntrue\n\n$", r.out, 1, r.err)
    end
  end)

  it("may use os.execute and io.popen", function()
    local r = run([[
      local t = task({}, function(file)
        local pipe <close> = io.popen("sleep 0.4; echo read")
        local word = pipe:read("l")
        os.execute("echo " .. word .. " executed >> " .. file)
      end)
      up() TaskStop(t) TaskOutput(t)
      io.write(lines())]])
    assert.equal("up\nread executed\n", r.out, r.err)
  end)

  it("is done by a task in a process of its own", function()
    local r = run(EXEC .. [[
      local t = task({isolation = "process"}, exec)
      up() TaskStop(t)
      io.write(TaskOutput(t).status, "\n", lines())]])
    assert.equal("cancelled\nup\ncleaned\ntrue\n", r.out, r.err)
  end)

  it("ends, whatever its programs do", function()
    for _, isolation in ipairs{"nil", "'process'"} do
      local r = run([[
        local t = task({isolation = ]] .. isolation .. [[}, function(file)
          while true do
            pcall(orun.exec, "sh", "-c", "trap '' TERM; echo more >> " .. file .. "; sleep 1000")
          end
        end)
        up() TaskStop(t)
        print(TaskOutput(t).status)]])
      assert.equal("cancelled\n", r.out, r.err)
    end
  end)

  it("starts no tasks and waits for none", function()
    local r = run([[
      local t = task({}, function(file)
        local _, why = pcall(Task, {command = {"true"}})
        orun.exec("sh", "-c", "echo \"$0\" >> " .. file, tostring(why))
        _, why = pcall(orun.sleep, 1)
        orun.exec("sh", "-c", "echo \"$0\" >> " .. file, tostring(why))
      end)
      up() TaskStop(t) TaskOutput(t)
      io.write(lines())]])
    assert.equal("up\nstopped: cancelled\nstopped: cancelled\n", r.out, r.err)
  end)

  it("is done after the first Ctrl-C, and ended by the second", function()
    for _, times in ipairs{1, 2} do
      local dir = h.tmpdir()
      h.write(dir .. "/log", "")
      h.write(dir .. "/s.lua", HEAD .. ([[
        task({}, function(file)
          orun.exec("sh", "-c", "echo begun >> " .. file .. "; %s; echo cleaned >> " .. file)
        end)
        orun.sleep("1h")]]):format(times == 1 and ":" or "sleep 1000"))
      local p = h.start{dir .. "/s.lua", dir .. "/log"}
      local function has(word)
        assert(h.wait_for(function() return h.read(dir .. "/log"):find(word) end))
      end
      has("up")
      p:kill("INT")
      has("begun")
      if times == 2 then p:kill("INT") end
      p:wait()
      assert.equal(times == 1, h.read(dir .. "/log"):find("cleaned") ~= nil)
    end
  end)
end)
