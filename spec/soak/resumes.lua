--- resumes: runs that are kept crash at any step and go on
--- (spec/graph/crash_spec.lua), of other seeds than the suite's.

local h = require "spec.support.helper"

local FIRST <const> = 1000001
local SCRIPT <const> = "spec/graph/crash_run.lua"

return {
  {
    name = "resumes", promise = "what was shown is kept, and not done again",
    rounds = 100000, short = 200,
    run = function(rounds)
      local all, jobs, wrong = {}, 2, nil
      local size = rounds // jobs
      for from = FIRST, FIRST + rounds - 1, size do
        all[#all + 1] = h.start { SCRIPT, tostring(from), tostring(from + size - 1),
                                  bin = h.test_bin }
      end
      for _, process in ipairs(all) do
        local r = process:wait(36000)
        if not r or r.code ~= 0 then wrong = r and r.out .. r.err or "it does not end" end
      end
      if not wrong then return 0 end
      io.stderr:write(wrong, "\n")
      return 1, wrong:match("[^\n]*")
    end,
  },
}
