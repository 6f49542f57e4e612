--- orun.manual.options: what `orun --help` prints, as data.
--
--     local options = require "orun.manual.options"
--     print(options.read("  -q, --quiet   be silent\n").options[1].names)   --> -q, --quiet
--
-- The text is main.c's; `arg.help` has it where a command runs that needs no runtime.
--
-- Glossary
--   option  {names = as they are typed, with the value's name, text =, plan = it is one of plan's}

local M = {}

--- The text of `orun --help`.
function M.text() return arg.help end

-- An option's line: its names, and its text or nil where that begins on the next line.
local function start(line)
  local names, text = line:match("^  (%-.-%S)%s%s+(%S.*)$")
  return names or line:match("^  (%-%S.*)$"), text
end

--- The parts of such a text: {usage = lines, about = text, options = array, rest = text}.
function M.read(text)
  local all = {usage = {}, options = {}, rest = {}, about = {}}
  local last, plan
  for line in text:gmatch("([^\n]*)\n") do
    local names, about = start(line)
    local usage = line:match("^usage: (.*)$") or #all.options == 0 and line:match("^       (.*)$")
    plan = plan or line:match("^orun plan ") ~= nil
    if usage then
      table.insert(all.usage, usage)
    elseif names then
      last = {names = names, text = about or "", plan = plan}
      table.insert(all.options, last)
    elseif last and line:match("^     +%S") then
      last.text = (last.text .. " " .. line:match("^%s+(.*)$")):gsub("^ ", "")
    elseif line ~= "" then
      last = nil
      table.insert(all.options[1] and all.rest or all.about, line)
    end
  end
  all.about, all.rest = table.concat(all.about, " "), table.concat(all.rest, "\n")
  return all
end

return M
