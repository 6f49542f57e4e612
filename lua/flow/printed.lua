--- orun.flow.printed: what the program of a task has printed, all of it, copied piece by piece.
--
--     printed.copy(result, "stdout", io.stdout, "each line begins with this")
--     assert(printed.keep(result, "results/1"))

local orun = require "orun"
local whole_file = require "orun.util.whole_file"

local M = {}

--- Copies one stream of it; raises what cannot be written.
-- @param stream  "stdout" or "stderr"
-- @param file    open to write
-- @param tag     what comes before each line, with a tab; nil: nothing
-- @return true
function M.copy(result, stream, file, tag)
  local output = orun.output(result, stream)
  if tag then
    for line in output:lines() do assert(file:write(tag, "\t", line, "\n")) end
  else
    for bytes in function() return output:read() end do assert(file:write(bytes)) end
  end
  return true
end

--- Writes FOLDER/stdout and FOLDER/stderr, each whole or not at all; the folder is made.
-- @return true; nil and what cannot be done
function M.keep(result, folder)
  local made = orun.exec("mkdir", "-p", "--", folder)
  if made.error then return nil, ("cannot make %s: %s"):format(folder, made.error) end
  for _, stream in ipairs{"stdout", "stderr"} do
    local ok, why = whole_file.put(folder .. "/" .. stream, function(file)
      return M.copy(result, stream, file)
    end)
    if not ok then return nil, "cannot write " .. why end
  end
  return true
end

return M
