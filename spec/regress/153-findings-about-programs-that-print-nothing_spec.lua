--- `true` and `sleep` were told that they gave nothing where others of their type gave an
--- answer, a finding for each; nothing printed was "26 bytes", of which "100 % was saved".

local findings = require "orun.report.findings"
local h = require "spec.support.helper"
local json = require "cjson"
local report = require "orun.report.metrics"
local run_model = require "orun.record.model"
local text = require "orun.report.text"

-- A run of tasks of one agent type that gave these outputs, which the script read.
local function run(kind, outputs, told)
  local model = run_model.new()
  for i, output in ipairs(outputs) do
    local id = "t" .. i
    model:add{event = "added", at = 0, task = id, kind = kind, agent = "a", file = "s.lua",
              line = i, limits = {process = 9}}
    model:add{event = "started", at = 0, task = id, attempt = 1}
    if told then model:add{event = "reported", at = 1, task = id, model = "m"} end
    model:add{event = "ended", at = 1, task = id, status = "completed", output = output,
              bytes = #output}
    model:add{event = "read", at = 1, task = id, bytes = #output}
  end
  return report.of(model, 1), model
end

describe("a finding that an answer is empty", function()
  it("is none of programs, which may have nothing to say", function()
    local r = run("program", {"found", "", ""})
    assert.same({}, {table.unpack(r.findings)})
  end)

  it("is one of agents, with the others as a list", function()
    local r = run("program", {"found", "", "", ""}, true)
    assert.equal(1, #r.findings)
    assert.equal("empty_result", r.findings[1].name)
    assert.same({"s.lua:3", "s.lua:4"}, {r.findings[1].more[1].at, r.findings[1].more[2].at})
    local full = table.concat(text.full(r, 100), "\n")
    assert.truthy(full:find("(and 2 more like it)", 1, true), full)
    assert.truthy(full:find("also s.lua:4", 1, true), full)
  end)
end)

describe("findings of one kind", function()
  it("are one, whatever they cost", function()
    local model = run_model.new()
    for i = 1, 3 do
      local id = "t" .. i
      model:add{event = "added", at = i, task = id, kind = "lua", file = "s.lua", line = i}
      model:add{event = "started", at = i, task = id, attempt = 1}
      model:add{event = "ended", at = i, task = id, status = "completed"}
    end
    local all = findings.of(model, report.of(model, 4))
    assert.equal(1, #all)
    assert.equal(2, #all[1].more)
  end)
end)

describe("the bytes of an output", function()
  it("are those of the text, and no share of nothing is saved", function()
    local file = h.tmpdir() .. "/events"
    local r = h.orun{"--events", file, "-e", [[
      orun.agent{name = "sh", command = {"sh"}}
      Task{subagent_type = "sh", prompt = "true"}
      Task{subagent_type = "sh", prompt = "printf abc"}
      Task{run = function() end}]]}
    assert.equal(0, r.code, r.err)
    local bytes = {}
    for line in io.lines(file) do
      local e = json.decode(line)
      if e.event == "ended" then bytes[#bytes + 1] = e.bytes or 0 end
    end
    assert.same({0, 3, 0}, bytes)
    local none = table.concat(text.full((run("program", {"", ""})), 100), "\n")
    assert.falsy(none:find("saved", 1, true), none)
    local model = select(2, run("program", {"abc"}))
    model.tasks[1].reads = {}
    assert.is_nil(report.of(model, 1).context.saved)
  end)
end)
