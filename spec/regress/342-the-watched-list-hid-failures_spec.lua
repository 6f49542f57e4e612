--- `orun tasks --watch`: failed tasks stood below all that queued, the last line and the filter
--- were cut, and with several runs it ended.

local h = require "spec.support.helper"
local hints = require "orun.watch.hints"
local screen = require "spec.support.screen"

local RUN <const> = [[
  for i = 1, 2 do
    Task{description = "bad " .. i, run_in_background = true,
         run = function() error("no luck", 0) end}
  end
  orun.agent{name = "build", limit = 1, command = {"sh", "-c", "cat; exec sleep 1000"}}
  for i = 1, 13 do
    Task{subagent_type = "build", description = "build " .. i, prompt = "compiling\n",
         run_in_background = true}
  end
  orun.sleep(1000)]]

local started = {}

local function start(env, dir, name)
  h.write(dir .. "/" .. name, RUN)
  started[#started + 1] = h.start{"-q", name, cwd = dir, env = env}
  assert(h.wait_for(function()
    return h.orun{"tasks", name, env = env}.out:find("12 queued", 1, true)
  end), "the run cannot be found")
end

local function place()
  local dir = h.tmpdir()
  return {XDG_RUNTIME_DIR = dir}, dir
end

local function watch(env, columns, rows)
  return screen.open(h.quote(h.bin) .. " tasks --watch",
    {columns = columns, rows = rows, env = env})
end

describe("the watched list", function()
  after_each(function()
    for _, run in ipairs(started) do run:kill("KILL") end
    started = {}
  end)

  it("has failures first, and one line for all that queue, which shows each", function()
    local env, dir = place()
    start(env, dir, "s.lua")
    for _, size in ipairs{{80, 24}, {60, 15}} do
      local s <close> = watch(env, table.unpack(size))
      local text = s:shows("compiling\n12 queued\n.*q quit")
      assert.matches("^s.lua  [%d ms]+  2 failed, 1 running, 12 queued\n[^\n]*\nt2 +failed[^\n]*bad"
        .. "[^\n]*\nt1 +failed[^\n]*\nt3 +running[^\n]*\n12 queued\n", text)
      s:keys("G", "Enter")
      s:shows("shown: queued\n.*\nt4 .*\nt15 [^\n]*\n")
      s:keys("Escape")
      s:shows("\n12 queued\n")
    end
  end)

  it("cuts neither the filter nor the last line", function()
    local env, dir = place()
    start(env, dir, "with-a-name-that-is-long.lua")
    local s <close> = watch(env, 40, 12)
    s:shows("s stop  / filter  %? keys  q quit$")
    s:keys("/", "build 1", "2")
    s:shows("\n/build 12▏$")
    s:keys("Enter")
    s:shows("^1 queued  with: build 12\n.*Esc all again  %? keys  q quit$")
    s:keys("/", ("x"):rep(60))
    s:shows("\nx+▏$")
  end)

  it("lets one of several runs be chosen, and another later", function()
    local env, dir = place()
    start(env, dir, "one.lua")
    start(env, dir, "two.lua")
    local s <close> = watch(env, 60, 15)
    s:shows("^2 runs go on\none.lua +[^\n]+\ntwo.lua +[^\n]+\n+Up Down  Enter watch  q quit$")
    s:keys("Down", "Enter")
    s:shows("^two.lua .*compiling")
    s:keys("r")
    s:shows("^2 runs go on\n")
    s:keys("Enter")
    s:shows("^one.lua .*compiling")
    s:keys("q")
    assert.equal("exit 0", s:ended())
  end)
end)

describe("the keys in a last line", function()
  it("are whole, and the most needed stay longest", function()
    local list = {{"Enter output", 3}, {"é keys", 1}, {"q quit", 2}}
    assert.equal("Enter output  é keys  q quit", hints(list, 28))
    assert.equal("é keys  q quit", hints(list, 27))
    assert.equal("é keys", hints(list, 13))
    assert.equal("", hints(list, 5))
  end)
end)
