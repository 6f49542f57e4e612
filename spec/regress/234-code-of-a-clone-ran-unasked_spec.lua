-- A cloned repository with .orun/agents/e.lua: `orun agents`, `orun plan` and any Task that
-- asked for a type the script had not defined ran its code, unasked.

local h = require "spec.support.helper"

-- A clone whose Lua file leaves a mark when it is run, a folder of the user's own beside it,
-- and a state folder.
local function place()
  local dir = h.tmpdir()
  local p = {dir = dir, clone = dir .. "/clone", own = dir .. "/own", mark = dir .. "/ran"}
  h.sh("mkdir -p clone/.orun/agents clone/sub own", {cwd = dir})
  h.write(p.clone .. "/.orun/agents/e.lua", ([[
    io.open("%s", "a"):close()
    return {run = function() return "did it" end}]]):format(p.mark))
  p.ask = 'print(pcall(function() return Task{subagent_type = "e", prompt = "x"}.output end))'
  h.write(p.own .. "/s.lua", p.ask)
  h.write(p.clone .. "/sub/s.lua", p.ask)
  function p.orun(t)
    t.cwd = t.cwd or p.clone
    t.env = {XDG_STATE_HOME = dir .. "/state", HOME = dir .. "/home", ORUN_BACKEND = false}
    local r = h.orun(t)
    r.ran = os.remove(p.mark) == true
    return r
  end
  return p
end

local function refused(r, words)
  assert.is_false(r.ran, r.out)
  assert.matches("^false\t.*subagent_type \"e\" %(%S-.orun/agents/e.lua:1%): this Lua file is not "
    .. "run: ", r.out)
  assert.matches(words, r.out, 1, true)
end

local function done(r)
  assert.is_true(r.ran, r.out .. r.err)
  assert.equal("true\tdid it\n", r.out, r.err)
end

describe("Lua code of a project", function()
  it("is not run by listing, or by a plan", function()
    local p = place()
    for _, words in ipairs{{"agents"}, {"agents", "--json"}, {"plan", p.own .. "/s.lua"},
                           {"plan", "sub/s.lua"}, {"plan", "--trust", "sub/s.lua"},
                           {"trust"}, {"agents"}, {"trust", "--list"}} do
      local r = p.orun(words)
      assert.equal(0, r.code, r.err)
      assert.is_false(r.ran, table.concat(words, " "))
    end
    assert.matches("\ne  (.orun/agents/e.lua:1)\n  runs in   Lua code, trusted\n",
      "\n" .. p.orun{"agents"}.out, 1, true)
  end)

  it("is run for a script that lies in the project, in whatever folder", function()
    local p = place()
    done(p.orun{"sub/s.lua"})
    done(p.orun{p.clone .. "/sub/s.lua", cwd = p.clone .. "/sub"})
    h.sh("ln -s clone/sub/s.lua link.lua; ln -s ../own/s.lua clone/link.lua", {cwd = p.dir})
    done(p.orun{p.dir .. "/link.lua"})
    refused(p.orun{"link.lua"}, "is not in " .. p.clone)
  end)

  it("is not run for a script elsewhere, for -e, or for standard input", function()
    local p = place()
    refused(p.orun{p.own .. "/s.lua"},
      "`orun trust " .. p.clone .. "/.orun/agents/e.lua` trusts it")
    refused(p.orun{"-e", p.ask}, "it is not trusted")
    refused(p.orun{"-", stdin = p.ask}, "it is not trusted")
    refused(p.orun{"-e", p.ask, cwd = p.clone .. "/sub"}, "it is not trusted")
    local r = p.orun{"-e", 'print(pcall(Task, {subagent_type = "other", prompt = "x"}))'}
    assert.is_false(r.ran)
    assert.matches("not run, and so not known, are .orun/agents/e.lua", r.out, 1, true)
    done(p.orun{"--trust", "-e", p.ask})
  end)

  it("is run once it is trusted, until it changes, or is not any more", function()
    local p = place()
    local file = p.clone .. "/.orun/agents/e.lua"
    assert.equal("trusted: " .. file .. "\n", p.orun{"trust", cwd = p.clone .. "/sub"}.out)
    done(p.orun{p.own .. "/s.lua"})
    done(p.orun{"-e", p.ask})
    assert.equal(file .. "\n", p.orun{"trust", "--list"}.out)
    h.write(file, h.read(file) .. "\n--")
    refused(p.orun{"-e", p.ask}, "it has changed since it was trusted")
    assert.equal(file .. "  (changed: not run)\n", p.orun{"trust", "--list"}.out)
    assert.equal(0, p.orun{"trust", file}.code)
    done(p.orun{"-e", p.ask})
    assert.equal("no longer trusted: " .. file .. "\n", p.orun{"trust", "--remove"}.out)
    refused(p.orun{"-e", p.ask}, "it is not trusted")
    assert.equal("", p.orun{"trust", "--list"}.out)
    assert.equal(1, p.orun{"trust", "--remove"}.code)
  end)

  it("is what links lead to", function()
    local p = place()
    local file = p.own .. "/e.lua"
    h.sh("mv clone/.orun/agents/e.lua own/e.lua; ln -s ../../../own/e.lua clone/.orun/agents/e.lua",
      {cwd = p.dir})
    refused(p.orun{"sub/s.lua"}, "it is not trusted")
    assert.equal("trusted: " .. file .. "\n", p.orun{"trust", p.clone}.out)
    done(p.orun{"sub/s.lua"})
    h.sh("rm -r clone/.orun/agents; mkdir own/agents; mv own/e.lua own/agents; "
      .. "ln -s ../../own/agents clone/.orun/agents", {cwd = p.dir})
    local r = p.orun{"sub/s.lua"}
    assert.is_false(r.ran, r.out)
    assert.matches("this Lua file is not run: it is not trusted", r.out, 1, true)
  end)

  it("says how it is used, and what is not there", function()
    local p = place()
    assert.matches("^usage: orun trust", p.orun{"trust", "--help"}.out)
    assert.equal(2, p.orun{"trust", "a", "b"}.code)
    assert.equal(2, p.orun{"trust", "--frob"}.code)
    assert.matches("no such file or folder", p.orun{"trust", "nowhere"}.err, 1, true)
    assert.matches("there are no Lua files", p.orun{"trust", p.own}.err, 1, true)
  end)
end)
