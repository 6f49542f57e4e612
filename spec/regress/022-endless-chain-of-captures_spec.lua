-- A function that captures a function, and so on a hundred times, was refused
-- with each of them named: a message of many thousand bytes.

describe("a refused chain of captured functions", function()
  it("is told by its first and its last steps", function()
    local f = print
    for _ = 1, 110 do
      local inner = f
      f = function() return inner end
    end
    local ok, message = pcall(Task, { run = f })
    assert.is_false(ok)
    assert.is_true(#message < 1500, #message .. " bytes")
    assert.matches("captures 'inner...' (", message, 1, true)
    assert.matches("which captures 'inner', nested deeper than 100 levels", message, 1, true)
  end)

  it("names the variable when keys lead to it and away from it", function()
    local deep, path = { socket = io.stdout }, { }
    for _ = 1, 20 do deep = { k = deep } end
    path.f = function() return deep end
    for _ = 1, 20 do path = { k = path } end
    local ok, message = pcall(Task, { run = print, input = path })
    assert.is_false(ok)
    assert.matches("input.k.k.k.k.k.k.k.k... (", message, 1, true)
    assert.matches("captures 'deep....k.k.k.socket', a userdata", message, 1, true)
  end)
end)
