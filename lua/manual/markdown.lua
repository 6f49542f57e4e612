--- orun.manual.markdown: a page of Markdown as blocks, and a text as pieces.
--
--     local markdown = require "orun.manual.markdown"
--     local blocks = markdown.blocks("# Title\n\nA *text*.\n")
--     print(blocks[1].kind, blocks[2].text)   --> heading	A *text*.
--     print(markdown.plain(blocks[2].text))   --> A text.
--
-- It reads what the pages of orun have, and no more of Markdown than that.
--
-- Glossary
--   block  {kind = "heading", level =, text =, anchor =}, {kind = "para", text =},
--          {kind = "code", lang =, text =}, {kind = "list", items = texts, ordered =},
--          {kind = "table", head = texts, rows = arrays of texts}
--   piece  {kind = "text", "code", "bold", "italic" or "link", text =, target =}

local M = {}

--- What links to a heading end in, as GitHub makes it.
function M.anchor(title)
  return (title:lower():gsub("[^%w%-_ ]", ""):gsub(" ", "-"))
end

--- The cells of a line of a table.
function M.cells(line)
  local cells = {}
  for cell in line:gmatch("|([^|]*)") do cells[#cells + 1] = cell:match("^%s*(.-)%s*$") end
  cells[#cells] = nil -- behind the last bar
  return cells
end

-- ---- blocks ----

-- A reader of lines: peek() is the line at hand, nil at the end; take() goes on.
local function lines_of(text)
  local all, at = {}, 1
  for line in (text:gsub("\n?$", "\n")):gmatch("([^\n]*)\n") do all[#all + 1] = line end
  return function() return all[at] end, function()
    at = at + 1
    return all[at - 1]
  end
end

local function fenced(take)
  local indent, lang = take():match("^(%s*)```(.*)$")
  local lines = {}
  for line in take do
    if line:match("^%s*```%s*$") then break end
    lines[#lines + 1] = line:sub(1, #indent) == indent and line:sub(#indent + 1) or line
  end
  return {kind = "code", lang = lang, text = table.concat(lines, "\n") .. "\n"}
end

local function tabular(peek, take)
  local block = {kind = "table", head = M.cells(take()), rows = {}}
  while peek() and peek():match("^|") do
    local line = take()
    if not line:match("^|[-| :]+$") then block.rows[#block.rows + 1] = M.cells(line) end
  end
  return block
end

local function item_start(line)
  return line:match("^[-*] +(.*)$") or line:match("^%d+%. +(.*)$")
end

local function itemized(peek, take)
  local block = {kind = "list", items = {}, ordered = peek():match("^%d") ~= nil}
  while peek() do
    local start = item_start(peek())
    if start then
      block.items[#block.items + 1] = start
    elseif peek():match("^  +%S") then
      block.items[#block.items] = block.items[#block.items] .. " " .. peek():match("^%s+(.*)$")
    else
      break
    end
    take()
  end
  return block
end

local function is_text(line)
  return line and line ~= "" and not line:match("^#+ ") and not line:match("^%s*```")
    and not line:match("^|") and not item_start(line)
end

local function paragraph(peek, take)
  local lines = {}
  while is_text(peek()) do lines[#lines + 1] = take():match("^%s*(.-)%s*$") end
  return {kind = "para", text = table.concat(lines, " ")}
end

--- The blocks of a page.
function M.blocks(text)
  local blocks, peek, take = {}, lines_of(text)
  while peek() do
    local line, block = peek(), nil
    local marks, title = line:match("^(#+) (.+)$")
    if line:match("^%s*```") then
      block = fenced(take)
    elseif marks then
      block = {kind = "heading", level = #marks, text = title, anchor = M.anchor(title)}
      take()
    elseif line:match("^|") then
      block = tabular(peek, take)
    elseif item_start(line) then
      block = itemized(peek, take)
    elseif is_text(line) then
      block = paragraph(peek, take)
      if block.text:find("^!%[[^%]]*%]%([^)]*%)$") then block = nil end -- a picture
    else
      take()
    end
    blocks[#blocks + 1] = block
  end
  return blocks
end

-- ---- pieces ----

local FORMS <const> = {
  {"^`([^`]+)`()", "code"}, {"^!?%[([^%]]*)%]%(([^)]+)%)()", "link"},
  {"^%*%*(.-)%*%*()", "bold"}, {"^%*([^%s*][^*]-)%*()", "italic"}, {"^%*([^%s*])%*()", "italic"},
}

-- The piece that begins there, and where the next one does.
local function piece_at(text, at)
  for _, form in ipairs(FORMS) do
    local words, second, third = text:match(form[1], at)
    if words and form[2] == "link" then
      return {kind = "link", text = words, target = second}, third
    elseif words then
      return {kind = form[2], text = words}, second
    end
  end
end

--- The pieces of a text.
function M.pieces(text)
  local pieces, from, at = {}, 1, 1
  local function plain(to)
    if to >= from then pieces[#pieces + 1] = {kind = "text", text = text:sub(from, to)} end
  end
  while at <= #text do
    at = text:find("[`*%[!]", at)
    if not at then break end
    local piece, next_at = piece_at(text, at)
    if piece then
      plain(at - 1)
      pieces[#pieces + 1], from, at = piece, next_at, next_at
    else
      at = at + 1
    end
  end
  plain(#text)
  return pieces
end

--- A text without its marks.
function M.plain(text)
  local words = {}
  for i, piece in ipairs(M.pieces(text)) do
    words[i] = piece.kind ~= "code" and piece.kind ~= "text" and M.plain(piece.text) or piece.text
  end
  return table.concat(words)
end

return M
