--- orun.workflow: another script, run as a function.

local h = require "spec.support.helper"

-- Runs main.lua of a folder with these files.
local function run(files, opts)
  opts = opts or {}
  local dir = opts.dir or h.tmpdir()
  for path, text in pairs(files) do
    local parent = path:match "^(.*)/"
    if parent then h.sh(("mkdir -p %s"):format(h.quote(dir .. "/" .. parent))) end
    h.write(dir .. "/" .. path, text)
  end
  return h.orun{opts.script or "main.lua", cwd = dir .. (opts.cwd or "")}, dir
end

describe("orun.workflow", function()
  it("passes one value, and returns what the file returns", function()
    local r = run{
      ["main.lua"] = [[print(orun.workflow("parts/sum.lua", {1, 2, 3}))
        print(select("#", orun.workflow "parts/none.lua"))]],
      ["parts/sum.lua"] = "#!/usr/bin/env orun\n" .. [[
        local numbers, sum = ..., 0
        for _, n in ipairs(numbers) do
          sum = sum + Task{run = function(x) return x end, input = n}.output
        end
        return sum, nil, "end"]],
      ["parts/none.lua"] = "assert(select('#', ...) == 1 and ... == nil)",
    }
    assert.equal("6\tnil\tend\n0\n", r.out, r.err)
  end)

  it("looks beside the script that calls, also in a tail call, however deep", function()
    local r = run({
      ["s/main.lua"] = [[print(orun.workflow "a/one.lua")]],
      ["s/a/one.lua"] = [[return orun.workflow "b/two.lua"]],
      ["s/a/b/two.lua"] = [[local function f() return orun.workflow "three.lua" end return f()]],
      ["s/a/b/three.lua"] = [[return "three"]],
    }, {script = "s/main.lua"})
    assert.equal("three\n", r.out, r.err)
  end)

  it("works in tasks", function()
    local r = run{
      ["main.lua"] = [[print(Task{run = function() return orun.workflow("x.lua", 4) end}.output)]],
      ["x.lua"] = [[return ... * 2]],
    }
    assert.equal("8\n", r.out, r.err)
  end)

  it("finds the project's workflows, going up", function()
    local files = {
      ["main.lua"] = [[print(orun.workflow("greet", "you"))]],
      [".orun/workflows/greet.lua"] = [[return "hello " .. ...]],
      ["sub/x"] = "",
    }
    assert.equal("hello you\n", (run(files)).out)
    local r = run(files, {script = "../main.lua", cwd = "/sub"})
    assert.equal("hello you\n", r.out, r.err)
  end)

  it("does not run the code of a project that the script is not part of", function()
    local _, dir = run{
      ["main.lua"] = "", [".orun/workflows/evil.lua"] = [[print "it ran"]],
    }
    local other = h.tmpdir()
    h.write(other .. "/outside.lua", [[print(pcall(orun.workflow, "evil"))]])
    local r = h.orun{other .. "/outside.lua", cwd = dir}
    assert.matches("evil.lua is not run: it is not trusted, because the running script is not in ",
      r.out, 1, true)
    assert.is_nil(r.out:find("it ran", 1, true))
    r = h.orun{"evil", cwd = dir}
    assert.matches("it is not trusted, and files of a project run only when they are; `orun trust ",
      r.err, 1, true)
    r = h.orun{"--trust", other .. "/outside.lua", cwd = dir}
    assert.matches("it ran", r.out, 1, true)
  end)

  it("names the script in errors", function()
    local r = run{["main.lua"] = [[
        print(pcall(orun.workflow, "syntax.lua"))
        print(pcall(orun.workflow, "raises.lua"))
        print(pcall(orun.workflow, "no/such.lua"))
        print(pcall(orun.workflow, "nothing"))
        print(pcall(orun.workflow, "folder"))
        print(pcall(orun.workflow, 5))]],
      ["syntax.lua"] = "x = = 1", ["raises.lua"] = "\nerror 'broken'", ["folder/x"] = ""}
    local lines = h.lines(r.out)
    assert.matches("^false\torun.workflow: syntax.lua:1: unexpected symbol", lines[1])
    assert.equal("false\traises.lua:2: broken", lines[2])
    local refused = "false\torun.workflow: name = "
    assert.equal(refused .. '"no/such.lua": there is no file no/such.lua', lines[3])
    assert.equal(refused .. '"nothing": there is no file nothing, and no '
      .. "workflow of that name; 'orun workflows' lists those there are", lines[4])
    assert.equal(refused .. '"folder": cannot read folder: it is not a file', lines[5])
    assert.equal(refused .. "5: expected a text", lines[6])
  end)
end)
