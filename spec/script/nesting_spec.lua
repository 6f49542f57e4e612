--- Tasks that start tasks.

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local gate, open, output_of = shared.gate, shared.open, shared.output_of

describe("nesting", function()
  it("lets tasks start tasks", function()
    assert.equal(6, output_of{run = function()
      local sum, tasks = 0, {}
      for i = 1, 3 do
        tasks[i] = Task{run = function(n) return n end, input = i, run_in_background = true}
      end
      for i = 1, 3 do sum = sum + TaskOutput(tasks[i]).output end
      return sum
    end})
  end)

  it("cancels children that are not done when their parent ends", function()
    local child = output_of{run = function()
      return Task{run = function() orun.sleep("1h") end, run_in_background = true}.id
    end}
    local result = TaskOutput(child)
    assert.equal("cancelled", result.status)
    assert.equal("cancelled", result.error_kind)
  end)

  it("leaves detached children alone", function()
    local wait = gate()
    local child = output_of{input = wait.id, run = function(id)
      return Task{run = function(at) return TaskOutput(at).output end, input = id,
                  detach = true, run_in_background = true}.id
    end}
    open(wait, "outlived it")
    assert.equal("outlived it", TaskOutput(child).output)
  end)

  it("works with one worker", function()
    local r = h.orun{"--workers", "1", "-e", [[
      local function tree(n)
        if n == 0 then return 1 end
        local a = Task{run = tree, input = n - 1, run_in_background = true}
        local b = Task{run = tree, input = n - 1, run_in_background = true}
        return TaskOutput(a).output + TaskOutput(b).output
      end
      print(tree(6))]]}
    assert.equal("64\n", r.out, r.err)
  end)
end)
