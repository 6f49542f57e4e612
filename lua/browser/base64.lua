--- orun.browser.base64: the bytes that a text in base64 stands for.
--
--     base64.decode("b3J1bg==")  --> "orun"

local M = {}

local LETTERS <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- @param text  string; a last group may be shorter, with "=" or without
-- @return its bytes; nil and a message if it is not base64
function M.decode(text)
  local value, parts, n = {}, {}, 0
  for i = 1, #LETTERS do value[LETTERS:byte(i)] = i - 1 end
  local body = text:gsub("=+$", "")
  for i = 1, #body, 4 do
    local a, b, c, d = body:byte(i, i + 3)
    a, b, c, d = value[a], value[b], c == nil and 0 or value[c], d == nil and 0 or value[d]
    if not (a and b and c and d) then return nil, ("no base64 near byte %d"):format(i) end
    n = n + 1
    parts[n] = string.char(a << 2 | b >> 4, (b << 4 | c >> 2) & 255, (c << 6 | d) & 255)
  end
  local whole = table.concat(parts)
  return whole:sub(1, #whole - (-#body) % 4)
end

return M
