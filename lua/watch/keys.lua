--- orun.watch.keys: what keys a terminal's bytes are.
--
--     keys("j\27[A\27")   --> {"j", "up", "escape"}
--
-- A character is its own name; others are up, down, left, right, home, end, page_up,
-- page_down, delete, insert, enter, tab, back_tab, backspace, escape, ctrl_a to ctrl_z, and
-- "other" for what has no name here.

local NAMED <const> = {
  ["\r"] = "enter", ["\n"] = "enter", ["\t"] = "tab", ["\127"] = "backspace",
  ["\b"] = "backspace", ["\27"] = "escape",
}

-- By the last byte of ESC [ … or ESC O …
local LETTERS <const> = {
  A = "up", B = "down", C = "right", D = "left", H = "home", F = "end", Z = "back_tab",
  M = "enter",
}

-- ESC [ number ~
local NUMBERS <const> = {
  ["1"] = "home", ["2"] = "insert", ["3"] = "delete", ["4"] = "end", ["5"] = "page_up",
  ["6"] = "page_down", ["7"] = "home", ["8"] = "end",
}

-- The name of the sequence at `at`, and where the next key is.
local function sequence(bytes, at)
  local numbers, last, after = bytes:match("^\27%[([%d;?<=>]*)([@-~])()", at)
  if not last then last, after = bytes:match("^\27O([@-~])()", at) end
  if not last then return nil end
  if last == "~" then return NUMBERS[numbers:match("^%d+")] or "other", after end
  return LETTERS[last] or "other", after
end

--- The keys, in order.
return function(bytes)
  local keys, at = {}, 1
  while at <= #bytes do
    local name, after = sequence(bytes, at)
    if not name then
      local char = bytes:match("^[%z\1-\127\xC2-\xF4][\x80-\xBF]*", at) or bytes:sub(at, at)
      name, after = NAMED[char], at + #char
      if not name and char:byte() < 32 then
        name = char:byte() > 0 and char:byte() <= 26 and "ctrl_" .. string.char(96 + char:byte())
          or "other"
      end
      name = name or utf8.len(char) and char or "other"
    end
    keys[#keys + 1], at = name, after
  end
  return keys
end
