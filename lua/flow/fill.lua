--- orun.flow.fill: a command with an argument put in, as GNU parallel and xargs do it.
--
--     local words = fill({"cp", "{}", "{.}.bak"}, "a/b.txt", {["{#}"] = "1"})
--
-- There is no shell: a word stays one word, whatever is put into it.

local FIELD <const> = "{[./#%%]*}"

-- What the argument is replaced by: `{/}` is its name, and so on.
local function parts(item)
  local folder, name = item:match("^(.*)/([^/]*)$")
  name = name or item
  local stem = name:match("^(.+)%.[^.]*$") or name
  return {
    ["{}"] = item,
    ["{.}"] = folder and folder .. "/" .. stem or stem,
    ["{/}"] = name,
    ["{/.}"] = stem,
    ["{//}"] = folder == "" and "/" or folder or ".",
  }
end

--- @param words  array: the command, with {} {.} {/} {//} {/.} and those of `more` in it
-- @param item   string: the argument; added at the end where the words have none of these
-- @param more   table: other fields, by their names with the braces
-- @return array of words
return function(words, item, more)
  local list, used, fields = {}, false, parts(item)
  for name, value in pairs(more or {}) do fields[name] = tostring(value) end
  for i, word in ipairs(words) do
    list[i] = word:gsub(FIELD, function(field)
      used = used or fields[field] ~= nil
      return fields[field]
    end)
  end
  if not used then list[#list + 1] = item end
  return list
end
