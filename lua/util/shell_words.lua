--- orun.util.shell_words: a command as a shell would take it, on one line.
--
--     local shell_words = require "orun.util.shell_words"
--     print(shell_words{"grep", "-n", "it's", "a\nb"})  --> grep -n 'it'\''s' $'a\012b'
--
-- For people to read, and to paste into bash. Bytes that are no printable ASCII are escapes.

return function(words)
  local list = {}
  for i, word in ipairs(words) do
    word = tostring(word)
    if word:find("[%c\x7F-\xFF]") then
      list[i] = "$'" .. word:gsub("[%c'\\\x7F-\xFF]", function(c)
        return ("\\%03o"):format(c:byte())
      end) .. "'"
    elseif word:find("^[%w%%+,./:=@_-]+$") then
      list[i] = word
    else
      list[i] = "'" .. word:gsub("'", "'\\''") .. "'"
    end
  end
  return table.concat(list, " ")
end
