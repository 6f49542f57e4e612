--- examples/README.md, the cookbook: it quotes what orun says, and lists every example.
---
--- A quoted message has `...` where names and numbers stand. The parts between them must stand in
--- one file of the source, in that order, in its strings.

local h = require "spec.support.helper"

local PAGE <const> = "examples/README.md"
local LEAST <const> = 9 -- characters that a message must say by itself

-- The rows of the table below a heading: arrays of cells.
local function rows_below(heading)
  local chapter = assert((h.read(PAGE) .. "\n## "):match("\n## " .. heading .. "\n(.-)\n## "),
    heading .. ": there is no such chapter")
  local rows = {}
  for _, line in ipairs(h.lines(chapter)) do
    local inner = line:match("^| (.*) |$") or line:match("^(| .*) |$")
    if inner then
      local cells = {}
      for cell in (inner .. " |"):gmatch(" *(.-) ?|") do cells[#cells + 1] = cell end
      rows[#rows + 1] = cells
    end
  end
  assert(#rows > 2, heading .. ": it has no table")
  return table.move(rows, 2, #rows, 1, {})
end

-- The code of each file without comments, its strings joined where a line ends within one.
local function sources()
  local texts = {}
  for _, path in ipairs(h.find("runtime lua stdlib", "-name '*.c' -o -name '*.lua'")) do
    local text = h.read(path):gsub('\\"', "\1")
    if path:find("%.c$") then
      text = text:gsub("/%*.-%*/", ""):gsub('"%s*"', "")
    else
      text = ("\n" .. text):gsub("\n[ \t]*%-%-[^\n]*", ""):gsub('"%s*%.%.%s*"', "")
    end
    texts[#texts + 1] = text:gsub("\1", '"')
  end
  return texts
end

local function parts_of(message)
  local parts, length = {}, 0
  for part in (message .. "..."):gmatch("(.-)%.%.%.") do
    -- What is between two values alone (": ", " and ") may come from anywhere.
    if #part > 4 then parts[#parts + 1], length = part, length + #part end
  end
  return parts, length
end

local function says(text, parts)
  local at = 1
  for _, part in ipairs(parts) do
    local _, last = text:find(part, at, true)
    if not last then return false end
    at = last + 1
  end
  return true
end

local function stands_in(texts, message)
  local parts, length = parts_of(message)
  assert.is_true(length >= LEAST, message .. ": says too little to be looked for")
  for _, text in ipairs(texts) do
    if says(text, parts) then return true end
  end
  return false
end

describe("the cookbook", function()
  it("quotes messages that orun gives", function()
    local texts, wrong, quoted = sources(), {}, 0
    for _, row in ipairs(rows_below "When it does not go as it should") do
      for message in row[2]:gmatch("`([^`]+)`") do
        quoted = quoted + 1
        if not stands_in(texts, message) then wrong[#wrong + 1] = message end
      end
    end
    assert.is_true(quoted >= 25)
    assert.equal("", table.concat(wrong, "\n"))
    assert.is_false(stands_in(texts, "... was never said by anybody: ..."))
  end)

  it("links to the right way of each anti-pattern", function()
    local page = h.read(PAGE)
    for _, path in ipairs(h.find("examples/anti_patterns", "-name '*_wrong.lua'")) do
      local right = path:match("[^/]+$"):gsub("_wrong", "_right")
      assert.is_truthy(page:find("(anti_patterns/" .. right .. ")", 1, true), right)
    end
  end)

  it("says of each practice what sees to it, with a link", function()
    for _, row in ipairs(rows_below "What to keep in mind") do
      assert.is_truthy(row[2]:find("%]%([^)]+%)"), row[1] .. ": has no link")
    end
  end)

  it("has an example for each use", function()
    for _, row in ipairs(rows_below "What to use when") do
      local path = row[4]:match("%]%(([^)]+)%)")
      assert.is_true(h.exists("examples/" .. path), row[1])
    end
  end)

  it("lists every example", function()
    local listed = {}
    for _, row in ipairs(rows_below "All examples") do
      listed[row[1]:match("^%[([^]]+)%]")] = true
    end
    for _, path in ipairs(h.find("examples", "-mindepth 1 -maxdepth 1 -not -name '.*'")) do
      local name = path:match("[^/]+$")
      assert.is_true(name == "README.md" or listed[name] or listed[name .. "/"] or false,
        name .. " is not in the table")
      listed[name], listed[name .. "/"] = nil, nil
    end
    assert.is_nil((next(listed)))
  end)
end)
