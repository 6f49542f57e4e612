-- Task{limit = "nte"} made a new pool of one slot, where "net" was meant.

local orun = require "orun"
local error_of = require "spec.support.tasks".error_of

describe("a name that nothing has", function()
  it("is no pool of a task", function()
    assert.matches('pool = "regress-nte": there is no such pool',
      error_of(Task, {run = print, pool = "regress-nte"}), 1, true)
    assert.matches('orun.limit("regress-nte", ',
      error_of(Task, {run = print, pool = "regress-nte"}), 1, true)
    orun.limit("regress-net", 2)
    assert.matches('did you mean "regress-net"?',
      error_of(Task, {run = print, pool = "regress-nte"}), 1, true)
    assert.equal(2, orun.limit("regress-net").slots)
  end)

  it("is not made by asking how the limit stands", function()
    for _ = 1, 2 do assert.is_nil(orun.limit("regress-asked")) end
  end)

  it("is not one that a nested task, or a pattern, may use", function()
    local r = Task{run = function() return Task{run = print, pool = "regress-inner"} end}
    assert.matches("there is no such pool", r.error, 1, true)
    assert.matches("there is no such pool", error_of(orun.fan_out,
      {{run = print}}, {defaults = {pool = "regress-pattern"}}), 1, true)
  end)

  it("is no field of the filter of a list with entries", function()
    TaskCreate{description = "an entry"}
    assert.matches("filter: unknown field \"statsu\", did you mean 'status'?",
      error_of(function() return TaskList():filter{statsu = "pending"} end), 1, true)
  end)
end)
