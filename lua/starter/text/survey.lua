--- orun survey: looks at files at once, and says which are the longest.
--
-- usage: orun survey [options] [PATTERN]
--
-- A sample to begin with: change it as you like. PATTERN says which files, as in "src/**/*.lua";
-- it is "**", all files, by default. Each file is a task of the agent type in
-- .orun/agents/surveyor.lua.
--
--   --top N    how many are shown (10)
--   -j N       so many programs at once
--   --dry-run  print the files, and look at none
--   --json     print the result as JSON
--
-- The exit code is 0, 1 if no file matches or one cannot be read, 2 for wrong usage.

local orun = require "orun"
local options = require "orun.command.options"

local args = options.arguments({["--top"] = {"top", options.count, "a number"}}, ...)
local pattern = args[1] or "**"

local paths = {}
for i, file in ipairs(orun.files(pattern)) do paths[i] = file.path end
if not paths[1] then return nil, ("no file here matches '%s'"):format(pattern) end
if args.dry_run then
  return options.answer(args, {files = paths}, table.concat(paths, "\n") .. "\n")
end

-- All are started, as many at once as the type allows; a failure is a result, too.
orun.phase "survey"
local results = orun.fan_out(paths, function(path)
  return {subagent_type = "surveyor", prompt = path, description = path}
end)

local rows, failed = {}, {}
for i, result in ipairs(results) do
  if result.ok then
    local sizes = result.output
    rows[#rows + 1] = {path = paths[i], lines = sizes.lines, longest = sizes.longest}
  else
    failed[#failed + 1] = paths[i] .. ": " .. result.error
  end
end
table.sort(rows, function(a, b)
  if a.lines ~= b.lines then return a.lines > b.lines end
  return a.path < b.path
end)

local text = {("%d files, %d lines of the longest\n"):format(#rows, rows[1] and rows[1].lines or 0)}
for i = 1, math.min(#rows, args.top or 10) do
  text[#text + 1] = ("%6d  %s\n"):format(rows[i].lines, rows[i].path)
end
for _, why in ipairs(failed) do text[#text + 1] = "failed: " .. why .. "\n" end
return options.answer(args, {files = rows, failed = failed, exit_code = failed[1] and 1 or 0},
  table.concat(text))
