--- Handles that functions capture: the key of such a task is the same whichever of the two was
--- first, and it runs again if what it used of the other has changed.

local h = require "spec.support.helper"

local HEAD <const> = [[
local orun = require "orun"
local function ran(name)
  local f <close> = assert(io.open("ran", "a"))
  f:write(name, "\n")
end
local function is(name)
  local f = io.open(name)
  return f and f:close()
end
local function meet(name)
  while not is(name) do orun.sleep(0.001) end
end
local function touch(name) io.open(name, "w"):close() end
]]

local Place = {}
Place.__index = Place

local function place(text)
  local p = setmetatable({dir = h.tmpdir()}, Place)
  p:write(text)
  return p
end

function Place:write(text) h.write(self.dir .. "/work.lua", HEAD .. text) end

function Place:touch(name) h.write(self.dir .. "/" .. name, "") end

--- Run the script, or go on with it; the names of the tasks that ran.
function Place:ran(...)
  local words = {"--no-history", "-q", "--store", "run.db", cwd = self.dir}
  if h.exists(self.dir .. "/run.db") then words[#words + 1] = "--resume" end
  for _, word in ipairs{...} do words[#words + 1] = word end
  words[#words + 1] = "work.lua"
  os.remove(self.dir .. "/ran")
  local r = h.orun(words)
  assert.equal(0, r.code, r.err)
  return self:log()
end

-- The names of the tasks that ran last, in order of name.
function Place:log()
  local ran = h.lines(h.read(self.dir .. "/ran") or "")
  table.sort(ran)
  return table.concat(ran, " ")
end

local function gone(p, name) os.remove(p.dir .. "/" .. name) end

describe("a handle that a function captures", function()
  -- b begins when a has ended ("early"), or before that.
  local EITHER <const> = [[
    local a = orun.start{run = function()
      ran "a"
      if not is "early" then meet "begun" end
      return "from a"
    end}
    if is "early" then TaskOutput(a) end
    local b = orun.start{run = function()
      ran "b"
      touch "begun"
      return TaskOutput(a).output
    end}
    assert(TaskOutput(b).output == "from a")
  ]]

  it("counts the same if its task had ended when the function could begin", function()
    local p = place(EITHER)
    p:touch "early"
    assert.equal("a b", p:ran())
    assert.equal("", p:ran())
    gone(p, "early")
    assert.equal("", p:ran())
  end)

  it("counts the same if its task ran then", function()
    local p = place(EITHER)
    assert.equal("a b", p:ran())
    assert.equal("", p:ran())
    p:touch "early"
    assert.equal("", p:ran())
  end)

  it("counts the same if its task waited then, behind others that are taken over", function()
    local p = place[[
      local last = orun.start{run = function() ran "0" if is "slow" then meet "begun" end end}
      for i = 1, 5 do
        last = orun.start{blockedBy = {last}, run = function() ran(i) return i end, input = i}
      end
      local b = orun.start{run = function()
        ran "b"
        touch "begun"
        return TaskOutput(last).output
      end}
      assert(TaskOutput(b).status == "completed")
    ]]
    p:touch "slow"
    assert.equal("0 1 2 3 4 5 b", p:ran())
    assert.equal("", p:ran())
    gone(p, "slow")
    assert.equal("", p:ran())
  end)

  it("counts by what its task is to do: in another order nothing runs again", function()
    local function text(order)
      return ([[
        local users = {}
        local made = {}
        for _, n in ipairs{1, 2, 3} do
          local first = orun.start{input = n, run = function(x) ran("a" .. x) return x end}
          made[n] = orun.start{input = {first}, run = function(x) ran "m" return x[1] end}
        end
        for _, n in ipairs{%s} do
          local mine = made[n]
          users[n] = orun.start{run = function() ran "u" return TaskOutput(mine).output end}
        end
        for n = 1, 3 do assert(TaskOutput(users[n]).output == n) end
      ]]):format(order)
    end
    local p = place(text "1, 2, 3")
    assert.equal("a1 a2 a3 m m m u u u", p:ran())
    p:write(text "3, 1, 2")
    assert.equal("", p:ran())
  end)

  it("has the function run again when its task is another one", function()
    local function text(word)
      return ([[
        local a = orun.start{run = function() ran "a" return "%s" end}
        local b = orun.start{run = function() ran "b" return TaskOutput(a).output end}
        local c = orun.start{run = function() ran "c" end}
        TaskOutput(c)
        assert(TaskOutput(b).output == "%s")
      ]]):format(word, word)
    end
    local p = place(text "one")
    assert.equal("a b c", p:ran())
    p:write(text "two")
    assert.equal("a b", p:ran())
    assert.equal("", p:ran())
  end)

  -- Without a part of the key that differs: a runs again, and ends otherwise.
  local AGAIN <const> = [[
    local a = orun.start{%s run = function()
      ran "a"
      if is "good" then return "good" end
      error("bad", 0)
    end}
    local b = orun.start{run = function()
      ran "b"
      local r = TaskOutput(a)
      return r.output or r.error
    end}
    local seen = TaskOutput(b).output
    assert(TaskOutput(a).status)
    assert(seen == (is "good" and "good" or "bad"), seen)
  ]]

  it("has the function run again when its task does: a failure that is retried", function()
    local p = place(AGAIN:format "")
    assert.equal("a b", p:ran())
    assert.equal("", p:ran())
    p:touch "good"
    os.remove(p.dir .. "/ran")
    local r = h.orun{"retry", "--no-history", "-q", "--store", "run.db", cwd = p.dir}
    assert.equal(0, r.code, r.err)
    assert.equal("a b", p:log())
    assert.equal("", p:ran())
  end)

  it("has the function run again when its task does: cache = false", function()
    local p = place(AGAIN:format "cache = false,")
    assert.equal("a b", p:ran())
    p:touch "good"
    assert.equal("a b", p:ran())
  end)

  it("of an agent's type has its tasks run again when the captured one does", function()
    local p = place((AGAIN:gsub("local b = orun.start{run = (.-\n    end)}",
      [[orun.agent{name = "uses", run = %1}
    local b = orun.start{subagent_type = "uses", prompt = "x"}]])):format "cache = false,")
    assert.equal("a b", p:ran())
    p:touch "good"
    assert.equal("a b", p:ran())
  end)

  it("does not have it run again when that had not ended before", function()
    local p = place[[
      local a = orun.start{cache = false, run = function() ran "a" meet "over" end}
      local b = orun.start{run = function() ran "b" return TaskGet(a).status end}
      assert(TaskOutput(b).output ~= "completed")
      touch "over"
      TaskOutput(a)
    ]]
    assert.equal("a b", p:ran())
    assert.equal("a", p:ran())
  end)

  it("counts for nothing where the task has a key of its own", function()
    local p = place((AGAIN:gsub("local b = orun.start{", "%0key = 'mine', ", 1)
      :gsub("assert%(seen.-\n", "")):format "cache = false,")
    assert.equal("a b", p:ran())
    p:touch "good"
    assert.equal("a", p:ran())
  end)

  it("is what a plan names when its task would run again", function()
    local function plan(p)
      local r = h.orun{"plan", "--no-history", "--resume", "--store", "run.db", "work.lua",
        cwd = p.dir}
      assert.equal(0, r.code, r.err)
      return r.out
    end
    local p = place(AGAIN:format "")
    assert.equal("a b", p:ran())
    assert.matches("\nt1  is kept\nt2  is kept\n", plan(p), 1, true)
    p = place(AGAIN:format "cache = false,")
    assert.equal("a b", p:ran())
    p:touch "good"
    assert.matches("\nt1  runs again: cache = false\nt2  runs again, because t1 does\n", plan(p), 1,
      true)
  end)
end)

describe("a task that is waited for", function()
  it("by input and blockedBy counts once, whether it had ended or not", function()
    local p = place[[
      local a = orun.start{run = function() ran "a" if not is "early" then meet "made" end end}
      if is "early" then TaskOutput(a) end
      local b = orun.start{input = a, blockedBy = {a}, run = function() ran "b" end}
      touch "made"
      TaskOutput(b)
    ]]
    p:touch "early"
    assert.equal("a b", p:ran())
    gone(p, "early")
    assert.equal("", p:ran())
    gone(p, "run.db")
    gone(p, "made")
    assert.equal("a b", p:ran())
    p:touch "early"
    assert.equal("", p:ran())
  end)
end)
