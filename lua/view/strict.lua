--- orun.view.strict: makes what a run could have done better an error of the run (--strict).
--
-- Each finding (report/findings.lua) is a line, with the fix below it.

local report = require "orun.report.metrics"

return function(_, v)
  local model = v.model()
  return {close = function(now)
    for _, f in ipairs(report.of(model, now).findings) do
      local fix = "    " .. f.fix:gsub("\n", "\n    ")
      local lines = {("%s%s\n%s"):format(f.at and f.at .. ": " or "", f.title, fix)}
      for _, other in ipairs(f.more or {}) do
        lines[#lines + 1] = ("    also %s%s"):format(other.at and other.at .. ": " or "",
          other.title)
      end
      v.problem(table.concat(lines, "\n"))
    end
  end}
end
