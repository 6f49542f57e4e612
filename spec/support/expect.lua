--- Compares what was printed with what a page says is printed.
---
--- A page shows a run; times and temporary names in it differ from run to run.
--- `...` stands for any text within a line, and alone on a line for any number
--- of lines (none too). Nothing else is special.

local M = {}

local function escape(text)
  return (text:gsub("%p", "%%%0"))
end

-- One shown line as a Lua pattern.
local function pattern_of(shown)
  local parts, from = {}, 1
  while true do
    local first, last = shown:find("...", from, true)
    parts[#parts + 1] = escape(shown:sub(from, (first or 0) - 1))
    if not first then break end
    from = last + 1
  end
  return "^" .. table.concat(parts, ".*") .. "$"
end

-- Do the lines from `a` on match the shown ones from `s` on?
local function same(actual, shown, a, s)
  if s > #shown then return a > #actual end
  if shown[s] == "..." then
    for start = a, #actual + 1 do
      if same(actual, shown, start, s + 1) then return true end
    end
    return false
  end
  return a <= #actual and actual[a]:match(pattern_of(shown[s])) ~= nil
    and same(actual, shown, a + 1, s + 1)
end

--- nil when `actual` (lines) is what `shown` (lines) says, else a text that
--- puts both side by side. Blanks at the ends of lines do not count.
function M.difference(actual, shown)
  local function trimmed(lines)
    local all = {}
    for i, line in ipairs(lines) do all[i] = line:gsub("%s+$", "") end
    while all[#all] == "" do all[#all] = nil end
    return all
  end
  local a, s = trimmed(actual), trimmed(shown)
  if same(a, s, 1, 1) then return nil end
  return ("printed:\n  %s\nbut the page says:\n  %s"):format(
    table.concat(a, "\n  "), table.concat(s, "\n  "))
end

return M
