--- orun.util.sink: where an option has something written: a file, or, for "-", standard output.
--
--     local file, why, name = sink.open(path)
--
-- Standard output is the script's, too: what is written to it goes out in whole pieces, at
-- each flush, and stays open.

local M = {}

local PIECE <const> = 1 << 16 -- bytes after which it goes out in any case

local Output = {}
Output.__index = Output

function Output:setvbuf() return self ~= nil end

function Output:write(...)
  local text = table.concat{...}
  self.parts[#self.parts + 1] = text
  self.bytes = self.bytes + #text
  if self.bytes < PIECE then return self end
  return self:flush()
end

function Output:flush()
  local text = table.concat(self.parts)
  self.parts, self.bytes = {}, 0
  local ok, why = io.stdout:write(text)
  if ok then ok, why = io.stdout:flush() end
  if not ok then return nil, why end
  return self
end

Output.close = Output.flush

--- Open it to write.
-- @return an object with write, flush, setvbuf and close, as files have them; nil and why not;
--   and what to call it in messages
function M.open(path)
  if path == "-" then
    return setmetatable({parts = {}, bytes = 0}, Output), nil, "standard output"
  end
  local file, why = io.open(path, "w")
  return file, why, path
end

--- Write all of it; true, or nil and why not, a line with the name in it.
function M.put(path, text)
  local file, why, name = M.open(path)
  if not file then return nil, why end
  local ok, problem = file:write(text)
  local closed, late = file:close()
  if ok and closed then return true end
  return nil, ("%s: %s"):format(name, problem or late)
end

return M
