--- orun.specs.task_list and task_update: what is wrong with a list, its batches, its critical path.

local h = require "spec.support.helper"

-- Runs code with `list`, `update` and `task(id, dependencies, fields)`; what it prints.
local function printed(code)
  local r = h.script([[
    local list, update = require "orun.specs.task_list", require "orun.specs.task_update"
    local function task(id, dependencies, fields)
      local t = {id = id, phase = tonumber(id:match "^%d+"), phaseName = "p", subject = "S" .. id,
        description = ("text "):rep(20) .. "Acceptance: " .. id, dependencies = dependencies or {}}
      for name, value in pairs(fields or {}) do t[name] = value end
      return t
    end
    local function ids(tasks)
      local names = {}
      for i, t in ipairs(tasks) do
        names[i] = t.id .. ":" .. t.subject .. "(" .. table.concat(t.dependencies, ",") .. ")"
      end
      return table.concat(names, " ")
    end
  ]] .. code)
  assert.equal("", r.err)
  return r.out
end

describe("a list of tasks", function()
  it("is wrong where ids come twice, dependencies lack or go round", function()
    assert.equal([[
there are two tasks 1.1
task 1.2 depends on 9.9, which is not there
the dependencies have a cycle: 1.3 -> 1.4 -> 1.5 -> 1.3
the dependencies have a cycle: 1.1 -> 1.1
0
]], printed [[
      for _, tasks in ipairs{
        {task "1.1", task("1.1")}, {task("1.2", {"9.9"})},
        {task("1.2", {"1.3"}), task("1.3", {"1.4"}), task("1.4", {"1.5"}), task("1.5", {"1.3"})},
        {task("1.1", {"1.1"})}} do
        print(table.concat(list.wrong(tasks), "\n"))
      end
      print(#list.wrong{task "1.1", task("1.2", {"1.1"}), task("1.3", {"1.1", "1.2"})})]])
  end)

  it("takes each phrase that needs the specification for one", function()
    assert.equal("11\t0\n", printed [[
      local n = 0
      for _, words in ipairs{"As  Specified", "from the spec", "from spec.", "see\nthe spec",
        "see specification", "per the spec", "as described in the spec", "see above",
        "as described above", "refer to the spec", "according to the spec"} do
        n = n + #list.wrong{task("1.1", {}, {description = words .. (" word"):rep(20)
          .. " Acceptance: it is."})}
      end
      print(n, #list.wrong{task("1.1", {}, {description = "Read the inspector from special places."
        .. (" word"):rep(20) .. " Done when it is."})})]])
  end)

  it("has batches as early as can be, and the path that weighs most", function()
    assert.equal("1.1:S1.1() 1.2:S1.2()|1.3:S1.3(1.1) 2.1:S2.1(1.2)|2.2:S2.2(1.3,1.1)\t"
      .. "1.2 2.1\t4\n", printed [[
      local plan = list.plan{task("2.2", {"1.3", "1.1"}, {size = "small"}),
        task("1.1", {}, {size = "small"}), task "1.2",
        task("1.3", {"1.1"}, {size = "small"}), task("2.1", {"1.2"}, {size = "large"})}
      local batches = {}
      for i, batch in ipairs(plan.batches) do batches[i] = ids(batch) end
      print(table.concat(batches, "|"), table.concat(plan.path, " "), plan.edges)]])
  end)

  it("runs no two beside each other that change one file", function()
    assert.equal("1.3\t\t1.1 1.2\n", printed [[
      local tasks = {task("1.1", {}, {files = {"a", "b"}}), task("1.2", {}, {files = {"b"}}),
        task "1.3"}
      list.pair(tasks)
      print(table.concat(tasks[1].parallelWith, " "), table.concat(tasks[2].parallelWith, " ", 2),
        table.concat(tasks[3].parallelWith, " "))]])
  end)

  it("copes with a chain of thousands", function()
    assert.equal("5000\t5000\t0\n", printed [[
      local tasks = {}
      for i = 1, 5000 do tasks[i] = task("1." .. i, {i < 5000 and "1." .. i + 1 or nil}) end
      local plan = list.plan(tasks)
      print(#plan.batches, #plan.path, #list.wrong(tasks))]])
  end)
end)

describe("a list that is brought up to date", function()
  it("changes what is done by new tasks only, however often", function()
    assert.equal([[
1.1:a() 1.2:Update: a(1.1) 1 1
1.1:a() 1.2:Update: a(1.1) 1.3:Update: Update: a(1.2) 1 2
1.1:a() 1.2:Update: a(1.1) 0 1
]], printed [[
      local function named(text) return task("1.1", {}, {subject = "a", source = text}) end
      local tasks, counts = update({named "1"}, {named "2"}, {["1.1"] = true})
      print(ids(tasks) .. " " .. counts.added .. " " .. #tasks - 1)
      local more, now = update(tasks, {named "3"}, {["1.1"] = true, ["1.2"] = true})
      print(ids(more) .. " " .. now.added .. " " .. #more - 1)
      more, now = update(tasks, {named "2"}, {["1.1"] = true, ["1.2"] = true})
      print(ids(more) .. " " .. now.added .. " " .. #more - 1)]])
  end)

  it("drops what is no longer asked for, unless it is done", function()
    assert.equal("1.1:a() 1.3:c()\t1\n", printed [[
      local old = {task("1.1", {}, {subject = "a"}), task("1.2", {}, {subject = "b"}),
        task("1.3", {"1.2"}, {subject = "c"})}
      local tasks, counts = update(old, {task("1.1", {}, {subject = "c"})}, {["1.1"] = true})
      print(ids(tasks), counts.removed)]])
  end)
end)
