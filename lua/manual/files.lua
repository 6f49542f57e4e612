--- orun.manual.files: the manual in files: what `orun help --write` does.

local html = require "orun.manual.html"
local man = require "orun.manual.man"
local options = require "orun.command.options"
local types = require "orun.manual.types"

local M = {}

local function put(path, text)
  local file, why = io.open(path, "w")
  if not file then options.refuse("%s", why) end
  local written
  written, why = file:write(text)
  local closed, later = file:close()
  if not (written and closed) then options.refuse("%s: %s", path, why or later) end
end

--- Write all files into a folder that is there; the same files have the same bytes each time.
function M.write(folder)
  local files = man.pages()
  files["orun.d.lua"] = types.text()
  files["orun.html"] = html.text()
  for _, name in ipairs(options.names(files, "")) do put(folder .. "/" .. name, files[name]) end
end

return M
