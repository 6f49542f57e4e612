--- orun.skip: a task that has nothing to do.

local h = require "spec.support.helper"

local function skipping(reason)
  return {description = "skips", run = function() orun.skip(reason) end, input = reason}
end

describe("orun.skip", function()
  it("completes the task, without an output, and says why", function()
    local closed = Task{run = function()
      local _ <close> = setmetatable({}, {__close = function() orun.log "closed" end})
      orun.skip "unchanged"
    end, retry = 3}
    assert.equal("completed", closed.status)
    assert.is_true(closed.ok)
    assert.equal("unchanged", closed.skipped)
    assert.is_nil(closed.output)
    assert.is_nil(closed.error)
    assert.is_nil(closed.error_kind)
    assert.equal(1, closed.attempts)
    assert.equal("unchanged", TaskGet(closed.task_id).skipped)
    assert.is_nil(Task{run = function() return 1 end}.skipped)
  end)

  it("lets what is blocked by the task run, which gets nil for its output", function()
    local first = orun.start(skipping "no need")
    local after = Task{blockedBy = {first}, input = {first, 7},
      run = function(got) return {got[1] == nil, got[2]} end}
    assert.same({true, 7}, after.output)
  end)

  it("is caught by a pcall, and goes on when it is raised again", function()
    local r = Task{run = function()
      local ok, why = pcall(orun.skip, "later")
      assert(not ok and tostring(why) == "skipped: later" and why.reason == "later")
      error(why)
    end}
    assert.equal("later", r.skipped)
  end)

  it("works in a process of its own, in agents and where a result has a form", function()
    assert.equal("isolated", Task{isolation = "process",
      run = function() orun.skip "isolated" end}.skipped)
    orun.agent{name = "skipper", run = function(_, task) orun.skip(task.prompt) end}
    assert.equal("asked", Task{subagent_type = "skipper", prompt = "asked"}.skipped)
    assert.equal("no form", Task{run = function() orun.skip "no form" end,
      schema = {type = "object"}}.skipped)
  end)

  it("wants a reason", function()
    for _, bad in ipairs{false, "", 3} do
      local ok, why = pcall(orun.skip, bad or nil)
      assert.is_false(ok)
      assert.matches("skip: reason is missing", why, 1, true)
    end
  end)

  it("is an ordinary error in the script", function()
    local r = h.script "require 'orun'.skip 'nothing to do'"
    assert.equal(1, r.code)
    assert.matches("skipped: nothing to do", r.err, 1, true)
  end)

  it("is shown and reported as skipped", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[
      Task{description = "lint", run = function() orun.skip "no change" end}]])
    local r = h.orun{"--progress", "plain", "--report", "full", "s.lua", cwd = dir}
    assert.matches("t1 skipped in .*: lint: no change", r.err)
    assert.matches("1 skipped", r.err .. r.out)
  end)
end)

describe("orun.skip in a pattern", function()
  local function work(x) if x % 2 == 0 then orun.skip "even" end return x * 10 end

  it("is counted among the done, and by itself", function()
    local last
    local results = orun.fan_out({skipping "a", {run = function() return 1 end}}, {
      progress = function(counts) last = counts end})
    assert.is_true(results.ok)
    assert.equal("a", results[1].skipped)
    assert.equal(2, last.done)
    assert.equal(1, last.skipped)
    orun.batches({{tasks = {skipping "b"}}}, {progress = function(p) last = p end})
    assert.equal(1, last.done)
    assert.equal(1, last.skipped)
  end)

  it("skips an item of map, and of workers", function()
    local seen = {}
    local outputs = orun.map({1, 2, 3, 4}, work, {
      each = function(r, i) seen[i] = r.skipped or "" end})
    assert.is_true(outputs.ok)
    assert.same({10, nil, 30}, {outputs[1], outputs[2], outputs[3]})
    assert.same({"", "even", "", "even"}, seen)
    local plain = orun.map({1, 2, 3}, work)
    assert.same({10, nil, 30}, {plain[1], plain[2], plain[3]})
    local items = orun.workers(function(item) return work(item.input) end,
      {limit = 1, items = {{description = "i", input = 1}, {description = "j", input = 2}}})
    assert.is_true(items.ok)
    assert.equal(10, items[1].output)
    assert.equal("even", items[2].skipped)
  end)

  it("ends an item of a pipeline, and does not win a race", function()
    local late = {}
    local through = orun.pipeline({1, 2}, work, function(x) return x + 1 end)
    assert.same({11, "even"}, {through[1].output, through[2].skipped})
    local won = orun.race{skipping "not me", {run = function() return "me" end, blockedBy = late}}
    assert.equal("me", won.output)
  end)
end)
