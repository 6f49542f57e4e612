--- What a task is called when nobody says it: its command, its item, or its prompt's first line.

local h = require "spec.support.helper"

local ENV <const> = {ORUN_SPEC_KEY = "none", SERVICE_API_KEY = ("canary-"):rep(20)}

local SETUP <const> = [[
  local orun = require "orun"
  orun.agent{name = "fn", run = function(_, task) return task.prompt end}
  orun.agent{name = "cat", command = {"cat"}}
  orun.agent{name = "api", api = "anthropic", model = "m", base_url = "http://127.0.0.1:1",
    key_env = "ORUN_SPEC_KEY"}
  local function pass(value) return value end
  local function all(results)
    local out = {}
    for i, result in ipairs(results) do
      out[i], results[i] = result.description or "none", result.status
    end
    return table.concat(out, "|")
  end
  local function called(what) -- of the tasks that `what` starts, and that keep no result
    local before = {}
    for _, entry in ipairs(TaskList{kind = "task"}) do before[entry.id] = true end
    what()
    local out = {}
    for _, entry in ipairs(TaskList{kind = "task"}) do
      if not before[entry.id] then out[#out + 1] = entry.description or "none" end
    end
    return table.concat(out, "|")
  end
]]

-- An expression, and the descriptions of its tasks.
local ROWS <const> = {
  {"all{Task{run = pass}}", "none"},
  {"all{Task{run = pass, prompt = 'do it\\nnow'}}", "do it"},
  {"all{Task{command = {'echo', 'hi', 3}}}", "echo hi 3"},
  {"all{Task{command = {'echo', 1}, schema = {type = 'integer'}}}", "echo 1"},
  {"all{Task{command = {'cat'}, prompt = 'read this'}}", "cat"},
  {"all{Task{command = {'echo', 'x'}, description = 'own'}}", "own"},
  {"all{Task{subagent_type = 'fn', prompt = '\\n  first\\tline \\nsecond'}}", "first line "},
  {"all{Task{subagent_type = 'cat', prompt = 'first\\rsecond'}}", "first"},
  {"all{Task{subagent_type = 'cat', prompt = ' \\n ', input = 'x'}}", "none"},
  {"all{Task{subagent_type = 'fn', prompt = 'x', isolation = 'process'}}", "x"},
  {"called(function() orun.TaskStop(orun.start{subagent_type = 'api', "
    .. "prompt = 'Say hello\\nto all'}) end)", "Say hello"},
  {"all{TaskOutput(orun.start{subagent_type = 'fn', prompt = 'begin'})}", "begin"},
  {"all{TaskOutput(orun.start(pass))}", "none"},
  {"all{orun.retry{command = {'echo', 'again'}}}", "echo again"},
  {"all{orun.retry{subagent_type = 'fn', prompt = 'once more'}}", "once more"},
  {"called(function() orun.ask('who?\\nwhy?', {subagent_type = 'fn'}) end)", "who?"},
  {"all(orun.fan_out{pass, {command = {'true'}}, {subagent_type = 'fn', prompt = 'a\\nb'}})",
    "task 1|true|a"},
  {"all(orun.fan_out({'a.c', {}, 7}, function(v) return {run = pass, input = v} end))",
    "a.c|task 2|7"},
  {"all(orun.fan_out({'a.c'}, function(v) return {command = {'echo', v}} end))", "echo a.c"},
  {"all(orun.fan_out({'a.c', {}}, function() return {subagent_type = 'fn', prompt = 'p'} end))",
    "a.c|p"},
  {"all(orun.fan_out(('x y'):gmatch('%a'), function(v) return {run = pass, input = v} end))",
    "x|y"},
  {"called(function() orun.map({'m.c'}, pass) end)", "m.c"},
  {"called(function() orun.map({{}}, pass) end)", "items 1 to 1"},
  {"called(function() orun.map({'m.c', {}}, {command = {'cat'}}) end)", "m.c|cat"},
  {"called(function() orun.map({'m.c'}, {command = function(v) return {'echo', v} end}) end)",
    "echo m.c"},
  {"called(function() orun.map({'x', {}}, {subagent_type = 'fn', prompt = 'look'}) end)",
    "x|look"},
  {"called(function() orun.map({{}}, {subagent_type = 'cat'}) end)", "item 1"},
  {"called(function() orun.pipeline({'x.c'}, pass, {command = {'cat'}}, 'cat') end)",
    "x.c, stage 1|x.c, stage 2|x.c, stage 3"},
  {"all(orun.pipeline({{}}, {run = pass, description = function(_, _, i) return 'no ' .. i end}))",
    "no 1"},
  {"all(orun.pipeline({{}}, pass))", "item 1, stage 1"},
  {"all(orun.batches({{tasks = {{name = 'n', details = 'x', agent_type = 'fn'}, "
    .. "{details = 'x\\ny', agent_type = 'fn'}, {command = {'true'}}, pass}}}, "
    .. "{progress = false}))", "n|x|true|task 4"},
  {"called(function() orun.workers(pass, {limit = 1, items = {{description = 'i'}}}) end)",
    "worker 1"},
  {"called(function() orun.workers({command = {'cat'}}, {limit = 1, "
    .. "items = {{description = 'i'}}}) end)", "worker 1|i"},
  {"all{orun.race{{subagent_type = 'fn', prompt = 'win\\nit'}}}", "win"},
  {"all{orun.race{{command = {'true'}}}}", "true"},
  {"all(orun.quorum({{subagent_type = 'fn', prompt = 'vote'}}, 1))", "vote"},
  {"all{orun.analyze_then(function() return {} end).analysis}", "analysis"},
  {"all{orun.analyze_then({subagent_type = 'fn', prompt = 'plan'}, "
    .. "{plan = function() return {} end}).analysis}", "plan"},
}

describe("the description of a task without one", function()
  it("is its command, its item or the first line of its prompt", function()
    local script, want = {SETUP}, {}
    for i, row in ipairs(ROWS) do
      script[#script + 1] = ("print(%d, %s)"):format(i, row[1])
      want[i] = i .. "\t" .. row[2]
    end
    local r = h.script(table.concat(script, "\n"), {env = ENV})
    assert.same(want, h.lines(r.out), r.err)
    assert.equal(0, r.code, r.err)
  end)

  it("is cut, and in no character", function()
    local r = h.script(SETUP .. [[
      local long = ("x"):rep(55) .. ("\u{20AC}"):rep(10)
      local want = ("x"):rep(55) .. "..."
      print(Task{command = {"true", long:sub(6)}}.description == "true " .. want:sub(6))
      print(Task{subagent_type = "fn", prompt = long}.description == want)
      print(orun.fan_out({long}, function() return pass end)[1].description == want)
      local fits = ("y"):rep(60)
      print(Task{subagent_type = "fn", prompt = fits .. "\nz"}.description == fits)
      print(orun.fan_out({fits}, function() return pass end)[1].description == fits)
      local huge = ("z"):rep(2^20)
      print(#Task{subagent_type = "fn", prompt = huge}.description,
        #orun.fan_out({huge}, function() return pass end)[1].description)]], {env = ENV})
    assert.same({"true", "true", "true", "true", "true", "60\t60"}, h.lines(r.out), r.err)
  end)

  it("has no secret in it, also where it is cut", function()
    local r = h.script(SETUP .. [[
      local key = os.getenv("SERVICE_API_KEY")
      for _, before in ipairs{"", ("b"):rep(50)} do
        print(Task{command = {"true", before .. key}, expose = {"SERVICE_API_KEY"}}.description)
        print(Task{subagent_type = "fn", prompt = before .. key}.description)
        print(orun.fan_out({before .. key}, function() return pass end)[1].description)
      end]], {env = ENV})
    local cut = ("b"):rep(50)
    assert.same({"true [SERVICE_API_KEY]", "[SERVICE_API_KEY]", "[SERVICE_API_KEY]",
      "true " .. cut .. "[S...", cut .. "[SERVIC...", cut .. "[SERVIC..."}, h.lines(r.out), r.err)
  end)
end)
