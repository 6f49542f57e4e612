--- secrets: no piece of one is shown, wherever it is cut; and what is shown
--- cannot drive a terminal, whatever it is made of.

local orun = require "orun"
local unsafe = require "spec.support.safe"

local KEY <const> = "canary-0f9e8d7c6b5a-canary"
local TAIL <const> = 4096 -- bytes of stderr in an error
local PIECE <const> = 8

-- Does the text hold PIECE bytes in a row of the key?
local function leaks(text)
  for i = 1, #KEY - PIECE + 1 do
    if text:find(KEY:sub(i, i + PIECE - 1), 1, true) then return true end
  end
  return false
end

-- A program prints the key somewhere near the edges of what is kept, and fails.
local function fails_with_key()
  local before = math.random(2) == 1 and math.random(0, 200) or (64 << 10) - math.random(0, 5000)
  local after = math.random(2) == 1 and math.random(0, 60) or TAIL - math.random(0, 60)
  local filler = math.random(2) == 1 and "x" or "line\n"
  local text = filler:rep(before // #filler) .. KEY .. filler:rep(after // #filler)
  local r = orun.exec{command = {"sh", "-c", "cat >&2; exit 1"}, input = text,
                      env = {SOAK_TOKEN = KEY}}
  local whole = #text - (before // #filler) * #filler <= TAIL
  local cut = filler == "line\n" and #text > TAIL -- to whole lines
  local marked = r.error:find("[SOAK_TOKEN]", 1, true) ~= nil
  return not leaks(r.error) and (marked or cut or not whole)
end

-- Bytes of all kinds, many of them parts of sequences and of characters.
local function random_text()
  local parts <const> = {
    "\27[", "\27]", "\u{9b}", "\xe2\x80", "\u{202e}", "\u{200b}", "é", "\xf0\x9f", "m", "2J",
    "\r", "\n", KEY, KEY:sub(1, 12),
  }
  local all = {}
  for i = 1, math.random(0, 20) do
    all[i] = math.random(2) == 1 and string.char(math.random(0, 255))
      or parts[math.random(#parts)]
  end
  return table.concat(all)
end

local function losses_of(rounds, fine)
  local losses = 0
  for _ = 1, rounds do
    if not fine() then losses = losses + 1 end
  end
  return losses
end

return {
  {
    name = "secrets", promise = "no piece of a secret is shown, however it is cut",
    rounds = 10000, short = 100,
    run = function(rounds) return losses_of(rounds, fails_with_key) end,
  },
  {
    name = "terminal", promise = "what is shown cannot drive a terminal",
    rounds = 1000000, short = 3000,
    run = function(rounds)
      orun.agent{name = "key", command = {"true"}, env = {SOAK_TOKEN = KEY}}
      return losses_of(rounds, function()
        local text = orun.clean(random_text())
        return not unsafe(text, true) and not text:find(KEY, 1, true)
      end)
    end,
  },
}
