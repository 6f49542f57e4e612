--- orun plan --resume: what would run again, and why.

local h = require "spec.support.helper"
local json = require "cjson"

-- Agents that add a line to the file "log" when they are started.
local HEAD <const> = [[
local orun = require "orun"
orun.agent{name = "bot", command = {"sh", "-c", "echo started >> log; echo done %s"}}
orun.agent{name = "able", permissions = "edit", run = function() return "able" end}
]]

local Place = {}
Place.__index = Place

local function place(text, agent)
  local p = setmetatable({dir = h.tmpdir()}, Place)
  p:write(text, agent)
  return p
end

function Place:write(text, agent)
  h.write(self.dir .. "/work.lua", HEAD:format(agent or "it") .. text)
end

function Place:orun(...)
  local words = {"--no-history"}
  for i, word in ipairs{...} do words[i + 1] = word end
  if words[2] == "plan" then words = {"plan", "--no-history", table.unpack(words, 3)} end
  table.move({"--store", "run.db", "work.lua"}, 1, 3, #words + 1, words)
  words.cwd = self.dir
  return h.orun(words)
end

--- Run it, and forget which agents it has started.
function Place:run(...)
  local r = self:orun("-q", ...)
  assert.equal(0, r.code, r.err)
  os.remove(self.dir .. "/log")
end

--- What the plan says: text, and by task as JSON. It starts no agent, and the store stays as it
--- is.
function Place:plan(...)
  local before = h.read(self.dir .. "/run.db")
  local text = self:orun("plan", "--resume", ...)
  local data = self:orun("plan", "--json", "--resume", ...)
  assert.equal(0, text.code, text.err)
  assert.equal(0, data.code, data.err)
  assert.is_false(h.exists(self.dir .. "/log"))
  assert.is_true(before == h.read(self.dir .. "/run.db"))
  local tasks = {}
  for i, t in ipairs(json.decode(data.out).tasks) do tasks[i] = t end
  return text.out, tasks
end

-- The lines of what becomes of the tasks.
local function again(text)
  return h.lines(text:match "\n(if the run is gone on with.-)\n\n")
end

-- What a task is before and after an edit, and what the plan says of it.
local PARTS <const> = {
  {"prompt", [[Task{subagent_type = "bot", prompt = "one"}]],
             [[Task{subagent_type = "bot", prompt = "two"}]]},
  {"agent type: command", [[Task{subagent_type = "bot", prompt = "one"}]], nil, agent = "that"},
  {"input", [[Task{subagent_type = "bot", prompt = "one", input = {1}}]],
            [[Task{subagent_type = "bot", prompt = "one", input = {2}}]]},
  {"command", [[Task{command = {"sh", "-c", "echo started >> log"}}]],
              [[Task{command = {"sh", "-c", "echo started >> log; echo more"}}]]},
  {"run: code", [[Task{run = function() return 1 end}]], [[Task{run = function() return 2 end}]]},
  {"run: captured value `limit`", [[local limit = 1 Task{run = function() return limit end}]],
                                  [[local limit = 2 Task{run = function() return limit end}]]},
  {"model", [[Task{subagent_type = "able", prompt = "x", model = "one"}]],
            [[Task{subagent_type = "able", prompt = "x", model = "two"}]]},
  {"permissions", [[Task{subagent_type = "able", prompt = "x", permissions = "read"}]],
                  [[Task{subagent_type = "able", prompt = "x", permissions = "edit"}]]},
  {"schema", [[Task{subagent_type = "able", prompt = "x", schema = {type = "string"}}]],
             [[Task{subagent_type = "able", prompt = "x", schema = {type = {"string"}}}]]},
  {"cwd", [[Task{subagent_type = "bot", prompt = "one", cwd = "."}]],
          [[Task{subagent_type = "bot", prompt = "one", cwd = "/"}]]},
  {"env MODE", [[Task{subagent_type = "bot", prompt = "one", env = {MODE = "a", REST = "r"}}]],
               [[Task{subagent_type = "bot", prompt = "one", env = {MODE = "b", REST = "r"}}]]},
  {"reads in.txt", [[Task{command = {"cp", "in.txt", "out.txt"}, reads = {"in.txt", "other.txt"},
                          writes = {"out.txt"}}]], nil, file = true},
  {"max_output", [[Task{subagent_type = "bot", prompt = "one", max_output = "1KiB"}]],
                 [[Task{subagent_type = "bot", prompt = "one", max_output = "2KiB"}]]},
  {"key", [[Task{subagent_type = "bot", prompt = "one", key = "k"}]],
          [[Task{subagent_type = "bot", prompt = "one", key = "l"}]]},
  {"blockedBy", [[Task{subagent_type = "bot", prompt = "one"}]],
                [[local t = Task{run = function() return 1 end, run_in_background = true}
                  Task{subagent_type = "bot", prompt = "one", blockedBy = {t}}]], at = 2},
}

describe("orun plan --resume", function()
  for _, part in ipairs(PARTS) do
    it("tells that " .. part[1] .. " differs", function()
      local p = place(part[2])
      h.write(p.dir .. "/in.txt", "1")
      h.write(p.dir .. "/other.txt", "1")
      p:run()
      local text, tasks = p:plan()
      assert.same({"if the run is gone on with, 0 tasks run, and 1 is kept:", "t1  is kept"},
        again(text))
      assert.equal("kept", tasks[1].again)
      p:write(part[3] or part[2], part.agent)
      if part.file then h.write(p.dir .. "/in.txt", "2") end
      text, tasks = p:plan()
      local at = part.at or 1
      assert.equal(("t%d  runs again: %s"):format(at, part[1]), again(text)[at + 1])
      assert.equal("differs", tasks[at].again)
      assert.equal(part[1], tasks[at].differs)
    end)
  end

  it("says what runs because of another, and what is new", function()
    local text = [[
      local a = Task{subagent_type = "bot", prompt = %q, run_in_background = true}
      local b = Task{subagent_type = "bot", prompt = "b", blockedBy = {a}, run_in_background = true}
      local c = Task{run = function(x) return #x end, input = a, run_in_background = true}
      local d = Task{subagent_type = "bot", prompt = "d", run_in_background = true}
      TaskOutput(a) TaskOutput(b) TaskOutput(c)
    ]]
    local p = place(text:format "a")
    p:run()
    p:write(text:format "A" .. [[Task{command = {"true"}}
      Task{subagent_type = "bot", prompt = "b", cache = false}
      local e = Task{run = error, input = "e", run_in_background = true}
      print(Task{subagent_type = "bot", prompt = "f", blockedBy = {e}}.status)
      print(TaskOutput(e).status)]])
    assert.same({
      "if the run is gone on with, 6 tasks run, and 1 is kept:",
      "t1  runs again: prompt",
      "t2  runs again, because t1 does",
      "t3  runs again, because t1 does",
      "t4  is kept",
      "t5  is new",
      "t6  runs again: cache = false",
      "t7  is new",
      "t8  never begins",
    }, again((p:plan())))
  end)

  it("takes over what is kept, so that what depends on it is found", function()
    local p = place [[
      local a = Task{subagent_type = "bot", prompt = "a"}
      Task{subagent_type = "bot", prompt = "of " .. a.output}
      Task{run = function(x)
        local f <close> = io.open("ran", "a")
        return Task{subagent_type = "bot", prompt = x}.output
      end, input = a.output}]]
    p:run()
    os.remove(p.dir .. "/ran")
    local text, tasks = p:plan()
    assert.same({"if the run is gone on with, 0 tasks run, and 3 are kept:", "t1  is kept",
                 "t2  is kept", "t3  is kept"}, again(text))
    assert.equal("kept", tasks[3].source)
    assert.is_false(h.exists(p.dir .. "/ran")) -- a function that is kept does not run, either
  end)

  it("goes by what a function gives: the same result changes nothing", function()
    local text = [[
      local a = Task{run = function() return %s end, run_in_background = true}
      Task{subagent_type = "bot", prompt = "b", input = a, blockedBy = {a}}]]
    local p = place(text:format "4")
    p:run()
    p:write(text:format "#'four'")
    local _, tasks = p:plan()
    assert.equal("differs", tasks[1].again)
    assert.equal("kept", tasks[2].again)
    p:write(text:format "5")
    _, tasks = p:plan()
    assert.equal("input, blockedBy", tasks[2].differs)
  end)

  it("names what was read before a prompt that differs", function()
    local text = [[
      local a = Task{subagent_type = "bot", prompt = %q, description = "first"}
      Task{subagent_type = "bot", prompt = "of " .. a.output, description = "second"}]]
    local p = place(text:format "a")
    p:run()
    p:write(text:format "A")
    local out, tasks = p:plan()
    assert.equal("t2  runs again: prompt (and t1, whose result is read before, runs)",
      again(out)[3])
    assert.same({"t1"}, tasks[2].because)
  end)

  it("says which tasks run since the one that starts them does", function()
    local text = [[
      local outer = Task{run = function(n)
        return Task{subagent_type = "bot", prompt = "inside"}.output
      end, input = %d}
      Task{subagent_type = "bot", prompt = "later", blockedBy = {outer}}]]
    local p = place(text:format(1))
    p:run()
    p:write(text:format(2))
    assert.same({"if the run is gone on with, 3 tasks run, and 0 are kept:",
                 "t1  runs again: input",
                 "t2  runs again, because t1, which starts it, does",
                 "t3  runs again, because t1 does"}, again((p:plan())))
  end)

  it("does with --retry and --retry-failed what they would do", function()
    local p = place [[
      local a = Task{subagent_type = "bot", prompt = "a", run_in_background = true}
      local b = Task{command = {"false"}, run_in_background = true}
      TaskOutput(a) print(TaskOutput(b).status)]]
    p:run()
    local retried = "  runs again: its result is not taken over"
    assert.same({"t1" .. retried, "t2  is kept"},
      {table.unpack(again((p:plan("--retry", "t1"))), 2)})
    assert.same({"t1  is kept", "t2" .. retried},
      {table.unpack(again((p:plan("--retry-failed"))), 2)})
  end)

  it("is a check with --strict: no result that was kept is without a task", function()
    local p = place [[Task{subagent_type = "bot", prompt = "a"}]]
    p:run()
    assert.equal(0, p:orun("plan", "--strict", "--resume").code)
    p:write [[Task{subagent_type = "bot", prompt = "b"}]]
    local r = p:orun("plan", "--strict", "--resume")
    assert.equal(1, r.code)
    assert.matches("t1  runs again: prompt", r.out, 1, true)
    assert.matches("1 result of an earlier try no longer asked for", r.err, 1, true)
    assert.is_false(h.exists(p.dir .. "/log"))
    assert.equal(0, p:orun("plan", "--resume").code)
  end)

  it("compares functions that do not run, too", function()
    local p = place [[Task{run = function() return 1 end}]]
    p:run()
    local _, tasks = p:plan("--no-functions")
    assert.equal("kept", tasks[1].again)
    p:write [[Task{run = function() error "runs" end}]]
    _, tasks = p:plan("--no-functions")
    assert.equal("run: code", tasks[1].differs)
  end)

  it("compares a worktree and its base", function()
    local p = place [[Task{subagent_type = "bot", prompt = "x", isolation = "worktree"}]]
    h.sh("git init -q && echo log > .gitignore && git add .gitignore && " ..
      "git -c user.name=a -c user.email=a@b commit -qm 1", {cwd = p.dir})
    p:run()
    local _, tasks = p:plan()
    assert.equal("kept", tasks[1].again)
    p:write [[Task{subagent_type = "bot", prompt = "x", isolation = "worktree", base = "HEAD"}]]
    _, tasks = p:plan()
    assert.equal("worktree", tasks[1].differs)
  end)

  it("refuses a run that is not there, and a store that is none", function()
    local p = place [[Task{run = print}]]
    local r = p:orun("plan", "--resume")
    assert.equal(1, r.code)
    assert.matches("run.db", r.err, 1, true)
    assert.is_false(h.exists(p.dir .. "/run.db"))
    p:run()
    r = p:orun("plan", "--resume=nonesuch")
    assert.equal(1, r.code)
    assert.matches("no run 'nonesuch'", r.err, 1, true)
  end)

  it("keeps nothing in a plan without it", function()
    local p = place [[orun.config{store = "own.db"} Task{run = function() return 1 end}]]
    assert.equal(0, p:orun("plan").code)
    assert.is_false(h.exists(p.dir .. "/run.db"))
    assert.is_false(h.exists(p.dir .. "/own.db"))
  end)
end)
