--- Could this text do anything to the terminal that shows it?

local BENT <const> = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}"
  .. "\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"
local UNSEEN <const> = "\u{ad}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{e0001}\u{e0041}"

--- What is wrong with the text, nil when it is safe.
-- @param text    newlines, tabs and CR LF are fine
-- @param unseen  true: it may not hold characters that cannot be seen, either
return function(text, unseen)
  local control = text:gsub("\r\n", "\n"):match("[\0-\8\11-\31\127]")
  if control then return ("the byte 0x%02x"):format(control:byte()) end
  if not utf8.len(text) then return "no UTF-8" end
  for _, c in utf8.codes(text) do
    local char = utf8.char(c)
    if (c >= 0x80 and c <= 0x9f) or (c > 0x7f and BENT:find(char, 1, true))
      or (unseen and c > 0x7f and UNSEEN:find(char, 1, true)) then
      return ("U+%04X"):format(c)
    end
  end
end
