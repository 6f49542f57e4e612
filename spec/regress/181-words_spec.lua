-- What was said was not what helped.

local h = require "spec.support.helper"

describe("words", function()
  local orun = require "orun"

  it("show a handle as its task", function()
    local handle = Task{description = "count", run = function() end, run_in_background = true}
    assert.equal(("task %s (count)"):format(handle.id), tostring(handle))
    TaskOutput(handle)
    assert.equal(("task %s (count)"):format(handle.id), Task{input = {1}, run = function()
      return tostring(handle)
    end}.output)
  end)

  it("say what has what a handle has not", function()
    local handle = Task{run = function() end, run_in_background = true}
    for _, key in ipairs{"status", "output", "error", "duration"} do
      assert.error_matches(function() return handle[key] end, "TaskOutput%(handle%)%." .. key)
    end
    assert.is_nil(handle.other)
    assert.is_nil(handle[1])
    TaskOutput(handle)
  end)

  it("of a request may be its URL alone", function()
    local response, why = orun.http "http://127.0.0.1:1/"
    assert.is_nil(response)
    assert.matches("^GET http://127.0.0.1:1/: ", tostring(why))
    assert.error_matches(function() orun.http(5) end, "http: argument 1")
  end)

  it("name a command that is nearly one, or all", function()
    local r = h.orun{"agnets"}
    assert.equal(2, r.code)
    assert.matches("orun: 'agnets' is neither a script, a command nor a workflow: did you mean "
      .. "'orun agents'?", r.err, 1, true)
    r = h.orun{"wxyzwxyz"}
    assert.equal(2, r.code)
    assert.matches("nor a workflow; the commands are agents, [%l, ]+ and %l+; 'orun workflows' "
      .. "lists the workflows\n", r.err)
    assert.matches("did you mean 'orun trust'?", h.orun{"trsut"}.err, 1, true)
    r = h.orun{"agnets.lua"}
    assert.matches("cannot open agnets.lua", r.err, 1, true)
  end)

  it("name an option of a command that is nearly one", function()
    for words, near in pairs{["agents --jsn"] = "--json", ["report --lits"] = "--list",
                             ["tasks --hlep"] = "--help", ["trust --remvoe x"] = "--remove",
                             ["task get --josn"] = "--json", ["mcp --hepl"] = "--help"} do
      local given = {}
      for word in words:gmatch("%S+") do given[#given + 1] = word end
      local r = h.orun(given)
      assert.same({2, ""}, {r.code, r.out})
      assert.matches((", did you mean %s?\nTry 'orun %s --help'.\n"):format(near, given[1]), r.err,
        1, true)
    end
  end)

  it("of an interrupted pattern show no traceback of orun's own", function()
    local p = h.start{"-e", [[
      print("ready") io.stdout:flush()
      orun.fan_out{{run = function() require("orun").sleep(1000) end}}]]}
    assert.is_truthy(h.wait_for(function() return p:printed() ~= "" end))
    p:kill("INT")
    p:wait()
    local _, err = p:printed()
    assert.matches("orun: stopped: interrupted", err, 1, true)
    assert.is_nil(err:find("[orun]", 1, true))
    assert.is_nil(err:find("stack traceback", 1, true))
  end)
end)
