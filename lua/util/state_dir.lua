--- orun.util.state_dir: the folder of what orun remembers between runs.
--
--     local path, why = state.folder("runs")
--
-- It is `$XDG_STATE_HOME/orun`, or `~/.local/state/orun` without that variable, and
-- the user's alone (0700). Works in scripts' states and in views'.

local M = {}

-- Where it is, whether it is there or not; nil and why when nobody says where.
local function place()
  local state = os.getenv "XDG_STATE_HOME"
  if state and state:sub(1, 1) == "/" then return state .. "/orun" end
  local home = os.getenv "HOME"
  if home and home:sub(1, 1) == "/" then return home .. "/.local/state/orun" end
  return nil, "neither XDG_STATE_HOME nor HOME is an absolute path"
end

--- The state folder, made when it is not there.
-- @param name of a folder in it; nil: the state folder itself
-- @return its path, or nil and why there cannot be one
function M.folder(name)
  local top, why = place()
  if not top then return nil, why end
  local made
  made, why = orun.private_folder(top)
  if made and name then made, why = orun.private_folder(top .. "/" .. name) end
  return made, why
end

--- Where something in the state folder is, whether it is there or not: for readers, who
--- make nothing.
-- @return a path, or nil and why there is none
function M.path(name)
  local top, why = place()
  if not top then return nil, why end
  return top .. "/" .. name
end

return M
