--- Scripts of agents that are interrupted, edited and gone on with (spec/support/agents_resume).

local scripts = require "spec.support.agents_resume"
local orun = require "orun"

describe("interrupted at three places in three ways, edited and gone on with,", function()
  for n, script in ipairs(scripts.SCRIPTS) do
    it(script.name .. " does nothing twice and comes to its end", function()
      local tasks = {}
      for place = 1, 3 do
        for _, way in ipairs(scripts.WAYS) do
          tasks[#tasks + 1] = orun.start{input = {n, place, way}, run = function(input)
            return require "spec.support.agents_resume".try(table.unpack(input))
          end}
        end
      end
      for _, task in ipairs(tasks) do
        local r = TaskOutput(task)
        assert.equal("completed", r.status, r.error)
        assert.same({}, r.output)
      end
    end)
  end
end)
