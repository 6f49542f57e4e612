--- A scheduler on a virtual clock (spec/native/lib_test_sim.h) whose invariants are
--- checked after every single call.

local test = require "orun.test"

local M = {}

local function checked(sim, name, ...)
  local wrong = sim:check()
  if wrong then error(("after sim:%s(): %s"):format(name, wrong), 3) end
  return ...
end

--- As `test.sim(options)`. For very many tasks use that: each check looks at
--- all of them.
---   local sim = support.new { lua = 1 }
---   local id = sim:add { timeout = 5 }
function M.new(options)
  local sim = assert(test.sim(options))
  return setmetatable({ raw = sim }, {
    __name = "spec.sim",
    __index = function(self, name)
      local function method(_, ...)
        return checked(sim, name, sim[name](sim, ...))
      end
      rawset(self, name, method)
      return method
    end,
  })
end

--- The states of some tasks in one string: "RUNNING READY".
function M.states(sim, ids)
  local all = {}
  for i, id in ipairs(ids) do all[i] = sim:info(id).state end
  return table.concat(all, " ")
end

return M
