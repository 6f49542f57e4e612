-- A script whose output nobody read any more ran on, for ever if it only printed.

local h = require "spec.support.helper"

describe("a run whose reader has gone", function()
  local function through_head(options, code, both)
    local r = h.sh(("{ %s %s -e %s %s; echo $? > code; } | head -n 1 >/dev/null; cat code")
      :format(h.quote(h.bin), options, h.quote(code), both and "2>&1" or ""), {cwd = h.tmpdir()})
    return r.out, r.err
  end

  for what, code in pairs{
    print = "while true do print('y') end",
    ["io.write"] = "while true do io.write('y\\n') end",
    ["file:write"] = "while true do io.stdout:write('y\\n') end",
    ["file:flush"] = "while true do io.stdout:write('y\\n') io.stdout:flush() end",
    ["a print that is caught"] = "while true do pcall(print, 'y') end",
    ["a task"] = "Task{run = function() while true do print('y') end end}",
    ["an isolated task"] = "Task{isolation = 'process', run = function() while true do "
      .. "print('y') end end}",
    ["tasks"] = "for _ = 1, 4 do Task{run_in_background = true, run = function() while true do "
      .. "print('y') end end} end",
  } do
    it("ends: " .. what, function()
      local status, err = through_head("", code)
      assert.equal("141\n", status)
      assert.equal("", err)
    end)
  end

  for what, code in pairs{
    ["io.stderr"] = "while true do io.stderr:write('y\\n') end",
    ["orun.log"] = "while true do orun.log('y') end",
  } do
    it("ends, as to what it says beside: " .. what, function()
      assert.equal("141\n", (through_head("", code, true)))
    end)
  end

  it("ends when it is what views show", function()
    local code = "while true do Task{run = os.time} end"
    assert.equal("141\n", (through_head("--progress plain", code, true)))
    assert.equal("141\n", (through_head("--progress json", code, true)))
    assert.equal("141\n", (through_head("--events /dev/stdout", code)))
  end)

  it("has its programs ended, too", function()
    local dir = h.tmpdir()
    local code = ([[
      Task{run_in_background = true, run = function()
        require("orun").exec{cwd = "%s",
          command = {"sh", "-c", "echo $$ >new; mv new pid; exec sleep 1000"}}
      end}
      while not io.open("%s/pid") do orun.sleep(0.01) end
      while true do print("y") end]]):format(dir, dir)
    assert.equal("141\n", (through_head("", code)))
    local pid = h.read(dir .. "/pid"):match("%d+")
    assert.is_true(h.wait_for(function() return not h.exists("/proc/" .. pid) end))
  end)

  it("leaves a script alone whose program does not read", function()
    local r = h.script([[
      local pipe = io.popen("exec true", "w")
      local ok, why
      repeat ok, why = pipe:write(("x"):rep(1 << 16)) until not ok
      print(why)]])
    assert.equal("Broken pipe\n", r.out, r.err)
  end)
end)
