--- orun.command.line_history: the lines that were typed at the prompt, also in earlier sessions.
--
-- They are in `lines` of the state folder, the user's alone (0600), the last 1000 of them; known
-- secrets in them are masked. ORUN_HISTORY=0 keeps none, and a line that begins with a blank is
-- not kept.

local state_dir = require "orun.util.state_dir"
local whole_file = require "orun.util.whole_file"

local M = {}

local MOST <const> = 1000

-- The file's last lines, oldest first, and whether there were more.
local function read(path)
  local lines = {}
  local file <close> = io.open(path)
  if not file then return lines, false end
  for line in file:lines() do lines[#lines + 1] = line end
  local from = math.max(#lines - MOST, 0)
  return table.move(lines, from + 1, #lines, 1, {}), from > 0
end

--- Opens it.
-- @return lines, oldest first
-- @return function(line) that keeps one more, and gives it as it is kept, or nil
function M.open()
  local folder = os.getenv "ORUN_HISTORY" ~= "0" and state_dir.folder()
  if not folder then
    return {}, function(line) return line:find("^%s") == nil and line or nil end
  end
  local path = folder .. "/lines"
  local lines, more = read(path)
  if more then -- another session's are not lost but for those of this moment
    whole_file.put(path, table.concat(lines, "\n") .. "\n", whole_file.PRIVATE)
  end

  local function add(line)
    if line:find("^%s") or line == "" then return nil end
    local kept = orun.clean(line)
    local made = orun.private_file(path)
    if made then made:close() end
    local file <close> = io.open(path, "a")
    if file then file:write(kept, "\n") end
    return kept
  end

  return lines, add
end

return M
