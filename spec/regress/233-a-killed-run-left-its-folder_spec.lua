-- Outputs and prompts of a run that was killed, or ended by two signals in a row, stayed in
-- TMPDIR for ever; and nothing told of what could not be stopped.

local h = require "spec.support.helper"
local repo = require "spec.support.repo"

-- A folder for temporary files, and what is in it of runs.
local function place()
  local tmp = h.tmpdir()
  return tmp, function()
    return h.sh("ls -d orun-?????? 2>/dev/null", {cwd = tmp}).out
  end
end

-- A run that has a folder with something in it, and goes on. `more` is Lua.
local function begin(tmp, more, bin)
  local script = h.write(tmp .. "/run.lua", [[
    Task{run = os.time}
    ]] .. (more or "") .. [[
    print("begun")
    io.stdout:flush()
    Task{run = function() orun.sleep(1000) end, description = "endless"}
  ]])
  local p = h.start{script, bin = bin, env = {TMPDIR = tmp}}
  assert(h.wait_for(function() return p:printed():find("begun", 1, true) end))
  return p
end

local PROGRAM <const> = [[
    orun.agent{name = "hold", command = {"sleep", "1000"}}
    Task{subagent_type = "hold", prompt = "x", description = "held", run_in_background = true}
    while not TaskList{kind = "task", status = "in_progress"}[1] do orun.sleep(0.001) end
    orun.exec{command = {"true"}}
]]

local function gone(folders)
  return h.wait_for(function() return folders() == "" end)
end

describe("the folder of a run", function()
  it("goes though two signals come one right after the other", function()
    for _, more in ipairs{"", PROGRAM} do
      for _ = 1, 3 do
        local tmp, folders = place()
        local p = begin(tmp, more)
        assert.matches("^orun%-%w+\n$", folders())
        h.sh(("kill -INT %d; kill -INT %d"):format(p.pid, p.pid))
        assert.equal(130, p:wait().code)
        assert.equal("", folders())
      end
    end
  end)

  it("goes with a run that is killed while a program of it runs", function()
    local tmp, folders = place()
    local p = begin(tmp, PROGRAM)
    assert.matches("^orun%-%w+\n$", folders())
    p:kill("KILL")
    p:wait()
    assert.is_truthy(gone(folders), folders())
  end)

  it("goes with the next run where nobody was left to remove it", function()
    local tmp, folders = place()
    local p = begin(tmp)
    p:kill("KILL")
    p:wait()
    assert.matches("^orun%-%w+\n$", folders())
    assert.equal(0, h.script("Task{run = os.time}", {env = {TMPDIR = tmp}}).code)
    assert.equal("", folders())
  end)

  it("stays while its run lives, and where it is not one of a run", function()
    local tmp, folders = place()
    local p = begin(tmp)
    local mine = folders()
    h.sh([[
      mkdir -m 700 orun-nomark orun-other1 orun-wider1 orun-dir001 elsewhere
      touch elsewhere/output-1.txt elsewhere/.run orun-nomark/output-1.txt
      touch orun-other1/.run orun-other1/output-1.txt orun-other1/mine.txt
      touch orun-wider1/.run orun-wider1/output-1.txt
      chmod 755 orun-wider1
      mkdir orun-dir001/output-2.txt
      touch orun-dir001/.run orun-dir001/output-2.txt/x
      ln -s ../elsewhere/output-1.txt orun-dir001/output-1.txt
      ln -s elsewhere orun-link01]], {cwd = tmp})
    assert.equal(0, h.script("Task{run = os.time}", {env = {TMPDIR = tmp}}).code)
    local left = h.sh("find . -name 'o*' -o -name .run -o -name '*.txt' | grep -v "
      .. mine:match "%S+" .. " | sort; ls elsewhere", {cwd = tmp}).out
    assert.equal([[
./elsewhere/.run
./elsewhere/output-1.txt
./orun-dir001
./orun-dir001/output-2.txt
./orun-link01
./orun-nomark
./orun-nomark/output-1.txt
./orun-other1
./orun-other1/mine.txt
./orun-wider1
./orun-wider1/.run
./orun-wider1/output-1.txt
output-1.txt
]], left)
    assert.is_true(h.exists(tmp .. "/" .. mine:match "%S+" .. "/.run"))
    p:kill("TERM")
    p:wait()
  end)
end)

-- The supervisor of a run's programs stands still from now on.
local function halt_supervisor(p)
  local supervisor = h.sh(([[
    for guard in $(cat /proc/%d/task/*/children); do
      for k in $(cat /proc/$guard/task/*/children); do
        grep -q '^orun-supervisor' /proc/$k/comm && kill -STOP $k && echo $k
      done
    done]]):format(p.pid)).out
  assert.matches("^%d+\n$", supervisor)
end

describe("a run that was told twice to end", function()
  it("ends though its supervisor stands still, and names what could not be stopped", function()
    local tmp, folders = place()
    local p = begin(tmp, PROGRAM)
    halt_supervisor(p)
    -- Signals that come while one is pending are that one.
    assert(h.wait_for(function()
      p:kill("INT")
      return not p:state() or p:state() == "Z"
    end))
    local r = p:wait()
    assert.equal(130, r.code)
    assert.matches("could not be stopped within a second: t2 (held)", r.err, 1, true)
    assert.is_truthy(gone(folders), folders())
  end)
end)

-- Two signals back to back are often one.
describe("a run that was told once to end", function()
  -- What it ends with, within ten seconds. (Without the supervisor it took 17, or for ever.)
  local function interrupt(more)
    local tmp, folders = place()
    local p = begin(tmp, more)
    halt_supervisor(p)
    p:kill("INT")
    local r = p:wait(10)
    if not r then
      p:kill("KILL")
      p:wait()
    end
    assert.is_truthy(r, "it does not end")
    assert.equal(130, r.code)
    assert.is_truthy(gone(folders), folders())
    return r
  end

  it("ends though its supervisor stands still, and names what could not be stopped", function()
    local r = interrupt(PROGRAM)
    assert.matches("orun: could not be stopped in time: t2 (held);", r.err, 1, true)
  end)

  it("does so when it is an isolated task", function()
    local r = interrupt [[
      local up = os.getenv "TMPDIR" .. "/up"
      Task{description = "held", isolation = "process", run_in_background = true, run = function()
        io.open(up, "w"):close()
        while true do end
      end}
      repeat orun.sleep(0.001) until io.open(up)]]
    assert.matches("orun: could not be stopped in time: t2 (held);", r.err, 1, true)
  end)

  it("does not wait for a program of the script's own", function()
    interrupt [[
      local up = os.getenv "TMPDIR" .. "/up"
      Task{run_in_background = true, run = function()
        repeat orun.sleep(0.001) until io.open(up)
        print("begun")
        io.stdout:flush()
      end}
      orun.exec{command = {"sh", "-c", "echo > $TMPDIR/up; exec sleep 1000"}}]]
  end)

  it("commits what was made in a worktree, with another supervisor", function()
    local dir = repo.new()
    local r = interrupt(([[
      local up = os.getenv "TMPDIR" .. "/up"
      Task{command = {"sh", "-c", "echo new > new; echo > $TMPDIR/up; exec sleep 1000"},
        description = "held", isolation = "worktree", cwd = %q, run_in_background = true}
      repeat orun.sleep(0.001) until io.open(up)]]):format(dir))
    assert.matches("orun: could not be stopped in time: t2 (held);", r.err, 1, true)
    assert.equal("new", repo.sh(dir, "git log --all --format= --name-only -1"))
  end)
end)
