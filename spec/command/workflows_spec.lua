--- `orun NAME` and `orun workflows`: scripts that have a name, and how they read their words.

local h = require "spec.support.helper"
local json = require "orun.json"

-- A project with these workflows, trusted unless told; a folder for what orun remembers, and one
-- for what the user configures.
local Place = {}
Place.__index = Place

local function place(files, trusted)
  local p = setmetatable({dir = h.tmpdir()}, Place)
  h.sh("mkdir -p own config/orun/workflows project/.orun/workflows/deep/er project/sub",
    {cwd = p.dir})
  for path, text in pairs(files or {}) do h.write(p.dir .. "/" .. path, text) end
  if trusted ~= false then p:run{"trust", "../project"} end
  return p
end

local MINE <const> = "project/.orun/workflows/"

function Place:run(opts)
  opts.cwd = self.dir .. "/" .. (opts.cwd or "project")
  opts.env = {HOME = self.dir .. "/own", XDG_CONFIG_HOME = self.dir .. "/config",
    XDG_STATE_HOME = self.dir .. "/state", ORUN_HISTORY = "0"}
  return h.orun(opts)
end

describe("orun NAME", function()
  it("runs the project's workflow, from the folders below it, with its words", function()
    local p = place{[MINE .. "say.lua"] = "print(arg[0], ...)",
      [MINE .. "deep/er/one.lua"] = "#!/usr/bin/env orun\nprint 'deep'"}
    assert.equal("say\ta\t-b\n", p:run{"say", "a", "-b"}.out)
    assert.equal("say\n", p:run{"say", cwd = "project/sub"}.out)
    assert.equal("deep\n", p:run{"deep:er:one"}.out)
    assert.equal(2, p:run{"say", cwd = "own"}.code)
  end)

  it("is the nearest project's, then the user's, then orun's own", function()
    local p = place{["config/orun/workflows/pool.lua"] = "print 'user'",
      [MINE .. "pool.lua"] = "print 'project'"}
    assert.equal("project\n", p:run{"pool"}.out)
    assert.equal("user\n", p:run{"pool", cwd = "own"}.out)
    os.remove(p.dir .. "/config/orun/workflows/pool.lua")
    assert.matches("^orun pool: ", p:run{"pool", "--help", cwd = "own"}.out)
  end)

  it("is a file or a command first; a folder is neither", function()
    local p = place{[MINE .. "say.lua"] = "print 'workflow'", ["project/say"] = "print 'file'",
      [MINE .. "agents.lua"] = "print 'workflow'", [MINE .. "sub.lua"] = "print 'not the folder'"}
    assert.equal("file\n", p:run{"say"}.out)
    assert.matches("general-purpose", p:run{"agents"}.out, 1, true)
    assert.equal("not the folder\n", p:run{"sub"}.out)
    os.remove(p.dir .. "/project/say")
    assert.matches("cannot open say", p:run{"--", "say"}.err, 1, true)
  end)

  it("does not run what is not trusted, nor another of that name in its place", function()
    local p = place({[MINE .. "pool.lua"] = "print 'it ran'",
      [MINE .. "deep/two.lua"] = "print 'it ran'"}, false)
    for _, name in ipairs{"pool", "deep:two"} do
      local r = p:run{name, "true", ":::"}
      assert.same({1, ""}, {r.code, r.out})
      assert.matches("is not run: it is not trusted", r.err, 1, true)
    end
    assert.equal("it ran\n", p:run{"--trust", "pool"}.out)
    assert.equal(0, p:run{"trust"}.code)
    assert.equal("it ran\n", p:run{"pool"}.out)
    assert.equal("it ran\n", p:run{"deep:two"}.out)
    h.write(p.dir .. "/" .. MINE .. "pool.lua", "print 'changed'")
    assert.matches("it has changed since it was trusted", p:run{"pool"}.err, 1, true)
  end)

  it("answers a misspelt name with those that are near, of commands and workflows", function()
    local p = place{[MINE .. "greet.lua"] = "print 'hello'"}
    local function near(word)
      local r = p:run{word}
      assert.same({2, ""}, {r.code, r.out})
      assert.matches(("'%s' is neither a script, a command nor a workflow"):format(word), r.err, 1,
        true)
      return r.err:match("did you mean '(.-)'")
    end
    assert.same({"orun greet", "orun pool", "orun agents"},
      {near "gret", near "pol", near "agnets"})
    assert.is_nil(near "wxyzwxyz")
    assert.matches("cannot open ../x", p:run{"../x"}.err, 1, true)
  end)

  it("prints the comment at the head with --help, and runs nothing", function()
    local p = place{[MINE .. "say.lua"] = "#!/bin/x\n--- orun say: says it.\n--\n--   twice\n\n"
      .. "-- not this\nprint 'it ran'", [MINE .. "mute.lua"] = "print 'it ran'"}
    assert.equal("orun say: says it.\n\n  twice\n", p:run{"say", "--help"}.out)
    assert.equal("orun say: says it.\n\n  twice\n", p:run{"say", "-h"}.out)
    assert.equal("It says nothing of itself.\n", p:run{"mute", "--help"}.out)
  end)

  it("ends with what it returns: an exit code, a failure, a table for --json", function()
    local p = place{[MINE .. "seven.lua"] = "return {exit_code = 7, n = 1}",
      [MINE .. "no.lua"] = "return nil, 'no luck'", [MINE .. "bad.lua"] = "x = = 1",
      [MINE .. "raise.lua"] = "error 'broken'"}
    assert.same({7, ""}, {p:run{"seven"}.code, p:run{"seven"}.out})
    assert.equal('{"exit_code":7,"n":1}\n', p:run{"--json", "seven"}.out)
    assert.equal("orun: no luck\n", p:run{"no"}.err)
    local r = p:run{"bad"}
    assert.equal(2, r.code)
    assert.matches("bad.lua:1: unexpected symbol near '='", r.err, 1, true)
    assert.matches("raise.lua:1: broken", p:run{"raise"}.err, 1, true)
  end)

  it("is named in what is kept and goes on by its name, from any folder", function()
    local p = place{[MINE .. "work.lua"] = [[
      local r = Task{run = function() return "did" end}
      print(r.output, r.cached, ...)
      return {exit_code = 3}]]}
    local store = p.dir .. "/run.db"
    assert.equal("did\tnil\tx\n", p:run{"--store", store, "work", "x"}.out)
    local r = p:run{"resume", "--store", store, cwd = "own"}
    assert.same({3, "did\ttrue\tx\n"}, {r.code, r.out}, r.err)
    assert.equal("did\ttrue\n", p:run{"--store", store, "--resume", "work"}.out)
    r = p:run{"--store", store, "--resume", "pool", "true", ":::"}
    assert.same({1, ""}, {r.code, r.out})
    assert.equal("did\tnil\n", p:run{"--record", "work"}.out)
    assert.matches("  work\n$", p:run{"report", "--list"}.out)
  end)

  it("can be planned", function()
    local p = place{[MINE .. "work.lua"] = [[Task{command = {"touch", "it-ran"}}]]}
    assert.matches("touch it%-ran", p:run{"plan", "work"}.out)
    assert.is_false(h.exists(p.dir .. "/project/it-ran"))
  end)
end)

describe("orun workflows", function()
  it("lists what there is, where from, and what hides and may not run", function()
    local p = place({[MINE .. "pool.lua"] = "-- Mine.",
      [MINE .. "deep/x.lua"] = "--- orun deep:x: X.",
      [MINE .. "not a name.lua"] = "", ["config/orun/workflows/mine.lua"] = ""}, false)
    local list = json.decode(p:run{"workflows", "--json"}.out).workflows
    local by = {}
    for _, one in ipairs(list) do by[one.name .. " " .. one.from] = one end
    assert.equal("X.", by["deep:x project"].about)
    assert.matches("not trusted", by["pool project"].unfit)
    assert.equal(by["pool project"].path, by["pool orun"].hidden_by)
    assert.is_nil(by["mine user"].unfit)
    local text = p:run{"workflows"}.out
    assert.matches("deep:x +X%.  %(/.*/deep/x%.lua%)\n", text)
    assert.is_nil(text:find("not a name", 1, true))
  end)

  it("shows a source, and copies it where nothing is overwritten", function()
    local p = place()
    local source = assert(h.read(h.root .. "/lua/workflow/pool.lua"))
    assert.equal(source, p:run{"workflows", "--show", "pool"}.out)
    local r = p:run{"workflows", "--copy", "pool", cwd = "own"}
    assert.equal(0, r.code, r.err)
    local path = p.dir .. "/own/.orun/workflows/pool.lua"
    assert.equal(source, h.read(path))
    h.write(path, "mine")
    r = p:run{"workflows", "--copy", "pool", cwd = "own"}
    assert.equal(1, r.code)
    assert.matches("is there, and is left as it is", r.err)
    assert.equal("mine", h.read(path))
  end)

  it("refuses what makes no sense, in words", function()
    local p = place()
    for words, message in pairs{["--show pol"] = "there is no workflow pol, did you mean pool?",
        ["--show"] = "--show needs a name", x = "x is one word too many",
        ["--show ../../x"] = "there is no workflow ../../x",
        ["--show pool --json"] = "one of --show, --copy and --json"} do
      local args = {"workflows"}
      for word in words:gmatch("%S+") do args[#args + 1] = word end
      local r = p:run(args)
      assert.is_true(r.code > 0)
      assert.matches(message, r.err, 1, true)
    end
  end)
end)

describe("the options of a workflow", function()
  local SOURCE <const> = [[
    --- orun x: x.
    local options = require "orun.command.options"
    local args = options.arguments({["--size"] = {"size", options.count, "a number"},
      ["--time"] = {"time", options.duration}, ["--how"] = {"how", options.one_of("soon", "now")},
      check = function(a) if a[2] then options.usage("%s is too much", a[2]) end end}, ...)
    return options.answer(args, {size = args.size, dry = args.dry_run, yes = args.yes,
      time = args.time, at_once = orun.config().processes, word = args[1], exit_code = 4}, "text\n")
  ]]
  local p

  setup(function() p = place{[MINE .. "x.lua"] = (SOURCE:gsub("\n    ", "\n"):gsub("^ +", ""))} end)

  it("are read as those of commands, with those that all have", function()
    local r = p:run{"x", "--json", "-j3", "--size=5", "--dry-run", "-y", "--time", "250ms", "w"}
    assert.same({dry = true, yes = true, size = 5, time = 0.25, at_once = 3, word = "w",
      exit_code = 4}, json.decode(r.out))
    assert.same({4, "text\n"}, {p:run{"x"}.code, p:run{"x"}.out})
    assert.equal("orun x: x.\n", p:run{"x", "--size", "1", "--help"}.out)
  end)

  it("end it with 2 where they make no sense", function()
    for words, message in pairs{["--sise 1"] = "unknown option --sise, did you mean --size?",
        ["--size 0"] = "--size 0: expected a whole number, 1 or more", ["a b"] = "b is too much",
        ["--size"] = "--size needs a number", ["--time x"] = "--time x: expected a time",
        ["--how soo"] = "--how soo: expected soon, now, did you mean soon?",
        ["--backend nobody"] = "nobody", ["--json=1"] = "--json takes no value"} do
      local args = {"x"}
      for word in words:gmatch("%S+") do args[#args + 1] = word end
      local r = p:run(args)
      assert.equal(2, r.code, words)
      assert.matches("^orun x: ", r.err)
      assert.matches(message, r.err, 1, true)
      assert.matches("Try 'orun x --help'.", r.err, 1, true)
    end
  end)

  it("come from a script as a table, which gets the result and prints nothing", function()
    h.write(p.dir .. "/project/main.lua", [[
      local r = orun.workflow("x", {"word", size = 2, json = true})
      print(r.word, r.size, orun.workflow("x").size)
      print(pcall(orun.workflow, "x", {"--sise"}))
      print(orun.workflow("pool", {"false", ":::", "a", "b"}).failed)]])
    local r = p:run{"main.lua"}
    assert.same({"word\t2\tnil",
      "false\torun.workflow: unknown option --sise, did you mean --size?", "2"},
      h.lines(r.out), r.err)
  end)
end)
