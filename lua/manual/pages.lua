--- orun.manual.pages: what the manual is made of: pages, headers, and the heads of Lua files.
--
--     local pages = require "orun.manual.pages"
--     print(pages.section("lua/README.md", "Error kinds").title)   --> Error kinds
--
-- All of it is in the binary as it is in the source tree: the Makefile has the list.
--
-- Glossary
--   section  {title =, level =, anchor =, page = its path, blocks = what stands below its heading,
--            up to the next heading of any level}

local markdown = require "orun.manual.markdown"
local orun = require "orun"

local M = {}

local PREFIX <const> = "orun.page."

--- The paths of pages, in the order of the manual.
M.PATHS = {"README.md", "lua/tasks.md", "stdlib/README.md", "lua/command.md", "lua/agents.md",
  "lua/limits.md", "lua/durable.md", "lua/watching.md", "lua/README.md", "lua/functions.md",
  "examples/README.md", "runtime/embedding.md", "runtime/README.md"}

--- The text of a page, or of a header; nil: there is none.
function M.text(path)
  local name = PREFIX .. path:gsub("/", ".")
  return orun.bundled(name) and require(name)
end

local read = {} -- {[path] = its sections}: a page is read once, and not changed

--- The sections of a page, in order.
function M.sections(path)
  if read[path] then return read[path] end
  local sections, current = {}, nil
  read[path] = sections
  for _, block in ipairs(markdown.blocks(M.text(path))) do
    if block.kind == "heading" then
      current = {title = block.text, level = block.level, anchor = block.anchor, page = path,
        blocks = {}}
      sections[#sections + 1] = current
    elseif current then
      table.insert(current.blocks, block)
    end
  end
  return sections
end

--- The section of that title; an error where there is none, which is a mistake of orun's.
function M.section(path, title)
  for _, section in ipairs(M.sections(path)) do
    if section.title == title then return section end
  end
  error(("%s has no section %s"):format(path, title), 2)
end

--- The n-th table of a section, as rows {names = {name, …}, COLUMN = text, …,
--- cells = texts, head = the columns}.
function M.rows(path, title, n)
  local rows, left = {}, n or 1
  for _, block in ipairs(M.section(path, title).blocks) do
    left = block.kind == "table" and left - 1 or left
    if block.kind == "table" and left == 0 then
      for i, cells in ipairs(block.rows) do
        local row = {names = {}, head = block.head, cells = cells}
        for name in cells[1]:gmatch("`([^`]+)`") do row.names[#row.names + 1] = name end
        for c, column in ipairs(block.head) do row[column] = cells[c] end
        rows[i] = row
      end
      return rows
    end
  end
  error(("%s has no table %d below %s"):format(path, n or 1, title), 2)
end

-- ---- Lua files ----

--- The comment at the head of a bundled module: {summary =, blocks =}; nil: there is no such
--- module, or it says nothing. What it says for its readers, from its glossary on, is not in it.
function M.head(module)
  local text, lines = orun.bundled(module), {}
  for line in (text or ""):gmatch("([^\n]*)\n") do
    local words = line:match("^%-%-%-? ?(.*)$")
    if not words or words == "Glossary" then break end
    lines[#lines + 1] = words
  end
  local summary = table.remove(lines, 1)
  if not summary then return nil end
  while lines[1] and lines[1] ~= "" do summary = summary .. " " .. table.remove(lines, 1) end
  return {summary = summary:gsub("^[%w_.]+: ", ""), blocks = M.indented(lines)}
end

-- Is it something that is shown as it is?
local function shown(line) return line:match("^  ") ~= nil end

--- Lines of a comment as blocks: indented ones are code, Lua when it is four columns.
function M.indented(lines)
  local blocks, i = {}, 1
  while i <= #lines do
    local first, part = lines[i], {}
    while lines[i] and (shown(first) and (shown(lines[i]) or lines[i] == "" and lines[i + 1]
        and shown(lines[i + 1])) or not shown(first) and not shown(lines[i]) and lines[i] ~= "") do
      part[#part + 1] = lines[i]
      i = i + 1
    end
    if #part == 0 then
      i = i + 1
    elseif shown(first) then
      local indent = first:match("^ +")
      local text = table.concat(part, "\n") .. "\n"
      blocks[#blocks + 1] = {kind = "code", lang = #indent == 4 and "lua" or "",
        text = ("\n" .. text):gsub("\n" .. (" "):rep(#indent), "\n"):sub(2)}
    else
      blocks[#blocks + 1] = {kind = "para", text = table.concat(part, " ")}
    end
  end
  return blocks
end

return M
