-- 24-skip.lua — a task that has nothing to do ends as skipped: it has not failed, and it has no
-- output.
--
--     $ orun examples/24-skip.lua

local orun = require "orun"

local function translate(page)
  if page.lang == "en" then orun.skip "is in English" end
  return page.name .. ", translated"
end

local results = orun.fan_out({{name = "index", lang = "de"}, {name = "about", lang = "en"}},
  function(page) return {run = translate, input = page} end)
for _, result in ipairs(results) do print(result.ok, result.output or result.skipped) end
print(results.ok, #results.failed)

-- A task that depends on a skipped one runs, with nil in the place of its output.
local after = Task{run = function(input) return type(input.page) end,
  input = {page = orun.start{run = translate, input = {lang = "en"}}}}
print(after.status, after.output)

--> true	index, translated
--> true	is in English
--> true	0
--> completed	nil
