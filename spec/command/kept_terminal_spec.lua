--- What a run on a terminal keeps without being asked: of agents and programs, in the folder of
--- the user, so that after any interruption `orun resume` goes on.

local h = require "spec.support.helper"
local screen = require "spec.support.screen"

-- An agent adds its prompt to the file "ran"; the last one waits for the file "go".
local AGENTS <const> = [[
local orun = require "orun"
orun.agent{name = "bot", command = {"sh", "-c", "read -r p; echo $p >>ran; echo did $p"}}
orun.agent{name = "slow", command = {"sh", "-c", "read -r p; echo $p >>ran; " ..
  "until [ -e go ]; do sleep 0.02; done; echo did $p"}}
print(Task{subagent_type = "bot", prompt = "one"}.output:match "[^\n]+")
print(Task{command = {"sh", "-c", "echo two >>ran; echo did two"}}.output:match "[^\n]+")
local how = os.getenv "HOW"
if how == "error" then error "line 90" end
if how then
  os.execute("kill -" .. how .. " " .. io.open "/proc/self/stat":read "n")
  orun.sleep(1000)
end
print(Task{subagent_type = "slow", prompt = "three"}.output:match "[^\n]+")]]

local Place = {}
Place.__index = Place

local function place(text)
  local p = setmetatable({dir = h.tmpdir()}, Place)
  h.write(p.dir .. "/work.lua", text)
  return p
end

--- A command line of orun on a terminal, in the folder.
function Place:open(words, env)
  local all = {XDG_STATE_HOME = self.dir .. "/state"}
  for name, value in pairs(env or {}) do all[name] = value end
  return screen.open(h.quote(h.bin) .. " " .. words, {cwd = self.dir, env = all, columns = 120})
end

function Place:ran() return table.concat(h.lines(h.read(self.dir .. "/ran") or ""), " ") end

--- The files of what is kept.
function Place:kept()
  return h.lines(h.sh("ls state/orun/kept 2>/dev/null | grep 'db$'", {cwd = self.dir}).out)
end

describe("on a terminal a run of agents and programs", function()
  local LAST <const> = "\norun: 2 results are kept; go on with: orun resume\nexit %d+$"

  -- `ran`: what has run by then, in both tries.
  local function goes_on(p, stopped, ran)
    assert.matches(LAST, stopped)
    assert.equal(1, #p:kept())
    local mode = h.sh("stat -c %a state/orun/kept state/orun/kept/*.db", {cwd = p.dir}).out
    assert.equal("700\n600\n", mode)
    h.write(p.dir .. "/go", "")
    local again <close> = p:open("resume")
    local text = again:ended()
    assert.matches("did one\ndid two\ndid three\n", text)
    assert.matches("2 results taken over from an earlier try", text)
    assert.matches("exit 0", text)
    assert.not_matches("go on with", text)
    assert.equal(ran, p:ran())
    assert.equal(1, #p:kept()) -- it is the same run
  end

  it("is kept without being asked, and goes on after Ctrl-C", function()
    local p = place(AGENTS)
    local run <close> = p:open("work.lua")
    run:shows("did two")
    assert(h.wait_for(function() return p:ran() == "one two three" end))
    run:keys("C-c")
    local text = run:ended()
    assert.matches("exit 130", text)
    goes_on(p, text, "one two three three")
  end)

  for how, code in pairs{error = 1, TERM = 143} do
    it("goes on after " .. (how == "error" and "an error" or "a signal"), function()
      local p = place(AGENTS)
      local run <close> = p:open("work.lua", {HOW = how})
      local text = run:ended():gsub("\nTerminated", "") -- the shell says so
      assert.matches("exit " .. code, text)
      goes_on(p, text, "one two three")
    end)
  end

  it("is gone on with after kill -9, too, though nothing could say so", function()
    local p = place(AGENTS)
    local run <close> = p:open("work.lua", {HOW = "KILL"})
    assert.matches("exit 137", run:ended())
    h.write(p.dir .. "/go", "")
    local again <close> = p:open("resume")
    assert.matches("did one\ndid two\ndid three\n.*exit 0", again:ended())
    assert.equal("one two three", p:ran())
  end)

  it("is not kept with --no-store, ORUN_STORE=0, or where it is only functions", function()
    local p = place(AGENTS)
    h.write(p.dir .. "/go", "")
    local one <close> = p:open("--no-store work.lua")
    assert.matches("exit 0", one:ended())
    local two <close> = p:open("work.lua", {ORUN_STORE = "0"})
    assert.matches("exit 0", two:ended())
    h.write(p.dir .. "/work.lua", "print(Task{run = function() return 1 end}.output)")
    local three <close> = p:open("work.lua")
    assert.matches("exit 0", three:ended())
    assert.same({}, p:kept())
  end)
end)
