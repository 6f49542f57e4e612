--- The error a task was reported with was the first one, also when a variable's
--- __close, run because of it, had raised another.

describe("a task whose __close raises", function()
  it("fails with that error, its value included", function()
    local r = Task{run = function()
      local _ <close> = setmetatable({}, {__close = function() error{code = 2} end})
      error{code = 1}
    end}
    assert.same({code = 2}, r.error_value)
  end)

  it("keeps the error, and where it was, when __close raises none", function()
    local r = Task{run = function()
      local _ <close> = setmetatable({}, {__close = function() end})
      error("the first")
    end}
    assert.matches("the first$", r.error)
    assert.matches("error%-of%-close", r.traceback)
  end)
end)
