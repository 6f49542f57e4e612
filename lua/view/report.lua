--- orun.view.report: what a run was like, on stderr at its end (--report full|short|none).
--
-- Without that option the command asks for "auto" on a terminal: the short report, of runs in
-- which two tasks ran or more. report/text.lua makes the text. After so many tasks that
-- looking at all would cost more than it tells, it is about those that there were by then.

local line_width = require "orun.util.line_width"
local refusal = require "orun.util.refusal"
local report = require "orun.report.metrics"
local text = require "orun.report.text"

local MOST <const> = 20000
local HOW <const> = {full = true, short = true, none = true, auto = true}

return function(how, v)
  if not HOW[how] then
    refusal.raise("--report = %q: expected full, short or none", how)
  end
  if how == "none" then return {done = true} end
  local model, self = v.model(), {}
  function self.event() self.done = #model.tasks >= MOST end
  function self.close(now)
    local metrics = report.of(model, now)
    if how == "auto" and metrics.ran < 2 then return end
    local _, columns = v.size()
    local lines = text[how == "full" and "full" or "short"](metrics, line_width(columns))
    v.put(table.concat(lines, "\n") .. "\n")
  end
  return self
end
