--- orun.manual.html: the manual as one page of HTML, which needs nothing else.
--
--     local html = require "orun.manual.html"
--     print(html.render({{kind = "para", text = "Some *words*, 1 < 2."}}, "README.md"))
--     --> <p>Some <em>words</em>, 1 &lt; 2.</p>

local header = require "orun.manual.header"
local markdown = require "orun.manual.markdown"
local options = require "orun.manual.options"
local orun = require "orun"
local pages = require "orun.manual.pages"
local reference = require "orun.manual.reference"

local M = {}

local EACH <const> = "lua/functions.md"

local ENTITIES <const> = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"}

local function escaped(text) return (text:gsub('[&<>"]', ENTITIES)) end

-- ---- links ----

-- The id of a section: those of two pages may have the same title.
local function id_of(path, anchor)
  return (path:gsub("%.md$", ""):gsub("/README$", ""):gsub("/", "-") .. "." .. anchor)
end

-- A path from a page's folder, as one from the top.
local function resolved(from, path)
  path = (from:match("^.*/") or "") .. path
  local before
  repeat
    before = path
    path = path:gsub("[^/]+/%.%./", "", 1)
  until path == before
  return path
end

-- Where a link of a page leads in this one; nil: nowhere.
local function target_of(link, from)
  if link:find("^https?:") then return link end
  local file, anchor = link:match("^([^#]*)#?(.*)$")
  local path = file == "" and from or resolved(from, file)
  for _, known in ipairs(pages.PATHS) do
    if known == path then
      return "#" .. id_of(path, anchor ~= "" and anchor or pages.sections(path)[1].anchor)
    end
  end
end

-- ---- blocks ----

local TAGS <const> = {code = "code", bold = "strong", italic = "em"}

local function inline(text, from)
  local parts = {}
  for i, piece in ipairs(markdown.pieces(text)) do
    local tag, words = TAGS[piece.kind]
    if piece.kind == "link" then
      local target = target_of(piece.target, from)
      words = inline(piece.text, from)
      parts[i] = target and ('<a href="%s">%s</a>'):format(escaped(target), words) or words
    else
      words = escaped(piece.text)
      parts[i] = tag and ("<%s>%s</%s>"):format(tag, words, tag) or words
    end
  end
  return table.concat(parts)
end

local render = {}

function render.heading(block, from)
  local level = math.min(block.level + 1, 4)
  return ("<h%d>%s</h%d>"):format(level, inline(block.text, from), level)
end

function render.para(block, from)
  return ("<p>%s</p>"):format(block.verbatim and escaped(block.text) or inline(block.text, from))
end

function render.code(block)
  return ("<pre><code>%s</code></pre>"):format(escaped(block.text))
end

function render.list(block, from)
  local items, tag = {}, block.ordered and "ol" or "ul"
  for i, item in ipairs(block.items) do items[i] = "<li>" .. inline(item, from) .. "</li>" end
  return ("<%s>\n%s\n</%s>"):format(tag, table.concat(items, "\n"), tag)
end

-- On a narrow screen each cell is a line of its own, with the name of its column.
local function row(cells, tag, head, from)
  local parts = {}
  for i, cell in ipairs(cells) do
    local of = tag == "td" and i > 1 and cell ~= ""
      and (' data-of="%s"'):format(escaped(markdown.plain(head[i] or ""))) or ""
    parts[i] = ("<%s%s>%s</%s>"):format(tag, of, inline(cell, from), tag)
  end
  return "<tr>" .. table.concat(parts) .. "</tr>"
end

function render.table(block, from)
  local rows = {row(block.head, "th", block.head, from)}
  for _, cells in ipairs(block.rows) do rows[#rows + 1] = row(cells, "td", block.head, from) end
  return ('<div class="wide"><table>\n%s\n</table></div>'):format(table.concat(rows, "\n"))
end

--- Blocks as HTML; `from` is the page whose links they have.
function M.render(blocks, from)
  local parts = {}
  for i, block in ipairs(blocks) do parts[i] = render[block.kind](block, from) end
  return table.concat(parts, "\n")
end

-- ---- the page ----

-- Every section: add(part, id, title, blocks, from).
local function walk(add)
  local all = reference.functions()
  for _, path in ipairs(pages.PATHS) do
    local sections = pages.sections(path)
    for _, section in ipairs(sections) do
      local f = path == EACH and all[section.title]
      add(markdown.plain(sections[1].title), id_of(path, section.anchor), section.title,
        f and reference.blocks(f) or section.blocks, f and "lua/README.md" or path)
    end
  end
  add("Options", "options", "orun --help", {{kind = "code", text = options.text()}}, EACH)
  for _, path in ipairs(header.PATHS) do
    local declared = header.read(path)
    local head = pages.indented(declared.head)
    for _, block in ipairs(head) do block.verbatim = true end
    local name = path:match("[^/]+$")
    add(name, name, name, head, path)
    for _, each in ipairs(declared) do
      add(name, each, "`" .. each .. "`", header.blocks(declared[each]), path)
    end
  end
end

local PAGE <const> = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The manual of orun %s</title>
<style>
%s</style>
</head>
<body>
<nav>
<label>Search <input type="search" placeholder="press /" autocomplete="off"></label>
<output></output>
%s
</nav>
<main>
%s
</main>
<script>
%s</script>
</body>
</html>
]]

--- The page's text.
function M.text()
  local list, body, part = {}, {}, nil
  walk(function(of, id, title, blocks, from)
    if of ~= part then
      list[#list + 1] = ("%s<details open><summary>%s</summary><ul>"):format(
        part and "</ul></details>\n" or "", escaped(of))
      part = of
    end
    id = escaped(id)
    list[#list + 1] = ('<li data-of="%s"><a href="#%s">%s</a></li>'):format(id, id,
      escaped(markdown.plain(title)))
    body[#body + 1] = ('<section id="%s">\n<h2>%s</h2>\n%s\n</section>'):format(id,
      inline(title, from), M.render(blocks, from))
  end)
  list[#list + 1] = "</ul></details>"
  return PAGE:format(orun.version, require "orun.manual.page.css", table.concat(list, "\n"),
    table.concat(body, "\n"), require "orun.manual.page.js")
end

return M
