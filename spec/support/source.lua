--- Reads the source tree as text, for the specs that check how it is written.

local h = require "spec.support.helper"

local M = {}

--- Every file of orun's own: { path =, text =, lines = }, sorted by path.
--- `test` narrows it, as for find(1): `-name '*.c'`.
function M.files(where, test)
  local all = {}
  for _, path in ipairs(h.find(where, "-type f " .. (test or ""))) do
    local text = assert(h.read(path))
    all[#all + 1] = { path = path, text = text, lines = h.lines(text),
                      name = path:match("[^/]+$") }
  end
  return all
end

--- The C functions of a file: { name =, line =, length = }. By the house
--- style a definition has its name at the start of a line, and its last
--- brace alone on one.
function M.functions(file)
  local all, name, start = {}, nil, nil
  for number, line in ipairs(file.lines) do
    local found = line:match("^([%a_][%w_]*)%(")
    if found and found:upper() ~= found then
      name, start = found, number
    elseif line:match("^{") and name then
      all[#all + 1] = { name = name, line = start }
      name = nil
    elseif line:match("^}") and all[#all] and not all[#all].length then
      all[#all].length = number - all[#all].line + 1
    elseif line:match(";%s*$") and not line:match("^%s") then
      name = nil
    end
  end
  return all
end

--- What a C file includes of orun's own: array of header names.
function M.includes(file)
  local all = {}
  for header in file.text:gmatch('\n%s*#%s*include%s+"([^"]+)"') do
    all[#all + 1] = header
  end
  return all
end

return M
