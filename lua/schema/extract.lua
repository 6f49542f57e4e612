--- orun.schema.extract: the JSON in what an agent has answered.
--
-- Agents are asked for JSON and give it with a sentence before it, in a fence,
-- or twice. What may have been meant is looked at in order: the whole text, the
-- fenced blocks from the last to the first, then every {...} and [...] in the
-- text, the largest first.
--
--     local answer = require "orun.schema.extract"
--     local value, errors = answer.find('Here: {"n": 1}', checker)
--
-- Glossary
--   checker     what orun.schema.new returns
--   candidate   a piece of the text that is JSON

local json = require "orun.json"

local M = {}

local MAX_CANDIDATES <const> = 50
local MAX_SCANNED <const> = 4 << 20 -- bytes looked at in search of brackets' ends
local CLOSES <const> = {["{"] = "}", ["["] = "]"}

-- Where the value that begins at `from` with a bracket ends, or nil and where
-- that was seen. Brackets in strings do not count.
local function value_end(text, from)
  local stack, at = {}, from
  while true do
    local _, where, c = text:find('([%[%]{}"])', at)
    if not where then return nil, #text end
    at = where + 1
    if c == '"' then
      repeat
        local _, quote, slashes = text:find('(\\*)"', at)
        if not quote then return nil, #text end
        at = quote + 1
      until #slashes % 2 == 0
    elseif CLOSES[c] then
      stack[#stack + 1] = CLOSES[c]
    elseif table.remove(stack) ~= c then
      return nil, where
    elseif #stack == 0 then
      return where
    end
  end
end

local function fenced(text)
  local blocks = {}
  for block in ("\n" .. text .. "\n"):gmatch("\n[ \t]*```[%w_-]*[ \t]*\r?\n(.-)\n[ \t]*```") do
    table.insert(blocks, 1, block)
  end
  return blocks
end

-- The bracketed pieces that are in no other, the largest first.
local function bracketed(text)
  local pieces, from, scanned = {}, 1, 0
  while #pieces < MAX_CANDIDATES and scanned < MAX_SCANNED do
    local at = text:find("[{%[]", from)
    if not at then break end
    local last, seen = value_end(text, at)
    scanned = scanned + (last or seen) - at
    if last and json.decode(text:sub(at, last)) ~= nil then
      pieces[#pieces + 1] = {at = at, text = text:sub(at, last)}
      from = last + 1
    else
      from = at + 1
    end
  end
  table.sort(pieces, function(a, b)
    if #a.text ~= #b.text then return #a.text > #b.text end
    return a.at > b.at
  end)
  for i, piece in ipairs(pieces) do pieces[i] = piece.text end
  return pieces
end

-- What may have been meant, as decoded values in boxes, the likeliest first.
local function candidates(text)
  local found = {}
  local function try(piece)
    local value = json.decode(piece)
    if value ~= nil then found[#found + 1] = {value} end
  end
  try(text)
  if #found > 0 then return found end
  for _, block in ipairs(fenced(text)) do try(block) end
  for _, piece in ipairs(bracketed(text)) do try(piece) end
  return found
end

--- The JSON value in an answer.
-- @param text     what the agent said
-- @param checker  nil, or what orun.schema.new returns: a candidate that fits is
--   preferred to one that is likelier
-- @return the value; or nil and an array of what is wrong, as text
function M.find(text, checker)
  local found = candidates(text)
  if #found == 0 then
    return nil, {text:find("%S") and "the answer has no JSON in it" or "the answer is empty"}
  end
  if not checker then return found[1][1] end
  local first
  for _, box in ipairs(found) do
    local ok, errors = checker:check(box[1])
    if ok then return box[1] end
    first = first or errors
  end
  return nil, first
end

--- The text that tells an agent the form of its answer.
-- @param schema  the JSON Schema, a table
-- @return text to append to the prompt
function M.ask(schema)
  return "Answer with one JSON value and nothing else: no words before or after it, no "
    .. "Markdown. It must satisfy this JSON Schema:\n" .. json.encode(schema, {lossy = true})
end

--- The text that tells an agent that its answer did not have the form.
-- @param errors  the array that M.find gave
-- @return text
function M.refuse(errors)
  return "Your answer did not have the form that was asked for:\n- "
    .. table.concat(errors, "\n- ")
    .. "\nGive the whole answer again, with this put right: one JSON value and nothing else."
end

return M
