--- orun.control.runs: the live runs of this user.
--
-- Glossary
--   run   one of them: name (when it began, and a number), pid, began (seconds since 1970;
--         exactly: with a fraction), cwd, script (as it was named), socket, token (never
--         shown)

local M = {}

-- Parses the entries (runtime/control/register.h). One that lacks a field is being written.
local function parse(text)
  local runs = {}
  for name, lines in text:gmatch("([^\n]+)\n(.-\n)\n") do
    local run = {name = name}
    for key, value in lines:gmatch("(%l+) ([^\n]*)\n") do run[key] = value end
    run.pid, run.exactly = math.tointeger(run.pid), tonumber(run.began)
    run.began = run.exactly and math.floor(run.exactly)
    if run.pid and run.began and run.socket and run.token then runs[#runs + 1] = run end
  end
  table.sort(runs, function(a, b)
    if a.exactly ~= b.exactly then return a.exactly < b.exactly end
    return a.name < b.name
  end)
  return runs
end

--- All of them, the oldest first.
-- @return an array; nil and the reason
function M.all()
  local text, why = orun.read_run_registry()
  if not text then return nil, why end
  return parse(text)
end

--- The runs that a word may mean: a name, its beginning or end, a process id, or the name
-- of a script.
-- @return an array
function M.matching(runs, word)
  local found = {}
  for _, run in ipairs(runs) do
    if run.name == word then return {run} end
    if run.name:sub(1, #word) == word or run.name:sub(-#word) == word
      or tostring(run.pid) == word or run.script == word
      or run.script:match("[^/]*$") == word then
      found[#found + 1] = run
    end
  end
  return found
end

return M
