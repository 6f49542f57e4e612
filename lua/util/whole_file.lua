--- orun.util.whole_file: a file that appears whole or not at all.
--
--     local ok, why = whole_file.put("report.md", text)
--     local ok, why = whole_file.put("out", function(file) return file:write "a" end)
--
-- It is written beside the place, under a name of its own, and then takes the place of what was
-- there. What was there stays when it cannot be written.

local M = {}

--- Instead of a file whose mode it gets: it is the user's alone, 0600.
M.PRIVATE = {}

--- Writes it.
-- @param path  where
-- @param what  its bytes; or function(file) that writes them, and returns true, or nil and why not
-- @param like  a file whose mode it gets, or PRIVATE; default: that of a new file
-- @return true; nil and why not
function M.put(path, what, like)
  local new = ("%s.%08x.new"):format(path, math.random(0, 0xFFFFFFFF))
  local private = like == M.PRIVATE
  local file, why = (private and orun.private_file or io.open)(new, "wb")
  if not file then return nil, (why:gsub("^.*: ", path .. ": ", 1)) end
  local done, closed, late
  if type(what) == "function" then done, why = what(file) else done, why = file:write(what) end
  closed, late = file:close()
  if done and not closed then done, why = nil, late end
  if done and like and not private then
    local mode = orun.exec("chmod", "--reference=" .. like, "--", new)
    done, why = not mode.error, mode.error
  end
  if done then done, why = os.rename(new, path) end
  if done then return true end
  os.remove(new)
  return nil, ("%s: %s"):format(path, (tostring(why):gsub("^.*: ", "")))
end

return M
