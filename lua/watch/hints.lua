--- orun.watch.hints: keys and what they do, in the last line of a screen: whole ones, as many as
--- there is room for.
--
--     local hints = require "orun.watch.hints"
--     print(hints({{"s stop", 2}, {"? keys", 3}, {"q quit", 1}}, 14))  --> s stop  q quit

local GAP <const> = "  "

--- The line.
-- @param list     {text, rank}, in the order they stand; those with the lowest rank stay longest
-- @param columns  how wide the screen is
return function(list, columns)
  local order, kept, used = table.move(list, 1, #list, 1, {}), {}, 0
  table.sort(order, function(a, b) return a[2] < b[2] end)
  for i, hint in ipairs(order) do
    used = used + utf8.len(hint[1]) + (i > 1 and #GAP or 0)
    if used > columns then break end
    kept[hint] = true
  end
  local shown = {}
  for _, hint in ipairs(list) do
    if kept[hint] then shown[#shown + 1] = hint[1] end
  end
  return table.concat(shown, GAP)
end
