--- The options that all patterns share mean the same in each.

local h = require "spec.support.helper"
local orun = require "orun"

--- Lines that a script prints; it must end well.
local function lines_of(text)
  local r = h.script('local orun = require "orun"\n' .. text)
  assert.equal(0, r.code, r.out .. r.err)
  return h.lines(r.out)
end

local function fail() error("no", 0) end
local function forever() orun.sleep("1h") end

--- Each pattern with these functions as the work of its items, one after another.
local PATTERNS <const> = {
  fan_out = function(work, opts) return orun.fan_out(work, opts) end,
  batches = function(work, opts)
    if opts.progress == nil then opts.progress = false end
    return orun.batches({{tasks = work}}, opts)
  end,
  pipeline = function(work, opts)
    return orun.pipeline(work, function(run) return run() end, opts)
  end,
  map = function(work, opts)
    return orun.map(work, function(run) return run() end, opts)
  end,
}

local function statuses(results)
  local words = {}
  for _, result in ipairs(results.failed) do
    words[#words + 1] = result.index .. " " .. result.status
  end
  return table.concat(words, ", ")
end

for name, run in pairs(PATTERNS) do
  describe(name, function()
    it("starts nothing more after a failure with on_failure = drain", function()
      local results = run({function() return 1 end, fail, function() return 3 end},
        {limit = 1, on_failure = "drain"})
      assert.is_false(results.ok)
      assert.equal("2 failed, 3 cancelled", statuses(results))
    end)

    it("stops what runs after a failure with on_failure = stop", function()
      local results = run({forever, fail, forever}, {limit = 2, on_failure = "stop"})
      assert.is_false(results.ok)
      assert.equal("1 cancelled, 2 failed, 3 cancelled", statuses(results))
    end)

    it("goes on after a failure with on_failure = go_on", function()
      local results = run({fail, function() return 2 end}, {limit = 1, on_failure = "go_on"})
      assert.equal("1 failed", statuses(results))
    end)

    it("stops everything when its time is over", function()
      local results = run({forever, forever, forever},
        {limit = 2, timeout = "30ms", on_failure = "go_on"})
      assert.is_true(results.timed_out)
      assert.equal("1 cancelled, 2 cancelled, 3 cancelled", statuses(results))
    end)

    it("tells of each result as it comes", function()
      local seen = {}
      run({function() return "a" end, fail, function() return "c" end}, {limit = 1,
        on_failure = "go_on",
        each = function(result, i) seen[#seen + 1] = i .. " " .. (result.output or result.error
          :match("[^\n]*")) end})
      assert.same({"1 a", "2 no", "3 c"}, seen)
    end)

    it("gives defaults to its tasks", function()
      local results = run({forever}, {defaults = {timeout = "20ms"}, on_failure = "go_on"})
      assert.equal("timeout", results.failed[1].error_kind)
    end)

    it("refuses an option that is none", function()
      local ok, message = pcall(run, {fail}, {limt = 1})
      assert.is_false(ok)
      assert.matches("orun." .. name .. ': unknown option "limt", did you mean \'limit\'?',
        message, 1, true)
    end)
  end)
end

describe("progress", function()
  it("tells fan_out, pipeline and map how far they are", function()
    for _, name in ipairs{"fan_out", "pipeline", "map"} do
      local last
      PATTERNS[name]({function() return 1 end, fail}, {limit = 1, on_failure = "go_on",
        progress = function(p) last = {p.done, p.failed, p.cancelled, p.total} end})
      assert.same({1, 1, 0, 2}, last)
    end
  end)

  it("is a line on stderr for each when it is true, and nothing when it is false", function()
    local r = h.script[[
      local orun = require "orun"
      local function fine() return 1 end
      local function fail() error("no", 0) end
      for _, progress in ipairs{true, false} do
        local opts = {limit = 1, on_failure = "go_on", progress = progress}
        assert(not orun.fan_out({fine, fail}, opts).ok)
        assert(not orun.pipeline({fine, fail}, function(run) return run() end, opts).ok)
        assert(not orun.map({fine, fail}, function(run) return run() end, opts).ok)
        assert(not orun.race({fail, fine}, {limit = 1, progress = progress}).error)
        assert(orun.quorum({fail, fine}, 1, {limit = 1, progress = progress}).ok)
        assert(orun.analyze_then({run = fine}, {plan = function() return {fine} end,
          progress = progress}).ok)
        assert(orun.workers(fine, {items = {{description = "i"}}, progress = progress}).ok)
        assert(orun.batches({{tasks = {fine}}}, {progress = progress}).ok)
        local i = 0
        orun.fan_out(function() i = i + 1 return i < 2 and fine or nil end, {progress = progress})
      end]]
    local pair = {"1/2: 1 done, 0 failed, T", "2/2: 1 done, 1 failed, T"}
    local first = {"1/2: 0 done, 1 failed, T", "2/2: 1 done, 1 failed, T"}
    local want = {pair[1], pair[2], pair[1], pair[2], pair[1], pair[2], first[1], first[2],
      first[1], first[2], "1/1: 1 done, 0 failed, T", "1: 1 done, 0 failed, T",
      "batch 1/1: 1 done, 0 failed, T", "1: 1 done, 0 failed, T"}
    assert.same(want, h.lines((r.err:gsub("(failed,) [^\n]*", "%1 T"))))
    assert.equal(0, r.code)
  end)
end)

describe("a source that is a function", function()
  it("is asked for the next spec only when there is room", function()
    local asked, ended = 0, 0
    local results = orun.fan_out(function()
      asked = asked + 1
      assert.is_true(asked - ended <= 3) -- two at work, and the one asked for
      if asked <= 20 then return function() return 1 end end
    end, {limit = 2, each = function() ended = ended + 1 end})
    assert.equal(20, ended)
    assert.same({0, true}, {#results, results.ok}) -- with `each` nothing is kept
  end)

  it("is asked for twice as many as there are workers, unless there is a limit", function()
    local most = 2 * orun.config().workers
    local asked, ended = 0, 0
    orun.fan_out(function()
      asked = asked + 1
      assert.is_true(asked - ended <= most + 1)
      if asked <= 10 * most then return function() return 1 end end
    end, {each = function() ended = ended + 1 end})
    assert.equal(10 * most, ended)
  end)

  it("is not asked any more after a failure, when the time is over or it has ended", function()
    local asked = 0
    local function source(work)
      asked = 0
      return function()
        asked = asked + 1
        return work[asked]
      end
    end
    for _, how in ipairs{"drain", "stop"} do
      local results = orun.fan_out(source{fail, fail, fail}, {limit = 1, on_failure = how})
      assert.same({1, 1}, {asked, #results.failed})
    end
    local results = orun.fan_out(source{forever, forever}, {limit = 1, timeout = "10ms"})
    assert.same({1, true}, {asked, results.timed_out})
    orun.fan_out(source{function() end, function() end}, {limit = 2})
    assert.equal(3, asked)
  end)

  it("is for fan_out: the others say that they want an array", function()
    for _, call in ipairs{
      function(source) orun.map(source, print) end,
      function(source) orun.pipeline(source, print) end,
      function(source) orun.race(source) end,
      function(source) orun.quorum(source, 1) end,
      function(source) orun.batches(source) end,
      function(source) orun.as_completed(source) end,
      function(source) orun.wait_all(source) end,
    } do
      assert.matches("= a function: expected an array", select(2, pcall(call, function() end)))
    end
    assert.matches("items = a function: expected a table",
      select(2, pcall(orun.workers, print, {items = function() end})))
  end)

  it("may be an iterator, whose items a function turns into specs", function()
    local lines = ("a b c"):gmatch("%a")
    local results = orun.fan_out(lines, function(line, i)
      return {run = function() return line:rep(i) end}
    end)
    assert.same({"a", "bb", "ccc"}, {results[1].output, results[2].output, results[3].output})
  end)

  it("names the spec that is none", function()
    local left = {function() end, 7}
    local ok, message = pcall(orun.fan_out, function() return table.remove(left, 1) end)
    assert.is_false(ok)
    assert.matches("specs[2] = 7: expected a table of Task fields", message, 1, true)
  end)
end)

describe("accept", function()
  it("counts as a failure what has completed and is not accepted", function()
    local specs = {}
    for i = 1, 5 do specs[i] = function() return i end end
    local function odd(result) return result.output % 2 == 1 end
    local votes = orun.quorum(specs, 2, {limit = 1, accept = odd})
    assert.same({1, 3}, {votes[1].output, votes[2].output})
    assert.same({true, 1}, {votes.ok, #votes.failed})
    assert.equal(3, orun.race({specs[2], specs[3]}, {limit = 1, accept = odd}).output)
    local lost = orun.race({specs[2], specs[4]}, {accept = odd})
    assert.same({"failed", "all 2 failed, the last with: accept refused it", "schema"},
      {lost.status, lost.error, lost.error_kind})
  end)
end)

describe("fields that are functions", function()
  it("are made of the value, the item and its number, in a pipeline", function()
    local results = orun.pipeline({"a", "b"}, string.upper, {
      command = function(value, item, i) return {"printf", "%s", value .. item .. i} end,
      description = function(_, item) return "print " .. item end,
    })
    assert.same({"Aa1", "Bb2"}, {results[1].output, results[2].output})
    assert.equal("print b", results[2].description)
  end)

  it("are made of the item and its number, in map", function()
    assert.same({"a1", "b2"}, orun.map({"a", "b"}, {command = function(item, i)
      return {"printf", "%s", item .. i}
    end}))
  end)
end)

describe("less to write", function()
  it("starts in the background with orun.start, and waits with orun.wait_all", function()
    local a, b = orun.start(function() return 1 end), orun.start{run = fail}
    local results = orun.wait_all{a, b}
    assert.same({1, "failed", 2, false}, {results[1].output, results[2].status,
      results[2].index, results.ok})
    local slow = orun.start(forever)
    assert.same({nil, "timeout"}, {orun.wait_all({slow}, 0.01)})
    orun.TaskStop(slow)
    orun.TaskOutput(slow)
  end)

  it("asks an agent with orun.ask", function()
    orun.agent{name = "ask-me", run = function(_, task)
      return task.prompt == "die" and fail() or task.prompt .. "!"
    end}
    assert.equal("hi!", orun.ask("hi", {subagent_type = "ask-me"}))
    local output, result = orun.ask("die", {subagent_type = "ask-me"})
    assert.is_nil(output)
    assert.equal("failed", result.status)
    assert.matches("orun.ask: command has no place here",
      select(2, pcall(orun.ask, "x", {command = {"true"}})), 1, true)
  end)

  it("makes a list of any array", function()
    assert.same({4, 9}, orun.list{1, 2, 3}:filter(function(n) return n > 1 end)
      :map(function(n) return n * n end))
  end)
end)

describe("names that have gone", function()
  it("are refused with the new one", function()
    assert.same({"orun.map: errors is now on_failure = \"go_on\""}, lines_of[[
      print(select(2, pcall(orun.map, {}, print, {errors = "return"})))]])
  end)
end)
